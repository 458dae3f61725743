# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._errors import ConnectionCut
from ansible_collections.xen.xapi.plugins.module_utils._task import Task
from ansible_collections.xen.xapi.plugins.module_utils._task_set import Rules, TaskSet
from ansible_collections.xen.xapi.plugins.module_utils._wait_report import timed_out, trouble
from ansible_collections.xen.xapi.plugins.module_utils._wait_sentences import (
    closed,
    end_of,
    left_out,
    no_match,
    selected_by,
    under_way,
    unfinished,
)

UUID = "9c2ee352-3f95-0e0a-8f77-4c4e7a3f2d11"
REF = "OpaqueRef:0c5e9ed6-2d4d-7a95-13a7-ea0c8a9b6b5f"
NOW = 1_795_428_672  # 20261123T10:11:12Z
GONE = (
    "its outcome is unknown: it may have finished and been deleted by the client that started it "
    "(xe and Xen Orchestra do) or collected, or the master restarted; on_gone decides"
)
MISSING = "it may have finished and been deleted, or the master restarted since; on_missing decides"
CUT = "The connection to https://p was closed before the answer was complete."
NASTY = "one\ntwo\x1b[2J\x07\u202e"
SHOWN = r"'one\ntwo\x1b[2J\x07\u202e'"


def task(ref="a", label="Async.VM.snapshot", status="pending", progress=0.43, **fields):
    fields = {"uuid": f"uuid-{ref}", "error_info": [], **fields}
    return Task(ref, {"name_label": label, "status": status, "progress": progress, **fields})


def set_of(*tasks, gone=(), missing=()):
    found = TaskSet()
    for one in tasks:
        found.see(one)
    for ref in gone:
        found.lose(ref)
    found.missing.update(missing)
    return found


def waiter(timeout=600.0, *, last=None, troubles=0, is_out_of_touch=False):
    return SimpleNamespace(
        timeout=timeout, last_trouble=last, troubles=troubles, is_out_of_touch=is_out_of_touch
    )


def test_timed_out():
    tasks = set_of(
        task(uuid=UUID), task("b", "Async.VM.copy", progress=0.5), task("c", status="success")
    )
    waited = unfinished(tasks, Rules(), unmatched="")
    assert timed_out(waiter(), f"waiting for {waited}", was_reached=True) == (
        f"Timed out after 600 s waiting for 2 of 3 tasks: 'Async.VM.snapshot' (uuid {UUID}, "
        "pending, 43 %), 'Async.VM.copy' (uuid uuid-b, pending, 50 %)."
    )


@pytest.mark.parametrize(
    ("timeout", "how_long"),
    [(600.0, "600 s"), (0.5, "0.5 s"), (0.0, "one look, since timeout is 0,")],
)
def test_how_long_was_waited(timeout, how_long):
    text = timed_out(waiter(timeout), "waiting for it.", was_reached=True)
    assert text == f"Timed out after {how_long} waiting for it."


def test_timed_out_without_ever_an_answer():
    text = timed_out(waiter(last=ConnectionCut("https://p"), troubles=3), "", was_reached=False)
    assert text == f"Timed out after 600 s without an answer to go by. {CUT}"


@pytest.mark.parametrize("is_out_of_touch", [True, False])
def test_timed_out_while_nobody_answered(is_out_of_touch):
    since = waiter(last=ConnectionCut("https://p"), is_out_of_touch=is_out_of_touch)
    old = f" This is as last seen, since the pool did not answer. {CUT}"
    assert timed_out(since, "waiting for it.", was_reached=True) == (
        "Timed out after 600 s waiting for it." + old * is_out_of_touch
    )


@pytest.mark.parametrize(("times", "words"), [(1, "once"), (2, "2 times")])
def test_trouble_is_counted_in_a_warning(times, words):
    assert trouble(waiter(last=ConnectionCut("https://p"), troubles=times)) == [
        f"The way to the pool failed {words} while waiting, the last time like this: {CUT}"
    ]
    assert trouble(waiter()) == []


def test_a_bad_end():
    bad = task(
        label="Async.VM.start", status="failure", error_info=["SR_BACKEND_FAILURE_46", "", "full"]
    )
    text = end_of(bad, {"success"})
    assert text.startswith(
        "Task 'Async.VM.start' (uuid uuid-a) ended as failure: SR_BACKEND_FAILURE_46 ['', 'full'] ("
    )
    assert text.endswith("); expected success")
    assert closed(set_of(bad), Rules(), unmatched="") == f"{text}."


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        (["success"], "success"),
        (["success", "cancelled"], "cancelled or success"),
        (["success", "failure"], "failure or success"),
    ],
)
def test_what_was_expected(expect, words):
    assert end_of(task(status="cancelled"), frozenset(expect)) == (
        f"Task 'Async.VM.snapshot' (uuid uuid-a) ended as cancelled; expected {words}"
    )


@pytest.mark.parametrize(("progress", "state"), [(0.47, "pending (47 %)"), (None, "pending")])
def test_one_that_disappeared(progress, state):
    tasks = set_of(task(uuid=UUID, progress=progress), gone=["a"])
    assert closed(tasks, Rules(), unmatched="") == (
        f"Task 'Async.VM.snapshot' (uuid {UUID}) disappeared while {state}; {GONE}."
    )


@pytest.mark.parametrize(("name", "identity"), [(REF, f"ref {REF}"), (UUID, f"uuid {UUID}")])
def test_one_that_is_missing(name, identity):
    tasks = set_of(missing=[name])
    assert closed(tasks, Rules(), unmatched="") == f"No task has the {identity}; {MISSING}."
    assert left_out(tasks) == f"{identity} was not found"
    assert unfinished(tasks, Rules(on_missing="wait"), unmatched="") == (
        f"1 of 1 task: {identity} (not found yet)."
    )


def test_all_that_went_wrong_is_told():
    tasks = set_of(task("a", status="cancelled"), task("b"), gone=["b"], missing=[UUID])
    assert closed(tasks, Rules(), unmatched="") == (
        "Task 'Async.VM.snapshot' (uuid uuid-a) ended as cancelled; expected success. "
        f"Task 'Async.VM.snapshot' (uuid uuid-b) disappeared while pending (43 %); {GONE}. "
        f"No task has the uuid {UUID}; {MISSING}."
    )


def test_none_is_left_that_could_open_the_gate():
    tasks = set_of(task(status="failure"))
    rules = Rules(wait_for="any", expect=frozenset({"success", "cancelled"}))
    assert closed(tasks, rules, unmatched="") == (
        "No task is left that could end as cancelled or success. "
        "Task 'Async.VM.snapshot' (uuid uuid-a) ended as failure; expected cancelled or success."
    )
    assert closed(set_of(), rules, unmatched="") == (
        "uuid and ref are empty, so no task is left that could open the gate."
    )


@pytest.mark.parametrize("option", ["on_gone", "on_missing"])
def test_any_tells_of_all_that_left_the_set(option):
    """Whatever on_gone and on_missing say."""
    tasks = set_of(task(), gone=["a"], missing=[UUID])
    text = closed(tasks, Rules(wait_for="any", **{option: "ok"}), unmatched="")
    assert "disappeared while pending" in text
    assert f"No task has the uuid {UUID}" in text


def test_a_selection_without_a_match():
    tasks = set_of()
    tasks.is_unmatched = True
    assert closed(tasks, Rules(), unmatched="No task matches x.") == "No task matches x."
    assert unfinished(tasks, Rules(), unmatched="No task matches x.") == (
        "a task to match: No task matches x."
    )


def ended(status="success", finished="20261123T09:59:00Z", created="20261123T09:00:00Z"):
    return task(status=status, finished=finished, created=created)


@pytest.mark.parametrize(
    ("finished", "excluded", "text"),
    [
        (
            [ended()],
            0,
            "1 finished one does (success, 12 min ago): give created_after to count it.",
        ),
        (
            [
                ended("failure", "20261123T08:00:00Z"),
                ended(),
                ended("failure", "20261122T10:00:00Z"),
            ],
            0,
            (
                "3 finished ones do, the latest (success, 12 min ago): "
                "give created_after to count them."
            ),
        ),
        (
            # The server writes 1970 where it sets no time.
            [ended(finished="19700101T00:00:00Z")],
            0,
            "1 finished one does (success, 1 h ago): give created_after to count it.",
        ),
        (
            [ended()],
            1,
            "1 running one is left out by exclude.",
        ),
        ([], 2, "2 running ones are left out by exclude."),
    ],
)
def test_no_match(finished, excluded, text):
    found = no_match("name_label='x'", finished, excluded=excluded, now=NOW)
    assert found == f"No running task matches name_label='x'; {text}"


def test_no_match_at_all():
    assert no_match("min_age='1h'", [], excluded=0, now=NOW) == "No task matches min_age='1h'."


def test_no_match_without_the_servers_time():
    assert "1 finished one does (success): give" in no_match("x", [ended()], excluded=0, now=None)


def test_what_selects_is_shown_as_written():
    params = {"min_age": "1h", "name_regex": NASTY, "name_label": None, "timeout": "5"}
    assert selected_by(params) == f"name_regex={SHOWN}, min_age='1h'"


@pytest.mark.parametrize(("count", "more"), [(5, ""), (6, " and 1 more"), (1000, " and 995 more")])
def test_no_more_than_five_are_named(count, more):
    tasks = set_of(*(task(str(number)) for number in range(count)))
    named = ", ".join(under_way(task(str(number))) for number in range(5))
    assert unfinished(tasks, Rules(), unmatched="") == f"{count} of {count} tasks: {named}{more}."
    for number in range(count):
        tasks.lose(str(number))
    parts = ", ".join(
        f"'Async.VM.snapshot' (uuid uuid-{number}) disappeared" for number in range(5)
    )
    assert left_out(tasks) == parts + more
    told = closed(tasks, Rules(), unmatched="")
    assert told.count("disappeared") == 5
    assert told.endswith(f"on_gone decides.{more and ' And' + more[4:] + '.'}")


def test_what_went_wrong_already_is_told_besides():
    tasks = set_of(task("a"), task("b", status="failure"))
    text = unfinished(tasks, Rules(fail_fast=False), unmatched="")
    assert text == (
        "1 of 2 tasks: 'Async.VM.snapshot' (uuid uuid-a, pending, 43 %). Besides: "
        "Task 'Async.VM.snapshot' (uuid uuid-b) ended as failure; expected success."
    )


def test_any_of_several():
    tasks = set_of(task("a"), task("b", status="failure"))
    text = unfinished(tasks, Rules(wait_for="any"), unmatched="")
    assert text.startswith("any of 2 tasks: 'Async.VM.snapshot' (uuid uuid-a, pending, 43 %).")


def test_a_wait_for_the_last_listing_says_so():
    """Only the listing before the gate opens has not come through."""
    found = set_of(task("a", status="success"), task("b", status="success"))
    assert unfinished(found, Rules(), unmatched="") == (
        "a last listing, which has to show that no further task matches: "
        "none of those that are known (2) is still running."
    )


def test_a_wait_for_the_last_listing_does_not_praise_what_is_gone():
    """With on_gone: ok it is left out; how it ended is unknown all the same."""
    found = set_of(task("a", status="success"), task("b"), gone=["b"])
    text = unfinished(found, Rules(on_gone="ok"), unmatched="")
    assert "as they should" not in text


@pytest.mark.parametrize("status", ["pending", "failure", "gone"])
def test_a_label_cannot_write_on_the_terminal(status):
    is_gone = status == "gone"
    nasty = task(label=NASTY, status="pending" if is_gone else status)
    tasks = set_of(nasty, task("b", "other"), gone=["a"] * is_gone)
    texts = [unfinished(tasks, Rules(), unmatched="")]
    texts += [closed(tasks, Rules(), unmatched="")] * (status != "pending")
    texts += [left_out(tasks)] * is_gone
    for text in texts:
        assert f"{SHOWN} (uuid uuid-a" in text
        assert text.isprintable()
