# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations: their holds, results and failures."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Life, Simulator, VirtualClock
from ansible_collections.xen.xapi.tests.support.polling import wait_until
from ansible_collections.xen.xapi.tests.unit.simulator.client import (
    MISSING,
    Background,
    Client,
    Connect,
    Start,
    at_work,
    now,
    outlasted,
)

AT_WORK = {"status": "pending", "allowed_operations": ["cancel"], "finished": "19700101T00:00:00Z"}


def test_successful_snapshot_reports_progress_and_result(still: Simulator, root: Client) -> None:
    still.operations.lives["VM.snapshot"] = Life(duration=8, steps=4)
    task = root("Async.VM.snapshot", still.find("VM", "web-1"), "before")
    seen = []
    for _unused in range(4):
        seen.append(now(still, task, "progress"))
        assert {**root("task.get_record", task), **AT_WORK} == root("task.get_record", task)
        still.advance(2)
    assert seen == [0.0, 0.25, 0.5, 0.75]
    record = root("task.get_record", task)
    assert record["name_label"] == "Async.VM.snapshot"
    assert (record["status"], record["progress"]) == ("success", 1.0)
    assert (record["allowed_operations"], record["error_info"]) == ([], [])
    assert record["finished"] == "20270115T08:00:08Z"
    snapshot = still.find("VM", "before")
    assert record["result"] == f"<value>{snapshot}</value>"
    assert root("VM.get_snapshot_of", snapshot) == still.find("VM", "web-1")


def test_success_without_return_value_has_empty_xml_result(still: Simulator, root: Client) -> None:
    task = root("Async.VM.clean_reboot", still.find("VM", "web-1"))
    still.advance(2)
    assert now(still, task, "status", "result") == ("success", "<value></value>")


def test_failed_operation_sets_error_info_and_creates_no_object(
    still: Simulator, root: Client
) -> None:
    life = Life(duration=1, outcome="failure", error=("SR_FULL", "10", "5"))
    still.operations.lives["VDI.copy"] = life
    task = root("Async.VDI.copy", still.find("VDI", "web-1 disk 0"), MISSING)
    still.advance(1)
    record = root("task.get_record", task)
    assert (record["status"], record["progress"], record["result"]) == ("failure", 1.0, "")
    assert record["error_info"] == ["SR_FULL", "10", "5"]
    assert record["backtrace"].startswith("(((process xapi)")
    assert len(root("VDI.get_all")) == 3


POWER = [
    ("VM.start", "web-1", [False, False], "halted", "running"),
    ("VM.clean_shutdown", "db-1", [], "running", "halted"),
    ("VM.hard_shutdown", "db-1", [], "paused, suspended, running", "halted"),
    ("VM.shutdown", "db-1", [], "paused, suspended, running", "halted"),
    ("VM.checkpoint", "db-1", ["x"], "paused, suspended, running", "halted"),
    ("VM.clone", "web-1", ["x"], "halted", "running"),
    ("VM.copy", "web-1", ["x", MISSING], "halted", "running"),
    ("VM.provision", "web-1", [], "halted", "running"),
    ("VM.destroy", "web-1", [], "halted, suspended", "running"),
    ("VM.hard_reboot", "db-1", [], "paused, running", "halted"),
]


@pytest.mark.parametrize(("method", "label", "more", "allowed", "actual"), POWER)
def test_operation_in_wrong_vm_power_state_is_rejected(
    still: Simulator,
    root: Client,
    method: str,
    label: str,
    more: list[Any],
    allowed: str,
    actual: str,
) -> None:
    vm = still.find("VM", label)
    error = ["VM_BAD_POWER_STATE", vm, allowed, actual]
    task = root(f"Async.{method}", vm, *more)
    assert now(still, task, "status", "error_info") == ("failure", error)
    assert root.error(method, vm, *more) == error
    assert root("VM.get_current_operations", vm) == {}


def test_provision_requires_template_and_clears_its_flag(still: Simulator, root: Client) -> None:
    vm = still.find("VM", "db-1")
    assert root.error("VM.provision", vm) == ["PROVISION_ONLY_ALLOWED_ON_TEMPLATE"]
    still.database.write("VM", vm, "is_a_template", True)
    root("Async.VM.clone", vm, "copy")
    still.advance(60)
    copy = still.find("VM", "copy")
    assert root("VM.get_is_a_template", copy) is True
    root("Async.VM.provision", copy)
    still.advance(60)
    assert root("VM.get_is_a_template", copy) is False


def test_nonexistent_object_fails_async_task(still: Simulator, root: Client) -> None:
    task = root("Async.VM.clean_reboot", MISSING)
    assert now(still, task, "error_info") == ["HANDLE_INVALID", "VM", MISSING]
    task = root("Async.host.call_plugin", MISSING, "a", "b", {})
    assert now(still, task, "error_info") == ["HOST_OFFLINE", MISSING]


def test_disabling_host_adds_no_current_operation(still: Simulator, root: Client) -> None:
    task = root("Async.host.disable", MISSING)
    assert now(still, task, "error_info") == ["HANDLE_INVALID", "host", MISSING]
    root("Async.host.disable", still.master_ref)
    assert root("host.get_current_operations", still.master_ref) == {}


def test_insufficient_role_fails_async_task(still: Simulator, connect: Connect) -> None:
    reader = connect(still, "read-only")
    task = reader("Async.VM.clean_reboot", still.find("VM", "web-1"))
    status, error = now(still, task, "status", "error_info")
    assert (status, error[:2]) == ("failure", ["RBAC_PERMISSION_DENIED", "vm.clean_reboot"])


def test_operations_change_vm_power_state_and_residence(still: Simulator, root: Client) -> None:
    vm = still.find("VM", "db-1")

    def after(method: str, *more: Any) -> tuple[str, bool]:
        root(f"Async.VM.{method}", vm, *more)
        still.advance(60)
        record = root("VM.get_record", vm)
        return record["power_state"], record["resident_on"] == still.master_ref

    assert after("start", False, False) == ("Running", True)
    assert after("suspend") == ("Suspended", False)
    assert after("resume", False, False) == ("Running", True)
    assert after("pause") == ("Paused", True)
    assert after("unpause") == ("Running", True)
    assert after("clean_shutdown") == ("Halted", False)
    root("Async.VM.destroy", vm)
    still.advance(60)
    assert root.error("VM.get_record", vm) == ["HANDLE_INVALID", "VM", vm]


def test_snapshots_update_parent_and_children_of_vm(still: Simulator, root: Client) -> None:
    vm = still.find("VM", "web-1")

    def snapshot(label: str) -> str:
        root("Async.VM.snapshot", vm, label, [])
        still.advance(60)
        return still.find("VM", label)

    first = snapshot("first")
    assert root("VM.get_snapshots", vm) == [first]
    assert root("VM.get_snapshot_time", first) == "20270115T08:00:02Z"
    assert (root("VM.get_parent", vm), root("VM.get_children", first)) == (first, [vm])
    second = snapshot("second")
    assert root("VM.get_snapshots", vm) == [second, first]
    assert (root("VM.get_parent", vm), root("VM.get_children", first)) == (second, [second])
    root("Async.VM.destroy", second)
    still.advance(60)
    assert root("VM.get_snapshots", vm) == [first]
    assert (root("VM.get_parent", vm), root("VM.get_children", first)) == (first, [vm])


def test_resident_vms_follow_migration_and_shutdown(start: Start, connect: Connect) -> None:
    simulator = start(clock=VirtualClock(), supporters=1)
    root, hosts = connect(simulator), [host.ref for host in simulator.hosts]
    one, two = simulator.find("VM", "web-1"), simulator.find("VM", "web-2")

    def residents() -> list[list[str]]:
        return [root("host.get_resident_VMs", host) for host in hosts]

    assert residents() == [[two, one], []]
    root("Async.VM.pool_migrate", one, hosts[1], {})
    simulator.advance(60)
    assert residents() == [[two], [one]]
    root("Async.VM.clean_shutdown", one)
    simulator.advance(60)
    assert residents() == [[two], []]


def test_operations_change_vdi_sr_and_host_records(still: Simulator, root: Client) -> None:
    vdi, sr, host = still.find("VDI", "db-1 disk 0"), still.find("SR", "Local storage"), ""

    def run(method: str, *params: Any) -> str:
        task = root(f"Async.{method}", *params)
        still.advance(60)
        result: str = now(still, task, "result")
        return result

    copy = run("VDI.copy", vdi, sr).removeprefix("<value>").removesuffix("</value>")
    assert root("SR.get_VDIs", sr)[0] == copy
    run("VDI.resize", copy, 2**40)
    assert root("VDI.get_virtual_size", copy) == 2**40
    run("VDI.destroy", copy)
    assert copy not in root("SR.get_VDIs", sr)
    host = still.master_ref
    run("host.disable", host)
    assert root("host.get_enabled", host) is False
    run("host.enable", host)
    assert root("host.get_enabled", host) is True
    still.inventory.plugins["a"] = {"b": "done"}
    assert run("host.call_plugin", host, "a", "b", {}) == "<value>done</value>"
    run("SR.forget", sr)
    assert root("SR.get_all") == []


def test_running_operation_is_listed_on_its_object(still: Simulator, root: Client) -> None:
    vm = still.find("VM", "web-1")
    task = root("Async.VM.clean_reboot", vm)
    assert root("VM.get_current_operations", vm) == {task: "clean_reboot"}
    still.advance(60)
    assert root("VM.get_current_operations", vm) == {}


@pytest.mark.parametrize("outcome", ["success", "failure", "cancelled"])
def test_migration_is_listed_on_destination_host_until_it_ends(
    start: Start, connect: Connect, outcome: str
) -> None:
    simulator = start(clock=VirtualClock(), supporters=1)
    root = connect(simulator)
    simulator.operations.lives["VM.pool_migrate"] = Life(outcome=outcome)
    vm, there = simulator.find("VM", "web-1"), simulator.hosts[1].ref
    task = root("Async.VM.pool_migrate", vm, there, {})
    assert root("VM.get_current_operations", vm) == {task: "pool_migrate"}
    assert root("host.get_current_operations", there) == {task: "vm_migrate"}
    assert root("host.get_current_operations", simulator.master_ref) == {}
    simulator.advance(2)
    assert root("VM.get_current_operations", vm) == {}
    assert root("host.get_current_operations", there) == {}
    home = there if outcome == "success" else simulator.master_ref
    assert root("VM.get_resident_on", vm) == home


def test_blocking_call_has_task_while_it_runs(
    still: Simulator, root: Client, background: Background
) -> None:
    vm = still.find("VM", "web-1")
    running = background(root, "VM.snapshot", vm, "x")
    assert wait_until(lambda: at_work(still))
    (task,) = at_work(still)
    assert now(still, task, "name_label") == "VM.snapshot"
    assert root("VM.get_current_operations", vm) == {task: "snapshot"}
    assert outlasted(still, running) == still.find("VM", "x")
    assert still.record(task) is None


@pytest.mark.parametrize(
    ("life", "code"),
    [
        (Life(outcome="failure", error=("A", "b")), "A"),
        (Life(outcome="cancelled"), "TASK_CANCELLED"),
        (Life(outcome="cancelled", cancel_error=True), "TASK_CANCELLED"),
    ],
)
def test_failed_blocking_call_raises_error_and_deletes_task(
    still: Simulator, root: Client, background: Background, life: Life, code: str
) -> None:
    still.operations.lives["SR.scan"] = life
    running = background(root.error, "SR.scan", still.find("SR", "Local storage"))
    assert wait_until(lambda: at_work(still))
    (task,) = at_work(still)
    expected = {"A": ["A", "b"]}.get(code, ["TASK_CANCELLED", task])
    assert outlasted(still, running) == expected
    assert still.record(task) is None


def test_failure_has_a_backtrace_as_long_as_a_real_one(root: Client, still: Simulator) -> None:
    task = root("Async.VM.start", still.find("VM", "web-1"), False, False)
    assert root("task.get_status", task) == "failure"
    assert 1500 < len(root("task.get_backtrace", task)) < 2500
