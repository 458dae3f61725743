# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts in maintenance: disabled, evacuated, restarted, shut down."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator, VirtualClock
from ansible_collections.xen.xapi.tests.unit.simulator.client import (
    MISSING,
    Client,
    Connect,
    Start,
    now,
)

DIVIDED = {"startup": 10.0, "away": 60.0, "leaves_after": 1.0}


@pytest.fixture
def pair(start: Start) -> Simulator:
    """Two hosts; the VMs run on the first one, which is the master."""
    return start(clock=VirtualClock(), supporters=1)


@pytest.fixture
def admin(pair: Simulator, connect: Connect) -> Client:
    return connect(pair)


def run(simulator: Simulator, client: Client, method: str, *params: Any) -> list[str]:
    """Return the error of an asynchronous call, which is empty after a success."""
    task = client(f"Async.{method}", *params)
    simulator.advance(60)
    error: list[str] = now(simulator, task, "error_info")
    return error


def test_evacuation_moves_all_vms_to_the_other_host(pair: Simulator, admin: Client) -> None:
    first, second = (host.ref for host in pair.hosts)
    vms = set(admin("host.get_resident_VMs", first))
    assert len(vms) == 2
    assert admin("host.get_vms_which_prevent_evacuation", first) == {}
    admin("host.assert_can_evacuate", first)
    assert run(pair, admin, "host.evacuate", first) == []
    assert admin("host.get_resident_VMs", first) == []
    assert set(admin("host.get_resident_VMs", second)) == vms


def test_evacuation_without_another_host_names_each_vm(still: Simulator, root: Client) -> None:
    host = still.master_ref
    vms = root("host.get_resident_VMs", host)
    found = root("host.get_vms_which_prevent_evacuation", host)
    assert found == {vm: ["NO_HOSTS_AVAILABLE"] for vm in vms}
    task = root("Async.host.evacuate", host)
    assert now(still, task, "status", "error_info") == ("failure", ["NO_HOSTS_AVAILABLE"])
    error = root.error("host.assert_can_evacuate", host)
    assert error == ["CANNOT_EVACUATE_HOST", "NO_HOSTS_AVAILABLE|NO_HOSTS_AVAILABLE"]


def test_disabled_host_receives_no_vm(pair: Simulator, admin: Client) -> None:
    first, second = (host.ref for host in pair.hosts)
    assert run(pair, admin, "host.disable", second) == []
    assert len(admin("host.get_vms_which_prevent_evacuation", first)) == 2
    vm = pair.find("VM", "web-1")
    assert run(pair, admin, "VM.pool_migrate", vm, second, {}) == ["HOST_DISABLED", second]


def test_vm_with_local_disk_or_blocked_migration_prevents_evacuation(
    pair: Simulator, admin: Client
) -> None:
    one, two = pair.find("VM", "web-1"), pair.find("VM", "web-2")
    storage, disk = pair.find("SR", "Local storage"), pair.find("VDI", "web-1 disk 0")
    pair.inventory.add("VBD", VM=one, VDI=disk, userdevice="0")
    admin("VM.add_to_blocked_operations", two, "pool_migrate", "pinned")
    assert admin("host.get_vms_which_prevent_evacuation", pair.master_ref) == {
        one: ["VM_REQUIRES_SR", one, storage],
        two: ["OPERATION_BLOCKED", two, "pinned"],
    }


def test_vm_larger_than_free_memory_prevents_evacuation(pair: Simulator, admin: Client) -> None:
    first, second = (host.ref for host in pair.hosts)
    metrics = pair.database.read("host", second)["metrics"]
    pair.database.write("host_metrics", metrics, "memory_total", 3 * 2**29)
    errors = admin("host.get_vms_which_prevent_evacuation", first).values()
    assert list(errors) == [["HOST_NOT_ENOUGH_FREE_MEMORY", str(2**30), str(2**29)]]


@pytest.mark.parametrize("method", ["host.reboot", "host.shutdown"])
def test_enabled_or_occupied_host_does_not_stop(
    pair: Simulator, admin: Client, method: str
) -> None:
    host = pair.master_ref
    assert run(pair, admin, method, host) == ["HOST_NOT_DISABLED"]
    run(pair, admin, "host.disable", host)
    error = run(pair, admin, method, host)
    assert error[:3] == ["HOST_IN_USE", host, "VM"]
    assert run(pair, admin, method, MISSING) == ["HANDLE_INVALID", "host", MISSING]


def test_supporter_restarts_and_enables_itself(pair: Simulator, admin: Client) -> None:
    host = pair.hosts[1].ref
    pair.restarts.configure(failed_rounds=1, **DIVIDED)
    run(pair, admin, "host.disable", host)
    before = admin("host.get_other_config", host)
    carried = pair.add_task("carried", resident_on=host)
    admin("Async.host.reboot", host)
    pair.advance(4)
    metrics = admin("host.get_metrics", host)
    assert admin("host_metrics.get_live", metrics) is False
    assert admin.error("host.get_server_localtime", host) == ["HOST_OFFLINE", host]
    assert pair.record(carried) is not None
    pair.advance(60)
    assert admin("host_metrics.get_live", metrics) is True
    assert (admin("host.get_enabled", host), pair.record(carried)) == (False, None)
    pair.advance(10)
    assert admin("host.get_enabled", host) is False
    pair.advance(10)
    assert admin("host.get_enabled", host) is True
    after = admin("host.get_other_config", host)
    assert float(after["boot_time"]) < float(after["agent_start_time"])
    assert float(before["agent_start_time"]) < float(after["boot_time"])


def test_host_disabled_for_good_stays_disabled_after_restart(
    pair: Simulator, admin: Client
) -> None:
    host = pair.hosts[1].ref
    run(pair, admin, "host.disable", host, False)
    admin("Async.host.reboot", host)
    pair.advance(120)
    assert admin("host_metrics.get_live", admin("host.get_metrics", host)) is True
    assert admin("host.get_enabled", host) is False
    run(pair, admin, "host.enable", host)
    assert admin("host.get_enabled", host) is True


def test_disabled_host_stays_disabled_when_only_xapi_restarts(
    pair: Simulator, admin: Client
) -> None:
    host = pair.hosts[1].ref
    run(pair, admin, "host.disable", host)
    pair.restart_supporter(1)
    assert admin("host.get_enabled", host) is False


def test_master_restarts_without_tasks_and_sessions(pair: Simulator, connect: Connect) -> None:
    admin, host = connect(pair), pair.master_ref
    run(pair, admin, "host.disable", host)
    run(pair, admin, "host.evacuate", host)
    pair.restarts.configure(**DIVIDED)
    admin("Async.host.reboot", host)
    pair.advance(4)
    with pytest.raises(ConnectionError):
        admin("pool.get_all")
    pair.advance(60)
    assert admin.error("pool.get_all") == ["HOST_STILL_BOOTING"]
    pair.advance(10)
    assert admin.error("pool.get_all")[0] == "SESSION_INVALID"
    again = connect(pair)
    assert again("task.get_all") == []
    assert again("host.get_enabled", host) is True


def test_host_that_was_shut_down_does_not_return(pair: Simulator, admin: Client) -> None:
    host = pair.hosts[1].ref
    run(pair, admin, "host.disable", host)
    run(pair, admin, "host.shutdown", host)
    pair.advance(3600)
    assert admin("host_metrics.get_live", admin("host.get_metrics", host)) is False
    pair.bring_up(1)
    assert admin("host_metrics.get_live", admin("host.get_metrics", host)) is True


def test_new_master_takes_over_soon_after_the_answer(pair: Simulator, connect: Connect) -> None:
    admin, second = connect(pair), pair.hosts[1].ref
    admin("pool.designate_new_master", second)
    pair.advance(2)
    assert pair.master_ref == second
    assert connect(pair)("pool.get_master", pair.inventory.pool) == second


def test_only_known_plugins_and_functions_answer(still: Simulator, root: Client) -> None:
    host = still.master_ref
    still.add_plugin("updater.py", check="[]")
    still.operations.lives.clear()
    task = root("Async.host.call_plugin", host, "nosuch", "fn", {})
    assert now(still, task, "error_info") == ["XENAPI_MISSING_PLUGIN", "nosuch"]
    task = root("Async.host.call_plugin", host, "updater.py", "check", {})
    wrong = root("Async.host.call_plugin", host, "updater.py", "fn", {})
    still.advance(60)
    assert now(still, task, "result") == "<value>[]</value>"
    assert now(still, wrong, "error_info")[:2] == ["XENAPI_PLUGIN_FAILURE", "fn"]
