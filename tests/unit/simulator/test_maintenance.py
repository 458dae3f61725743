# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test messages of maintenance, updates, backups and interfaces, and that every message answers."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator, VirtualClock
from ansible_collections.xen.xapi.tests.simulator.api import Declaration, declarations
from ansible_collections.xen.xapi.tests.simulator.catalogue import CATALOGUE
from ansible_collections.xen.xapi.tests.simulator.types import first_value
from ansible_collections.xen.xapi.tests.simulator.values import ApiError
from ansible_collections.xen.xapi.tests.unit.simulator.client import MISSING, PASSWORD, Start


class Root:
    """Root on a pool of two hosts in virtual time, without HTTP."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.session = simulator.call("session.login_with_password", "root", PASSWORD, "", "unit")
        self.pool = simulator.inventory.pool

    def __call__(self, method: str, *params: Any) -> Any:
        return self.simulator.call(method, self.session, *params)

    def error(self, method: str, *params: Any) -> list[str]:
        with pytest.raises(ApiError) as caught:
            self(method, *params)
        return caught.value.description

    def run(self, method: str, *params: Any) -> Any:
        """Return the record of the task of an operation after it has ended."""
        task = self(f"Async.{method}", *params)
        self.simulator.advance(60)
        return self("task.get_record", task)

    def find(self, kind: str, label: str) -> str:
        return self.simulator.database.find_by_name(kind, label)[0]

    def read(self, kind: str, reference: str) -> dict[str, Any]:
        return self.simulator.database.read(kind, reference)

    def disk(self, vm: str) -> str:
        devices = [self.read("VBD", one) for one in self.read("VM", self.find("VM", vm))["VBDs"]]
        return next(str(one["VDI"]) for one in devices if not one["empty"])

    def hosts(self) -> list[str]:
        return [host.ref for host in self.simulator.hosts]


@pytest.fixture
def root(start: Start) -> Any:
    caller = Root(start(clock=VirtualClock(), product="xcp-ng-8.3", supporters=1))
    yield caller
    caller.simulator.logout_all()


ENDS = ("session.", "event.", "task.")
"""Classes with messages that end the session or wait."""


OPERATIONS = {operation.name for operation in CATALOGUE}


def argument(simulator: Simulator, kind: str) -> Any:
    """Return an argument of a type: an object of the class where there is one."""
    if kind.endswith(" ref"):
        return next(iter(simulator.database.tables.get(kind[:-4], ())), MISSING)
    if kind.endswith(" record"):
        return {}
    return first_value(kind)


@pytest.mark.parametrize("objects", ["missing", "present"])
def test_every_message_answers_with_a_result_or_an_error(root: Root, objects: str) -> None:
    simulator = root.simulator
    broken = {}

    def call(declaration: Declaration) -> None:
        args = [
            argument(simulator, kind)
            if objects == "present" or not kind.endswith(" ref")
            else MISSING
            for kind in (*declaration.params, *declaration.optional)
        ]
        name = declaration.name
        operation = name in OPERATIONS
        try:
            root(f"Async.{name}" if operation else name, *args)
        except ApiError:
            pass
        except Exception as error:
            broken[name] = repr(error)

    for declaration in declarations():
        if not declaration.name.startswith(ENDS) and declaration.has_session:
            call(declaration)
    simulator.advance(600)
    assert broken == {}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("VM.snapshot_with_quiesce", (5, 6)),
        ("VIF_metrics.get_all", ()),
        ("VM.set_protection_policy", (MISSING, MISSING)),
        ("VBD_metrics.set_other_config", (MISSING, [])),
    ],
)
def test_removed_message_is_refused_without_a_look_at_its_arguments(
    root: Root, method: str, params: tuple[Any, ...]
) -> None:
    assert root.error(method, *params) == ["MESSAGE_REMOVED"]
    assert root.error(f"Async.{method}", *params) == ["MESSAGE_REMOVED"]
    assert root.error(method, *params, "x", "y")[0] == "MESSAGE_PARAMETER_COUNT_MISMATCH"
    assert root("task.get_all") == []


def test_update_is_applied_to_one_host_and_to_all(root: Root) -> None:
    record = {
        "SR": root.find("SR", "Shared storage 1"),
        "virtual_size": "1",
        "type": "user",
        "sharable": False,
        "read_only": False,
        "other_config": {},
        "name_label": "update",
    }
    disk = root("VDI.create", record)
    update = root("pool_update.introduce", disk)
    assert root("pool_update.introduce", disk) == update
    root.simulator.database.write("pool_update", update, "after_apply_guidance", ["restartHost"])
    first, second = root.hosts()
    assert root("pool_update.precheck", update, second) == "ok"
    assert root.run("pool_update.apply", update, second)["status"] == "success"
    assert root.read("host", second)["updates_requiring_reboot"] == [update]
    assert root.error("pool_update.precheck", update, second) == ["UPDATE_ALREADY_APPLIED", update]
    assert root.error("pool_update.destroy", update) == ["UPDATE_IS_APPLIED"]
    assert root.run("pool_update.pool_apply", update)["status"] == "success"
    assert set(root.read("pool_update", update)["hosts"]) == {first, second}
    again = root.run("pool_update.pool_apply", update)
    assert again["error_info"] == ["UPDATE_ALREADY_APPLIED_IN_POOL", update]
    root("pool_update.pool_clean", update)
    assert root.error("VDI.get_record", disk)[0] == "HANDLE_INVALID"


def test_repositories_are_needed_for_updates(root: Root) -> None:
    failed = root.run("pool.sync_updates", root.pool, False)
    assert failed["error_info"] == ["NO_REPOSITORIES_CONFIGURED"]
    repository = root("Repository.introduce", "base", "", "http://a", "http://b", True)
    root("pool.add_repository", root.pool, repository)
    assert root.read("pool", root.pool)["repositories"] == [repository]
    assert root.run("pool.sync_updates", root.pool, False)["status"] == "success"
    root("pool.remove_repository", root.pool, repository)
    root("Repository.forget", repository)
    assert root("Repository.get_all") == []


def test_readiness_for_updates_names_every_problem(root: Root) -> None:
    assert root("pool.check_update_readiness", root.pool, False) == []
    root.simulator.take_down(1)
    (offline,) = root("pool.check_update_readiness", root.pool, False)
    assert offline == ["HOST_OFFLINE", root.hosts()[1]]
    codes = {error[0] for error in root("pool.check_update_readiness", root.pool, True)}
    assert codes == {"HOST_OFFLINE", "NO_HOSTS_AVAILABLE"}


def test_settings_of_updates_are_checked(root: Root) -> None:
    pool = root.pool
    assert root.error("pool.configure_update_sync", pool, "weekly", 7) == [
        "INVALID_UPDATE_SYNC_DAY",
        "7",
    ]
    root("pool.configure_update_sync", pool, "daily", 7)
    assert root.read("pool", pool)["update_sync_day"] == 0
    assert root.error("pool.configure_repository_proxy", pool, "ftp://x", "", "")[0] == (
        "INVALID_REPOSITORY_PROXY_URL"
    )
    assert root.error("pool.configure_repository_proxy", pool, "http://x", "a", "")[0] == (
        "INVALID_REPOSITORY_PROXY_CREDENTIAL"
    )
    root("pool.configure_repository_proxy", pool, "http://x", "a", "b")
    root("pool.disable_repository_proxy", pool)
    assert root.read("pool", pool)["repository_proxy_url"] == ""


def test_toolstack_restarts_without_its_vms(root: Root) -> None:
    simulator, (_first, second) = root.simulator, root.hosts()
    simulator.restarts.configure(startup=10)
    started = root.read("host", second)["other_config"]["agent_start_time"]
    vms = root.read("host", second)["resident_VMs"]
    task = root("Async.host.restart_agent", second)
    simulator.advance(2)
    assert root("task.get_record", task)["status"] == "success"
    assert root.read("host", second)["enabled"] is False
    simulator.advance(15)
    record = root.read("host", second)
    assert (record["enabled"], record["resident_VMs"]) == (True, vms)
    assert record["other_config"]["agent_start_time"] != started


def test_restart_of_the_masters_toolstack_ends_the_sessions(root: Root) -> None:
    root("Async.host.restart_agent", root.hosts()[0])
    root.simulator.advance(5)
    assert root.error("task.get_all")[0] == "SESSION_INVALID"


def test_host_comes_back_if_it_can_be_switched_on(root: Root) -> None:
    second = root.hosts()[1]
    root.simulator.take_down(1)
    assert root.run("host.power_on", second)["error_info"][0] == "INTERNAL_ERROR"
    root("host.set_power_on_mode", second, "wake-on-lan", {})
    assert root.run("host.power_on", second)["status"] == "success"
    root.simulator.advance(120)
    assert root.simulator.inventory.is_live(second)


def test_only_a_host_that_is_gone_is_destroyed(root: Root) -> None:
    second = root.hosts()[1]
    assert root.error("host.destroy", second) == ["HOST_IS_LIVE", second]
    assert root.error("host.declare_dead", second) == ["HOST_IS_LIVE", second]
    root.simulator.take_down(1)
    assert root.error("host.destroy", second) == ["HOST_HAS_RESIDENT_VMS", second]
    root("host.declare_dead", second)
    assert root.read("VM", root.find("VM", "web-2"))["power_state"] == "Halted"
    root("host.destroy", second)
    assert second not in root("host.get_all")
    assert all(record["host"] != second for record in root("PBD.get_all_records").values())


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("", "hostname empty"),
        ("-a", "hostname contains invalid characters"),
        ("a" * 256, "hostname is too long"),
    ],
)
def test_host_names_are_checked(root: Root, name: str, wrong: str) -> None:
    host = root.hosts()[0]
    assert root.error("host.set_hostname_live", host, name) == ["HOST_NAME_INVALID", wrong]
    root("host.set_hostname_live", host, "a-1")
    assert root.read("host", host)["hostname"] == "a-1"


def test_display_changes_with_a_restart(root: Root) -> None:
    host = root.hosts()[0]
    assert root("host.disable_display", host) == "disable_on_reboot"
    assert root("host.enable_display", host) == "enabled"


def test_setting_of_the_pool_reaches_every_host(root: Root) -> None:
    root("pool.set_https_only", root.pool, True)
    assert [root.read("host", host)["https_only"] for host in root.hosts()] == [True, True]


def test_changed_blocks_need_tracking_on_both_disks(root: Root) -> None:
    disk = root.disk("db-1")
    assert root.run("VDI.enable_cbt", disk)["status"] == "success"
    snapshot = root.simulator.inventory.copy_vdi(disk, is_snapshot=True)
    assert set(base64.b64decode(root("VDI.list_changed_blocks", snapshot, disk))) == {0}
    other = root.disk("web-1")
    assert root.error("VDI.list_changed_blocks", other, disk)[0] == "SR_BACKEND_FAILURE_460"
    failed = root.run("VDI.data_destroy", disk)
    assert failed["error_info"] == ["OPERATION_NOT_ALLOWED", f"VDI is not a snapshot: {disk}"]
    assert root.run("VDI.data_destroy", snapshot)["status"] == "success"
    assert root.read("VDI", snapshot)["type"] == "cbt_metadata"
    assert root.error("VDI.get_nbd_info", snapshot)[0] == "VDI_INCOMPATIBLE_TYPE"
    assert root("VDI.get_nbd_info", disk) == []


def test_disk_of_a_running_vm_moves_to_another_sr(root: Root) -> None:
    target = root.find("SR", "Local storage")
    idle, used = root.disk("db-1"), root.disk("web-1")
    failed = root.run("VDI.pool_migrate", idle, target, {})
    assert failed["error_info"] == ["VDI_NEEDS_VM_FOR_MIGRATE", idle]
    moved = root.run("VDI.pool_migrate", used, target, {})["result"]
    moved = moved.removeprefix("<value>").removesuffix("</value>")
    assert root.disk("web-1") == moved
    assert root.read("VDI", moved)["SR"] == target
    assert root.error("VDI.get_uuid", used)[0] == "HANDLE_INVALID"


def test_appliance_starts_and_stops_its_vms(root: Root) -> None:
    appliance = root("VM_appliance.create", {"name_label": "all", "name_description": ""})
    vms = [root.find("VM", name) for name in ("web-1", "db-1")]
    for vm in vms:
        root("VM.set_appliance", vm, appliance)
    task = root("Async.VM_appliance.start", appliance, False)
    assert list(root.read("VM_appliance", appliance)["current_operations"].values()) == ["start"]
    root.simulator.advance(60)
    assert root("task.get_record", task)["status"] == "success"
    assert {root.read("VM", vm)["power_state"] for vm in vms} == {"Running"}
    root.run("VM_appliance.clean_shutdown", appliance)
    assert {root.read("VM", vm)["power_state"] for vm in vms} == {"Halted"}


def test_disk_of_an_sr_is_introduced_once(root: Root) -> None:
    storage = root.find("SR", "Shared storage 1")
    args = ("", "there", "", storage, "user", False, False, {}, "a place")
    uuid = "7b0a4a0c-1d0e-4d69-9f4f-5f9e3c1c7f10"
    disk = root("VDI.introduce", uuid, *args[1:])
    assert root("VDI.get_by_uuid", uuid) == disk
    assert root.error("VDI.introduce", "x", *args[1:]) == [
        "LOCATION_NOT_UNIQUE",
        storage,
        "a place",
    ]


def test_vtpm_belongs_to_a_halted_vm(root: Root) -> None:
    halted, running = root.find("VM", "db-1"), root.find("VM", "web-1")
    vtpm = root("VTPM.create", halted, False)
    assert root.read("VM", halted)["VTPMs"] == [vtpm]
    assert root.error("VTPM.create", halted, False) == ["VTPM_MAX_AMOUNT_REACHED", "1"]
    assert root.error("VTPM.create", running, False)[0] == "VM_BAD_POWER_STATE"
    root("VTPM.destroy", vtpm)
    assert root.read("VM", halted)["VTPMs"] == []
    root.simulator.database.write("pool", root.pool, "restrictions", {})
    assert root.error("VTPM.create", halted, False) == ["FEATURE_RESTRICTED", "restrict_vtpm"]


def test_blob_is_named_by_its_object(root: Root) -> None:
    vm = root.find("VM", "db-1")
    blob = root("VM.create_new_blob", vm, "icon", "image/png")
    assert root.read("VM", vm)["blobs"] == {"icon": blob}
    assert root.error("VM.create_new_blob", vm, "icon", "x")[0] == "MAP_DUPLICATE_KEY"


def test_bios_strings_of_a_host_also_tie_the_vm_to_it(root: Root) -> None:
    vm, host = root.find("VM", "db-1"), root.hosts()[0]
    root("VM.copy_bios_strings", vm, host)
    record = root.read("VM", vm)
    assert record["bios_strings"] == root.read("host", host)["bios_strings"]
    assert record["affinity"] == host
    assert root.error("VM.copy_bios_strings", vm, host) == ["VM_BIOS_STRINGS_ALREADY_SET"]


def test_vm_on_shared_storage_is_agile(root: Root) -> None:
    vm = root.find("VM", "db-1")
    root("VM.assert_agile", vm)
    local = next(
        sr
        for sr in root.simulator.database.find_by_name("SR", "Local storage")
        if root.simulator.inventory.reaches(root.hosts()[0], sr)
    )
    root.simulator.database.write("VDI", root.disk("db-1"), "SR", local)
    assert root.error("VM.assert_agile", vm) == ["HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", local]


def test_bond_takes_the_addresses_and_gives_them_back(root: Root) -> None:
    simulator, host = root.simulator, root.hosts()[0]
    first = root("host.get_management_interface", host)
    other = root.find("network", "Host internal management network")
    second = simulator.inventory.add(
        "PIF", device="eth1", host=host, network=other, VLAN=-1, managed=True
    )
    network = root("network.create", {"name_label": "bonded", "other_config": {}})
    bond = root("Bond.create", network, [first, second], "", "active-backup", {})
    master = root.read("Bond", bond)["master"]
    assert root("host.get_management_interface", host) == master
    assert set(root.read("Bond", bond)["slaves"]) == {first, second}
    assert root.error("Bond.create", other, [first], "", "lacp", {})[0] == (
        "NETWORK_ALREADY_CONNECTED"
    )
    assert root.error("PIF.forget", second) == ["PIF_ALREADY_BONDED", second]
    root("Bond.destroy", bond)
    assert root("host.get_management_interface", host) == first
    root("PIF.forget", second)
    assert root.error("PIF.get_uuid", second)[0] == "HANDLE_INVALID"


def test_address_of_an_interface_is_checked(root: Root) -> None:
    pif = root("host.get_management_interface", root.hosts()[0])
    wrong = root.error("PIF.reconfigure_ip", pif, "Static", "x", "255.0.0.0", "", "")
    assert wrong == ["INVALID_IP_ADDRESS_SPECIFIED", "IP"]
    root("PIF.reconfigure_ip", pif, "Static", "192.0.2.7", "255.255.255.0", "", "")
    assert root.read("PIF", pif)["IP"] == "192.0.2.7"
    assert root.error("PIF.forget", pif) == ["PIF_IS_MANAGEMENT_INTERFACE", pif]


def test_management_needs_an_address_on_every_host(root: Root) -> None:
    network = root("network.create", {"name_label": "far", "other_config": {}})
    assert root.error("pool.management_reconfigure", network)[0] == "PIF_NOT_PRESENT"


def test_tunnel_needs_open_vswitch(root: Root) -> None:
    transport = root("host.get_management_interface", root.hosts()[0])
    network = root("network.create", {"name_label": "private", "other_config": {}})
    for host in root.hosts():
        present = root.read("host", host)["software_version"]
        changed = {**present, "network_backend": "bridge"}
        root.simulator.database.write("host", host, "software_version", changed)
    assert root.error("tunnel.create", transport, network) == ["OPENVSWITCH_NOT_ACTIVE"]
    for host in root.hosts():
        changed = {**changed, "network_backend": "openvswitch"}
        root.simulator.database.write("host", host, "software_version", changed)
    tunnel = root("tunnel.create", transport, network)
    assert root.read("PIF", transport)["tunnel_transport_PIF_of"] == [tunnel]
    assert root.error("PIF.forget", transport)[0] == "PIF_IS_MANAGEMENT_INTERFACE"
    root("tunnel.destroy", tunnel)
    assert root.read("network", network)["PIFs"] == []


def test_purposes_of_networks_exclude_each_other(root: Root) -> None:
    first, second = root("network.get_all")[:2]
    root("network.add_purpose", first, "nbd")
    assert root.error("network.add_purpose", second, "insecure_nbd") == [
        "NETWORK_INCOMPATIBLE_PURPOSES",
        "insecure_nbd",
        "nbd",
    ]
    root("network.remove_purpose", first, "nbd")
    root("network.add_purpose", second, "insecure_nbd")


def test_row_that_a_message_only_makes_refers_to_real_objects(root: Root) -> None:
    site = root("PVS_site.introduce", "farm", "", "")
    server = root("PVS_server.introduce", ["192.0.2.1"], 1, 2, site)
    assert root.read("PVS_site", site)["servers"] == [server]
    assert root.error("PVS_server.introduce", [], 1, 2, MISSING)[0] == "HANDLE_INVALID"
    subject = root("subject.create", {"subject_identifier": "S-1", "other_config": {}})
    assert root.read("subject", subject)["subject_identifier"] == "S-1"
    assert root.error("subject.create", {"subject_identifier": "S-1", "other_config": {}}) == [
        "SUBJECT_ALREADY_EXISTS"
    ]
    assert root.error("subject.add_to_roles", subject, MISSING) == ["ROLE_NOT_FOUND"]
    root("subject.destroy", subject)
    assert root.error("subject.destroy", subject)[0] == "HANDLE_INVALID"
