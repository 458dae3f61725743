# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SR, PBD and VDI messages that are done at once (xapi_sr.ml, xapi_pbd.ml, xapi_vdi.ml)."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from .database import Record
from .inventory import Inventory
from .messages import Context
from .storage_work import check_connected
from .values import ApiError, Value

ALLOWED = ["unplug", "plug", "pbd_destroy", "pbd_create", "vdi_clone", "scan", "forget"]
"""Operations of an SR whose type no storage manager serves."""
DISK_OPERATIONS = ["forget", "update", "resize", "destroy", "clone", "copy", "snapshot"]


def _introduce(
    inventory: Inventory,
    _context: Context,
    own: str,
    label: str,
    description: str,
    kind: str,
    content: str,
    shared: bool,
    sm_config: dict[str, str],
) -> Value:
    records = inventory.database.records("SR")
    if any(record["uuid"] == own for record in records.values()):
        raise ApiError("SR_UUID_EXISTS", own)
    sr = inventory.add_sr(
        label,
        uuid=own or str(uuid.uuid4()),
        name_description=description,
        type=kind,
        content_type=content,
        shared=shared,
        sm_config=sm_config,
        physical_size=-1,
        physical_utilisation=-1,
        allowed_operations=ALLOWED,
    )
    inventory.introduced.add(sr)
    return sr


def _create_sr(
    inventory: Inventory,
    _context: Context,
    host: str,
    device_config: dict[str, str],
    size: int,
    label: str,
    description: str,
    kind: str,
    content: str,
    shared: bool,
    sm_config: dict[str, str],
) -> Value:
    """Return a new SR that the host is connected to; a shared one, every host."""
    inventory.database.read("host", host)
    known = {record["type"] for record in inventory.database.records("SM").values()}
    if known and kind not in known:
        raise ApiError("SR_UNKNOWN_DRIVER", kind)
    sr = inventory.add_sr(
        label,
        name_description=description,
        type=kind,
        content_type=content,
        shared=shared,
        sm_config=sm_config,
        physical_size=size,
    )
    for member in inventory.database["host"] if shared else [host]:
        inventory.add(
            "PBD", host=member, SR=sr, device_config=device_config, currently_attached=True
        )
    return sr


def _create_pbd(inventory: Inventory, _context: Context, args: Record) -> Value:
    """A missing host is accepted, a missing SR is not."""
    record = inventory.database.read("SR", args["SR"])
    for pbd in record["PBDs"]:
        if inventory.database.read("PBD", pbd)["host"] == args["host"]:
            raise ApiError("PBD_EXISTS", args["SR"], args["host"], pbd)
    return inventory.add("PBD", **{**args, "currently_attached": False})


def _destroy_pbd(inventory: Inventory, _context: Context, pbd: str) -> None:
    if inventory.database.read("PBD", pbd)["currently_attached"]:
        raise ApiError("OPERATION_NOT_ALLOWED", "PBD is currently attached")
    inventory.database.delete("PBD", pbd)


def _plug(inventory: Inventory, _context: Context, pbd: str) -> None:
    host = inventory.database.read("PBD", pbd)["host"]
    inventory.database.read("host", host)
    if not inventory.is_live(host):
        raise ApiError("HOST_OFFLINE", host)
    inventory.database.write("PBD", pbd, "currently_attached", True)


def _unplug(inventory: Inventory, _context: Context, pbd: str) -> None:
    """Refuse while a running VM of the host has a disk there (xapi_pbd.ml)."""
    database = inventory.database
    record = database.read("PBD", pbd)
    if not record["currently_attached"]:
        return
    for vdi in database.read("SR", record["SR"])["VDIs"]:
        for vbd in database.read("VDI", vdi)["VBDs"]:
            device = database.read("VBD", vbd)
            home = database.read("VM", device["VM"])["resident_on"]
            if device["currently_attached"] and home == record["host"]:
                raise ApiError("VDI_IN_USE", vdi, "unplug")
    database.write("PBD", pbd, "currently_attached", False)


def _denied(kind: str) -> Callable[..., Value]:
    """Return the handler of a message that only the storage manager's session may send."""

    def handler(inventory: Inventory, _context: Context, ref: str, *_args: Value) -> None:
        inventory.database.read(kind, ref)
        raise ApiError("PERMISSION_DENIED", "")

    return handler


def _connected(field: str = "") -> Callable[..., Value]:
    """Return the handler that needs a plugged SR; it may write a field."""

    def handler(inventory: Inventory, _context: Context, sr: str, *value: Value) -> None:
        check_connected(inventory, (sr,))
        if field:
            inventory.database.write("SR", sr, field, value[0])

    return handler


def _create_vdi(inventory: Inventory, _context: Context, args: Record) -> Value:
    """Return a new disk on an SR that allows it."""
    record = inventory.database.read("SR", args["SR"])
    check_connected(inventory, (args["SR"],))
    if args["virtual_size"] < 0:
        raise ApiError("INVALID_VALUE", "virtual_size", str(args["virtual_size"]))
    if record["content_type"] == "iso":
        raise ApiError("SR_OPERATION_NOT_SUPPORTED", args["SR"])
    own = str(uuid.uuid4())
    fields = {key: value for key, value in args.items() if key not in ("uuid", "VBDs")}
    fields.update(location=own, allowed_operations=DISK_OPERATIONS, managed=True, missing=False)
    return inventory.add("VDI", **fields, uuid=own)


def _forget_vdi(inventory: Inventory, _context: Context, vdi: str) -> None:
    inventory.database.read("VDI", vdi)
    inventory.database.delete("VDI", vdi)


def _write_vdi(field: str) -> Callable[..., Value]:
    def handler(inventory: Inventory, _context: Context, vdi: str, value: Value) -> None:
        inventory.database.write("VDI", vdi, field, value)

    return handler


def _no_data_sources(inventory: Inventory, _context: Context, sr: str) -> Value:
    """Return the data sources of an SR, an empty list."""
    inventory.database.read("SR", sr)
    return []


def _types(inventory: Inventory, _context: Context) -> Value:
    """Return the types of storage that the hosts have drivers for."""
    return sorted(record["type"] for record in inventory.database.records("SM").values())


WORKS: dict[str, Callable[..., Value]] = {
    "SR.get_supported_types": _types,
    "SR.introduce": _introduce,
    "SR.create": _create_sr,
    "SR.set_name_label": _connected("name_label"),
    "SR.set_name_description": _connected("name_description"),
    "SR.update": _connected(),
    "SR.assert_supports_database_replication": _connected(),
    "SR.assert_can_host_ha_statefile": _connected(),
    "SR.set_physical_size": _denied("SR"),
    "SR.set_physical_utilisation": _denied("SR"),
    "SR.set_virtual_allocation": _denied("SR"),
    "SR.get_data_sources": _no_data_sources,
    "PBD.create": _create_pbd,
    "PBD.destroy": _destroy_pbd,
    "PBD.plug": _plug,
    "PBD.unplug": _unplug,
    "PBD.set_device_config": _denied("PBD"),
    "VDI.create": _create_vdi,
    "VDI.forget": _forget_vdi,
    "VDI.set_name_label": _write_vdi("name_label"),
    "VDI.set_name_description": _write_vdi("name_description"),
}
