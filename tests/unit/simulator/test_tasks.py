# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task class: a new record, its setters, and how it is found, marked and destroyed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.unit.simulator.client import MISSING, NULL, Client, Connect


def test_new_task_has_default_field_values(root: Client, still: Simulator) -> None:
    task = root("task.create", "a label", "a description")
    record = root("task.get_record", task)
    assert record["uuid"] not in ("", task)
    assert {**record, "uuid": ""} == {
        "uuid": "",
        "name_label": "a label",
        "name_description": "a description",
        "allowed_operations": [],
        "current_operations": {},
        "created": "20270115T08:00:00Z",
        "finished": "19700101T00:00:00Z",
        "status": "pending",
        "resident_on": still.master_ref,
        "progress": 0.0,
        "type": "<none/>",
        "result": "",
        "error_info": [],
        "other_config": {},
        "subtask_of": NULL,
        "subtasks": [],
        "backtrace": "()",
    }
    for field, value in record.items():
        assert root(f"task.get_{field}", task) == value


@pytest.mark.parametrize(
    "field", ["session", "forwarded", "forwarded_to", "externalpid", "stunnelpid", "snapshot"]
)
def test_internal_fields_have_no_getter(client: Client, field: str) -> None:
    assert client.error(f"task.get_{field}", MISSING)[0] == "MESSAGE_METHOD_UNKNOWN"


@pytest.mark.parametrize("message", ["set_name_label", "set_resident_on", "get_record_internal"])
def test_unsupported_messages_are_unknown_methods(client: Client, message: str) -> None:
    assert client.error(f"task.{message}", MISSING, "x")[0] == "MESSAGE_METHOD_UNKNOWN"


def test_setter_changes_only_its_field(client: Client) -> None:
    task = client.task()
    before = client("task.get_record", task)
    values = {
        "status": "failure",
        "progress": 0.25,
        "result": "<value>x</value>",
        "error_info": ["CODE", "a"],
        "other_config": {"a": "b"},
    }
    for field, value in values.items():
        assert client(f"task.set_{field}", task, value) == ""
    assert client("task.get_record", task) == {**before, **values}


def test_set_status_is_not_restricted_by_current_status(client: Client) -> None:
    task = client.task()
    for status in ("success", "pending", "cancelling", "cancelled", "failure"):
        client("task.set_status", task, status)
        assert client("task.get_status", task) == status


def test_other_config_add_rejects_duplicate_key(client: Client) -> None:
    task = client.task()
    client("task.add_to_other_config", task, "k", "v")
    again = client.error("task.add_to_other_config", task, "k", "v")
    assert again == ["MAP_DUPLICATE_KEY", "task", "other_config", task, "k"]
    client("task.remove_from_other_config", task, "k")
    client("task.remove_from_other_config", task, "k")
    assert client("task.get_other_config", task) == {}


def test_tasks_are_found_by_uuid_and_name_label(client: Client) -> None:
    one, two = client.task("same"), client.task("same")
    assert client("task.get_by_uuid", client("task.get_uuid", one)) == one
    assert client("task.get_by_name_label", "same") == sorted([one, two], reverse=True)
    assert client("task.get_by_name_label", "Same") == []
    assert client.error("task.get_by_uuid", "") == ["UUID_INVALID", "task", ""]


def test_uuid_of_other_class_is_rejected(client: Client, simulator: Simulator) -> None:
    found = client.error("task.get_by_uuid", simulator.pool_uuid)
    assert found == ["UUID_INVALID", "task", simulator.pool_uuid]


def test_get_all_is_sorted_by_descending_reference(client: Client) -> None:
    tasks = [client.task() for _unused in range(8)]
    assert client("task.get_all") == sorted(tasks, reverse=True)
    assert sorted(client("task.get_all_records")) == sorted(tasks)


@pytest.mark.parametrize("ref", [NULL, MISSING, ""])
def test_calls_on_nonexistent_task_are_handle_invalid(client: Client, ref: str) -> None:
    gone = ["HANDLE_INVALID", "task", ref]
    for message in ("get_record", "get_status", "cancel", "destroy"):
        assert client.error(f"task.{message}", ref) == gone
    assert client.error("task.set_status", ref, "success") == gone
    assert client.error("task.add_to_other_config", ref, "", "b") == gone
    assert client.error("task.remove_from_other_config", ref, "a") == gone


@pytest.mark.parametrize("status", ["success", "failure", "cancelled"])
def test_destroy_deletes_finished_task_immediately(client: Client, status: str) -> None:
    task = client.task()
    client("task.set_status", task, status)
    assert client("task.destroy", task) == ""
    assert client.error("task.destroy", task) == ["HANDLE_INVALID", "task", task]


@pytest.mark.parametrize("status", ["pending", "cancelling"])
def test_destroy_only_marks_unfinished_task(client: Client, status: str) -> None:
    task = client.task()
    client("task.set_status", task, status)
    assert client("task.destroy", task) == ""
    assert client("task.get_current_operations", task) == {"task": "destroy"}
    again = client.error("task.destroy", task)
    assert again == ["MAP_DUPLICATE_KEY", "task", "current_operations", task, "task"]


def test_cancel_replaces_destroy_mark(client: Client) -> None:
    task = client.task()
    client("task.destroy", task)
    client("task.cancel", task)
    ((key, operation),) = client("task.get_current_operations", task).items()
    assert operation == "cancel"
    assert key.startswith("DummyRef:|")
    assert key.endswith("|task.cancel")


@pytest.mark.parametrize("status", ["pending", "success", "failure", "cancelled"])
def test_cancel_is_accepted_and_leaves_status_unchanged(client: Client, status: str) -> None:
    task = client.task()
    client("task.set_status", task, status)
    assert client("task.cancel", task) == ""
    first = client("task.get_current_operations", task)
    assert client("task.cancel", task) == ""
    assert client("task.get_current_operations", task).keys() != first.keys()
    assert client("task.get_status", task) == status


@pytest.mark.parametrize(
    "message", ["create", "destroy", "set_status", "set_progress", "get_record", "get_all"]
)
def test_methods_without_async_form_are_rejected(client: Client, message: str) -> None:
    given: dict[str, list[Any]] = {
        "create": ["a", "b"],
        "set_status": [MISSING, "success"],
        "get_all": [],
    }
    given["set_progress"] = [MISSING, 1]
    found = client.error(f"Async.task.{message}", *given.get(message, [MISSING]))
    assert found == ["Fault", f"No async mode for this operation (rpc: task.{message})"]


def test_async_cancel_returns_dummy_reference(client: Client) -> None:
    task = client.task()
    made = client("Async.task.cancel", task)
    assert made.startswith("DummyRef:|")
    assert made.endswith("|Async.task.cancel")
    assert client("task.get_current_operations", task) == {made: "cancel"}
    assert client.error("task.get_record", made) == ["HANDLE_INVALID", "task", made]
    assert client("Async.task.cancel", MISSING).startswith("DummyRef:|")


def test_read_only_role_can_read_tasks_of_others(
    client: Client, simulator: Simulator, connect: Connect
) -> None:
    task, reader = client.task(), connect(simulator, "read-only")
    assert reader("task.get_all") == [task]
    assert reader("task.get_all_records") == {task: client("task.get_record", task)}
