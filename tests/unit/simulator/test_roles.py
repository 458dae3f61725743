# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles and owners: permissions on own tasks and on those of others."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.simulator.roles import PERSONAL
from ansible_collections.xen.xapi.tests.unit.simulator.client import MISSING, Client, Connect

ABOVE_READER = "vm-power-admin, vm-admin, vm-operator, pool-admin, pool-operator"
LESSER = ["read-only", "vm-operator", "vm-admin", "vm-power-admin"]
GREATER = ["pool-operator", "pool-admin", "root"]
DENIED = [
    "RBAC_PERMISSION_DENIED",
    "task.destroy/any",
    "No permission in user session. (Roles with this permission: pool-admin, pool-operator)",
]
OWNERS_ONLY: list[tuple[Any, ...]] = [
    ("task.cancel",),
    ("task.destroy",),
    ("task.set_status", "success"),
    ("task.set_progress", 0.5),
    ("task.set_result", "x"),
    ("task.set_error_info", ["x"]),
    ("task.set_other_config", {"a": "b"}),
    ("task.add_to_other_config", "c", "d"),
    ("task.remove_from_other_config", "c"),
]


@pytest.mark.parametrize("role", LESSER)
def test_lower_roles_cannot_modify_tasks_of_others(
    client: Client, simulator: Simulator, connect: Connect, role: str
) -> None:
    other, task = connect(simulator, role), client.task()
    for method, *values in OWNERS_ONLY:
        assert other.error(method, task, *values) == DENIED
        assert other.error(method, MISSING, *values) == DENIED
    assert other("task.get_record", task) == simulator.record(task)


@pytest.mark.parametrize("role", GREATER)
def test_higher_roles_can_modify_tasks_of_others(
    simulator: Simulator, connect: Connect, role: str
) -> None:
    task = connect(simulator, "read-only").task()
    other = connect(simulator, role)
    for method, *values in OWNERS_ONLY:
        assert other.error(method, MISSING, *values) == ["HANDLE_INVALID", "task", MISSING]
        if method != "task.destroy":
            assert other(method, task, *values) == ""


@pytest.mark.parametrize("role", LESSER)
def test_lower_roles_can_modify_own_tasks_from_other_session(
    simulator: Simulator, connect: Connect, role: str
) -> None:
    owner, again = connect(simulator, role), connect(simulator, role)
    task = owner.task()
    for method, *values in OWNERS_ONLY:
        if method != "task.destroy":
            assert again(method, task, *values) == ""
    namesake = connect(simulator, f"{role}-2")
    assert namesake.error("task.cancel", task) == DENIED


def test_task_ownership_ends_with_owner_logout(simulator: Simulator, connect: Connect) -> None:
    first, again = connect(simulator, "vm-admin"), connect(simulator, "vm-admin")
    task = first.task()
    first.logout()
    assert again.error("task.cancel", task) == DENIED
    assert connect(simulator, "pool-operator")("task.cancel", task) == ""


def test_root_owns_tasks_of_all_root_sessions(simulator: Simulator, connect: Connect) -> None:
    first, again = connect(simulator), connect(simulator)
    task = first.task()
    first.logout()
    assert again("task.cancel", task) == ""


TOLD = [
    ("VM.start", [MISSING, False, False], ABOVE_READER),
    ("VM.shutdown", [MISSING], ABOVE_READER.replace("pool-", "client-cert, pool-", 1)),
    (
        "VM.pool_migrate",
        [MISSING, MISSING, {}],
        "vm-power-admin, client-cert, pool-admin, pool-operator",
    ),
    ("host.evacuate", [MISSING], "client-cert, pool-admin, pool-operator"),
    ("host.reboot", [MISSING], "pool-admin, pool-operator"),
]


@pytest.mark.parametrize(("method", "params", "told"), TOLD)
def test_denial_lists_permitted_roles(
    simulator: Simulator, connect: Connect, method: str, params: list[Any], told: str
) -> None:
    text = f"No permission in user session. (Roles with this permission: {told})"
    found = connect(simulator, "read-only").error(method, *params)
    assert found == ["RBAC_PERMISSION_DENIED", method.lower(), text]


OTHER_SPELLINGS: list[tuple[str, list[Any], str]] = [
    ("task_get_all", [], "task_get_all"),
    ("SR_scan", [MISSING], "sr_scan"),
    ("pool_get_by_uuid", ["x"], "pool_get_by_uuid"),
    ("VM_add_to_other_config", [MISSING, "a", "b"], "vm_add_to_other_config"),
    ("VM_add_to_other_config", [MISSING, "pci", "b"], "vm_add_to_other_config/key:pci"),
]


@pytest.mark.parametrize(("method", "params", "permission"), OTHER_SPELLINGS)
def test_underscore_method_names_are_denied_to_non_root_roles(
    simulator: Simulator, connect: Connect, method: str, params: list[Any], permission: str
) -> None:
    text = "No permission in user session. (Roles with this permission: )"
    for role in PERSONAL:
        found = connect(simulator, role).error(method, *params)
        assert found == ["RBAC_PERMISSION_DENIED", permission, text]


NEEDS = {
    "VM.start": "vm-operator",
    "VM.snapshot": "vm-power-admin",
    "VM.clone": "vm-admin",
    "VM.pool_migrate": "vm-power-admin",
    "SR.scan": "vm-power-admin",
    "VDI.copy": "vm-admin",
    "host.evacuate": "pool-operator",
    "host.call_plugin": "pool-admin",
    "pool.add_to_other_config": "pool-operator",
    "VM.add_to_other_config": "vm-admin",
}
ARGUMENTS: dict[str, list[Any]] = {
    "VM.start": [False, False],
    "VM.snapshot": ["x"],
    "VM.clone": ["x"],
    "VM.pool_migrate": [MISSING, {}],
    "VDI.copy": [MISSING],
    "host.call_plugin": ["a", "b", {}],
    "pool.add_to_other_config": ["a", "b"],
    "VM.add_to_other_config": ["a", "b"],
}


@pytest.mark.parametrize(("method", "least"), NEEDS.items())
def test_each_method_requires_its_minimum_role(
    simulator: Simulator, connect: Connect, method: str, least: str
) -> None:
    arguments = [MISSING, *ARGUMENTS.get(method, [])]
    for role in PERSONAL:
        enough = PERSONAL.index(role) <= PERSONAL.index(least)
        found = connect(simulator, role).error(method, *arguments)
        assert (found[0] != "RBAC_PERMISSION_DENIED") is enough, role
        assert enough or found[1] == method.lower()
