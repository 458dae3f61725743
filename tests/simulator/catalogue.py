# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations that the simulator knows: VM, SR, VDI and host messages with an Async form."""

from __future__ import annotations

from collections.abc import Callable

from .database import Database
from .inventory import Inventory
from .lifecycle import Life
from .operations import Args, Operation
from .values import NULL_REF, Value, boolean, integer, ref, refs, text, text_map

Effect = Callable[[Inventory, Database, Args], Value]

RUNNING = ("running",)
HALTED = ("halted",)
DOWN = ("halted", "suspended")
UP = ("paused", "suspended", "running")


def _nothing(_inventory: Inventory, _database: Database, _args: Args) -> Value:
    return ""


def _power(state: str) -> Effect:
    def effect(inventory: Inventory, database: Database, args: Args) -> Value:
        home = database.read("VM", args[0])["resident_on"]
        if state == "Halted" or state == "Suspended":
            home = NULL_REF
        elif home == NULL_REF:
            home = inventory.master
        database.write("VM", args[0], "power_state", state)
        database.write("VM", args[0], "resident_on", home)
        return ""

    return effect


def _move_vm(_inventory: Inventory, database: Database, args: Args) -> Value:
    database.write("VM", args[0], "resident_on", args[1])
    return ""


def _snapshot_vm(inventory: Inventory, _database: Database, args: Args) -> Value:
    return inventory.add_snapshot(args[1], args[0])


def _copy_vm(inventory: Inventory, database: Database, args: Args) -> Value:
    is_a_template = database.read("VM", args[0])["is_a_template"]
    return inventory.add_vm(args[1], is_a_template=is_a_template)


def _provision(_inventory: Inventory, database: Database, args: Args) -> Value:
    database.write("VM", args[0], "is_a_template", False)
    return ""


def _destroy_vm(inventory: Inventory, _database: Database, args: Args) -> Value:
    inventory.delete_vm(args[0])
    return ""


def _copy_vdi(inventory: Inventory, database: Database, args: Args) -> Value:
    source = database.read("VDI", args[0])
    target = args[1] if len(args) > 2 else source["SR"]
    return inventory.add_vdi(source["name_label"], target, virtual_size=source["virtual_size"])


def _destroy_vdi(_inventory: Inventory, database: Database, args: Args) -> Value:
    database.delete("VDI", args[0])
    return ""


def _resize_vdi(_inventory: Inventory, database: Database, args: Args) -> Value:
    database.write("VDI", args[0], "virtual_size", args[1])
    return ""


def _enable(enabled: bool) -> Effect:
    def effect(_inventory: Inventory, database: Database, args: Args) -> Value:
        database.write("host", args[0], "enabled", enabled)
        return ""

    return effect


def _forget_sr(_inventory: Inventory, database: Database, args: Args) -> Value:
    database.delete("SR", args[0])
    return ""


def _plugin(_inventory: Inventory, _database: Database, args: Args) -> Value:
    return f"{args[1]}.{args[2]}"


_QUICK = Life(duration=0.5, steps=1, cancellable=False, cancel_after=None)
_LONG = Life(duration=8.0, steps=16)


def _vm(
    name: str, entry: str, *, role: str = "vm-operator", effect: Effect = _nothing, **more: Value
) -> Operation:
    params = (ref, *more.pop("params", ()))
    return Operation(f"VM.{name}", params, role, (("VM", 0, entry),), effect, **more)


CATALOGUE = (
    _vm("start", "start", effect=_power("Running"), params=(boolean, boolean), needs_power=HALTED),
    _vm("clean_shutdown", "clean_shutdown", effect=_power("Halted"), needs_power=RUNNING),
    _vm("hard_shutdown", "hard_shutdown", effect=_power("Halted"), needs_power=UP),
    _vm("shutdown", "shutdown", effect=_power("Halted"), needs_power=UP),
    _vm("clean_reboot", "clean_reboot", needs_power=RUNNING),
    _vm("hard_reboot", "hard_reboot", needs_power=("paused", "running")),
    _vm("suspend", "suspend", effect=_power("Suspended"), needs_power=RUNNING),
    _vm(
        "resume",
        "resume",
        effect=_power("Running"),
        params=(boolean, boolean),
        needs_power=("suspended",),
    ),
    _vm("pause", "pause", effect=_power("Paused"), needs_power=RUNNING, life=_QUICK),
    _vm("unpause", "unpause", effect=_power("Running"), needs_power=("paused",), life=_QUICK),
    _vm(
        "snapshot",
        "snapshot",
        role="vm-power-admin",
        effect=_snapshot_vm,
        params=(text,),
        defaults=((refs, []),),
    ),
    _vm(
        "checkpoint",
        "checkpoint",
        role="vm-power-admin",
        effect=_snapshot_vm,
        params=(text,),
        needs_power=UP,
    ),
    _vm(
        "clone",
        "clone",
        role="vm-admin",
        effect=_copy_vm,
        params=(text,),
        needs_power=HALTED,
    ),
    _vm(
        "copy",
        "copy",
        role="vm-admin",
        effect=_copy_vm,
        params=(text, ref),
        needs_power=HALTED,
        life=_LONG,
    ),
    _vm(
        "provision",
        "provision",
        role="vm-admin",
        effect=_provision,
        needs_power=HALTED,
        needs_template=True,
        life=_LONG,
    ),
    _vm("destroy", "destroy", role="vm-admin", effect=_destroy_vm, needs_power=DOWN, life=_QUICK),
    Operation(
        "VM.pool_migrate",
        (ref, ref, text_map),
        "vm-power-admin",
        # The host that the VM leaves has no entry; the one that it goes to has.
        (("VM", 0, "pool_migrate"), ("host", 1, "vm_migrate")),
        _move_vm,
        needs_power=RUNNING,
        life=_LONG,
    ),
    Operation("SR.scan", (ref,), "vm-power-admin", (("SR", 0, "scan"),), _nothing),
    Operation(
        "SR.forget", (ref,), "pool-operator", (("SR", 0, "forget"),), _forget_sr, life=_QUICK
    ),
    Operation(
        "SR.destroy", (ref,), "pool-operator", (("SR", 0, "destroy"),), _forget_sr, life=_QUICK
    ),
    Operation(
        "VDI.snapshot",
        (ref,),
        "vm-admin",
        (("VDI", 0, "snapshot"),),
        _copy_vdi,
        defaults=((text_map, {}),),
    ),
    Operation(
        "VDI.clone",
        (ref,),
        "vm-admin",
        (("VDI", 0, "clone"),),
        _copy_vdi,
        defaults=((text_map, {}),),
    ),
    Operation(
        "VDI.copy",
        (ref, ref),
        "vm-admin",
        (("VDI", 0, "copy"),),
        _copy_vdi,
        life=_LONG,
        defaults=((ref, NULL_REF), (ref, NULL_REF)),
    ),
    Operation("VDI.resize", (ref, integer), "vm-admin", (("VDI", 0, "resize"),), _resize_vdi),
    Operation(
        "VDI.destroy", (ref,), "vm-admin", (("VDI", 0, "destroy"),), _destroy_vdi, life=_QUICK
    ),
    Operation(
        "host.disable",
        (ref,),
        "pool-operator",
        (("host", 0, ""),),
        _enable(False),
        life=_QUICK,
        defaults=((boolean, True),),
    ),
    Operation(
        "host.enable", (ref,), "pool-operator", (("host", 0, "enable"),), _enable(True), life=_QUICK
    ),
    Operation(
        "host.evacuate",
        (ref,),
        "pool-operator",
        (("host", 0, "evacuate"),),
        _nothing,
        life=_LONG,
        defaults=((ref, NULL_REF), (integer, 0)),
    ),
    Operation("host.reboot", (ref,), "pool-operator", (("host", 0, "reboot"),), _nothing),
    Operation("host.shutdown", (ref,), "pool-operator", (("host", 0, "shutdown"),), _nothing),
    Operation(
        "host.apply_updates",
        (ref, text),
        "pool-operator",
        (("host", 0, "apply_updates"),),
        _nothing,
        life=_LONG,
    ),
    Operation(
        "host.call_plugin",
        (ref, text, text, text_map),
        "pool-admin",
        (("host", 0, ""),),
        _plugin,
        life=_LONG,
    ),
)
