# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations that take a while: messages of VM, SR, VDI and host with an Async form."""

from __future__ import annotations

from . import backup_messages, host_work, maintenance_messages, storage_work, vm_work
from .inventory import Inventory
from .lifecycle import Life
from .operations import Args, Check, Effect, Operation
from .values import Value


def _nothing(_inventory: Inventory, _args: Args) -> Value:
    return ""


_QUICK = Life(duration=0.5, steps=1, cancellable=False, cancel_after=None)
_LONG = Life(duration=8.0, steps=16)
_USUAL = Life()


def _vm(
    name: str,
    effect: Effect = _nothing,
    life: Life = _USUAL,
    *,
    entry: str = "",
    check: Check | None = None,
) -> Operation:
    return Operation(f"VM.{name}", (("VM", 0, entry or name),), effect, life, check)


def _vdi(name: str, effect: Effect, life: Life = _USUAL) -> Operation:
    return Operation(f"VDI.{name}", (("VDI", 0, name),), effect, life)


def _sr(name: str, effect: Effect, life: Life = _QUICK, *, check: Check | None = None) -> Operation:
    return Operation(f"SR.{name}", (("SR", 0, name),), effect, life, check)


def _host(
    name: str,
    effect: Effect = _nothing,
    life: Life = _USUAL,
    *,
    entry: str | None = None,
    check: Check | None = None,
) -> Operation:
    held = name if entry is None else entry
    return Operation(f"host.{name}", (("host", 0, held),), effect, life, check)


def _appliance(name: str, state: str) -> Operation:
    return Operation(
        f"VM_appliance.{name}",
        (("VM_appliance", 0, name),),
        backup_messages.for_each_vm(state),
        _LONG,
    )


CATALOGUE = (
    _vm("start", vm_work.power("Running")),
    Operation(
        "VM.start_on",
        (("VM", 0, "start_on"), ("host", 1, "vm_start")),
        vm_work.start_on,
        _USUAL,
        vm_work.check_host,
    ),
    _vm("clean_shutdown", vm_work.power("Halted")),
    _vm("hard_shutdown", vm_work.power("Halted")),
    _vm("shutdown", vm_work.power("Halted")),
    _vm("clean_reboot", vm_work.reboot),
    _vm("hard_reboot", vm_work.reboot),
    _vm("suspend", vm_work.power("Suspended")),
    _vm("resume", vm_work.power("Running")),
    Operation(
        "VM.resume_on",
        (("VM", 0, "resume_on"), ("host", 1, "vm_resume")),
        vm_work.start_on,
        _USUAL,
        vm_work.check_host,
    ),
    _vm("pause", vm_work.power("Paused"), _QUICK),
    _vm("unpause", vm_work.power("Running"), _QUICK),
    _vm("snapshot", vm_work.snapshot),
    _vm("checkpoint", vm_work.checkpoint),
    _vm("clone", vm_work.copy),
    _vm("copy", vm_work.copy, _LONG),
    _vm("provision", vm_work.provision, _LONG),
    _vm("destroy", vm_work.destroy, _QUICK),
    Operation(
        "VM.pool_migrate",
        # The host that the VM leaves has no entry; the one that it goes to has.
        (("VM", 0, "pool_migrate"), ("host", 1, "vm_migrate")),
        vm_work.move,
        _LONG,
        vm_work.check_host,
    ),
    _vm("migrate_send", vm_work.migrate_send, _LONG, check=vm_work.check_destination),
    _sr("scan", storage_work.scan_sr, _USUAL, check=storage_work.check_connected),
    _sr("forget", storage_work.forget_sr, check=storage_work.check_unplugged),
    _sr("destroy", storage_work.forget_sr, check=storage_work.check_unplugged),
    _vdi("snapshot", storage_work.snapshot_vdi),
    _vdi("clone", storage_work.copy_vdi),
    _vdi("copy", storage_work.copy_vdi, _LONG),
    _vdi("resize", storage_work.resize_vdi),
    _vdi("destroy", storage_work.destroy_vdi, _QUICK),
    Operation(
        "VDI.pool_migrate",
        (("VDI", 0, ""),),
        backup_messages.migrate_disk,
        _LONG,
        backup_messages.check_migration,
    ),
    _vdi("enable_cbt", backup_messages.track_changes(True), _QUICK),
    _vdi("disable_cbt", backup_messages.track_changes(False), _QUICK),
    Operation(
        "VDI.data_destroy",
        (("VDI", 0, "data_destroy"),),
        backup_messages.destroy_data,
        _QUICK,
        backup_messages.check_snapshot,
    ),
    _appliance("start", "Running"),
    _appliance("clean_shutdown", "Halted"),
    _appliance("hard_shutdown", "Halted"),
    _appliance("shutdown", "Halted"),
    _host("disable", host_work.disable, _QUICK, entry="", check=host_work.check_exists),
    _host("enable", host_work.enable, _QUICK),
    _host("evacuate", host_work.evacuate, _LONG, check=host_work.check_evacuation),
    _host("reboot", host_work.reboot, check=host_work.check_maintenance),
    _host("shutdown", host_work.shut_down, check=host_work.check_maintenance),
    _host("apply_updates", _nothing, _LONG),
    _host(
        "restart_agent",
        maintenance_messages.restart_agent,
        _QUICK,
        entry="",
        check=host_work.check_exists,
    ),
    # It runs on the master: the host itself is away.
    Operation("host.power_on", (), maintenance_messages.power_on, _USUAL, host_work.check_exists),
    Operation(
        "pool.sync_updates",
        (("pool", 0, "sync_updates"),),
        maintenance_messages.sync_updates,
        _LONG,
        maintenance_messages.check_repositories,
    ),
    Operation(
        "pool_update.apply",
        (("pool_update", 0, ""), ("host", 1, "apply_updates")),
        maintenance_messages.apply_update,
        _LONG,
        maintenance_messages.check_applied,
    ),
    Operation(
        "pool_update.pool_apply",
        (("pool_update", 0, ""),),
        maintenance_messages.apply_update_everywhere,
        _LONG,
        maintenance_messages.check_applied_everywhere,
    ),
    _host("call_plugin", host_work.call_plugin, _LONG, entry="", check=host_work.check_plugin),
)
