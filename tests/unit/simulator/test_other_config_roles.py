# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of other_config: which need a role of their own, and which."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.simulator.roles import PERSONAL
from ansible_collections.xen.xapi.tests.unit.simulator.client import MISSING, Connect


@pytest.mark.parametrize("key", ["applies_to", "XenCenterUUID", "XenCenterMeddlingActionTitle"])
def test_protected_task_keys_require_vm_operator_role(
    simulator: Simulator, connect: Connect, key: str
) -> None:
    reader, operator = connect(simulator, "read-only"), connect(simulator, "vm-operator")
    task = reader.task()
    for verb, *value in (("add_to", "x"), ("remove_from",)):
        permission = f"task.{verb}_other_config/key:{key.lower()}"
        found = reader.error(f"task.{verb}_other_config", task, key, *value)
        assert found[:2] == ["RBAC_PERMISSION_DENIED", permission]
    assert reader("task.add_to_other_config", task, key.upper() + "2", "x") == ""
    own = operator.task()
    assert operator("task.add_to_other_config", own, key, "x") == ""
    assert operator("task.remove_from_other_config", own, key) == ""


def test_set_other_config_checks_only_changed_protected_keys(
    simulator: Simulator, connect: Connect
) -> None:
    reader = connect(simulator, "read-only")
    task = reader.task()
    kept = {"applies_to": "vm", "XenCenterUUID": "1"}
    simulator.set_task(task, other_config=kept)

    def refused(value: dict[str, str]) -> str:
        return reader.error("task.set_other_config", task, value)[1]

    reader("task.set_other_config", task, {**kept, "mine": "x"})
    assert refused({"applies_to": "vm"}) == "task.remove_from_other_config/key:xencenteruuid"
    assert refused({**kept, "applies_to": "host"}) == "task.add_to_other_config/key:applies_to"
    both = {"XenCenterMeddlingActionTitle": "x", "XenCenterUUID": "1"}
    assert refused(both) == "task.add_to_other_config/key:xencentermeddlingactiontitle"
    assert simulator.record(task)["other_config"] == {**kept, "mine": "x"}  # type: ignore[index]


KEYS = [
    ("pool", "folder", "vm-operator"),
    ("pool", "EMPTY_FOLDERS", "vm-operator"),
    ("host", "XenCenter.CustomFields.a", "vm-operator"),
    ("host", "EMPTY_FOLDERS", "pool-operator"),
    ("network", "XenCenterCreateInProgress", "vm-operator"),
    ("SR", "folder", "vm-operator"),
    ("SR", "XenCenter.CustomFields", "pool-operator"),
    ("VM", "folder", "vm-operator"),
    ("VM", "Folder", "vm-admin"),
    ("VM", "pci", "pool-admin"),
    ("VM", "hvm_serial", "pool-admin"),
    ("VDI", "XenCenter.CustomFields.", "vm-operator"),
    ("session", "folder", "pool-admin"),
]


@pytest.mark.parametrize(("name", "key", "least"), KEYS)
def test_each_key_requires_its_minimum_role(
    simulator: Simulator, connect: Connect, name: str, key: str, least: str
) -> None:
    for role in PERSONAL:
        client = connect(simulator, role)
        enough = PERSONAL.index(role) <= PERSONAL.index(least)
        for verb, *value in (("add_to", "x"), ("remove_from",)):
            code = client.error(f"{name}.{verb}_other_config", MISSING, key, *value)[0]
            assert code == ("HANDLE_INVALID" if enough else "RBAC_PERMISSION_DENIED"), role


def test_denial_names_key_pattern_in_lowercase(simulator: Simulator, connect: Connect) -> None:
    reader = connect(simulator, "read-only")
    found = reader.error("VM.add_to_other_config", MISSING, "XenCenter.CustomFields.a", "x")
    assert found[1] == "vm.add_to_other_config/key:xencenter.customfields.*"


def test_set_other_config_of_other_classes_checks_keys_and_role(
    simulator: Simulator, connect: Connect
) -> None:
    client, vm = connect(simulator), simulator.find("VM", "db-1")
    for name in ("host", "VDI", "network", "SR", "pool"):
        ref = client(f"{name}.get_all")[0]
        assert client(f"{name}.set_other_config", ref, {"a": "b", "folder": "/"}) == ""
        assert client(f"{name}.get_other_config", ref) == {"a": "b", "folder": "/"}
    assert client("session.set_other_config", client.session, {"a": "b"}) == ""
    client("VM.set_other_config", vm, {"pci": "0"})
    admin = connect(simulator, "vm-admin")
    assert admin("VM.set_other_config", vm, {"pci": "0", "folder": "/"}) == ""
    found = admin.error("VM.set_other_config", vm, {"hvm_serial": "none"})
    assert found[:2] == ["RBAC_PERMISSION_DENIED", "vm.add_to_other_config/key:hvm_serial"]
    found = admin.error("VM.set_other_config", vm, {})
    assert found[:2] == ["RBAC_PERMISSION_DENIED", "vm.remove_from_other_config/key:pci"]
    found = connect(simulator, "vm-operator").error("VM.set_other_config", vm, {"folder": "/"})
    assert found[:2] == ["RBAC_PERMISSION_DENIED", "vm.set_other_config"]


def test_key_permission_is_checked_before_task_ownership(
    simulator: Simulator, connect: Connect
) -> None:
    reader = connect(simulator, "read-only")
    found = reader.error("task.add_to_other_config", MISSING, "applies_to", "x")
    assert found[1] == "task.add_to_other_config/key:applies_to"
