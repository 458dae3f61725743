# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages of backups and of parts of VMs: changed blocks, blobs, vTPMs, appliances."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable

from . import vm_lifecycle, vm_work
from .inventory import Inventory
from .messages import Context
from .operations import Args, Effect
from .storage_work import check_connected
from .values import NOT_IMPLEMENTED, NULL_REF, ApiError, Date, Value

CHANGED_BLOCK = 64 * 1024
"""Bytes that a bit of the map of changed blocks stands for."""
NO_CHANGES = ("SR_BACKEND_FAILURE_460", "", "Failed to calculate changed blocks for given VDIs.",
              "Source and target VDI are unrelated")  # fmt: skip
NBD_PURPOSES = ("nbd", "insecure_nbd")


def track_changes(enabled: bool) -> Effect:
    """Return the effect that switches the tracking of changed blocks of a disk."""

    def effect(inventory: Inventory, args: Args) -> Value:
        inventory.database.write("VDI", args[0], "cbt_enabled", enabled)
        return ""

    return effect


def check_snapshot(inventory: Inventory, args: Args) -> None:
    """Refuse to delete the data of a disk that is not a snapshot with tracked changes."""
    record = inventory.database.read("VDI", args[0])
    if not record["is_a_snapshot"]:
        raise ApiError("OPERATION_NOT_ALLOWED", f"VDI is not a snapshot: {args[0]}")
    if not record["cbt_enabled"]:
        raise ApiError("VDI_NO_CBT_METADATA", args[0])


def destroy_data(inventory: Inventory, args: Args) -> Value:
    """Leave the map of changed blocks of a snapshot, without its data."""
    inventory.database.write("VDI", args[0], "type", "cbt_metadata")
    inventory.database.write("VDI", args[0], "physical_utilisation", 0)
    return ""


def check_migration(inventory: Inventory, args: Args) -> None:
    """Refuse to move a disk that no running VM has, or to an SR that does not exist."""
    record = inventory.database.read("VDI", args[0])
    inventory.database.read("SR", args[1])
    check_connected(inventory, (args[1],))
    for device in record["VBDs"]:
        vm = inventory.database.read("VBD", device)["VM"]
        if inventory.database.read("VM", vm)["power_state"] == "Running":
            return
    raise ApiError("VDI_NEEDS_VM_FOR_MIGRATE", args[0])


def migrate_disk(inventory: Inventory, args: Args) -> Value:
    """Return the disk on another SR, which takes the place of the old one in its devices."""
    database = inventory.database
    moved = inventory.copy_vdi(args[0], args[1])
    for device in database.read("VDI", args[0])["VBDs"]:
        database.write("VBD", device, "VDI", moved)
    database.delete("VDI", args[0])
    return moved


def for_each_vm(state: str) -> Effect:
    """Return the effect that brings all VMs of an appliance into a power state."""

    def effect(inventory: Inventory, args: Args) -> Value:
        for vm in inventory.database.read("VM_appliance", args[0])["VMs"]:
            wanted = "Paused" if state == "Running" and args[1] else state
            if inventory.database.read("VM", vm)["power_state"] != wanted:
                vm_work.set_power(inventory, vm, wanted)
        return ""

    return effect


def _changed_blocks(inventory: Inventory, _context: Context, old: str, new: str) -> Value:
    """Return the map of changed blocks, in which no block has changed."""
    records = [inventory.database.read("VDI", vdi) for vdi in (old, new)]
    if not all(record["cbt_enabled"] for record in records):
        raise ApiError(*NO_CHANGES)
    blocks = -(-records[1]["virtual_size"] // CHANGED_BLOCK)
    return base64.b64encode(bytes(-(-blocks // 8))).decode()


def _nbd_info(inventory: Inventory, _context: Context, vdi: str) -> Value:
    """Return the NBD servers of a disk: none without a network for that purpose."""
    record = inventory.database.read("VDI", vdi)
    if record["type"] == "cbt_metadata":
        raise ApiError("VDI_INCOMPATIBLE_TYPE", vdi, "cbt_metadata")
    for network in inventory.database.records("network").values():
        if set(network["purpose"]) & set(NBD_PURPOSES):
            raise ApiError(NOT_IMPLEMENTED, "VDI.get_nbd_info, with a network for NBD")
    return []


def _introduce(
    inventory: Inventory,
    _context: Context,
    own: str,
    label: str,
    description: str,
    storage: str,
    kind: str,
    sharable: bool,
    read_only: bool,
    other_config: dict[str, str],
    location: str,
    xenstore_data: dict[str, str],
    sm_config: dict[str, str],
    managed: bool,
    size: int,
    utilisation: int,
    metadata_of_pool: str,
    is_a_snapshot: bool,
    snapshot_time: Date,
    snapshot_of: str,
) -> Value:
    """Return the record of a disk that the SR has already."""
    inventory.database.read("SR", storage)
    check_connected(inventory, (storage,))
    records = inventory.database.records("VDI").values()
    if any(one["SR"] == storage and one["location"] == location for one in records):
        raise ApiError("LOCATION_NOT_UNIQUE", storage, location)
    return inventory.add_vdi(
        label,
        storage,
        uuid=own or str(uuid.uuid4()),
        name_description=description,
        type=kind,
        sharable=sharable,
        read_only=read_only,
        other_config=other_config,
        location=location,
        xenstore_data=xenstore_data,
        sm_config=sm_config,
        managed=managed,
        virtual_size=size,
        physical_utilisation=utilisation,
        metadata_of_pool=metadata_of_pool,
        is_a_snapshot=is_a_snapshot,
        snapshot_time=snapshot_time,
        snapshot_of=snapshot_of,
    )


def _update(inventory: Inventory, _context: Context, vdi: str) -> None:
    check_connected(inventory, (inventory.database.read("VDI", vdi)["SR"],))


def _add_blob(kind: str) -> Callable[..., Value]:
    """Return the handler that gives an object a blob under a name of its own."""

    def handler(
        inventory: Inventory, _context: Context, target: str, name: str, mime: str, public: bool
    ) -> Value:
        inventory.database.read(kind, target)
        blob = inventory.add("blob", mime_type=mime, public=public)
        inventory.database.add_to_map(kind, target, "blobs", name, blob)
        return blob

    return handler


def _create_vtpm(inventory: Inventory, _context: Context, vm: str, is_unique: bool) -> Value:
    """Return a vTPM of a halted VM that has none (xapi_vtpm.ml)."""
    restrictions = inventory.database.read("pool", inventory.pool)["restrictions"]
    if restrictions.get("restrict_vtpm") != "false":
        raise ApiError("FEATURE_RESTRICTED", "restrict_vtpm")
    record = inventory.database.read("VM", vm)
    if record["VTPMs"]:
        raise ApiError("VTPM_MAX_AMOUNT_REACHED", str(len(record["VTPMs"])))
    _check_state(inventory, vm, "halted")
    return inventory.add("VTPM", VM=vm, is_unique=is_unique)


def _destroy_vtpm(inventory: Inventory, _context: Context, vtpm: str) -> None:
    _check_state(inventory, inventory.database.read("VTPM", vtpm)["VM"], "halted", "suspended")
    inventory.database.delete("VTPM", vtpm)


def _check_state(inventory: Inventory, vm: str, *states: str) -> None:
    state = inventory.database.read("VM", vm)["power_state"].lower()
    if state not in states:
        raise ApiError("VM_BAD_POWER_STATE", vm, ", ".join(states), state)


def _copy_bios(inventory: Inventory, _context: Context, vm: str, host: str) -> None:
    if inventory.database.read("VM", vm)["bios_strings"]:
        raise ApiError("VM_BIOS_STRINGS_ALREADY_SET")
    strings = inventory.database.read("host", host)["bios_strings"]
    inventory.database.write("VM", vm, "bios_strings", strings)
    inventory.database.write("VM", vm, "affinity", host)


def _record(inventory: Inventory, _context: Context, vm: str) -> Value:
    return inventory.database.read("VM", vm)


def _overhead(kind: str) -> Callable[..., Value]:
    def handler(inventory: Inventory, _context: Context, target: str) -> Value:
        return inventory.database.read(kind, target)["memory_overhead"]

    return handler


def _assert_can_migrate(
    inventory: Inventory, _context: Context, vm: str, destination: dict[str, str], *_rest: Value
) -> None:
    vm_lifecycle.check(inventory.database, vm, "migrate_send")
    vm_work.check_destination(inventory, (vm, destination))


def _assert_agile(inventory: Inventory, _context: Context, vm: str) -> None:
    """Refuse a VM that not every host could run (agility.ml)."""
    database = inventory.database
    for device in database.read("VM", vm)["VBDs"]:
        storage = inventory.storage_of(device)
        if storage == NULL_REF:
            continue
        is_shared = database.read("SR", storage)["shared"]
        if not is_shared or not all(inventory.reaches(host, storage) for host in database["host"]):
            raise ApiError("HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", storage)
    for device in database.read("VM", vm)["VIFs"]:
        network = database.read("VIF", device)["network"]
        if not all(inventory.has_network(host, network) for host in database["host"]):
            raise ApiError("HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED", network)


def _assert_attachable(inventory: Inventory, _context: Context, vbd: str) -> None:
    record = inventory.database.read("VBD", vbd)
    if not record["empty"]:
        inventory.database.read("VDI", record["VDI"])


def _not_implemented(name: str) -> Callable[..., Value]:
    def handler(_inventory: Inventory, _context: Context, *_args: Value) -> None:
        raise ApiError("NOT_IMPLEMENTED", name)

    return handler


def _set_shadow(inventory: Inventory, _context: Context, vm: str, multiplier: float) -> None:
    _check_state(inventory, vm, "running")
    inventory.database.write("VM", vm, "HVM_shadow_multiplier", multiplier)


def _ignore(inventory: Inventory, _context: Context, vm: str, *_args: Value) -> None:
    """Ignore the call, as the server does (xapi_vm.ml, set_memory_target_live)."""
    inventory.database.read("VM", vm)


WORKS: dict[str, Callable[..., Value]] = {
    "VDI.list_changed_blocks": _changed_blocks,
    "VDI.get_nbd_info": _nbd_info,
    "VDI.introduce": _introduce,
    "VDI.update": _update,
    **{
        f"{kind}.create_new_blob": _add_blob(kind)
        for kind in ("VM", "SR", "host", "network", "pool")
    },
    "VTPM.create": _create_vtpm,
    "VTPM.destroy": _destroy_vtpm,
    "VM.copy_bios_strings": _copy_bios,
    "VM.get_boot_record": _record,
    "VM.compute_memory_overhead": _overhead("VM"),
    "host.compute_memory_overhead": _overhead("host"),
    "VM.assert_can_migrate": _assert_can_migrate,
    "VM.assert_agile": _assert_agile,
    "VBD.assert_attachable": _assert_attachable,
    "VM.send_sysrq": _not_implemented("send_sysrq"),
    "VM.send_trigger": _not_implemented("send_trigger"),
    "VM.set_memory_target_live": _ignore,
    "VM.wait_memory_target_live": _ignore,
    "VM.set_shadow_multiplier_live": _set_shadow,
}
