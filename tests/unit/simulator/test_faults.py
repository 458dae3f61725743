# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults: which calls they hit, and how those fail."""

from __future__ import annotations

import http.client
import json

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.unit.simulator.client import Client, exchange

CUT = (ConnectionError, http.client.HTTPException)


def outcomes(client: Client, count: int) -> list[bool]:
    """Which of some calls went well."""
    found = []
    for _unused in range(count):
        answer = client.document("task.get_all", client.session)
        found.append("error" not in answer)
    return found


def test_error_is_returned_once(client: Client, simulator: Simulator) -> None:
    simulator.fail("task.get_all", error=["SOME_CODE", "a"])
    assert client.error("task.get_all") == ["SOME_CODE", "a"]
    assert client("task.get_all") == []


@pytest.mark.parametrize("late", [False, True])
def test_only_late_error_lets_call_run(client: Client, simulator: Simulator, late: bool) -> None:
    simulator.fail("task.create", error=["SOME_CODE"], late=late)
    assert client.error("task.create", "label", "") == ["SOME_CODE"]
    assert len(client("task.get_all")) == late


def test_http_fault_replaces_status_and_body(client: Client, simulator: Simulator) -> None:
    simulator.fail("task.get_all", http=(503, "<p>busy</p>"))
    answer = client.post(
        json.dumps({"method": "task.get_all", "id": 1, "params": [client.session]})
    )
    assert (answer.status, answer.body) == (503, b"<p>busy</p>")
    assert answer.headers["content-type"] == "text/html"


def test_body_fault_replaces_response_body(client: Client, simulator: Simulator) -> None:
    simulator.fail("task.get_all", body='{"result": ')
    answer = client.post(
        json.dumps({"method": "task.get_all", "id": 1, "params": [client.session]})
    )
    assert (answer.status, answer.body) == (200, b'{"result": ')
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("cut", "done"), [("before", 0), ("after", 1), ("half", 1), (True, 0)])
def test_cut_position_decides_whether_call_runs(
    client: Client, simulator: Simulator, cut: str | bool, done: int
) -> None:
    simulator.fail("task.create", cut=cut)
    with pytest.raises(CUT):
        client.task()
    assert len(client("task.get_all")) == done


@pytest.mark.parametrize(("cut", "share"), [("before", 0.0), ("after", 0.0), ("half", 0.5)])
def test_cut_position_decides_how_much_response_is_sent(
    client: Client, simulator: Simulator, cut: str, share: float
) -> None:
    body = json.dumps({"method": "task.get_all", "id": 1, "params": [client.session]})
    sent = f"POST /jsonrpc HTTP/1.1\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()
    whole = exchange(simulator.url, sent)
    simulator.fail("task.get_all", cut=cut)
    assert exchange(simulator.url, sent) == whole[: int(len(whole) * share)]


def test_delay_is_applied_in_client_time(
    client: Client, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[float] = []
    monkeypatch.setattr(simulator.clock, "pause", paused.append)
    simulator.fail("task.get_all", delay=7.0)
    assert client("task.get_all") == []
    assert paused == [7.0]


def test_delay_can_be_combined_with_error(
    client: Client, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[float] = []
    monkeypatch.setattr(simulator.clock, "pause", paused.append)
    simulator.fail("task.get_all", delay=7.0, error=["X"])
    assert client.error("task.get_all") == ["X"]
    assert paused == [7.0]


@pytest.mark.parametrize(
    ("nth", "count", "well"),
    [
        (1, 1, [False, True, True, True]),
        (2, 1, [True, False, True, True]),
        (1, 2, [False, False, True, True]),
        (2, 2, [True, False, False, True]),
        (3, None, [True, True, False, False]),
    ],
)
def test_nth_and_count_select_calls(
    client: Client, simulator: Simulator, nth: int, count: int | None, well: list[bool]
) -> None:
    simulator.fail("task.get_all", nth=nth, count=count, error=["X"])
    assert outcomes(client, 4) == well


@pytest.mark.parametrize(
    ("pattern", "hit"),
    [("task.*", True), ("*", True), ("*.get_all", True), ("task.get", False), ("vm.*", False)],
)
def test_pattern_matches_method_name(
    client: Client, simulator: Simulator, pattern: str, hit: bool
) -> None:
    simulator.fail(pattern, error=["X"])
    assert outcomes(client, 1) == [not hit]
    simulator.heal()


def test_async_prefix_is_part_of_method_name(client: Client, simulator: Simulator) -> None:
    simulator.fail("Async.*", error=["X"])
    task = client.task()
    assert client("task.cancel", task) == ""
    assert client.error("Async.task.cancel", task) == ["X"]


def test_ref_limits_fault_to_calls_on_that_object(client: Client, simulator: Simulator) -> None:
    one, two = client.task(), client.task()
    simulator.fail("task.*", ref=two, count=None, error=["X"])
    assert client("task.get_status", one) == "pending"
    assert client.error("task.get_status", two) == ["X"]
    assert client.error("task.cancel", two) == ["X"]
    simulator.heal()
    assert client("task.get_status", two) == "pending"


def test_first_matching_fault_wins_and_all_count_calls(
    client: Client, simulator: Simulator
) -> None:
    simulator.fail("task.get_all", error=["FIRST"])
    simulator.fail("task.*", nth=2, error=["SECOND"])
    assert client.error("task.get_all") == ["FIRST"]
    assert client.error("task.get_all") == ["SECOND"]


def test_login_error_can_be_injected(simulator: Simulator) -> None:
    simulator.fail("session.login_with_password", error=["X"])
    answer = Client(simulator.url).document("session.login_with_password", "root", "xapi-secret")
    assert answer["error"]["message"] == "X"


def test_injected_error_is_returned_in_xml(client: Client, simulator: Simulator) -> None:
    simulator.fail("task.get_all", error=["X", "y"])
    call = "<methodCall><methodName>task.get_all</methodName><params><param><value>"
    answer = client.post(f"{call}{client.session}</value></param></params></methodCall>", "/")
    assert b"<data><value>X</value><value>y</value></data>" in answer.body
