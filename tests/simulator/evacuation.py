# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the VMs of a host can go, and why some cannot (xapi_host.ml, compute_evacuation_plan)."""

from __future__ import annotations

from . import vm_lifecycle
from .database import Record
from .inventory import Inventory
from .values import NULL_REF, ApiError


def plan(inventory: Inventory, host: str) -> dict[str, str]:
    """Return the new host of each VM that can move; the emptiest host is first."""
    found, room = {}, _room(inventory, host)
    for vm, record in _residents(inventory, host):
        target = max(room, key=lambda candidate: room[candidate], default="")
        if target and not _fixed(inventory, vm, record, target):
            found[vm] = target
            room[target] -= record["memory_dynamic_max"]
    return found


def refusals(inventory: Inventory, host: str) -> dict[str, list[str]]:
    """Return code and parameters for each VM that cannot leave a host."""
    inventory.database.read("host", host)
    found, room = {}, _room(inventory, host)
    for vm, record in _residents(inventory, host):
        target = max(room, key=lambda candidate: room[candidate], default="")
        error = _fixed(inventory, vm, record, target) or _crowded(inventory, record, room, target)
        if error:
            found[vm] = error
        else:
            room[target] -= record["memory_dynamic_max"]
    return found


def _residents(inventory: Inventory, host: str) -> list[tuple[str, Record]]:
    database = inventory.database
    records = [(vm, database.read("VM", vm)) for vm in database.read("host", host)["resident_VMs"]]
    return [(vm, record) for vm, record in records if not record["is_control_domain"]]


def _room(inventory: Inventory, leaving: str) -> dict[str, int]:
    """Return the free memory of each other host that takes VMs."""
    return {
        host: inventory.free_memory(host)
        for host, record in inventory.database.records("host").items()
        if host != leaving and record["enabled"] and inventory.is_live(host)
    }


def _fixed(inventory: Inventory, vm: str, record: Record, target: str) -> list[str]:
    """Return the error of a VM that cannot move whatever room there is."""
    if not target:
        return ["NO_HOSTS_AVAILABLE"]
    try:
        vm_lifecycle.check(inventory.database, vm, "pool_migrate")
    except ApiError as error:
        return error.description
    if record["current_operations"]:
        current = ", ".join(sorted(record["current_operations"].values()))
        return ["OTHER_OPERATION_IN_PROGRESS", f"VM.{current}", vm]
    for device in record["VBDs"]:
        storage = inventory.storage_of(device)
        if storage != NULL_REF and not inventory.reaches(target, storage):
            return ["VM_REQUIRES_SR", vm, storage]
    for device in record["VIFs"]:
        network = inventory.database.read("VIF", device)["network"]
        if not inventory.has_network(target, network):
            return ["VM_REQUIRES_NETWORK", vm, network]
    return []


def _crowded(inventory: Inventory, record: Record, room: dict[str, int], target: str) -> list[str]:
    """Return the error of a VM for which no host has the memory; bare hosts have no figures."""
    needed = record["memory_dynamic_max"]
    if inventory.total_memory(target) and room[target] < needed:
        return ["HOST_NOT_ENOUGH_FREE_MEMORY", str(needed), str(max(room[target], 0))]
    return []
