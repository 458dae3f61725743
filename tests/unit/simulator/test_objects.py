# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects around the tasks: VMs with devices, storage, networks, the pool, unknown messages."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator, VirtualClock
from ansible_collections.xen.xapi.tests.simulator.api import declarations
from ansible_collections.xen.xapi.tests.simulator.values import NOT_IMPLEMENTED
from ansible_collections.xen.xapi.tests.unit.simulator.client import (
    MISSING,
    NULL,
    Client,
    Connect,
    Start,
    now,
)

GIB = 1024**3


@pytest.fixture
def lab(start: Start) -> Simulator:
    """Two hosts of XCP-ng, in virtual time."""
    return start(product="xcp-ng-8.3", supporters=1, clock=VirtualClock())


@pytest.fixture
def admin(lab: Simulator, connect: Connect) -> Client:
    return connect(lab)


def run(simulator: Simulator, client: Client, method: str, *params: Any) -> str:
    """Return the result of an asynchronous call that succeeds."""
    task = client(f"Async.{method}", *params)
    simulator.advance(60)
    status, result, error = now(simulator, task, "status", "result", "error_info")
    assert (status, error) == ("success", [])
    return str(result).removeprefix("<value>").removesuffix("</value>")


def fail(simulator: Simulator, client: Client, method: str, *params: Any) -> list[str]:
    """Return the error of an asynchronous call that fails."""
    task = client(f"Async.{method}", *params)
    simulator.advance(60)
    status, error = now(simulator, task, "status", "error_info")
    assert status == "failure"
    return list(error)


@pytest.mark.parametrize(
    ("steps", "has", "lacks"),
    [
        ([], "clean_shutdown", "start"),
        (["pause"], "unpause", "clean_shutdown"),
        (["suspend"], "resume", "pause"),
        (["clean_shutdown"], "start", "hard_shutdown"),
    ],
)
def test_allowed_operations_follow_power_state(
    lab: Simulator, admin: Client, steps: list[str], has: str, lacks: str
) -> None:
    vm = lab.find("VM", "web-1")
    for step in steps:
        run(lab, admin, f"VM.{step}", vm)
    allowed = admin("VM.get_allowed_operations", vm)
    assert has in allowed
    assert lacks not in allowed
    for operation in allowed:
        admin("VM.assert_operation_valid", vm, operation)


def test_power_cycle_renews_domain_and_detaches_devices(lab: Simulator, admin: Client) -> None:
    vm = lab.find("VM", "web-1")
    before = admin("VM.get_record", vm)
    run(lab, admin, "VM.clean_shutdown", vm)
    stopped = admin("VM.get_record", vm)
    assert (stopped["domid"], stopped["resident_on"]) == (-1, NULL)
    assert not any(admin("VBD.get_currently_attached", vbd) for vbd in stopped["VBDs"])
    run(lab, admin, "VM.start_on", vm, lab.hosts[1].ref, False, False)
    again = admin("VM.get_record", vm)
    assert again["resident_on"] == lab.hosts[1].ref
    assert again["domid"] > before["domid"]
    assert admin("VIF.get_currently_attached", again["VIFs"][0]) is True
    started = admin("VM_metrics.get_start_time", again["metrics"])
    assert started > "20270115T08:00:00Z"


def test_control_domain_cannot_be_stopped(lab: Simulator, admin: Client) -> None:
    domain = admin("host.get_control_domain", lab.master_ref)
    error = fail(lab, admin, "VM.hard_shutdown", domain)
    assert error == ["OPERATION_NOT_ALLOWED", "This operation is not allowed on dom0"]


def test_template_is_cloned_provisioned_and_started(lab: Simulator, admin: Client) -> None:
    vm = run(lab, admin, "VM.clone", lab.find("VM", "Debian Bookworm 12"), "new")
    assert admin("VM.get_other_config", vm)["base_template_name"] == "Debian Bookworm 12"
    run(lab, admin, "VM.provision", vm)
    admin("VM.set_name_description", vm, "made from a template")
    admin("VM.set_memory_limits", vm, GIB, 4 * GIB, 4 * GIB, 4 * GIB)
    storage = admin("pool.get_default_SR", lab.inventory.pool)
    disk = admin("VDI.create", {
        "name_label": "new disk", "SR": storage, "virtual_size": GIB, "type": "user",
        "sharable": False, "read_only": False, "other_config": {},
    })  # fmt: skip
    device = admin("VBD.create", {
        "VM": vm, "VDI": disk, "userdevice": admin("VM.get_allowed_VBD_devices", vm)[0],
        "bootable": True, "mode": "RW", "type": "Disk", "empty": False, "other_config": {},
        "qos_algorithm_type": "", "qos_algorithm_params": {},
    })  # fmt: skip
    run(lab, admin, "VM.start", vm, False, False)
    assert admin("VBD.get_currently_attached", device) is True
    assert admin("VDI.get_VBDs", disk) == [device]
    assert admin("SR.get_VDIs", storage)[0] == disk


def test_snapshot_and_revert_restore_fields_but_not_tags(lab: Simulator, admin: Client) -> None:
    vm = lab.find("VM", "db-1")
    snapshot = run(lab, admin, "VM.snapshot", vm, "before")
    disk = admin("VBD.get_VDI", admin("VM.get_VBDs", snapshot)[-1])
    assert admin("VDI.get_is_a_snapshot", disk) is True
    admin("VM.add_tags", vm, "kept")
    admin("VM.set_user_version", vm, 7)
    admin("VM.revert", snapshot)
    record = admin("VM.get_record", vm)
    assert (record["user_version"], record["tags"], record["is_a_template"]) == (1, ["kept"], False)
    assert record["parent"] == snapshot
    assert admin.error("VM.revert", vm) == ["VM_REVERT_FAILED", vm, NULL]
    run(lab, admin, "VM.destroy", vm)
    admin("VM.revert", snapshot)
    assert admin("VM.get_power_state", lab.find("VM", "db-1")) == "Halted"


def test_refused_limits_are_not_written(lab: Simulator, admin: Client) -> None:
    vm = lab.find("VM", "db-1")
    error = admin.error("VM.set_memory_limits", vm, 4 * GIB, GIB, GIB, GIB)
    assert error[0] == "MEMORY_CONSTRAINT_VIOLATION"
    assert admin.error("VM.set_VCPUs_max", vm, 0) == ["INVALID_VALUE", "VCPUs_max", "0"]
    assert admin("VM.get_VCPUs_max", vm) == 2
    running = lab.find("VM", "web-1")
    error = ["VM_BAD_POWER_STATE", running, "halted", "running"]
    assert admin.error("VM.set_VCPUs_max", running, 4) == error


@pytest.mark.parametrize(("kind", "method"), [("VBD", "VBDs"), ("VIF", "VIFs")])
def test_device_of_running_vm_is_unplugged_and_plugged(
    lab: Simulator, admin: Client, kind: str, method: str
) -> None:
    vm = lab.find("VM", "web-1")
    device = admin(f"VM.get_{method}", vm)[-1]
    error = [f"{kind} '{device}' still attached to a VM"]
    assert admin.error(f"{kind}.destroy", device) == ["OPERATION_NOT_ALLOWED", *error]
    assert admin.error(f"{kind}.plug", device) == ["DEVICE_ALREADY_ATTACHED", device]
    admin(f"{kind}.unplug", device)
    assert admin.error(f"{kind}.unplug", device) == ["DEVICE_ALREADY_DETACHED", device]
    assert admin(f"{kind}.get_currently_attached", device) is False
    task = admin(f"Async.{kind}.plug", device)
    assert now(lab, task, "status") == "success"
    assert admin(f"{kind}.get_currently_attached", device) is True


def test_drive_takes_and_gives_back_a_disk(lab: Simulator, admin: Client) -> None:
    vm, disk = lab.find("VM", "db-1"), lab.find("VDI", "web-1 disk 0")
    drive = admin("VM.get_VBDs", vm)[0]
    assert admin.error("VBD.eject", drive) == ["VBD_IS_EMPTY", drive]
    admin("VBD.insert", drive, disk)
    assert admin("VBD.get_VDI", drive) == disk
    assert admin.error("VBD.insert", drive, disk) == ["VBD_NOT_EMPTY", drive]
    admin("VBD.eject", drive)
    assert admin("VBD.get_empty", drive) is True


def test_plugged_storage_is_neither_forgotten_nor_unplugged_in_use(
    lab: Simulator, admin: Client
) -> None:
    storage = lab.find("SR", "Shared storage 1")
    assert fail(lab, admin, "SR.forget", storage) == ["SR_HAS_PBD", storage]
    pbds = {admin("PBD.get_host", pbd): pbd for pbd in admin("SR.get_PBDs", storage)}
    error = admin.error("PBD.unplug", pbds[lab.master_ref])
    assert (error[0], error[2]) == ("VDI_IN_USE", "unplug")
    for vm in ("web-1", "web-2"):
        run(lab, admin, "VM.clean_shutdown", lab.find("VM", vm))
    for pbd in pbds.values():
        admin("PBD.unplug", pbd)
    run(lab, admin, "SR.forget", storage)
    assert admin.error("PBD.get_uuid", pbds[lab.master_ref])[0] == "HANDLE_INVALID"


def test_vlan_of_pool_is_on_every_host(lab: Simulator, admin: Client) -> None:
    network = admin("network.create", {"name_label": "guests", "other_config": {}})
    pifs = admin("pool.create_VLAN", "eth0", network, 12)
    assert {admin("PIF.get_VLAN", pif) for pif in pifs} == {12}
    assert {admin("PIF.get_host", pif) for pif in pifs} == {host.ref for host in lab.hosts}
    admin("PIF.plug", pifs[0])
    assert admin("PIF.get_currently_attached", pifs[0]) is True
    assert admin.error("network.destroy", network)[0] == "NETWORK_CONTAINS_PIF"
    management = next(pif for pif in admin("PIF.get_all") if admin("PIF.get_management", pif))
    assert admin.error("PIF.unplug", management) == ["PIF_IS_MANAGEMENT_INTERFACE", management]
    for vlan in admin("VLAN.get_all"):
        admin("VLAN.destroy", vlan)
    admin("network.destroy", network)


def test_high_availability_needs_storage_that_all_hosts_reach(
    lab: Simulator, admin: Client
) -> None:
    local = next(ref for ref in admin("SR.get_all") if not admin("SR.get_shared", ref))
    assert admin.error("pool.enable_ha", [local], {}) == ["CANNOT_CREATE_STATE_FILE"]
    admin("pool.enable_ha", [], {})
    assert admin("pool.get_ha_enabled", lab.inventory.pool) is True
    assert admin.error("pool.enable_ha", [], {}) == ["HA_IS_ENABLED"]
    admin("pool.disable_ha")
    assert admin("pool.get_ha_statefiles", lab.inventory.pool) == []


def test_member_is_ejected_with_its_devices(lab: Simulator, admin: Client) -> None:
    host = lab.hosts[1].ref
    assert admin.error("pool.eject", host) == ["HOST_HAS_RESIDENT_VMS", host]
    admin("Async.host.disable", host)
    task = admin("Async.host.evacuate", host)
    lab.advance(60)
    assert now(lab, task, "status") == "success"
    admin("pool.eject", host)
    assert admin("host.get_all") == [lab.master_ref]


def test_migration_with_storage_moves_vm_and_disk(lab: Simulator, admin: Client) -> None:
    vm, host = lab.find("VM", "web-1"), lab.hosts[1].ref
    disk = next(
        found for vbd in admin("VM.get_VBDs", vm) if (found := admin("VBD.get_VDI", vbd)) != NULL
    )
    storage = next(ref for ref in admin("SR.get_all") if admin("SR.get_type", ref) == "ext")
    network = admin("PIF.get_network", admin("host.get_PIFs", host)[0])
    destination = admin("host.migrate_receive", host, network, {})
    options = [True, {disk: storage}, {}, {}]
    run(lab, admin, "VM.migrate_send", vm, destination, *options)
    assert admin("VM.get_resident_on", vm) == host
    assert admin("VDI.get_SR", disk) == storage


def test_message_that_the_simulator_lacks_names_itself(
    still: Simulator, root: Client, connect: Connect
) -> None:
    method, params = "VM.sysprep", [MISSING, "", 0.0]
    assert root.error(method, *params) == [NOT_IMPLEMENTED, method]
    assert root.error(f"Async.{method}", *params) == [NOT_IMPLEMENTED, method]
    error = ["MESSAGE_PARAMETER_COUNT_MISMATCH", method, "3", "1"]
    assert root.error(method, MISSING)[:2] == error[:2]
    assert root.error(method, 7, "", 0.0)[0] == "INTERNAL_ERROR"
    reader = connect(still, "read-only")
    assert reader.error(method, *params)[:2] == ["RBAC_PERMISSION_DENIED", "vm.sysprep"]
    assert root.error("VM.nosuch", MISSING) == ["MESSAGE_METHOD_UNKNOWN", "VM.nosuch"]


def test_messages_are_found_by_object_and_time(lab: Simulator, admin: Client) -> None:
    vm = lab.find("VM", "db-1")
    own = admin("VM.get_uuid", vm)
    first = admin("message.create", "ALARM", 3, "VM", own, "<x>")
    lab.advance(5)
    second = admin("message.create", "ALARM", 3, "Pool", lab.pool_uuid, "")
    assert admin("message.get_record", first)["body"] == "<x>"
    assert list(admin("message.get", "VM", own, "19700101T00:00:00Z")) == [first]
    assert list(admin("message.get_since", "20270115T08:00:01Z")) == [second]
    error = ["UUID_INVALID", "host", own]
    assert admin.error("message.create", "ALARM", 3, "Host", own, "") == error
    assert admin.error("message.get", "SR", own, "19700101T00:00:00Z") == ["UUID_INVALID"]
    admin("message.destroy_many", [first, second])
    assert admin("message.get_all") == []


def test_guest_reports_an_address_only_while_it_runs(lab: Simulator, admin: Client) -> None:
    vm = lab.find("VM", "db-1")
    run(lab, admin, "VM.start", vm, False, False)
    record = admin("VM.get_record", vm)
    assert admin("VM_guest_metrics.get_networks", record["guest_metrics"])["0/ip"]
    assert len(record["consoles"]) == 1
    run(lab, admin, "VM.clean_shutdown", vm)
    record = admin("VM.get_record", vm)
    assert (record["guest_metrics"], record["consoles"]) == (NULL, [])


def test_every_declared_message_is_known(still: Simulator) -> None:
    assert {one.name for one in declarations()} <= set(still.dispatcher.methods)


def test_message_of_a_removed_feature_is_refused(still: Simulator, root: Client) -> None:
    assert root.error("VMPP.protect_now", MISSING) == ["MESSAGE_REMOVED"]
