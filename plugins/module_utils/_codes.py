# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Sequence

# What the common codes mean; {0} is the first parameter that follows the code.
SENTENCES = {
    "AUTH_SERVICE_ERROR": "The directory service behind the pool's accounts failed: {0}.",
    "BOOTLOADER_FAILED": "The boot loader of the virtual machine {0} failed: {1}.",
    "CANNOT_CONTACT_HOST": "The pool master cannot reach the host {0}.",
    "CANNOT_EVACUATE_HOST": "The host cannot be emptied of its virtual machines: {0}.",
    "DEVICE_ATTACH_TIMEOUT": "Attaching the {0} {1} took too long.",
    "DEVICE_DETACH_REJECTED": "The guest does not let go of the {0} {1}: {2}.",
    "DEVICE_DETACH_TIMEOUT": "Detaching the {0} {1} took too long.",
    "DUPLICATE_VM": "The pool already has the virtual machine {0}.",
    "FEATURE_RESTRICTED": "The licence of the pool does not include this feature.",
    "HANDLE_INVALID": "There is no {0} with the reference {1}; it may have been deleted.",
    "HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN": (
        "High availability forbids this: too few hosts would be left to restart what they must."
    ),
    "HOST_BROKEN": "The host could not start its services and needs to be looked at.",
    "HOST_DISABLED": "The host {0} is disabled: it takes no new virtual machines.",
    "HOST_EVACUATE_IN_PROGRESS": "The host {0} is being emptied of its virtual machines.",
    "HOST_HAS_NO_MANAGEMENT_IP": "The host has no address on its management network.",
    "HOST_HAS_RESIDENT_VMS": "Virtual machines are still on the host {0}.",
    "HOST_IN_USE": "The host {0} is in use by the {1} {2}.",
    "HOST_IS_SLAVE": "The host is a supporter of its pool; the master is {0}.",
    "HOST_ITS_OWN_SLAVE": "The host takes itself for a supporter of its own.",
    "HOST_NOT_ENOUGH_FREE_MEMORY": (
        "The host has too little free memory: {0} bytes are needed, {1} are free."
    ),
    "HOST_NOT_LIVE": "The host is not running or does not answer the pool master.",
    "HOST_OFFLINE": "The host {0} is not running or does not answer the pool master.",
    "HOST_STILL_BOOTING": "The host is still starting its services.",
    "HOST_UNKNOWN_TO_MASTER": "The pool master does not know the host {0} as a member.",
    "IMPORT_ERROR": "The import failed: {0}.",
    "IMPORT_ERROR_PREMATURE_EOF": "What was to be imported ended too early.",
    "IMPORT_ERROR_SOME_CHECKSUMS_FAILED": "What was to be imported is damaged: checksums differ.",
    "INTERNAL_ERROR": "The server met an error of its own: {0}.",
    "INVALID_VALUE": "The server does not accept {0}: {1}.",
    "LICENCE_RESTRICTION": "The licence of the pool does not include the feature {0}.",
    "LICENSE_EXPIRED": "The licence of the host has expired.",
    "MAP_DUPLICATE_KEY": "The field {1} of the {0} {2} already has the key {3}.",
    "MEMORY_CONSTRAINT_VIOLATION": "The limits of memory must keep to {0}.",
    "MESSAGE_METHOD_UNKNOWN": "The server does not know the method {0}; it may be too old for it.",
    "MESSAGE_PARAMETER_COUNT_MISMATCH": (
        "The server wants {1} parameters for {0} and got {2}; its version may be another one."
    ),
    "MESSAGE_REMOVED": "The server no longer has this method.",
    "MIRROR_FAILED": "The virtual disk {0} could not be mirrored to its new place.",
    "NOT_SUPPORTED_DURING_UPGRADE": "This is not possible while the pool is being upgraded.",
    "NO_HOSTS_AVAILABLE": "No host of the pool can take the virtual machine.",
    "OBJECT_NOLONGER_EXISTS": "The object has been deleted.",
    "OPERATION_BLOCKED": "This operation is blocked on {0}: {1}.",
    "OPERATION_NOT_ALLOWED": "The server does not allow this now: {0}.",
    "OTHER_OPERATION_IN_PROGRESS": "Another operation is using the {0} {1}.",
    "OUT_OF_SPACE": "There is no space left on {0}.",
    "PATCH_APPLY_FAILED": "The update could not be installed: {0}.",
    "PERMISSION_DENIED": "The server does not let this account do that: {0}.",
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
    "SR_BACKEND_FAILURE_78": "The virtual disk could not be made.",
    "SR_BACKEND_FAILURE_81": "The virtual disk could not be cloned.",
    "SR_BACKEND_FAILURE_82": "The virtual disk could not be snapshotted.",
    "SR_BACKEND_FAILURE_108": "No NFS service answers at the storage's address.",
    "SR_FULL": "The storage repository is full: {0} bytes were asked for, {1} is the most.",
    "SR_HAS_NO_PBDS": "No host is connected to the storage repository {0}.",
    "SR_NOT_ATTACHED": "The storage repository {0} is not attached.",
    "SR_OPERATION_NOT_SUPPORTED": "The storage repository {0} cannot do that.",
    "TASK_CANCELLED": "The task was cancelled.",
    "TOO_BUSY": "The server is too busy; try again later.",
    "TOO_MANY_PENDING_TASKS": "Too many operations wait in the server; try again later.",
    "TOO_MANY_STORAGE_MIGRATES": "No more than {0} disks can move to other storage at a time.",
    "UUID_INVALID": "There is no {0} with the uuid {1}.",
    "VALUE_NOT_SUPPORTED": "The server does not take {1} for {0}: {2}.",
    "VBD_IS_EMPTY": "There is no disk in the drive {0}.",
    "VDI_COPY_FAILED": "The virtual disk could not be copied.",
    "VDI_IN_USE": "The virtual disk {0} is in use.",
    "VDI_MISSING": "The storage repository {0} no longer has the virtual disk {1}.",
    "VDI_NOT_AVAILABLE": "The virtual disk {0} cannot be used now.",
    "VDI_READONLY": "The virtual disk {0} cannot be written to.",
    "VDI_TOO_SMALL": "The virtual disk {0} is too small; it must have {1} bytes at least.",
    "VM_BAD_POWER_STATE": (
        "The virtual machine {0} is in the wrong power state; this needs it to be {1}."
    ),
    "VM_CRASHED": "The virtual machine {0} crashed.",
    "VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT": (
        "The virtual machine {0} did not react when told to shut down."
    ),
    "VM_FAILED_SUSPEND_ACKNOWLEDGMENT": (
        "The virtual machine {0} did not react when told to suspend."
    ),
    "VM_HALTED": "The virtual machine {0} halted while this was going on.",
    "VM_HAS_PCI_ATTACHED": "The virtual machine {0} has a PCI device of its host attached.",
    "VM_HAS_TOO_MANY_SNAPSHOTS": "The virtual machine {0} has too many snapshots to be moved.",
    "VM_HAS_VGPU": "The virtual machine {0} has a virtual GPU attached.",
    "VM_INCOMPATIBLE_WITH_THIS_HOST": "The virtual machine {0} cannot run on the host {1}: {2}.",
    "VM_IS_TEMPLATE": "This cannot be done with {0}, which is a template.",
    "VM_LACKS_FEATURE": "The guest of the virtual machine {0} does not support this.",
    "VM_MIGRATE_FAILED": "The virtual machine {0} could not be moved from host {1} to {2}: {3}.",
    "VM_MISSING_PV_DRIVERS": "The virtual machine {0} runs without the drivers that this needs.",
    "VM_REBOOTED": "The virtual machine {0} rebooted while this was going on.",
    "VM_REQUIRES_NETWORK": "The virtual machine {0} needs the network {1} on its host.",
    "VM_REQUIRES_SR": "The virtual machine {0} needs the storage repository {1} on its host.",
    "VM_SHUTDOWN_TIMEOUT": "The virtual machine {0} did not shut down within {1} seconds.",
    "VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED": (
        "The guest of the virtual machine {0} cannot be quieted for a snapshot: {1}."
    ),
    "VM_SUSPEND_TIMEOUT": "The virtual machine {0} did not suspend within {1} seconds.",
    "XENAPI_PLUGIN_FAILURE": "A plugin on the host failed ({0}): {2}.",
}
_MOST_PARAMETERS = 4
_NOT_SAID = "(not said)"
_STORAGE = "SR_BACKEND_FAILURE"


def plain_words(code: str, params: Sequence[str]) -> str:
    """One sentence or two for an error of XAPI; the code itself where there are no better words."""
    template = SENTENCES.get(code)
    code, params = visible(code), [visible(param) for param in params]
    if code.startswith(_STORAGE):
        # The number is the storage driver's own, and the text beside it says most.
        sentence = template or "The storage failed in its own way."
        report = ", ".join(param for param in params if param)
        return f"{sentence} It reports: {report}" if report else sentence
    if template is not None:
        return template.format(*params, *[_NOT_SAID] * _MOST_PARAMETERS)
    return f"{code}: {', '.join(params)}" if params else code


def error_of(code: str, params: Sequence[str]) -> dict[str, Any]:
    """What modules return for an error of XAPI."""
    return {"code": code, "params": list(params), "message": plain_words(code, params)}


def visible(text: str) -> str:
    """The text with escapes in place of what could act on a terminal, or hide there."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
