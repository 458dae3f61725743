# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""event.from and event.inject: the contents of an event."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.unit.simulator.client import MISSING, Client, kinds


def test_event_has_expected_fields_and_snapshot(root: Client, still: Simulator) -> None:
    task = root.task()
    answer = root.events([f"task/{task}"])
    assert sorted(answer) == ["events", "token", "valid_ref_counts"]
    assert answer["events"] == [
        {
            "id": str(still.database["task"][task].created),
            "timestamp": "0.0",
            "class": "task",
            "operation": "add",
            "ref": task,
            "snapshot": root("task.get_record", task),
        }
    ]


def test_changes_of_one_object_are_merged_into_one_event(root: Client) -> None:
    task = root.task()
    token = root.events(["task"])["token"]
    for progress in (0.1, 0.2, 0.3):
        root("task.set_progress", task, progress)
    (event,) = root.events(["task"], token)["events"]
    assert (event["operation"], event["snapshot"]["progress"]) == ("mod", 0.3)


def test_writing_same_value_sends_no_event(root: Client) -> None:
    task = root.task()
    token = root.events(["task"])["token"]
    root("task.set_progress", task, 0.0)
    root("task.remove_from_other_config", task, "nothing")
    assert root.events(["task"], token)["events"] == []


def test_writing_nan_again_sends_no_event(root: Client) -> None:
    task = root.task()
    root("task.set_progress", task, float("nan"))
    token = root.events(["task"])["token"]
    root("task.set_progress", task, float("nan"))
    assert root.events(["task"], token)["events"] == []


def test_deletion_event_has_no_snapshot(root: Client, still: Simulator) -> None:
    task = root.task()
    token = root.events(["task"])["token"]
    still.destroy_task(task)
    (event,) = root.events(["task"], token)["events"]
    assert sorted(event) == ["class", "id", "operation", "ref", "timestamp"]
    assert (event["operation"], event["ref"]) == ("del", task)


def test_batch_lists_additions_then_changes_then_deletions(root: Client, still: Simulator) -> None:
    gone, changed = root.task(), root.task()
    vm = still.find("VM", "web-1")
    token = root.events(["*"])["token"]
    still.destroy_task(gone)
    still.database.write("VM", vm, "name_description", "x")
    root("task.set_progress", changed, 0.5)
    added = sorted([root.task(), root.task()])
    assert kinds(root.events(["*"], token)) == [
        *(("add", ref) for ref in added),
        ("mod", changed),
        ("mod", vm),
        ("del", gone),
    ]


def test_injected_event_is_reported_as_modification(root: Client, still: Simulator) -> None:
    task = root.task()
    before = root.events(["task"])["token"]
    token = root("event.inject", "task", task)
    assert token >= before
    answer = root.events(["task"], token)
    assert kinds(answer) == [("mod", task)]
    assert answer["token"] > token


@pytest.mark.parametrize("name", ["TASK", "vm", "nosuch", ""])
def test_injection_requires_exact_class_name_and_existing_object(root: Client, name: str) -> None:
    task = root.task()
    assert root.error("event.inject", name, task) == ["HANDLE_INVALID", name, task]
    assert root.error("event.inject", "task", MISSING) == ["HANDLE_INVALID", "task", MISSING]
