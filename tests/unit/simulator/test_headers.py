# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Headers that bind a call to a task: task-id, subtask-of and x-http-other-config."""

from __future__ import annotations

from ansible_collections.xen.xapi.tests.simulator import Life, Simulator
from ansible_collections.xen.xapi.tests.support.polling import wait_until
from ansible_collections.xen.xapi.tests.unit.simulator.client import (
    MISSING,
    NULL,
    Background,
    Client,
    Connect,
    outlasted,
)


def test_task_created_with_task_id_header_is_subtask(root: Client, still: Simulator) -> None:
    parent = root.task()
    children = [root("task.create", "x", "", headers={"Task-ID": parent}) for _unused in range(3)]
    for child in children:
        assert root("task.get_subtask_of", child) == parent
    assert root("task.get_subtasks", parent) == children[::-1]
    still.destroy_task(children[1])
    assert root("task.get_subtasks", parent) == [children[2], children[0]]
    still.destroy_task(parent)
    assert root("task.get_subtask_of", children[0]) == parent


def test_create_ignores_subtask_of_header(client: Client) -> None:
    child = client("task.create", "x", "", headers={"subtask-of": client.task()})
    assert client("task.get_subtask_of", child) == NULL


def test_operation_with_subtask_of_header_is_subtask(root: Client, still: Simulator) -> None:
    parent, vm = root.task(), still.find("VM", "web-1")
    child = root("Async.VM.snapshot", vm, "x", headers={"subtask-of": parent})
    assert root("task.get_subtask_of", child) == parent
    assert root("task.get_subtasks", parent) == [child]


def test_subtask_of_header_accepts_nonexistent_task(root: Client, still: Simulator) -> None:
    vm = still.find("VM", "web-1")
    for sent, kept in ((MISSING, MISSING), ("x", "x"), ("DummyRef:|u|n", NULL)):
        child = root("Async.VM.snapshot", vm, "x", headers={"subtask-of": sent})
        assert root("task.get_subtask_of", child) == kept


def test_empty_task_id_names_no_task(root: Client) -> None:
    assert root.error("VM.get_all", headers={"task-id": ""}) == ["HANDLE_INVALID", "task", ""]


def test_operation_runs_under_task_id_and_leaves_task_pending(
    root: Client, still: Simulator
) -> None:
    task, vm = root.task("mine"), still.find("VM", "web-1")
    assert root("Async.VM.snapshot", vm, "x", headers={"task-id": task}) == task
    assert root("task.get_all") == [task]
    assert root("VM.get_current_operations", vm) == {task: "snapshot"}
    assert root("task.get_allowed_operations", task) == ["cancel"]
    still.advance(60)
    assert still.find("VM", "x")
    assert root("VM.get_current_operations", vm) == {}
    record = root("task.get_record", task)
    assert (record["name_label"], record["status"], record["result"]) == ("mine", "pending", "")
    assert record["finished"] == "19700101T00:00:00Z"


def test_failed_operation_sets_only_backtrace_of_task_id_task(
    root: Client, still: Simulator
) -> None:
    still.operations.lives["VM.snapshot"] = Life(outcome="failure")
    task, vm = root.task(), still.find("VM", "web-1")
    root("Async.VM.snapshot", vm, "x", headers={"task-id": task})
    still.advance(60)
    record = root("task.get_record", task)
    assert (record["status"], record["error_info"]) == ("pending", [])
    assert record["backtrace"] != "()"
    wrong = root("Async.VM.start", vm, False, False, headers={"task-id": task})
    assert root("task.get_status", wrong) == "pending"


def test_blocking_call_runs_under_task_id_and_leaves_task_pending(
    root: Client, still: Simulator, background: Background
) -> None:
    task, vm = root.task(), still.find("VM", "web-1")
    running = background(root, "VM.snapshot", vm, "x", headers={"task-id": task})
    assert wait_until(lambda: root("VM.get_current_operations", vm) == {task: "snapshot"})
    assert outlasted(still, running) == still.find("VM", "x")
    assert root("task.get_status", task) == "pending"


def test_cancel_operation_is_keyed_by_task_id(root: Client) -> None:
    task = root.task()
    assert root("task.cancel", task, headers={"task-id": task}) == ""
    assert root("task.get_current_operations", task) == {task: "cancel"}
    other = root.task()
    assert root("Async.task.cancel", other, headers={"task-id": task}) == task
    assert root("task.get_current_operations", other) == {task: "cancel"}


def test_task_id_grants_write_access_to_that_task_only(
    simulator: Simulator, client: Client, connect: Connect
) -> None:
    task, reader = client.task(), connect(simulator, "read-only")
    assert reader("task.set_progress", task, 0.5, headers={"task-id": task}) == ""
    assert reader("task.cancel", task, headers={"task-id": task}) == ""
    other = reader.error("task.cancel", client.task(), headers={"task-id": task})
    assert other[:2] == ["RBAC_PERMISSION_DENIED", "task.destroy/any"]


def test_task_id_must_name_existing_task_or_dummy(client: Client) -> None:
    gone = ["HANDLE_INVALID", "task", MISSING]
    assert client.error("task.get_all", headers={"task-id": MISSING}) == gone
    assert client.error("task.get_all", headers={"task-id": NULL}) == [*gone[:2], NULL]
    assert client("task.get_all", headers={"task-id": "DummyRef:|u|n"}) == []
    assert client.error("Async.task.destroy", "x", headers={"task-id": MISSING})[0] == "Fault"


def test_other_config_headers_apply_to_operation_but_not_create(
    root: Client, still: Simulator
) -> None:
    headers = {"X-HTTP-Other-Config-Who": "me", "x-http-other-config-a-b": "é"}
    sent = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    task = root("Async.VM.snapshot", still.find("VM", "web-1"), "x", headers=sent)
    assert root("task.get_other_config", task) == {"http:who": "me", "http:a-b": "é"}
    made = root("task.create", "x", "", headers=sent)
    assert root("task.get_other_config", made) == {}
