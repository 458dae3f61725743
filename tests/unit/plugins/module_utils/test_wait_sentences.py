# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._task import Task
from ansible_collections.xen.xapi.plugins.module_utils._task_set import Rules, TaskSet
from ansible_collections.xen.xapi.plugins.module_utils._wait_sentences import (
    closed,
    end_of,
    named,
    no_match,
    unfinished,
)


def task(number=1, **fields):
    record = {"uuid": f"uuid-{number}", "name_label": "copy", "status": "pending", "progress": 0.43}
    return Task(f"OpaqueRef:{number}", {**record, **fields})


def tasks(*seen, missing=(), gone=()):
    found = TaskSet()
    for one in seen:
        found.see(one)
    found.missing.update(missing)
    for ref in gone:
        found.lose(ref)
    return found


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("copy", "'copy'"),
        ("two\nlines", r"'two\nlines'"),
        ("\x1b[31mred", r"'\x1b[31mred'"),
        ("{{ lookup('pipe', 'id') }}", "\"{{ lookup('pipe', 'id') }}\""),
    ],
)
def test_a_label_is_other_peoples_text(label, shown):
    assert named(task(name_label=label)) == f"{shown} (uuid uuid-1)"


def test_what_is_still_waited_for():
    done = task(2, status="success")
    assert unfinished(tasks(task(), done), Rules(), unmatched="") == (
        "1 of 2 tasks: 'copy' (uuid uuid-1, pending, 43 %)."
    )


def test_a_listing_that_is_still_to_come():
    assert unfinished(tasks(task(status="success")), Rules(), unmatched="") == (
        "a last listing, which has to show that no further task matches: "
        "none of those that are known (1) is still running."
    )


def test_many_are_counted():
    text = unfinished(tasks(*(task(number) for number in range(8))), Rules(), unmatched="")
    assert text.startswith("8 of 8 tasks: 'copy' (uuid uuid-0, ")
    assert text.endswith("'copy' (uuid uuid-4, pending, 43 %) and 3 more.")


@pytest.mark.parametrize(
    ("on_missing", "text"),
    [
        ("ok", "1 of 1 task: 'copy' (uuid uuid-1, pending, 43 %)."),
        ("wait", "2 of 2 tasks: 'copy' (uuid uuid-1, pending, 43 %), uuid lost (not found yet)."),
    ],
)
def test_only_what_may_come_is_waited_for(on_missing, text):
    found = unfinished(tasks(task(), missing=["lost"]), Rules(on_missing=on_missing), unmatched="")
    assert found == text


@pytest.mark.parametrize("on_gone", ["fail", "ok"])
def test_only_what_counts_against_the_gate_is_told(on_gone):
    bad, gone = task(2, status="failure"), task(1)
    found = tasks(gone, bad, gone=[gone.ref])
    text = closed(found, Rules(on_gone=on_gone), unmatched="")
    assert "Task 'copy' (uuid uuid-2) ended as failure; expected success." in text
    assert ("disappeared while pending (43 %)" in text) is (on_gone == "fail")


@pytest.mark.parametrize(
    ("error_info", "reason"),
    [
        ([], ""),
        (["ODD_CODE", "x"], ": ODD_CODE ['x']"),
        (["SESSION_INVALID", "OpaqueRef:secret"], ": SESSION_INVALID ['(hidden)'] ("),
    ],
)
def test_why_a_task_failed(error_info, reason):
    text = end_of(task(status="failure", error_info=error_info), ["success", "cancelled"])
    assert text.startswith(f"Task 'copy' (uuid uuid-1) ended as failure{reason}")
    assert text.endswith("; expected cancelled or success")
    assert "secret" not in text


@pytest.mark.parametrize(
    ("age", "ago"), [(5, "5 s ago"), (130, "2 min ago"), (7300, "2 h ago"), (200000, "2 d ago")]
)
def test_when_an_old_one_ended(age, ago):
    old = task(status="success", created="20260101T00:00:00Z", finished="20260101T00:00:00Z")
    assert no_match("name_label='copy'", [old], excluded=0, now=1767225600 + age) == (
        f"No running task matches name_label='copy'; 1 finished one does (success, {ago}): "
        "give created_after to count it."
    )
