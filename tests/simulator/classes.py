# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The classes of the database and the first values of their objects."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .api import CLASSES
from .types import first_value
from .values import Date, Value

_DATE = re.compile(r"\d{8}T\d{2}:\d{2}:\d{2}Z")


def _load() -> dict[str, dict[str, Value]]:
    """Return the records of new objects: recorded ones, or the first values of the fields."""
    samples = json.loads(Path(__file__).with_name("records.json").read_text(encoding="utf-8"))
    found = {}
    for name in sorted(TABLES, key=lambda name: COUNTED.index(name.lower())):
        sample = samples.get(name)
        found[name] = (
            {field: _dated(value) for field, value in sample.items()}
            if sample
            else {
                field: first_value(kind)
                for field, kind in CLASSES[name].fields.items()
                if field != "uuid"
            }
        )
    return found


def _dated(value: Value) -> Value:
    return Date(value) if isinstance(value, str) and _DATE.fullmatch(value) else value


TABLES = tuple(name for name, one in CLASSES.items() if "get_record" in one.messages)
"""Classes that have objects; the others are types of results, or have messages alone."""

WITHOUT_EVENTS = frozenset({"session"})

COUNTED = (
    "session", "auth", "subject", "role", "task", "event", "pool", "pool_patch", "pool_update",
    "vm", "vm_metrics", "vm_guest_metrics", "vmpp", "vmss", "vm_appliance", "dr_task", "host",
    "host_crashdump", "host_patch", "host_metrics", "host_cpu", "network", "vif", "vif_metrics",
    "pif", "pif_metrics", "bond", "vlan", "sm", "sr", "sr_stat", "probe_result", "lvhd", "vdi",
    "vbd", "vbd_metrics", "pbd", "crashdump", "vtpm", "console", "user", "data_source", "blob",
    "message", "secret", "tunnel", "network_sriov", "pci", "pgpu", "gpu_group", "vgpu",
    "vgpu_type", "pvs_site", "pvs_server", "pvs_proxy", "pvs_cache_storage", "feature",
    "sdn_controller", "vdi_nbd_server_info", "pusb", "usb_group", "vusb", "cluster",
    "cluster_host", "certificate", "diagnostics", "repository", "observer", "vm_group",
    "host_driver", "driver_variant", "caller", "rate_limit",
)  # fmt: skip
"""Every table of the server's database, as `valid_ref_counts` names them; most have no rows here.
The order is that of the events in a batch.
"""

RELATIONS = {
    "task": {"subtask_of": ("task", "subtasks")},
    "VDI": {"SR": ("SR", "VDIs"), "snapshot_of": ("VDI", "snapshots")},
    "VM": {
        "appliance": ("VM_appliance", "VMs"),
        "parent": ("VM", "children"),
        "resident_on": ("host", "resident_VMs"),
        "snapshot_of": ("VM", "snapshots"),
    },
    "VBD": {"VM": ("VM", "VBDs"), "VDI": ("VDI", "VBDs")},
    "VIF": {"VM": ("VM", "VIFs"), "network": ("network", "VIFs")},
    "PIF": {
        "bond_slave_of": ("Bond", "slaves"),
        "host": ("host", "PIFs"),
        "network": ("network", "PIFs"),
    },
    "Bond": {"master": ("PIF", "bond_master_of")},
    "tunnel": {
        "access_PIF": ("PIF", "tunnel_access_PIF_of"),
        "transport_PIF": ("PIF", "tunnel_transport_PIF_of"),
    },
    "PBD": {"host": ("host", "PBDs"), "SR": ("SR", "PBDs")},
    "VLAN": {"tagged_PIF": ("PIF", "VLAN_slave_of")},
    "VTPM": {"VM": ("VM", "VTPMs")},
    "VUSB": {"USB_group": ("USB_group", "VUSBs"), "VM": ("VM", "VUSBs")},
    "VGPU": {"GPU_group": ("GPU_group", "VGPUs"), "VM": ("VM", "VGPUs")},
    "PVS_server": {"site": ("PVS_site", "servers")},
    "PVS_proxy": {"site": ("PVS_site", "proxies")},
    "PVS_cache_storage": {"site": ("PVS_site", "cache_storage")},
    "console": {"VM": ("VM", "consoles")},
    "host_cpu": {"host": ("host", "host_CPUs")},
}
"""Class -> field with a reference -> class and field of the set that it belongs to there
(datamodel.ml, all_relations)."""

BLANKS = _load()
"""Class -> field -> first value, for every class that has rows here; a uuid is added at creation.
"""


def new(name: str, /, **fields: Value) -> dict[str, Value]:
    """Return the record of a new object: the class's first values and the given ones."""
    unknown = set(fields) - set(BLANKS[name]) - {"uuid"}
    if unknown:
        raise ValueError(f"a {name} has no field {sorted(unknown)}")
    return {**BLANKS[name], **fields}
