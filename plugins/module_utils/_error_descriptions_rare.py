# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

# Codes that are less common; {0} is the first parameter that follows the code.
RARE_DESCRIPTIONS = {
    "APPLY_GUIDANCE_FAILED": "The host {0} could not do what its updates require.",
    "APPLY_UPDATES_FAILED": "The updates could not be installed on the host {0}.",
    "APPLY_UPDATES_IN_PROGRESS": "Updates are being installed on the host at this moment.",
    "BACKUP_SCRIPT_FAILED": "The backup of the host failed: {0}.",
    "BALLOONING_TIMEOUT_BEFORE_MIGRATION": (
        "The virtual machine {0} could not be migrated, since it released memory too slowly."
    ),
    "BUNDLE_SYNC_FAILED": "The bundle of updates could not be read.",
    "BUNDLE_UNPACK_FAILED": "The bundle of updates could not be unpacked: {0}.",
    "CANNOT_FIND_UPDATE": "The pool does not have this update; upload it again.",
    "CANNOT_PLUG_VIF": "The network interface {0} of the virtual machine cannot be plugged in.",
    "CANNOT_RESET_CONTROL_DOMAIN": "The power state of the control domain {0} cannot be reset.",
    "CLUSTERED_SR_DEGRADED": "The clustered storage repository {0} is degraded.",
    "DEFAULT_SR_NOT_FOUND": "The default storage repository {0} of the pool does not exist.",
    "DEVICE_ALREADY_ATTACHED": "The device {0} is already attached.",
    "DEVICE_ALREADY_DETACHED": "The device {0} is already detached.",
    "DEVICE_ALREADY_EXISTS": "The virtual machine already has a device {0}.",
    "DEVICE_NOT_ATTACHED": "The virtual block device {0} is not attached.",
    "DOMAIN_BUILDER_ERROR": "Xen could not build the virtual machine: {2} ({0}, code {1}).",
    "DOMAIN_EXISTS": "The virtual machine {0} already runs as the domain {1}.",
    "FAILED_TO_START_EMULATOR": "The {1} of the virtual machine {0} did not start: {2}.",
    "GET_HOST_UPDATES_FAILED": "The list of updates could not be read from the host {0}.",
    "HA_FAILED_TO_FORM_LIVESET": "The hosts could not agree on a set of live hosts.",
    "HA_IS_ENABLED": "This is not possible while high availability is enabled.",
    "HA_NO_PLAN": "High availability has no plan with which all protected machines can restart.",
    "HA_TOO_FEW_HOSTS": "High availability needs more live hosts.",
    "HOST_DISABLED_UNTIL_REBOOT": "The host {0} is disabled until it is rebooted.",
    "HOST_IN_EMERGENCY_MODE": "The host is in emergency mode: it cannot reach the pool master.",
    "HOST_IS_LIVE": "The host {0} is running, so this is not possible.",
    "HOST_NOT_DISABLED": "The host must be disabled first.",
    "HOST_NOT_ENOUGH_PCPUS": "The host has too few CPUs: {0} are needed, {1} exist.",
    "HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY": (
        "The host {0} must first do what its updates require, such as a reboot."
    ),
    "HOSTS_NOT_COMPATIBLE": "The CPUs of the two hosts are not compatible.",
    "HOSTS_NOT_HOMOGENEOUS": "The host is too different from those of the pool: {0}.",
    "INVALID_PATCH": "The file is not an update that this pool accepts.",
    "INVALID_UPDATE": "The update is not valid: {0}.",
    "JOINING_HOST_CANNOT_HAVE_RUNNING_VMS": (
        "A host can only join a pool while no virtual machine is running on it."
    ),
    "JOINING_HOST_CONNECTION_FAILED": "The host could not connect to the pool that it should join.",
    "NO_REPOSITORY_ENABLED": "The pool has no enabled repository of updates.",
    "OPERATION_PARTIALLY_FAILED": "The operation {0} failed in part.",
    "PROVISION_FAILED_OUT_OF_SPACE": (
        "The disks of the virtual machine could not be created, since no space is left."
    ),
    "PROVISION_ONLY_ALLOWED_ON_TEMPLATE": "Only a copy of a template can be provisioned.",
    "REPOSYNC_FAILED": "The repository of updates could not be read.",
    "REQUIRED_PIF_IS_UNPLUGGED": "The network interface {0}, which this needs, is unplugged.",
    "RESTORE_SCRIPT_FAILED": "The backup of the host could not be restored: {0}.",
    "SM_PLUGIN_COMMUNICATION_FAILURE": "The driver {0} of the storage manager did not answer.",
    "SYNC_UPDATES_IN_PROGRESS": "The pool is reading its repositories of updates at this moment.",
    "SYSTEM_STATUS_RETRIEVAL_FAILED": "The status report could not be collected: {0}.",
    "TLS_CONNECTION_FAILED": "No TLS connection could be made to {0}, port {1}.",
    "UNIMPLEMENTED_IN_SM_BACKEND": "The storage driver cannot do this: {0}.",
    "VBD_NOT_EMPTY": "The drive {0} of the virtual machine is not empty.",
    "VBD_TRAY_LOCKED": "The guest has locked the tray of the drive {0}.",
    "VDI_IS_ENCRYPTED": "The virtual disk {0} is encrypted, so this is not possible.",
    "VGPU_DESTINATION_INCOMPATIBLE": "The virtual GPU {1} cannot move to the host {2}: {0}.",
    "VGPU_SUSPENSION_NOT_SUPPORTED": (
        "The virtual GPU {1} on the host {2} cannot be suspended: {0}."
    ),
    "VMS_FAILED_TO_COOPERATE": "The virtual machines did not release the memory that is needed.",
    "VM_IS_IMMOBILE": "The virtual machine {0} is bound to its host and cannot be migrated.",
    "VM_IS_PART_OF_AN_APPLIANCE": "The virtual machine {0} is a part of the appliance {1}.",
    "VM_IS_PROTECTED": "High availability protects the virtual machine {0}, so this is refused.",
    "VM_IS_USING_NESTED_VIRT": (
        "The virtual machine {0} runs virtual machines itself, so this is not possible."
    ),
    "VM_NOT_RESIDENT_HERE": "The virtual machine {0} is not on the host {1}.",
    "VM_REVERT_FAILED": "The virtual machine {0} could not be reverted to the snapshot {1}.",
    "VM_SNAPSHOT_WITH_QUIESCE_PLUGIN_DEOS_NOT_RESPOND": (
        "The guest tools of the virtual machine {0} did not answer, so it cannot be quiesced."
    ),
    "XAPI_HOOK_FAILED": "The hook {0} on the host failed with the exit code {3}: {1}.",
    "XENAPI_MISSING_PLUGIN": "The host does not have the plugin {0}.",
    "XEN_VSS_REQ_ERROR_CREATING_SNAPSHOT": (
        "Windows could not make the snapshot of the virtual machine {0} (code {1})."
    ),
    "XEN_VSS_REQ_ERROR_PREPARING_WRITERS": (
        "Programs in the virtual machine {0} were not ready for a snapshot (code {1})."
    ),
}
