# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives of VMs: a tar file whose first member describes the objects (export.ml, import.ml).

The archives of the simulator hold no contents of disks, and those of others are not kept.
"""

from __future__ import annotations

import io
import tarfile
import zlib
from typing import IO, Any, cast

from . import vm_lifecycle
from .database import Record
from .inventory import Inventory
from .json_codec import BadRequest
from .types import reader
from .values import NULL_REF, ApiError, Date, Value, ref
from .xml_codec import from_text, to_text

DESCRIPTION = "ova.xml"
PARTS = (("VBDs", "VBD"), ("VIFs", "VIF"))
LEFT_OUT = ("uuid", "allowed_operations", "current_operations", "metrics", "guest_metrics",
            "VBDs", "VIFs", "consoles", "VTPMs", "VUSBs", "VGPUs", "snapshots", "children",
            "crash_dumps", "domid", "parent", "snapshot_of", "resident_on",
            "scheduled_to_be_resident_on", "affinity", "suspend_VDI", "suspend_SR",
            "appliance", "protection_policy", "snapshot_schedule", "groups")  # fmt: skip
"""Fields of a VM that an import makes anew."""


def pack(inventory: Inventory, vms: list[str]) -> bytes:
    """Return the archive of some VMs with all that belongs to them."""
    objects = _Collected(inventory)
    for vm in vms:
        objects.add_vm(vm)
    version = {
        "hostname": "localhost", "date": "2026-01-01", "product_version": "",
        "product_brand": "", "build_number": "simulated", "xapi_major": 1,
        "xapi_minor": 20, "export_vsn": 2,
    }  # fmt: skip
    text = to_text({"version": version, "objects": objects.listed()}).encode()
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo(DESCRIPTION)
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    return made.getvalue()


class _Collected:
    """Objects with short names in place of their references."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._names: dict[str, str] = {}
        self._objects: list[tuple[str, str]] = []

    def add_vm(self, vm: str) -> None:
        """Add a VM, its devices, their disks and networks, and the SRs of the disks."""
        database = self._inventory.database
        record = database.read("VM", vm)
        self._add("VM", vm)
        for vbd in record["VBDs"]:
            self._add("VBD", vbd)
            disk = database.read("VBD", vbd)["VDI"]
            if disk in database["VDI"]:
                self._add("VDI", disk)
                self._add("SR", database.read("VDI", disk)["SR"])
        for vif in record["VIFs"]:
            self._add("VIF", vif)
            self._add("network", database.read("VIF", vif)["network"])

    def _add(self, kind: str, reference: str) -> None:
        if reference not in self._names and reference in self._inventory.database[kind]:
            self._names[reference] = f"Ref:{len(self._names)}"
            self._objects.append((kind, reference))

    def listed(self) -> list[dict[str, Value]]:
        """Return class, name and record of each object."""
        database = self._inventory.database
        return [
            {
                "class": kind,
                "id": self._names[reference],
                "snapshot": self._renamed(database.read(kind, reference)),
            }
            for kind, reference in self._objects
        ]

    def _renamed(self, value: Value) -> Value:
        if isinstance(value, dict):
            return {key: self._renamed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._renamed(item) for item in value]
        if isinstance(value, str) and not isinstance(value, Date):
            return self._names.get(value, value)
        return value


def unpack(stream: Any) -> list[dict[str, Value]]:
    """Return the objects of an archive; raise the error of the server for one that is broken."""
    try:
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|*") as archive:
            first = archive.next()
            if first is None:
                raise ApiError("IMPORT_ERROR_PREMATURE_EOF")
            if first.name != DESCRIPTION:
                raise ApiError("IMPORT_ERROR_UNEXPECTED_FILE", DESCRIPTION, first.name)
            text = archive.extractfile(first)
            document = from_text(text.read() if text else b"")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ApiError("IMPORT_ERROR_PREMATURE_EOF") from error
    except BadRequest as error:
        raise ApiError("IMPORT_ERROR_GENERIC", f"INTERNAL_ERROR: [ {error} ]") from error
    if not isinstance(document, dict) or not isinstance(document.get("objects"), list):
        raise ApiError("IMPORT_ERROR_GENERIC", "INTERNAL_ERROR: [ no objects ]")
    return list(document["objects"])


def restore(
    inventory: Inventory, objects: list[dict[str, Value]], storage: str, task: str
) -> list[str]:
    """Return the VMs of an archive, which the task holds until it ends; disks go to one SR."""
    found: dict[str, dict[str, Record]] = {}
    for one in objects:
        kind = str(one.get("class", ""))
        if kind in ("VM", "VBD", "VIF", "VDI", "network"):
            record = reader(f"{kind} record")(one.get("snapshot"))
            found.setdefault(kind, {})[str(one.get("id", ""))] = record
    vms = []
    for record in found.get("VM", {}).values():
        if not record.get("is_a_snapshot"):
            vms.append(_restore_vm(inventory, record, found, storage, task))
    return vms


def _restore_vm(
    inventory: Inventory,
    record: Record,
    found: dict[str, dict[str, Record]],
    storage: str,
    task: str,
) -> str:
    fields = {key: value for key, value in record.items() if key not in LEFT_OUT}
    fields.update(power_state="Halted", is_control_domain=False)
    vm = inventory.add_vm(fields.pop("name_label", ""), **fields)
    inventory.database.add_to_map("VM", vm, "current_operations", task, "import")
    for name in reversed(record.get("VBDs", [])):
        if name in found.get("VBD", {}):
            device = _device(found["VBD"][name], vm)
            disk = found.get("VDI", {}).get(device["VDI"])
            device["VDI"] = _restore_disk(inventory, disk, storage) if disk else NULL_REF
            device["empty"] = device["VDI"] == NULL_REF
            inventory.set_attached("VBD", inventory.add("VBD", **device), False)
    for name in reversed(record.get("VIFs", [])):
        if name in found.get("VIF", {}):
            device = _device(found["VIF"][name], vm)
            device["network"] = _network(inventory, found, device["network"])
            inventory.set_attached("VIF", inventory.add("VIF", **device), False)
    vm_lifecycle.refresh(inventory.database, vm)
    return vm


def _device(record: Record, vm: str) -> Record:
    own = ("uuid", "metrics", "runtime_properties", "current_operations", "allowed_operations")
    return {key: value for key, value in record.items() if key not in own} | {"VM": vm}


def _restore_disk(inventory: Inventory, record: Record, storage: str) -> str:
    kept = ("name_label", "name_description", "virtual_size", "type", "sharable", "read_only",
            "other_config", "tags", "xenstore_data", "sm_config")  # fmt: skip
    fields = {key: record[key] for key in kept if key in record}
    return inventory.add_vdi(fields.pop("name_label", ""), storage, **fields)


def _network(inventory: Inventory, found: dict[str, dict[str, Record]], name: Value) -> str:
    """Return the network of the same name, or else the first one."""
    label = found.get("network", {}).get(ref(name), {}).get("name_label", "")
    same = inventory.database.find_by_name("network", label) if label else []
    return next(iter(same or inventory.database["network"]), NULL_REF)
