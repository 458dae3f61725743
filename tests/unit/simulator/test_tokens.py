# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens of event.from, and the events since a token."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.unit.simulator.client import Client, kinds


def test_token_returns_only_later_changes(root: Client) -> None:
    task = root.task()
    first = root.events(["task"])
    assert kinds(first) == [("add", task)]
    nothing = root.events(["task"], first["token"])
    assert (nothing["events"], nothing["token"]) == ([], first["token"])
    root("task.set_progress", task, 0.5)
    second = root.events(["task"], first["token"])
    assert kinds(second) == [("mod", task)]
    assert second["token"] > first["token"]
    assert kinds(root.events(["task"], "")) == [("add", task)]


@pytest.mark.parametrize("token", ["", "0,0", "00000000000000000000,00000000000000000000", "-1,7"])
def test_initial_token_returns_existing_objects(root: Client, token: str) -> None:
    task = root.task()
    answer = root.events(["task"], token)
    assert kinds(answer) == [("add", task)]
    assert len(answer["token"]) == 41


@pytest.mark.parametrize("token", ["0x0,0b0", "0o0,0u0", "+0,-0", "0_0,0"])
def test_token_accepts_ocaml_integer_syntax(root: Client, token: str) -> None:
    task = root.task()
    assert kinds(root.events(["task"], token)) == [("add", task)]


@pytest.mark.parametrize(
    "token", ["x", "1", "1,", ",1", "1,2,3", " 1,2", "1.0,2", "_1,2", "99999999999999999999,0", ","]
)
def test_malformed_token_is_rejected(root: Client, token: str) -> None:
    found = root.error("event.from", ["task"], token, 0.0)
    assert found == ["EVENT_FROM_TOKEN_PARSE_FAILURE", token]


@pytest.mark.parametrize(
    ("classes", "kept"), [(["task"], 0), (["message"], 7), (["*"], 7), (["task", "message/x"], 7)]
)
def test_message_part_of_token_is_kept_only_if_subscribed(
    root: Client, classes: list[str], kept: int
) -> None:
    assert root.events(classes, "0,7")["token"].endswith(f",{kept:020}")


def test_negative_token_is_returned_zero_padded(root: Client) -> None:
    assert root.events([], "-1,0")["token"] == f"-{1:019},{0:020}"


def test_future_token_returns_no_events(root: Client) -> None:
    root.task()
    answer = root.events(["task"], "99999999,0")
    assert (answer["events"], answer["token"][:20]) == ([], "00000000000099999999")


def test_deletion_is_reported_only_if_token_includes_object(root: Client, still: Simulator) -> None:
    before = root.events(["task"])["token"]
    task = root.task()
    known = root.events(["task"])["token"]
    still.destroy_task(task)
    for token in ("", before):
        answer = root.events(["task"], token)
        assert (answer["events"], answer["token"]) == ([], root.events(["task"], token)["token"])
    assert kinds(root.events(["task"], known)) == [("del", task)]


def test_object_created_and_deleted_does_not_advance_token(root: Client, still: Simulator) -> None:
    root.task()
    before = root.events(["task"])["token"]
    still.destroy_task(root.task())
    assert root.events(["task"], before)["token"] == before


@pytest.mark.parametrize(("later", "remembered"), [(509, True), (510, False)])
def test_deletion_is_forgotten_after_510_later_ones(
    root: Client, still: Simulator, later: int, remembered: bool
) -> None:
    task = root.task()
    others = [still.add_task("x") for _unused in range(later)]
    token = root.events(["task"])["token"]
    still.destroy_task(task)
    for other in others:
        still.destroy_task(other)
    answer = root.events(["task"], token)
    assert (("del", task) in kinds(answer)) is remembered
    assert len(answer["events"]) == (510 if remembered else 257)
    assert answer["valid_ref_counts"]["task"] == 0
