# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Effects and checks of operations on VMs."""

from __future__ import annotations

from . import vm_lifecycle
from .database import Record
from .guests import add_guest, remove_guest
from .inventory import Inventory
from .operations import Args, Effect
from .values import NULL_REF, ApiError, Date, Value

CONTENTS = ("VBDs", "VIFs", "consoles", "VTPMs", "VUSBs")
"""Fields with the objects that belong to a VM and go with it."""
OWN = (
    "VBDs", "VIFs", "consoles", "VTPMs", "VUSBs", "snapshots", "children", "crash_dumps",
    "metrics", "guest_metrics", "uuid", "current_operations", "allowed_operations", "is_a_snapshot",
    "snapshot_of", "snapshot_time", "parent", "resident_on", "domid", "power_state", "name_label",
)  # fmt: skip
"""Fields that a copy does not take over."""


def power(state: str) -> Effect:
    """Return the effect that leaves a VM in a power state."""

    def effect(inventory: Inventory, args: Args) -> Value:
        set_power(inventory, args[0], state)
        return ""

    return effect


def set_power(inventory: Inventory, vm: str, state: str, home: str = "") -> None:
    """Write a power state with all that follows from it."""
    database = inventory.database
    record = database.read("VM", vm)
    if state in ("Halted", "Suspended"):
        home = NULL_REF
    elif not home:
        present = record["resident_on"]
        home = inventory.home_for(record) if present == NULL_REF else present
    begins = record["domid"] == -1 and home != NULL_REF
    database.write("VM", vm, "power_state", state)
    database.write("VM", vm, "resident_on", home)
    if begins:
        database.write("VM", vm, "domid", inventory.next_domain())
        metrics = record["metrics"]
        if metrics in database["VM_metrics"]:
            database.write("VM_metrics", metrics, "start_time", Date.at(inventory.now()))
    elif home == NULL_REF:
        database.write("VM", vm, "domid", -1)
    attach(inventory, vm)
    if inventory.has_guests and begins:
        add_guest(inventory, vm)
    elif home == NULL_REF:
        remove_guest(inventory, vm)
    vm_lifecycle.refresh(database, vm)


def attach(inventory: Inventory, vm: str) -> None:
    """Attach or detach the devices of a VM as its power state wants it."""
    database = inventory.database
    record = database.read("VM", vm)
    attached = record["power_state"] in ("Running", "Paused")
    for kind in ("VBD", "VIF"):
        for device in record[f"{kind}s"]:
            inventory.set_attached(kind, device, attached)


def reboot(inventory: Inventory, args: Args) -> Value:
    """The domain is a new one afterwards; everything else stays."""
    database = inventory.database
    database.write("VM", args[0], "domid", inventory.next_domain())
    if database.read("VM", args[0])["power_state"] == "Paused":
        set_power(inventory, args[0], "Running")
    return ""


def start_on(inventory: Inventory, args: Args) -> Value:
    """Start or resume a VM on a host."""
    set_power(inventory, args[0], "Running", args[1])
    return ""


def check_host(inventory: Inventory, args: Args) -> None:
    """Refuse a host that is disabled or not live."""
    host = args[1]
    if not inventory.is_live(host):
        raise ApiError("HOST_NOT_LIVE")
    if not inventory.database.read("host", host)["enabled"]:
        raise ApiError("HOST_DISABLED", host)


def move(inventory: Inventory, args: Args) -> Value:
    """Leave a VM on another host."""
    inventory.database.write("VM", args[0], "resident_on", args[1])
    return ""


def check_destination(inventory: Inventory, args: Args) -> None:
    """Refuse a destination that `host.migrate_receive` of this pool did not give."""
    if args[1].get("host") not in inventory.database["host"]:
        raise ApiError("INVALID_VALUE", "dest", "host")


def migrate_send(inventory: Inventory, args: Args) -> Value:
    """Move a VM within the pool, its disks too where they are mapped to other SRs."""
    database = inventory.database
    vm, destination, _live, disks, interfaces = args[:5]
    for disk, storage in disks.items():
        if disk in database["VDI"]:
            database.write("VDI", disk, "SR", storage)
    for interface, network in interfaces.items():
        if interface in database["VIF"]:
            database.write("VIF", interface, "network", network)
    if database.read("VM", vm)["power_state"] == "Running":
        database.write("VM", vm, "resident_on", destination["host"])
    return vm


def snapshot(inventory: Inventory, args: Args) -> Value:
    """Return a snapshot with copies of the VM's disks, but for those that are to be ignored."""
    ignored = args[2] if len(args) > 2 else []
    taken = inventory.add_snapshot(args[1], args[0], **_copied(inventory, args[0]))
    _copy_devices(inventory, args[0], taken, ignored=ignored, is_snapshot=True)
    return taken


def checkpoint(inventory: Inventory, args: Args) -> Value:
    """Return a snapshot that is suspended, as it holds the memory too."""
    taken = snapshot(inventory, args)
    inventory.database.write("VM", str(taken), "power_state", "Suspended")
    return taken


def _copied(inventory: Inventory, vm: str) -> Record:
    record = inventory.database.read("VM", vm)
    return {field: value for field, value in record.items() if field not in OWN}


def copy(inventory: Inventory, args: Args) -> Value:
    """Return a copy; that of a template is a template and remembers the name of its origin."""
    source = inventory.database.read("VM", args[0])
    fields = _copied(inventory, args[0])
    if source["is_a_snapshot"]:
        fields["is_a_template"] = True
    if source["is_a_template"] and not source["is_a_snapshot"]:
        named = {"base_template_name": source["name_label"]}
        fields["other_config"] = {**named, **fields["other_config"]}
    fields["is_default_template"] = False
    # Only the templates that came with the server carry this key (xapi_globs.ml).
    kept = fields["other_config"].items()
    fields["other_config"] = {key: value for key, value in kept if key != "default_template"}
    target = inventory.add_vm(args[1], **fields)
    storage = args[2] if len(args) > 2 else NULL_REF
    _copy_devices(inventory, args[0], target, storage=storage)
    return target


def _copy_devices(
    inventory: Inventory,
    source: str,
    target: str,
    *,
    storage: str = NULL_REF,
    ignored: Value = (),
    is_snapshot: bool = False,
) -> None:
    """Give a copy devices like those of its origin, with new disks and new addresses."""
    database = inventory.database
    record = database.read("VM", source)
    for device in reversed(record["VBDs"]):
        disk = inventory.fields_of("VBD", device)
        if disk["VDI"] in ignored:
            continue
        if disk["VDI"] in database["VDI"] and disk["type"] == "Disk":
            disk["VDI"] = inventory.copy_vdi(disk["VDI"], storage, is_snapshot=is_snapshot)
        inventory.add("VBD", **{**disk, "VM": target, "currently_attached": False})
    for device in reversed(record["VIFs"]):
        interface = inventory.fields_of("VIF", device)
        if not is_snapshot and interface["MAC_autogenerated"]:
            interface["MAC"] = inventory.next_mac()
        inventory.add("VIF", **{**interface, "VM": target, "currently_attached": False})


def provision(inventory: Inventory, args: Args) -> Value:
    """A template with all its disks is a VM from then on."""
    inventory.database.write("VM", args[0], "is_a_template", False)
    inventory.database.write("VM", args[0], "is_default_template", False)
    vm_lifecycle.refresh(inventory.database, args[0])
    return ""


def destroy(inventory: Inventory, args: Args) -> Value:
    """Delete a VM with its devices; its disks stay."""
    record = inventory.database.read("VM", args[0])
    for field in CONTENTS:
        kind = field.removesuffix("s")
        for device in record[field]:
            inventory.database.delete(kind, device)
    inventory.delete_vm(args[0])
    return ""
