# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VM messages that are done at once: making one, its limits, its flags (xapi_vm.ml)."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from . import vm_lifecycle, vm_work
from .database import Record
from .inventory import Inventory
from .messages import Context
from .values import NULL_REF, ApiError, Value

MIB = 1024 * 1024
OVERHEAD = 9 * MIB
DEVICES = 16
"""How many disks and how many interfaces a VM may have."""
RESTART_PRIORITIES = ("restart", "best-effort", "")
VENDOR_BIOS = "MS_VM_CERT/SHA1/bdbeb6e0a816d43fa6d3fe8aaef04c2bad9d3e3d"
BIOS = {
    "bios-vendor": "Xen", "bios-version": "", "system-manufacturer": "Xen",
    "system-product-name": "HVM domU", "system-version": "", "system-serial-number": "",
    "baseboard-manufacturer": "", "baseboard-product-name": "", "baseboard-version": "",
    "baseboard-serial-number": "", "baseboard-asset-tag": "",
    "baseboard-location-in-chassis": "", "enclosure-asset-tag": "", "hp-rombios": "",
    "oem-1": "Xen", "oem-2": VENDOR_BIOS,
}  # fmt: skip
"""Texts of a VM for which no others were set (constants.ml)."""


def _create(inventory: Inventory, _context: Context, args: Record) -> Value:
    """Make a VM; neither sizes nor references are checked."""
    seed = {"mac_seed": str(uuid.uuid4())}
    fields = {
        "memory_overhead": OVERHEAD,
        "has_vendor_device": True,
        "hardware_platform_version": 2,
        "generation_id": "0:0",
        **args,
    }
    fields["tags"] = list(dict.fromkeys(fields.get("tags", [])))
    fields["other_config"] = {**seed, **fields["other_config"]}
    for given in ("allowed_operations", "current_operations", "metrics", "uuid", "resident_on"):
        fields.pop(given, None)
    fields.update(power_state="Halted", domid=-1, domain_type=fields.get("domain_type", "hvm"))
    return inventory.add_vm(fields.pop("name_label", ""), **fields)


def _held(operation: str, work: Callable[..., Value]) -> Callable[..., Value]:
    """Check and mark the VM as an operation on it does, even if the work fails."""

    def handler(inventory: Inventory, context: Context, vm: str, *args: Value) -> Value:
        vm_lifecycle.check(inventory.database, vm, operation)
        inventory.database.touch("VM", vm)
        return work(inventory, context, vm, *args)

    return handler


def _write(inventory: Inventory, vm: str, **fields: Value) -> None:
    for field, value in fields.items():
        inventory.database.write("VM", vm, field, value)


def _set_is_a_template(inventory: Inventory, _context: Context, vm: str, value: bool) -> None:
    """A template loses its metrics; a former template keeps its allowed operations."""
    record = inventory.database.read("VM", vm)
    if not value:
        _write(inventory, vm, is_a_template=False)
        return
    vm_lifecycle.check(inventory.database, vm, "make_into_template")
    inventory.database.delete("VM_metrics", record["metrics"])
    _write(inventory, vm, metrics=NULL_REF, is_a_template=True)
    vm_lifecycle.refresh(inventory.database, vm)


def _set_is_default_template(inventory: Inventory, context: Context, vm: str, value: bool) -> None:
    if value and not inventory.database.read("VM", vm)["is_a_template"]:
        _set_is_a_template(inventory, context, vm, True)
    _write(inventory, vm, is_default_template=value)


def _check_vcpus(most: int, at_startup: int) -> None:
    if most < 1:
        raise ApiError("INVALID_VALUE", "VCPUs_max", str(most))
    if not 1 <= at_startup <= most:
        raise ApiError("INVALID_VALUE", "VCPUs_at_startup", str(at_startup))


def _set_vcpus_max(inventory: Inventory, _context: Context, vm: str, value: int) -> None:
    _check_vcpus(value, inventory.database.read("VM", vm)["VCPUs_at_startup"])
    _write(inventory, vm, VCPUs_max=value)


def _set_vcpus_at_startup(inventory: Inventory, _context: Context, vm: str, value: int) -> None:
    _check_vcpus(inventory.database.read("VM", vm)["VCPUs_max"], value)
    _write(inventory, vm, VCPUs_at_startup=value)


def _limits(inventory: Inventory, vm: str, **changes: int) -> None:
    """Write memory limits that are in order: static min, dynamic min and max, static max."""
    record = inventory.database.read("VM", vm)
    names = ("memory_static_min", "memory_dynamic_min", "memory_dynamic_max", "memory_static_max")
    wanted = [{**record, **changes}[name] for name in names]
    if wanted != sorted(wanted) or wanted[0] < 0:
        wrong = "require 0 <= memory_static_min <= memory_dynamic_min <= memory_dynamic_max"
        raise ApiError("MEMORY_CONSTRAINT_VIOLATION", f"{wrong} <= memory_static_max")
    _write(inventory, vm, **changes)


def _limit(*names: str) -> Callable[..., Value]:
    """Return the handler that writes the limits of these names, in this order."""

    def handler(inventory: Inventory, _context: Context, vm: str, *values: int) -> None:
        _limits(inventory, vm, **{f"memory_{n}": v for n, v in zip(names, values, strict=True)})

    return handler


def _set_memory(inventory: Inventory, _context: Context, vm: str, value: int) -> None:
    _limits(
        inventory, vm, memory_static_max=value, memory_dynamic_max=value, memory_dynamic_min=value
    )


def _set_ha_restart_priority(inventory: Inventory, _c: Context, vm: str, value: str) -> None:
    if value not in RESTART_PRIORITIES:
        raise ApiError("INVALID_VALUE", "ha_restart_priority", value)
    _write(inventory, vm, ha_restart_priority=value)


def _set_start_delay(inventory: Inventory, _context: Context, vm: str, value: int) -> None:
    if value < 0:
        raise ApiError("INVALID_VALUE", "start_delay must be non-negative", str(value))
    _write(inventory, vm, start_delay=value)


def _set_shutdown_delay(inventory: Inventory, _context: Context, vm: str, value: int) -> None:
    if value < 0:
        raise ApiError("INVALID_VALUE", "shutdown_delay must be non-negative", str(value))
    _write(inventory, vm, shutdown_delay=value)


def _keep(inventory: Inventory, _context: Context, vm: str, *_args: Value) -> None:
    """Take a value and leave the field as it is."""
    inventory.database.read("VM", vm)


def _set_bios_strings(inventory: Inventory, _c: Context, vm: str, value: dict[str, str]) -> None:
    """Once, and with the usual texts where none is given."""
    if inventory.database.read("VM", vm)["bios_strings"]:
        raise ApiError("VM_BIOS_STRINGS_ALREADY_SET")
    for key in value:
        if key not in BIOS:
            raise ApiError("INVALID_VALUE", key, value[key])
    _write(inventory, vm, bios_strings={**BIOS, **value})


def _block(inventory: Inventory, _context: Context, vm: str, key: str, value: str) -> None:
    inventory.database.add_to_map("VM", vm, "blocked_operations", key, value)
    vm_lifecycle.refresh(inventory.database, vm)


def _unblock(inventory: Inventory, _context: Context, vm: str, key: str) -> None:
    inventory.database.remove_from_map("VM", vm, "blocked_operations", key)
    vm_lifecycle.refresh(inventory.database, vm)


def _set_blocked(inventory: Inventory, _context: Context, vm: str, value: dict[str, str]) -> None:
    _write(inventory, vm, blocked_operations=value)
    vm_lifecycle.refresh(inventory.database, vm)


def _assert_valid(inventory: Inventory, _context: Context, vm: str, operation: str) -> None:
    vm_lifecycle.check(inventory.database, vm, operation)


def _update_allowed(inventory: Inventory, _context: Context, vm: str) -> None:
    vm_lifecycle.refresh(inventory.database, vm)


def _devices(kind: str, field: str) -> Callable[..., Value]:
    """Return the handler that lists the free places for devices of a VM."""

    def handler(inventory: Inventory, _context: Context, vm: str) -> Value:
        devices = inventory.database.read("VM", vm)[f"{kind}s"]
        taken = {inventory.database.read(kind, device)[field] for device in devices}
        return [str(place) for place in range(DEVICES) if str(place) not in taken]

    return handler


def _revert(inventory: Inventory, _context: Context, snapshot: str) -> None:
    """The VM gets the snapshot's fields, but for its tags; a VM that is gone comes back."""
    database = inventory.database
    record = database.read("VM", snapshot)
    if not record["is_a_snapshot"]:
        raise ApiError("VM_REVERT_FAILED", snapshot, NULL_REF)
    vm_lifecycle.check(database, snapshot, "revert")
    fields = {key: value for key, value in record.items() if key not in vm_work.OWN}
    del fields["tags"]
    vm = record["snapshot_of"]
    fields.update(is_a_template=False, is_default_template=False)
    if vm in database["VM"]:
        _write(inventory, vm, **fields)
        vm_work.set_power(inventory, vm, record["power_state"])
    else:
        vm = inventory.add_vm(inventory.names.get(snapshot) or record["name_label"], **fields)
        _write(inventory, snapshot, snapshot_of=vm)
    _write(inventory, vm, parent=snapshot)


def _possible_hosts(inventory: Inventory, _context: Context, vm: str) -> Value:
    record = inventory.database.read("VM", vm)
    disks = {inventory.storage_of(device) for device in record["VBDs"]} - {NULL_REF}
    return [
        host
        for host, one in inventory.database.records("host").items()
        if one["enabled"]
        and inventory.is_live(host)
        and all(inventory.reaches(host, disk) for disk in disks)
    ]


def _assert_can_boot(inventory: Inventory, context: Context, vm: str, host: str) -> None:
    inventory.database.read("VM", vm)
    if not inventory.database.read("host", host)["enabled"]:
        raise ApiError("HOST_DISABLED", host)
    if host not in _possible_hosts(inventory, context, vm):
        raise ApiError("VM_REQUIRES_SR", vm, NULL_REF)


def _cooperative(inventory: Inventory, _context: Context, vm: str) -> Value:
    inventory.database.read("VM", vm)
    return True


def _reset(inventory: Inventory, _context: Context, vm: str) -> None:
    if inventory.database.read("VM", vm)["is_control_domain"]:
        raise ApiError("OPERATION_NOT_ALLOWED", vm_lifecycle.OFF_ROOT)
    vm_work.set_power(inventory, vm, "Halted")


_STATIC = "changing_static_range"
_DYNAMIC = "changing_dynamic_range"
WORKS: dict[str, Callable[..., Value]] = {
    "VM.create": _create,
    "VM.revert": _revert,
    "VM.set_is_a_template": _set_is_a_template,
    "VM.set_is_default_template": _set_is_default_template,
    "VM.set_VCPUs_max": _held("changing_VCPUs", _set_vcpus_max),
    "VM.set_VCPUs_at_startup": _held("changing_VCPUs", _set_vcpus_at_startup),
    "VM.set_VCPUs_number_live": _held("changing_VCPUs_live", _set_vcpus_at_startup),
    "VM.set_memory": _held(_STATIC, _set_memory),
    "VM.set_memory_limits": _held(
        _STATIC, _limit("static_min", "static_max", "dynamic_min", "dynamic_max")
    ),
    "VM.set_memory_static_max": _held(_STATIC, _limit("static_max")),
    "VM.set_memory_static_min": _held(_STATIC, _limit("static_min")),
    "VM.set_memory_static_range": _held(_STATIC, _limit("static_min", "static_max")),
    "VM.set_memory_dynamic_max": _held(_DYNAMIC, _limit("dynamic_max")),
    "VM.set_memory_dynamic_min": _held(_DYNAMIC, _limit("dynamic_min")),
    "VM.set_memory_dynamic_range": _held(_DYNAMIC, _limit("dynamic_min", "dynamic_max")),
    "VM.set_ha_restart_priority": _set_ha_restart_priority,
    "VM.set_ha_always_run": _keep,
    "VM.set_start_delay": _set_start_delay,
    "VM.set_shutdown_delay": _set_shutdown_delay,
    "VM.set_bios_strings": _set_bios_strings,
    "VM.set_blocked_operations": _set_blocked,
    "VM.add_to_blocked_operations": _block,
    "VM.remove_from_blocked_operations": _unblock,
    "VM.assert_operation_valid": _assert_valid,
    "VM.update_allowed_operations": _update_allowed,
    "VM.get_allowed_VBD_devices": _devices("VBD", "userdevice"),
    "VM.get_allowed_VIF_devices": _devices("VIF", "device"),
    "VM.get_possible_hosts": _possible_hosts,
    "VM.assert_can_boot_here": _assert_can_boot,
    "VM.get_cooperative": _cooperative,
    "VM.power_state_reset": _reset,
}
