# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

"""The labels of tasks by their kind, each with the file of public source that writes it."""

from __future__ import annotations

from typing import Iterator, NamedTuple

KINDS = (
    "export",
    "import",
    "copy",
    "snapshot",
    "migration",
    "power",
    "host",
    "update",
    "storage_gc",
    "scan",
    "plugin",
    "console",
    "metrics",
    "other",
)
CLIENTS = ("xapi", "xo", "xe", "xencenter", "sm")


class Row(NamedTuple):
    """Labels that mean the same, with the client if it is the only one to write them.

    A label may have one * in it, which stands for any text. The same holds for the description.
    """

    kind: str
    client: str | None
    labels: tuple[str, ...]
    source: str
    description: str = "*"
    is_housekeeping: bool = False
    """Whether a pool starts such tasks by itself again and again."""


_TABLE = """
xen-api ocaml/xapi/export.ml
  export xapi: VM.export; VM.export_metadata
xen-api ocaml/xapi/export_raw_vdi.ml
  export xapi: Exporting raw VDI
xen-api ocaml/xapi/pool_db_backup.ml
  export xapi: Dumping database as XML
xen-api ocaml/xapi/xapi_host_backup.ml
  export xapi: Downloading host backup
xen-api ocaml/xapi/import.ml
  import xapi: VM.metadata_import
xen-api ocaml/xapi/importexport.ml
  import xapi: VM.import (cleanup); VM metadata import
xen-api ocaml/xapi/import_raw_vdi.ml
  import xapi: Importing raw VDI
xen-api ocaml/xapi/pool_db_backup.ml
  import xapi: Reading database as XML
xen-api ocaml/xapi/xapi_host_backup.ml
  import xapi: Uploading host backup
xen-api ocaml/xapi/sm_fs_ops.ml
  copy xapi: sparse_dd
xen-api ocaml/xapi/xapi_host.ml
  host xapi: Host is shutting down; Host is rebooting
xen-api ocaml/xapi/xapi_logs_download.ml
  host xapi: Downloading host logs
xen-api ocaml/xapi/system_status.ml
  host xapi: Retrieving system status
xen-api ocaml/xapi/dbsync.ml
  host xapi: dbsync (update_env)
xen-api ocaml/xapi/xapi_pool_patch.ml
  update xapi: Uploading update; VDI upload
xen-api ocaml/xapi/xapi_pool.ml
  update xapi: Sync bundle; Getting available updates
xen-api ocaml/xapi/xapi_host.ml
  update xapi: Getting available updates on host
xen-api ocaml/xapi/console.ml
  console xapi housekeeping: Connection to VM console
xen-api ocaml/xapi/xapi_vncsnapshot.ml
  console xapi housekeeping: Taking snapshot of VM console
xen-api ocaml/xapi/rrdd_proxy.ml
  metrics xapi housekeeping: Get RRD updates.; Get VM RRD.; Get Host RRD.; Get SR RRD.; Put VM RRD.
xen-api ocaml/xapi/xapi_sr.ml
  scan xapi housekeeping: SR.scan
xen-api ocaml/xapi/storage_mux.ml
  scan xapi housekeeping: SR.update_snapshot_info_*
xen-api ocaml/xapi/xapi_globs.ml
  other xapi: SR Recovering
xen-api ocaml/xapi/wlb_reports.ml
  other xapi: WLB * request
xen-api ocaml/xapi/audit_log.ml
  other xapi: audit_log_get request
xen-api ocaml/xapi/config_file_sync.ml
  other xapi: Syncing dom0 config files over HTTP
xen-api ocaml/xapi/xapi_remotecmd.ml
  other xapi: Remote command
xen-api ocaml/xapi-cli-server/cli_operations.ml
  export xe: Export of VM; Export of VM: *; VDI export
  export xe: host backup download; dump database
  import xe: VDI import; Import of Zurich/Geneva style XVA
  import xe: host backup upload; restore database
  update xe: host patch upload; upload bundle
  host xe: system-status download; host logs download
  other xe: WLB diagnostics download; WLB report: *; Obtaining blob, ref=*; Blob PUT, ref=*
sm libs/sm/cleanup.py
  storage_gc sm: Garbage Collection | Garbage collection for SR *
xenadmin XenModel/Actions/VM/ExportVmAction.cs
  export xencenter: export | Exporting * to backup file
xenadmin XenModel/Actions/OvfActions/Export.cs
  export xencenter: export_raw_vdi_task
xenadmin XenModel/Actions/Host/HostBackupRestoreAction.cs
  export xencenter: get_host_backup_task
xenadmin XenModel/Actions/VM/ImportVmAction.cs
  import xencenter: put_import_task
xenadmin XenModel/Actions/OvfActions/Import.cs
  import xencenter: import_raw_vdi_task
xenadmin XenModel/Actions/Host/HostBackupRestoreAction.cs
  import xencenter: put_host_restore_task
xenadmin XenModel/Actions/Pool_Patch/ApplyPatchAction.cs
  update xencenter: get_pool_patch_download_task; put_pool_patch_upload_task
xenadmin XenModel/Actions/SupplementalPack/UploadSupplementalPackAction.cs
  update xencenter: put_import_raw_vdi_task
xenadmin XenModel/Actions/Host/SingleHostStatusAction.cs
  host xencenter: get_system_status_task
xenadmin XenModel/Actions/WLB/WlbReportAction.cs
  other xencenter: wlb_report
xen-orchestra @xen-orchestra/xapi/vm.mjs
  export xo: [XO] VM export; [XO] VM Export
xen-orchestra @xen-orchestra/xapi/vdi.mjs
  export xo: [XO] Exporting content of VDI *
xen-orchestra @xen-orchestra/xapi/disks/Xapi.mjs
  export xo: Exporting content of VDI *
xen-orchestra packages/xo-server/src/xapi/index.js, until 2023
  export xo: [XO] VDI Export; VDI Export; VM Export
xen-orchestra packages/xo-server/src/xapi, 2022
  export xo: [XO] VM OVA export
xen-orchestra @xen-orchestra/backups/_runners/_PoolMetadataBackup.mjs
  export xo: [XO] Export pool metadata
xen-orchestra @xen-orchestra/xapi/vm.mjs
  import xo: [XO] VM import
xen-orchestra @xen-orchestra/xapi/vdi.mjs
  import xo: [XO] Importing content into VDI *
xen-orchestra packages/xo-server/src/xapi/index.js, until 2023
  import xo: [XO] VDI Content Import; VDI Content Import
xen-orchestra @xen-orchestra/backups/RestoreMetadataBackup.mjs
  import xo: [XO] Import pool metadata
xen-orchestra packages/xo-server/src/xapi/mixins/patching.mjs
  update xo: [XO] Patch upload; Patch upload
xen-orchestra packages/xen-api/index.mjs
  metrics xo housekeeping: [XO] Xapi#getResource /rrd_updates; Xapi#getResource /rrd_updates
  export xo: [XO] Xapi#getResource /export*; Xapi#getResource /export*
  import xo: [XO] Xapi#putResource /import*; Xapi#putResource /import*
xen-orchestra @xen-orchestra/xapi/task.mjs
  other xo: [XO] *
xen-orchestra packages/xen-api/index.mjs
  other xo: Xapi#getResource *; Xapi#putResource *
xen-api ocaml/xapi/export.ml and XenCenter
  export -: export
xen-api ocaml/xapi-cli-server/cli_operations.ml and Xen Orchestra until 2018
  import -: VM import
xen-api ocaml/xapi/import.ml, xapi-back, xenbackup
  import -: VM.import
sm libs/sm/cleanup.py
  storage_gc -: Garbage Collection
xen-api ocaml/xapi-consts/constants.ml, the path of the request
  metrics - housekeeping: /rrd_updates
"""
"""A line for each file, and below it the kind, the client, the labels and the description."""


def _read_rows(table: str) -> Iterator[Row]:
    source = ""
    for line in table.strip().splitlines():
        if not line.startswith(" "):
            source = line
            continue
        words, _colon, texts = line.strip().partition(": ")
        labels, _bar, description = texts.partition(" | ")
        kind, client, *marks = words.split()
        yield Row(
            kind,
            None if client == "-" else client,
            tuple(labels.split("; ")),
            source,
            description or "*",
            is_housekeeping=bool(marks),
        )


ROWS = tuple(_read_rows(_TABLE))
"""In the order in which they are tried, the exact labels first."""

METHODS: dict[str, str] = {
    "import": "VM.import VM.import_convert",
    "copy": "VM.copy VM.clone VDI.copy VDI.clone",
    "snapshot": (
        "VM.snapshot VM.snapshot_with_quiesce VM.checkpoint VM.revert VDI.snapshot VDI.revert "
        "VMSS.snapshot_now VMPP.protect_now"
    ),
    "migration": (
        "VM.pool_migrate VM.migrate_send "
        "VDI.pool_migrate host.migrate_receive"
    ),
    "power": (
        "VM.start VM.start_on VM.shutdown VM.clean_shutdown VM.hard_shutdown VM.clean_reboot "
        "VM.hard_reboot VM.suspend VM.resume VM.resume_on VM.pause VM.unpause "
        "VM.power_state_reset VM_appliance.start VM_appliance.shutdown "
        "VM_appliance.clean_shutdown VM_appliance.hard_shutdown"
    ),
    "host": (
        "host.evacuate host.disable host.enable host.reboot host.shutdown host.power_on "
        "host.restart_agent host.destroy host.declare_dead "
        "host.bugreport_upload host.management_reconfigure host.syslog_reconfigure "
        "host.assert_can_evacuate host_crashdump.upload pool.join pool.join_force pool.eject "
        "pool.designate_new_master pool.recover_slaves"
    ),
    "update": (
        "host.apply_updates host.apply_recommended_guidances host.refresh_pack_info "
        "host_patch.apply pool.sync_updates pool.check_update_readiness pool_patch.apply "
        "pool_patch.pool_apply pool_patch.precheck pool_patch.clean pool_patch.pool_clean "
        "pool_update.apply pool_update.pool_apply pool_update.precheck pool_update.introduce "
        "pool_update.pool_clean"
    ),
    "scan": "SR.scan SR.update VDI.update PIF.scan PUSB.scan",
    "plugin": (
        "host.call_plugin host.call_extension VM.call_plugin VM.call_host_plugin"
    ),
}  # fmt: skip
"""The methods of XAPI by kind, whose names it gives to the tasks of their calls.

They are those of the datamodel: xen-api ocaml/idl/datamodel.ml and the files beside it.
"""
