# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

CLASSES = frozenset((
    "Bond", "Caller", "Certificate", "Cluster", "Cluster_host", "DR_task", "Driver_variant",
    "Feature", "GPU_group", "Host_driver", "LVHD", "Observer", "PBD", "PCI", "PGPU", "PIF",
    "PIF_metrics", "PUSB", "PVS_cache_storage", "PVS_proxy", "PVS_server", "PVS_site",
    "Rate_limit", "Repository", "SDN_controller", "SM", "SR", "USB_group", "VBD", "VBD_metrics",
    "VDI", "VGPU", "VGPU_type", "VIF", "VIF_metrics", "VLAN", "VM", "VMPP", "VMSS",
    "VM_appliance", "VM_group", "VM_guest_metrics", "VM_metrics", "VTPM", "VUSB", "auth", "blob",
    "console", "crashdump", "data_source", "event", "host", "host_cpu", "host_crashdump",
    "host_metrics", "host_patch", "message", "network", "network_sriov", "pool", "pool_patch",
    "pool_update", "probe_result", "role", "secret", "session", "sr_stat", "subject", "task",
    "tunnel", "user", "vdi_nbd_server_info",
))  # fmt: skip
"""The classes in the datamodel of XAPI 26.17."""

HOLDERS = (
    "Cluster", "Cluster_host", "SR", "VBD", "VDI", "VIF", "VM", "VM_appliance", "VTPM", "VUSB",
    "host", "network", "pool",
)  # fmt: skip
"""The classes, except task, whose objects have current_operations."""
