# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._wait.messages import (
    describe_end,
    failure_message,
    format_dropped,
    format_progress,
    format_selection,
    format_task,
    no_match_message,
    pending_message,
    quiet_message,
    unknown_message,
)
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import (
    CompletionRules,
    TaskSet,
)

UUID = "9c2ee352-3f95-0e0a-8f77-4c4e7a3f2d11"
REF = "OpaqueRef:0c5e9ed6-2d4d-7a95-13a7-ea0c8a9b6b5f"
NOW = 1_795_428_672  # 20261123T10:11:12Z
GONE = (
    "so its outcome is unknown: its client may have deleted it after it ended, as xe and Xen "
    "Orchestra do, or the server deleted it; see on_gone"
)
MISSING = "it may have finished and been deleted, or the master restarted since; see on_missing"
NASTY = "one\ntwo\x1b[2J\x07\u202e"
SHOWN = r"'one\ntwo\x1b[2J\x07\u202e'"


def task(ref="a", label="Async.VM.snapshot", status="pending", progress=0.43, **fields):
    fields = {"uuid": f"uuid-{ref}", "error_info": [], **fields}
    return Task(ref, {"name_label": label, "status": status, "progress": progress, **fields})


def set_of(*tasks, gone=(), missing=()):
    found = TaskSet()
    for one in tasks:
        found.update(one)
    for ref in gone:
        found.mark_gone(ref)
    found.missing.update(missing)
    return found


@pytest.mark.parametrize(
    ("label", "shown"),
    [("copy", "'copy'"), ("{{ lookup('pipe', 'id') }}", "\"{{ lookup('pipe', 'id') }}\"")],
)
def test_task_label_is_quoted(label, shown):
    assert format_task(task(label=label)) == f"{shown} (uuid uuid-a)"


def test_pending_message_lists_running_tasks():
    tasks = set_of(
        task(uuid=UUID), task("b", "Async.VM.copy", progress=0.5), task("c", status="success")
    )
    assert pending_message(tasks, CompletionRules(), unmatched="") == (
        f"2 of 3 tasks: 'Async.VM.snapshot' (uuid {UUID}, pending, 43 %), "
        "'Async.VM.copy' (uuid uuid-b, pending, 50 %)."
    )


@pytest.mark.parametrize(
    ("on_missing", "text"),
    [
        ("ok", "1 of 1 task: 'copy' (uuid uuid-a, pending, 43 %)."),
        ("wait", "2 of 2 tasks: 'copy' (uuid uuid-a, pending, 43 %), uuid absent (not found yet)."),
    ],
)
def test_pending_message_lists_missing_tasks_only_with_on_missing_wait(on_missing, text):
    tasks = set_of(task(label="copy"), missing=["absent"])
    assert pending_message(tasks, CompletionRules(on_missing=on_missing), unmatched="") == text


@pytest.mark.parametrize(
    ("error_info", "reason", "end"),
    [
        ([], "", ""),
        (["ODD_CODE", "x"], ": ODD_CODE: x", ""),
        (["SR_BACKEND_FAILURE_46", "", "full"], ": SR_BACKEND_FAILURE_46 (The virtual", "full)"),
        (["SR_BACKEND_FAILURE_4711"], ": SR_BACKEND_FAILURE_4711 (The storage", ")"),
        (["SESSION_INVALID", "OpaqueRef:secret"], ": SESSION_INVALID (The session", ")"),
        (["VDI_READONLY", "OpaqueRef:1"], ": VDI_READONLY (The virtual disk OpaqueRef:1", ")"),
    ],
)
def test_failure_message_explains_error_code(error_info, reason, end):
    bad = task(label="copy", status="failure", error_info=error_info)
    text = describe_end(bad, {"success"})
    assert text.startswith(f"Task 'copy' (uuid uuid-a) ended as failure{reason}")
    assert text.endswith(f"{end}; expected success")
    assert "secret" not in text
    assert failure_message(set_of(bad), CompletionRules(), unmatched="") == f"{text}."


@pytest.mark.parametrize("on_gone", ["fail", "ok"])
def test_failure_message_omits_disappeared_task_with_on_gone_ok(on_gone):
    tasks = set_of(task("a"), task("b", status="failure"), gone=["a"])
    text = failure_message(tasks, CompletionRules(on_gone=on_gone), unmatched="")
    assert "(uuid uuid-b) ended as failure; expected success." in text
    assert ("disappeared while pending (43 %)" in text) is (on_gone == "fail")


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        (["success"], "success"),
        (["success", "cancelled"], "cancelled or success"),
        (["success", "failure"], "failure or success"),
    ],
)
def test_failure_message_lists_expected_statuses(expect, words):
    assert describe_end(task(status="cancelled"), frozenset(expect)) == (
        f"Task 'Async.VM.snapshot' (uuid uuid-a) ended as cancelled; expected {words}"
    )


@pytest.mark.parametrize(("progress", "state"), [(0.47, "pending (47 %)"), (None, "pending")])
def test_failure_message_for_disappeared_task(progress, state):
    tasks = set_of(task(uuid=UUID, progress=progress), gone=["a"])
    assert failure_message(tasks, CompletionRules(), unmatched="") == (
        f"Task 'Async.VM.snapshot' (uuid {UUID}) disappeared while {state}, {GONE}."
    )


@pytest.mark.parametrize(("name", "identity"), [(REF, f"ref {REF}"), (UUID, f"uuid {UUID}")])
def test_messages_for_missing_ref_or_uuid(name, identity):
    tasks = set_of(missing=[name])
    assert (
        failure_message(tasks, CompletionRules(), unmatched="")
        == f"No task has the {identity}; {MISSING}."
    )
    assert format_dropped(tasks) == f"{identity} was not found"
    assert pending_message(tasks, CompletionRules(on_missing="wait"), unmatched="") == (
        f"1 of 1 task: {identity} (not found yet)."
    )


def test_failure_message_reports_every_problem():
    tasks = set_of(task("a", status="cancelled"), task("b"), gone=["b"], missing=[UUID])
    assert failure_message(tasks, CompletionRules(), unmatched="") == (
        "Task 'Async.VM.snapshot' (uuid uuid-a) ended as cancelled; expected success. "
        f"Task 'Async.VM.snapshot' (uuid uuid-b) disappeared while pending (43 %), {GONE}. "
        f"No task has the uuid {UUID}; {MISSING}."
    )


def test_any_failure_message_if_no_task_is_left():
    tasks = set_of(task(status="failure"))
    rules = CompletionRules(wait_for="any", expect=frozenset({"success", "cancelled"}))
    assert failure_message(tasks, rules, unmatched="") == (
        "No task is left that could end as cancelled or success. "
        "Task 'Async.VM.snapshot' (uuid uuid-a) ended as failure; expected cancelled or success."
    )
    assert failure_message(set_of(), rules, unmatched="") == (
        "uuid and ref are empty, so no task can meet the condition."
    )


@pytest.mark.parametrize("option", ["on_gone", "on_missing"])
def test_any_failure_message_includes_disappeared_and_missing_tasks(option):
    """Whatever on_gone and on_missing say."""
    tasks = set_of(task(), gone=["a"], missing=[UUID])
    text = failure_message(tasks, CompletionRules(wait_for="any", **{option: "ok"}), unmatched="")
    assert "disappeared while pending" in text
    assert f"No task has the uuid {UUID}" in text


def test_messages_for_selection_without_match():
    tasks = set_of()
    tasks.is_unmatched = True
    assert (
        failure_message(tasks, CompletionRules(), unmatched="No task matches x.")
        == "No task matches x."
    )
    assert pending_message(tasks, CompletionRules(), unmatched="No task matches x.") == (
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
            "1 finished task does (success, 12 min ago); set created_after to include it.",
        ),
        (
            [
                ended("failure", "20261123T08:00:00Z"),
                ended(),
                ended("failure", "20261122T10:00:00Z"),
            ],
            0,
            (
                "3 finished tasks do, the latest (success, 12 min ago); "
                "set created_after to include them."
            ),
        ),
        (
            # The server writes 1970 where it sets no time.
            [ended(finished="19700101T00:00:00Z")],
            0,
            "1 finished task does (success, 1 h ago); set created_after to include it.",
        ),
        (
            [ended()],
            1,
            "1 running task is left out by exclude.",
        ),
        ([], 2, "2 running tasks are left out by exclude."),
    ],
)
def test_no_match_message_counts_finished_and_excluded_tasks(finished, excluded, text):
    found = no_match_message("name_label='x'", finished, excluded=excluded, now=NOW)
    assert found == f"No running task matches name_label='x'; {text}"


@pytest.mark.parametrize(
    ("age", "ago"), [(5, "5 s ago"), (130, "2 min ago"), (7300, "2 h ago"), (200000, "2 d ago")]
)
def test_no_match_message_shows_time_since_task_ended(age, ago):
    old = ended(finished="20261123T10:11:12Z")
    assert f"(success, {ago})" in no_match_message("x", [old], excluded=0, now=NOW + age)


def test_no_match_message_without_candidates():
    assert (
        no_match_message("min_age='1h'", [], excluded=0, now=NOW) == "No task matches min_age='1h'."
    )


def test_no_match_message_omits_end_time_without_server_time():
    assert "1 finished task does (success); set" in no_match_message(
        "x", [ended()], excluded=0, now=None
    )


def test_selection_options_are_shown_as_written():
    params = {"min_age": "1h", "name_regex": NASTY, "name_label": None, "timeout": "5"}
    assert format_selection(params) == f"name_regex={SHOWN}, min_age='1h'"
    vm = {"type": "VM", "uuid": None, "name_label": "web-1"}
    assert format_selection({"object": vm}) == "object={'type': 'VM', 'name_label': 'web-1'}"


@pytest.mark.parametrize(("count", "more"), [(5, ""), (6, " and 1 more"), (1000, " and 995 more")])
def test_messages_name_at_most_five_tasks(count, more):
    tasks = set_of(*(task(str(number)) for number in range(count)))
    format_task = ", ".join(format_progress(task(str(number))) for number in range(5))
    assert (
        pending_message(tasks, CompletionRules(), unmatched="")
        == f"{count} of {count} tasks: {format_task}{more}."
    )
    for number in range(count):
        tasks.mark_gone(str(number))
    parts = ", ".join(
        f"'Async.VM.snapshot' (uuid uuid-{number}) disappeared" for number in range(5)
    )
    assert format_dropped(tasks) == parts + more
    text = failure_message(tasks, CompletionRules(), unmatched="")
    assert text.count("disappeared") == 5
    assert text.endswith(f"see on_gone.{more and ' And' + more[4:] + '.'}")


def test_pending_message_includes_earlier_failures():
    tasks = set_of(task("a"), task("b", status="failure"))
    text = pending_message(tasks, CompletionRules(fail_fast=False), unmatched="")
    assert text == (
        "1 of 2 tasks: 'Async.VM.snapshot' (uuid uuid-a, pending, 43 %). In addition: "
        "Task 'Async.VM.snapshot' (uuid uuid-b) ended as failure; expected success."
    )


def test_pending_message_for_any_of_several_tasks():
    tasks = set_of(task("a"), task("b", status="failure"))
    text = pending_message(tasks, CompletionRules(wait_for="any"), unmatched="")
    assert text.startswith("any of 2 tasks: 'Async.VM.snapshot' (uuid uuid-a, pending, 43 %).")


def test_pending_message_for_final_listing():
    """Only the final listing is missing."""
    found = set_of(task("a", status="success"), task("b", status="success"))
    assert pending_message(found, CompletionRules(), unmatched="") == (
        "a final listing to show that no other task matches; "
        "none of the known tasks (2) is still running."
    )


def test_final_listing_message_does_not_claim_disappeared_task_succeeded():
    """With on_gone: ok it is left out; how it ended is unknown all the same."""
    found = set_of(task("a", status="success"), task("b"), gone=["b"])
    text = pending_message(found, CompletionRules(on_gone="ok"), unmatched="")
    assert "as they should" not in text


@pytest.mark.parametrize("status", ["pending", "failure", "gone"])
def test_messages_escape_task_label(status):
    is_gone = status == "gone"
    nasty = task(label=NASTY, status="pending" if is_gone else status)
    tasks = set_of(nasty, task("b", "other"), gone=["a"] * is_gone)
    texts = [pending_message(tasks, CompletionRules(), unmatched="")]
    texts += [failure_message(tasks, CompletionRules(), unmatched="")] * (status != "pending")
    texts += [format_dropped(tasks)] * is_gone
    for text in texts:
        assert f"{SHOWN} (uuid uuid-a" in text
        assert text.isprintable()


def test_failure_message_shows_error_parameter_once():
    bad = task(status="failure", error_info=["INTERNAL_ERROR", "the reason"])
    assert describe_end(bad, {"success"}).count("the reason") == 1


LONG = "x\x1b" * 150_000
HOSTILE = {
    "label": LONG,
    "uuid": LONG,
    "status": LONG,
    "error_info": [LONG, LONG, LONG],
}


def test_messages_with_long_values_are_bounded_and_printable():
    tasks = set_of(*(task(str(place), **HOSTILE) for place in range(100)), missing=[LONG] * 9)
    texts = [pending_message(tasks, CompletionRules(on_missing="wait"), unmatched="")]
    for place in range(100):
        tasks.mark_gone(str(place))
    texts += [failure_message(tasks, CompletionRules(), unmatched=""), format_dropped(tasks)]
    texts += [describe_end(task(**{**HOSTILE, "status": "failure"}), {"success"})]
    texts += [unknown_message(one, "it is") for one in (LONG, task(**HOSTILE))]
    texts += [quiet_message(1.0, 2.0, [task(**HOSTILE)], 2)]
    for text in texts:
        assert len(text) <= 2000
        assert text.isprintable()
    assert texts[0].startswith("101 of 101 tasks: 'x\\x1bx")
    assert " and 99 more" in texts[0]


def test_selection_options_are_truncated():
    params = {"name_regex": LONG, "other_config": {"key": LONG}, "min_age": "1h", "uuid": LONG}
    text = format_selection(params)
    assert text.startswith(r"name_regex='x\x1bx")
    assert "…, min_age='1h', other_config={'key': 'x" in text
    assert len(text) <= 1000
    assert text.isprintable()
