# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

"""XAPI's common error codes in plain English. Long because it is a table."""

from __future__ import annotations

from ._error_descriptions_rare import RARE_DESCRIPTIONS

# Descriptions of the common codes; {0} is the first parameter after the code. This file is long
# because it is one table: in parts, a code would be harder to find.
DESCRIPTIONS = {
    **RARE_DESCRIPTIONS,
    "AUTH_SERVICE_ERROR": "The directory service behind the pool's accounts failed: {0}.",
    "BOOTLOADER_FAILED": "The boot loader of the virtual machine {0} failed: {1}.",
    "CANNOT_CONTACT_HOST": "The pool master cannot reach the host {0}.",
    "CANNOT_EVACUATE_HOST": "The host cannot be evacuated: {0}.",
    "DEVICE_ATTACH_TIMEOUT": "Attaching the {0} {1} took too long.",
    "DEVICE_DETACH_REJECTED": "The guest does not release the {0} {1}: {2}.",
    "DEVICE_DETACH_TIMEOUT": "Detaching the {0} {1} took too long.",
    "DUPLICATE_VM": "The pool already has the virtual machine {0}.",
    "FEATURE_RESTRICTED": "The license of the pool does not include this feature.",
    "HANDLE_INVALID": "There is no {0} with the reference {1}; it may have been deleted.",
    "HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN": (
        "High availability forbids this: too few hosts would remain to restart protected VMs."
    ),
    "HOST_BROKEN": "The host could not start its services; check its logs.",
    "HOST_CANNOT_ATTACH_NETWORK": "The host {0} cannot connect to the network {1}.",
    "HOST_DISABLED": "The host {0} is disabled: it takes no new virtual machines.",
    "HOST_EVACUATE_IN_PROGRESS": "The host {0} is being evacuated.",
    "HOST_EVACUATION_IS_REQUIRED": "Move all virtual machines off the host {0} first.",
    "HOST_HAS_NO_MANAGEMENT_IP": "The host has no address on its management network.",
    "HOST_HAS_RESIDENT_VMS": "Virtual machines are still on the host {0}.",
    "HOST_IN_USE": "The host {0} is in use by the {1} {2}.",
    "HOST_IS_SLAVE": "The host is a supporter of its pool; the master is {0}.",
    "HOST_ITS_OWN_SLAVE": "The host is configured as a supporter of itself.",
    "HOST_NOT_ENOUGH_FREE_MEMORY": (
        "The host has too little free memory: {0} bytes are needed, {1} are free."
    ),
    "HOST_NOT_LIVE": "The host is not running or does not answer the pool master.",
    "HOST_OFFLINE": "The host {0} is not running or does not answer the pool master.",
    "HOST_STILL_BOOTING": "The host is still starting its services.",
    "HOST_UNKNOWN_TO_MASTER": "The pool master does not know the host {0} as a member.",
    "IMPORT_ERROR": "The import failed: {0}.",
    "IMPORT_ERROR_ATTACHED_DISKS_NOT_FOUND": (
        "The import failed: disks of the virtual machine are missing."
    ),
    "IMPORT_ERROR_CANNOT_HANDLE_CHUNKED": (
        "The import failed: the server does not accept chunked transfers."
    ),
    "IMPORT_ERROR_FAILED_TO_FIND_OBJECT": (
        "The import failed: it refers to {0}, which does not exist."
    ),
    "IMPORT_ERROR_PREMATURE_EOF": "The import failed: the data ended too early.",
    "IMPORT_ERROR_SOME_CHECKSUMS_FAILED": "The import failed: checksums of the data differ.",
    "IMPORT_ERROR_UNEXPECTED_FILE": "The import failed: it has the file {1} where {0} should be.",
    "IMPORT_INCOMPATIBLE_VERSION": (
        "The import failed: the export is from a version of the server that this one rejects."
    ),
    "INTERNAL_ERROR": "The server had an internal error: {0}.",
    "INVALID_VALUE": "The server does not accept {0}: {1}.",
    "LICENCE_RESTRICTION": "The license of the pool does not include the feature {0}.",
    "LICENSE_EXPIRED": "The license of the host has expired.",
    "MAP_DUPLICATE_KEY": "The field {1} of the {0} {2} already has the key {3}.",
    "MEMORY_CONSTRAINT_VIOLATION": "The memory limits must satisfy {0}.",
    "MESSAGE_METHOD_UNKNOWN": "The server does not know the method {0}; it may be too old for it.",
    "MESSAGE_PARAMETER_COUNT_MISMATCH": (
        "The server expects {1} parameters for {0} and got {2}; its version may differ."
    ),
    "MESSAGE_REMOVED": "The server no longer has this method.",
    "MIRROR_FAILED": "The virtual disk {0} could not be mirrored to its destination.",
    "NOT_SUPPORTED_DURING_UPGRADE": "This is not possible while the pool is being upgraded.",
    "NO_HOSTS_AVAILABLE": "No host of the pool can take the virtual machine.",
    "OBJECT_NOLONGER_EXISTS": "The object has been deleted.",
    "OPERATION_BLOCKED": "This operation is blocked on {0}: {1}.",
    "OPERATION_NOT_ALLOWED": "The server does not allow this now: {0}.",
    "OTHER_OPERATION_IN_PROGRESS": "Another operation is using the {0} {1}.",
    "OUT_OF_SPACE": "There is no space left on {0}.",
    "PATCH_ALREADY_APPLIED": "The update {0} is already installed.",
    "PATCH_ALREADY_EXISTS": "The pool already has the update {0}.",
    "PATCH_APPLY_FAILED": "The update could not be installed: {0}.",
    "PATCH_APPLY_FAILED_BACKUP_FILES_EXIST": (
        "The update could not be installed, since backup files of an earlier one exist: {0}."
    ),
    "PATCH_IS_APPLIED": "The update is installed, so it cannot be removed.",
    "PATCH_PRECHECK_FAILED_ISO_MOUNTED": (
        "The update {0} cannot be installed while the ISO image of the guest tools is in use; "
        "eject it from all virtual machines."
    ),
    "PATCH_PRECHECK_FAILED_OUT_OF_SPACE": (
        "The host has too little free space for the update {0}: it needs {2}, and {1} is free."
    ),
    "PATCH_PRECHECK_FAILED_PREREQUISITE_MISSING": (
        "The update {0} needs other updates to be installed first: {1}."
    ),
    "PATCH_PRECHECK_FAILED_UNKNOWN_ERROR": "The check before the update {0} failed: {1}.",
    "PATCH_PRECHECK_FAILED_VM_RUNNING": (
        "The update {0} cannot be installed while virtual machines run on the host."
    ),
    "PATCH_PRECHECK_FAILED_WRONG_SERVER_BUILD": (
        "The update {0} is for the build {2} of the server; the host has {1}."
    ),
    "PATCH_PRECHECK_FAILED_WRONG_SERVER_VERSION": (
        "The update {0} is for the version {2} of the server; the host has {1}."
    ),
    "PERMISSION_DENIED": "The server does not allow this account to do that: {0}.",
    "PIF_ALREADY_BONDED": "The network interface {0} is already part of a bond.",
    "PIF_CONFIGURATION_ERROR": "The network interface {0} cannot be configured: {1}.",
    "PIF_DOES_NOT_ALLOW_UNPLUG": "The network interface {0} must stay connected.",
    "PIF_IS_MANAGEMENT_INTERFACE": "The network interface {0} carries the management network.",
    "PIF_IS_VLAN": "The network interface {0} is a VLAN.",
    "PIF_NOT_ATTACHED_TO_HOST": "The network interface {0} is not one of the host {1}.",
    "PIF_NOT_PRESENT": "The host {0} has no interface on the network {1}.",
    "PIF_TUNNEL_STILL_EXISTS": "A tunnel still uses the network interface {0}.",
    "PIF_VLAN_EXISTS": "The network interface {0} already has this VLAN.",
    "PIF_VLAN_STILL_EXISTS": "A VLAN still uses the network interface {0}.",
    "RBAC_PERMISSION_DENIED": "The role of the account lacks the permission {0}.",
    "SESSION_AUTHENTICATION_FAILED": "The user name or the password is wrong.",
    "SESSION_AUTHORIZATION_FAILED": "The account {0} is known but has no role in this pool.",
    "SESSION_INVALID": "The session does not exist any more.",
    "SR_ATTACH_FAILED": "The storage repository {0} could not be attached.",
    "SR_BACKEND_FAILURE_16": "The storage repository is in use.",
    "SR_BACKEND_FAILURE_24": "The virtual disk is in use.",
    "SR_BACKEND_FAILURE_37": "The storage could not take or release a lock.",
    "SR_BACKEND_FAILURE_38": "This kind of storage repository cannot do that.",
    "SR_BACKEND_FAILURE_40": "The storage repository could not be scanned.",
    "SR_BACKEND_FAILURE_44": "The storage repository has too little free space.",
    "SR_BACKEND_FAILURE_46": "The virtual disk cannot be used now; another host may hold it.",
    "SR_BACKEND_FAILURE_47": "The storage repository cannot be used now.",
    "SR_BACKEND_FAILURE_52": "A logical volume could not be activated.",
    "SR_BACKEND_FAILURE_65": "The virtual disk could not be opened.",
    "SR_BACKEND_FAILURE_68": "The iSCSI storage does not let the host log in.",
    "SR_BACKEND_FAILURE_73": "The NFS share could not be mounted.",
    "SR_BACKEND_FAILURE_78": "The virtual disk could not be created.",
    "SR_BACKEND_FAILURE_81": "The virtual disk could not be cloned.",
    "SR_BACKEND_FAILURE_82": "The virtual disk could not be snapshotted.",
    "SR_BACKEND_FAILURE_108": "No NFS service answers at the storage's address.",
    "SR_BACKEND_FAILURE_109": (
        "The chain of snapshots of the virtual disk is too long: delete snapshots, and give the "
        "storage time to merge the rest."
    ),
    "SR_DEVICE_IN_USE": "The host is using the device of the storage repository.",
    "SR_DOES_NOT_SUPPORT_MIGRATION": "Disks cannot be moved to or from the storage repository {0}.",
    "SR_FULL": "The storage repository is full: {0} bytes were requested, and {1} is the maximum.",
    "SR_HAS_MULTIPLE_PBDS": "More than one host is connected to the storage repository ({0}).",
    "SR_HAS_NO_PBDS": "No host is connected to the storage repository {0}.",
    "SR_HAS_PBD": "A host is still connected to the storage repository {0}.",
    "SR_INDESTRUCTIBLE": "The storage repository {0} is protected from deletion.",
    "SR_IS_CACHE_SR": "The host {0} uses the storage repository for caching.",
    "SR_NOT_ATTACHED": "The storage repository {0} is not attached.",
    "SR_NOT_EMPTY": "There are still virtual disks in the storage repository.",
    "SR_NOT_SHARABLE": "The storage repository {0} cannot be shared, and the host {1} uses it.",
    "SR_OPERATION_NOT_SUPPORTED": "The storage repository {0} cannot do that.",
    "SR_REQUIRES_UPGRADE": "The storage repository {0} has to be upgraded first.",
    "SR_SOURCE_SPACE_INSUFFICIENT": (
        "The storage repository {0} has too little free space to move a disk away."
    ),
    "SR_SUSPEND_SPACE_INSUFFICIENT": (
        "The storage repository {0} has too little free space to suspend the virtual machine."
    ),
    "SR_UNHEALTHY": "The storage repository {0} is not healthy ({1}): {2}.",
    "SR_UNKNOWN_DRIVER": "The host has no storage driver {0}.",
    "SR_UUID_EXISTS": "The pool already has a storage repository with the uuid {0}.",
    "SR_VDI_LOCKING_FAILED": "The storage could not lock all virtual disks that this needs.",
    "SUSPEND_IMAGE_NOT_ACCESSIBLE": (
        "The host cannot reach the virtual disk {0}, which keeps the memory of the suspended "
        "virtual machine."
    ),
    "TASK_CANCELLED": "The task was cancelled.",
    "TOO_BUSY": "The server is too busy; try again later.",
    "TOO_MANY_PENDING_TASKS": "Too many operations are queued on the server; try again later.",
    "TOO_MANY_STORAGE_MIGRATES": "At most {0} disks can be moved to other storage at a time.",
    "UPDATE_ALREADY_APPLIED": "The update {0} is already installed.",
    "UPDATE_ALREADY_APPLIED_IN_POOL": (
        "The update {0} is already installed on all hosts of the pool."
    ),
    "UPDATE_ALREADY_EXISTS": "The pool already has the update {0}.",
    "UPDATE_APPLY_FAILED": "The update could not be installed: {0}.",
    "UPDATE_IS_APPLIED": "The update is installed, so it cannot be removed.",
    "UPDATE_POOL_APPLY_FAILED": "The update could not be installed on these hosts: {0}.",
    "UPDATE_PRECHECK_FAILED_CONFLICT_PRESENT": (
        "The update {0} conflicts with the installed update {1}."
    ),
    "UPDATE_PRECHECK_FAILED_GPGKEY_NOT_IMPORTED": (
        "The host does not have the key that signed the update {0}."
    ),
    "UPDATE_PRECHECK_FAILED_OUT_OF_SPACE": (
        "The host has too little free space for the update {0}: it needs {2}, and {1} is free."
    ),
    "UPDATE_PRECHECK_FAILED_PREREQUISITE_MISSING": (
        "The update {0} needs other updates to be installed first: {1}."
    ),
    "UPDATE_PRECHECK_FAILED_UNKNOWN_ERROR": "The check before the update {0} failed: {1}.",
    "UPDATE_PRECHECK_FAILED_WRONG_SERVER_VERSION": (
        "The update {0} is for the version {2} of the server; the host has {1}."
    ),
    "UUID_INVALID": "There is no {0} with the uuid {1}.",
    "VALUE_NOT_SUPPORTED": "The server does not accept {1} for {0}: {2}.",
    "VBD_IS_EMPTY": "There is no disk in the drive {0}.",
    "VDI_CBT_ENABLED": "Changed block tracking is on for the virtual disk {0}; turn it off first.",
    "VDI_COPY_FAILED": "The virtual disk could not be copied.",
    "VDI_HAS_RRDS": "The virtual disk {0} keeps statistics of the server.",
    "VDI_INCOMPATIBLE_TYPE": "This is not possible with the virtual disk {0}, whose type is {1}.",
    "VDI_IN_USE": "The virtual disk {0} is in use.",
    "VDI_IO_ERROR": "Reading or writing a virtual disk failed: {0}.",
    "VDI_IS_A_PHYSICAL_DEVICE": "The virtual disk {0} is a physical device.",
    "VDI_IS_NOT_ISO": "The virtual disk {0} is not an ISO image; its type is {1}.",
    "VDI_LOCATION_MISSING": "The storage repository {0} has no virtual disk at {1}.",
    "VDI_MISSING": "The storage repository {0} no longer has the virtual disk {1}.",
    "VDI_NEEDS_VM_FOR_MIGRATE": "The virtual disk {0} is not attached to a running machine.",
    "VDI_NOT_AVAILABLE": "The virtual disk {0} cannot be used now.",
    "VDI_NOT_IN_MAP": "The migration names no storage repository for the virtual disk {0}.",
    "VDI_NOT_MANAGED": "The server does not manage the virtual disk {0}.",
    "VDI_NOT_SPARSE": "The virtual disk {0} is not sparse.",
    "VDI_NO_CBT_METADATA": "There is no record of changed blocks for the virtual disk {0}.",
    "VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION": (
        "This is not possible with a virtual disk that is reset at each boot."
    ),
    "VDI_READONLY": "The virtual disk {0} cannot be written to.",
    "VDI_TOO_LARGE": "The virtual disk {0} is too large; the maximum is {1} bytes.",
    "VDI_TOO_SMALL": "The virtual disk {0} is too small; the minimum is {1} bytes.",
    "VIF_IN_USE": "The virtual network interface {1} is connected to the network {0}.",
    "VIF_NOT_IN_MAP": "The migration names no network for the virtual network interface {0}.",
    "VM_BAD_POWER_STATE": (
        "The virtual machine {0} is in the wrong power state; this needs it to be {1}."
    ),
    "VM_CHECKPOINT_RESUME_FAILED": "The checkpoint failed: the virtual machine {0} did not resume.",
    "VM_CHECKPOINT_SUSPEND_FAILED": (
        "The checkpoint failed: the virtual machine {0} did not suspend."
    ),
    "VM_CRASHED": "The virtual machine {0} crashed.",
    "VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT": (
        "The virtual machine {0} did not react to the request to shut down."
    ),
    "VM_FAILED_SUSPEND_ACKNOWLEDGMENT": (
        "The virtual machine {0} did not react to the request to suspend."
    ),
    "VM_HALTED": "The virtual machine {0} halted during the operation.",
    "VM_HAS_CHECKPOINT": "The virtual machine {0} has a checkpoint, so it cannot be moved.",
    "VM_HAS_NO_SUSPEND_VDI": "The virtual machine {0} has no disk that keeps its memory.",
    "VM_HAS_PCI_ATTACHED": "The virtual machine {0} has a PCI device of its host attached.",
    "VM_HAS_SRIOV_VIF": (
        "The virtual machine {0} has an SR-IOV network interface, which ties it to its host."
    ),
    "VM_HAS_TOO_MANY_SNAPSHOTS": "The virtual machine {0} has too many snapshots to be moved.",
    "VM_HAS_VGPU": "The virtual machine {0} has a virtual GPU attached.",
    "VM_HAS_VUSBS": "The virtual machine {0} has a USB device attached, which ties it to its host.",
    "VM_HOST_INCOMPATIBLE_VERSION": (
        "The host {0} runs an older version than the one that the virtual machine {1} comes from."
    ),
    "VM_HOST_INCOMPATIBLE_VERSION_MIGRATE": (
        "The virtual machine {1} cannot be moved to the host {0}, which runs an older version."
    ),
    "VM_INCOMPATIBLE_WITH_THIS_HOST": "The virtual machine {0} cannot run on the host {1}: {2}.",
    "VM_IS_TEMPLATE": "This cannot be done with {0}, which is a template.",
    "VM_LACKS_FEATURE": "The guest of the virtual machine {0} does not support this.",
    "VM_LACKS_FEATURE_SHUTDOWN": (
        "The guest of the virtual machine {0} cannot shut down on request; guest tools may be "
        "missing."
    ),
    "VM_LACKS_FEATURE_STATIC_IP_SETTING": (
        "The guest of the virtual machine {0} does not accept a static IP address; guest tools may "
        "be missing."
    ),
    "VM_LACKS_FEATURE_SUSPEND": (
        "The guest of the virtual machine {0} cannot be suspended; guest tools may be missing."
    ),
    "VM_LACKS_FEATURE_VCPU_HOTPLUG": (
        "The guest of the virtual machine {0} cannot change its number of CPUs while it runs."
    ),
    "VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED": (
        "The host cannot reach the services of the destination of the migration."
    ),
    "VM_MIGRATE_FAILED": "The virtual machine {0} could not be moved from host {1} to {2}: {3}.",
    "VM_MISSING_PV_DRIVERS": "The virtual machine {0} runs without the drivers that this needs.",
    "VM_NON_SUSPENDABLE": "The virtual machine {0} cannot be suspended: {1}.",
    "VM_NO_CRASHDUMP_SR": "The virtual machine {0} has no storage repository for its crash dumps.",
    "VM_NO_EMPTY_CD_VBD": "The virtual machine {0} has no empty CD drive.",
    "VM_NO_SUSPEND_SR": (
        "The virtual machine {0} has no storage repository for its memory during suspend."
    ),
    "VM_NO_VCPUS": "The virtual machine {0} has no virtual CPU.",
    "VM_OLD_PV_DRIVERS": "The guest tools of the virtual machine {0} are too old ({1}.{2}).",
    "VM_REBOOTED": "The virtual machine {0} rebooted during the operation.",
    "VM_REQUIRES_GPU": "The virtual machine {0} needs a GPU of the group {1} on its host.",
    "VM_REQUIRES_IOMMU": "The host {0} has no usable IOMMU, which the virtual machine needs.",
    "VM_REQUIRES_NETWORK": "The virtual machine {0} needs the network {1} on its host.",
    "VM_REQUIRES_SR": "The virtual machine {0} needs the storage repository {1} on its host.",
    "VM_REQUIRES_VDI": "The virtual machine {0} needs the virtual disk {1} on its host.",
    "VM_REQUIRES_VGPU": "The virtual machine {0} needs a virtual GPU of the group {1} on its host.",
    "VM_REQUIRES_VUSB": "The virtual machine {0} needs a USB device of the group {1} on its host.",
    "VM_SHUTDOWN_TIMEOUT": "The virtual machine {0} did not shut down within {1} seconds.",
    "VM_SNAPSHOT_WITH_QUIESCE_FAILED": (
        "The guest of the virtual machine {0} could not be quiesced for a snapshot."
    ),
    "VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED": (
        "The guest of the virtual machine {0} cannot be quiesced for a snapshot: {1}."
    ),
    "VM_SNAPSHOT_WITH_QUIESCE_TIMEOUT": (
        "The guest of the virtual machine {0} took too long to quiesce for a snapshot."
    ),
    "VM_SUSPEND_TIMEOUT": "The virtual machine {0} did not suspend within {1} seconds.",
    "XENAPI_PLUGIN_FAILURE": "A plugin on the host failed ({0}): {2}.",
}
