# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.xapi.plugins.module_utils._tasks.kind_table import (
    CLIENTS,
    KINDS,
    METHODS,
    ROWS,
)
from ansible_collections.xen.xapi.plugins.module_utils._tasks.kinds import (
    Classification,
    classify,
    contains_housekeeping,
    is_of_kind,
)
from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import (
    Selection,
    is_excluded,
)

UUID = "9c2ee352-3f95-0e0a-8f77-4c4e7a3f2d11"

# Labels as the public source of each program writes them, with the file. A % stands for a name or
# number that the program fills in; here a value of it.
XAPI = {
    "ocaml/idl/datamodel_vm.ml": [
        ("Async.VM.snapshot", "snapshot"),
        ("Async.VM.snapshot_with_quiesce", "snapshot"),
        ("Async.VM.checkpoint", "snapshot"),
        ("Async.VM.revert", "snapshot"),
        ("Async.VM.clone", "copy"),
        ("VM.clone", "copy"),
        ("Async.VM.copy", "copy"),
        ("Async.VM.import", "import"),
        ("Async.VM.start", "power"),
        ("VM.start_on", "power"),
        ("Async.VM.clean_shutdown", "power"),
        ("Async.VM.hard_reboot", "power"),
        ("Async.VM.suspend", "power"),
        ("Async.VM.resume_on", "power"),
        ("Async.VM.pool_migrate", "migration"),
        ("InternalAsync.VM.migrate_send", "migration"),
        ("Async.VM.call_plugin", "plugin"),
        ("Async.VM.provision", "other"),
    ],
    "ocaml/idl/datamodel.ml": [
        ("Async.VDI.copy", "copy"),
        ("InternalAsync.VDI.copy", "copy"),
        ("Async.VDI.snapshot", "snapshot"),
        ("Async.VDI.pool_migrate", "migration"),
        ("Async.VDI.resize", "other"),
        ("Async.VBD.plug", "other"),
        ("Async.SR.scan", "scan"),
        ("SR.update", "scan"),
        ("Async.SR.create", "other"),
        ("Async.VM_appliance.start", "power"),
    ],
    "ocaml/idl/datamodel_host.ml": [
        ("Async.host.evacuate", "host"),
        ("Async.host.disable", "host"),
        ("Async.host.reboot", "host"),
        ("host.call_plugin", "plugin"),
        ("Async.host.call_plugin", "plugin"),
        ("host.call_extension", "plugin"),
        ("Async.host.apply_updates", "update"),
    ],
    "ocaml/idl/datamodel_pool.ml": [
        ("Async.pool.sync_updates", "update"),
        ("Async.pool.join", "host"),
        ("Async.pool.enable_ha", "other"),
    ],
    "ocaml/idl/datamodel_errors.ml": [],
    "ocaml/xapi/export.ml": [("VM.export", "export"), ("VM.export_metadata", "export")],
    "ocaml/xapi/export_raw_vdi.ml": [("Exporting raw VDI", "export")],
    "ocaml/xapi/import.ml": [("VM.metadata_import", "import")],
    "ocaml/xapi/import_raw_vdi.ml": [("Importing raw VDI", "import")],
    "ocaml/xapi/importexport.ml": [
        ("VM.import (cleanup)", "import"),
        ("VM metadata import", "import"),
    ],
    "ocaml/xapi/pool_db_backup.ml": [
        ("Dumping database as XML", "export"),
        ("Reading database as XML", "import"),
    ],
    "ocaml/xapi/xapi_host_backup.ml": [
        ("Downloading host backup", "export"),
        ("Uploading host backup", "import"),
    ],
    "ocaml/xapi/sm_fs_ops.ml": [("sparse_dd", "copy")],
    "ocaml/xapi/xapi_host.ml": [
        ("Host is shutting down", "host"),
        ("Host is rebooting", "host"),
        ("Getting available updates on host", "update"),
    ],
    "ocaml/xapi/xapi_logs_download.ml": [("Downloading host logs", "host")],
    "ocaml/xapi/system_status.ml": [("Retrieving system status", "host")],
    "ocaml/xapi/dbsync.ml": [("dbsync (update_env)", "host")],
    "ocaml/xapi/xapi_pool_patch.ml": [("Uploading update", "update"), ("VDI upload", "update")],
    "ocaml/xapi/xapi_pool.ml": [("Sync bundle", "update"), ("Getting available updates", "update")],
    "ocaml/xapi/console.ml": [("Connection to VM console", "console")],
    "ocaml/xapi/xapi_vncsnapshot.ml": [("Taking snapshot of VM console", "console")],
    "ocaml/xapi/rrdd_proxy.ml": [("Get RRD updates.", "metrics"), ("Put VM RRD.", "metrics")],
    "ocaml/xapi/xapi_sr.ml": [("SR.scan", "scan")],
    "ocaml/xapi/storage_mux.ml": [("SR.update_snapshot_info_dest", "scan")],
    "ocaml/xapi/xapi_globs.ml": [("SR Recovering", "other")],
    "ocaml/xapi/wlb_reports.ml": [("WLB report request", "other")],
}
XE = {
    "ocaml/xapi-cli-server/cli_operations.ml": [
        ("Export of VM", "export"),
        (f"Export of VM: {UUID}", "export"),
        ("VDI export", "export"),
        ("VDI import", "import"),
        ("host backup download", "export"),
        ("host backup upload", "import"),
        ("dump database", "export"),
        ("restore database", "import"),
        ("Import of Zurich/Geneva style XVA", "import"),
        ("host patch upload", "update"),
        ("upload bundle", "update"),
        ("system-status download", "host"),
        ("host logs download", "host"),
        ("WLB diagnostics download", "other"),
        (f"Blob PUT, ref=OpaqueRef:{UUID}", "other"),
    ],
}
XENCENTER = {
    "XenModel/Actions/OvfActions": [
        ("export_raw_vdi_task", "export"),
        ("import_raw_vdi_task", "import"),
    ],
    "XenModel/Actions/Host/HostBackupRestoreAction.cs": [
        ("get_host_backup_task", "export"),
        ("put_host_restore_task", "import"),
    ],
    "XenModel/Actions/Host/SingleHostStatusAction.cs": [("get_system_status_task", "host")],
    "XenModel/Actions/VM/ImportVmAction.cs": [("put_import_task", "import")],
    "XenModel/Actions/Pool_Patch/ApplyPatchAction.cs": [
        ("get_pool_patch_download_task", "update"),
        ("put_pool_patch_upload_task", "update"),
    ],
    "XenModel/Actions/SupplementalPack/UploadSupplementalPackAction.cs": [
        ("put_import_raw_vdi_task", "update"),
    ],
    "XenModel/Actions/WLB/WlbReportAction.cs": [("wlb_report", "other")],
}
XO = {
    "@xen-orchestra/xapi/vm.mjs": [("[XO] VM export", "export"), ("[XO] VM import", "import")],
    "@xen-orchestra/xapi/vdi.mjs": [
        ("[XO] Exporting content of VDI as raw stream", "export"),
        ("[XO] Exporting content of VDI  web-1 as vhd stream", "export"),
        ("[XO] Importing content into VDI web-1 on SR Local storage", "import"),
    ],
    "@xen-orchestra/xapi/disks/Xapi.mjs": [
        ("Exporting content of VDI web-1 through NBD", "export"),
        ("Exporting content of VDI web-1 through NBD+CBT", "export"),
    ],
    "@xen-orchestra/xapi, 2021 to 2024": [
        ("[XO] Exporting content of VDI web-1", "export"),
        ("[XO] Exporting content of VDI web-1 using NBD", "export"),
        ("[XO] Importing content into VDI web-1", "import"),
    ],
    "@xen-orchestra/backups": [
        ("[XO] Export pool metadata", "export"),
        ("[XO] Import pool metadata", "import"),
    ],
    "packages/xo-server/src/xapi/index.js, 2017 to 2023": [
        ("VDI Export", "export"),
        ("[XO] VDI Export", "export"),
        ("VDI Content Import", "import"),
        ("[XO] VDI Content Import", "import"),
        ("VM Export", "export"),
        ("[XO] VM OVA export", "export"),
    ],
    "packages/xo-server/src/xapi/mixins/patching.mjs": [
        ("[XO] Patch upload", "update"),
        ("Patch upload", "update"),
    ],
    "packages/xen-api/index.mjs": [
        ("[XO] Xapi#getResource /rrd_updates", "metrics"),
        ("[XO] Xapi#getResource /export_raw_vdi/", "export"),
        ("Xapi#putResource /import_raw_vdi/", "import"),
        ("[XO] Xapi#putResource /host_backup", "other"),
        ("[XO] untitled task", "other"),
    ],
}
SEVERAL = {
    "xapi export.ml, XenCenter": [("export", "export")],
    "xe, Xen Orchestra until 2018": [("VM import", "import")],
    "xapi import.ml, xapi-back, xenbackup": [("VM.import", "import")],
}
BY_CLIENT = {"xapi": XAPI, "xe": XE, "xencenter": XENCENTER, "xo": XO, None: SEVERAL}
REAL = [
    (label, kind, client, source)
    for client, sources in BY_CLIENT.items()
    for source, labels in sources.items()
    for label, kind in labels
]
HOUSEKEEPING_BEFORE = (
    r"SR\.scan",
    r"SR\.update_snapshot_info_.*",
    "/rrd_updates",
    "Connection to VM console",
)


@pytest.mark.parametrize(("label", "kind", "client", "source"), REAL)
def test_label_of_public_source_is_classified(label, kind, client, source):
    assert classify(label)[:2] == (kind, client), source


def test_there_are_many_different_real_labels():
    assert len({label for label, *_rest in REAL}) == len(REAL) > 100


def test_every_row_of_the_table_is_tested():
    labels = [label for label, *_rest in REAL]
    untested = [
        row.labels
        for row in ROWS
        if row.description == "*" and not any(fits(label, row.labels) for label in labels)
    ]
    exceptions = {"audit_log_get request", "Syncing dom0 config files over HTTP", "Remote command"}
    exceptions |= {"Garbage Collection", "/rrd_updates"}
    assert [labels for labels in untested if labels[0] not in exceptions] == []


def fits(label, patterns):
    return any(
        re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), label) for pattern in patterns
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.labels[0])
def test_row_is_well_formed(row):
    assert row.kind in KINDS
    assert row.client in (*CLIENTS, None)
    assert all(label.count("*") <= 1 for label in (*row.labels, row.description))
    assert re.search(r"\w/\w", row.source)


def test_methods_are_of_one_kind_each():
    methods = [method for names in METHODS.values() for method in names.split()]
    assert len(methods) == len(set(methods))
    assert set(METHODS) < set(KINDS)


@pytest.mark.parametrize(
    ("label", "description", "other_config", "kind", "client"),
    [
        ("Garbage Collection", f"Garbage collection for SR {UUID}", {}, "storage_gc", "sm"),
        ("Garbage Collection", "", {}, "storage_gc", None),
        ("export", "Exporting web-1 to backup file", {}, "export", "xencenter"),
        ("export", "", {}, "export", None),
        ("Async.VM.start", "", {"XenCenterUUID": UUID}, "power", "xencenter"),
        ("Async.VM.start", "", {"applies_to": "OpaqueRef:a"}, "power", "xapi"),
        ("nightly", "", {"XenCenterUUID": UUID}, "other", "xencenter"),
    ],
)
def test_description_and_other_config_tell_the_client(
    label, description, other_config, kind, client
):
    assert classify(label, description, other_config)[:2] == (kind, client)


@pytest.mark.parametrize(
    "label",
    [
        "",
        "backup of web-1",
        "backup.start",
        "Async.backup.start",
        "async.vm.snapshot",
        "VM.snapshot of web-1",
        "my Async.VM.snapshot",
        "[xo] VM export",
        "[XO]",
        "XO VM export",
        "Export",
        "export of VM",
        "vm export",
        "Garbage Collection ",
        "SR.scan ",
        "WLB request",
        "VM.export\n",
        "x" * 300_000,
    ],
)
def test_unknown_label_is_other_and_of_no_client(label):
    assert classify(label) == Classification("other", None)


def test_long_label_is_classified_and_not_kept():
    label = "[XO] Exporting content of VDI " + "x" * 300_000
    assert classify(label)[:2] == ("export", "xo")
    assert classify(label[:1000])[:2] == ("export", "xo")


@given(label=st.text(max_size=300), description=st.text(max_size=50))
def test_any_text_is_classified(label, description):
    kind, client, _is_housekeeping = classify(label, description)
    assert kind in KINDS
    assert client in (*CLIENTS, None)


@given(
    real=st.sampled_from(REAL),
    kinds=st.frozensets(st.sampled_from(KINDS), min_size=1),
    is_destructive=st.booleans(),
)
def test_group_counts_as_its_members(real, kinds, is_destructive):
    found = classify(real[0])
    alone = is_of_kind(found, kinds, is_destructive=is_destructive)
    assert alone == (found.kind in kinds)
    for group in ("backup", "housekeeping"):
        is_member = is_of_kind(found, {group}, is_destructive=is_destructive)
        both = is_of_kind(found, {*kinds, group}, is_destructive=is_destructive)
        assert both == (alone or is_member)


@pytest.mark.parametrize(("label", "kind", "client", "source"), REAL)
def test_backup_is_all_that_copies_data_but_in_a_clean_up_of_known_clients(
    label, kind, client, source
):
    found = classify(label)
    copies = kind in ("export", "import", "copy", "snapshot")
    may_be_part = kind == "other" and client == "xo"
    assert is_of_kind(found, {"backup"}, is_destructive=False) == (copies or may_be_part)
    known = copies and client in ("xo", "xe")
    assert is_of_kind(found, {"backup"}, is_destructive=True) == known


@pytest.mark.parametrize(
    "label",
    [
        "SR.scan",
        "SR.update_snapshot_info_src",
        "SR.update_snapshot_info_",
        "/rrd_updates",
        "Connection to VM console",
    ],
)
@pytest.mark.parametrize("around", [("", ""), ("Async.", ""), ("my ", " now"), ("", "x" * 2000)])
def test_housekeeping_of_before_is_still_excluded(label, around):
    label = label.join(around)
    task = Task("OpaqueRef:a", {"name_label": label})
    for is_destructive in (False, True):
        compare = re.search if is_destructive else re.fullmatch
        was_excluded = any(compare(pattern, label) for pattern in HOUSEKEEPING_BEFORE)
        if len(label) > 1000:
            was_excluded = is_destructive
        selection = Selection(excludes_housekeeping=True, is_destructive=is_destructive)
        assert is_excluded(task, selection) == was_excluded


@pytest.mark.parametrize("label", ["Async.SR.scan", "host.call_plugin", "Garbage Collection"])
def test_started_scans_plugins_and_coalescing_are_not_housekeeping(label):
    assert not classify(label).is_housekeeping


def test_clean_up_spares_a_label_that_contains_housekeeping():
    assert contains_housekeeping("[XO] Xapi#getResource /rrd_updates")
    assert not contains_housekeeping("Async.VM.copy")
