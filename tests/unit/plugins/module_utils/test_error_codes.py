# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._error_codes import (
    describe_error,
    format_error,
)
from ansible_collections.xen.xapi.plugins.module_utils._error_descriptions import DESCRIPTIONS

REF = "OpaqueRef:1"
HOST = "OpaqueRef:2"
# The usual parameters of each code that has any.
USUAL = {
    "AUTH_SERVICE_ERROR": ["timeout"],
    "BOOTLOADER_FAILED": [REF, "no kernel"],
    "CANNOT_CONTACT_HOST": [HOST],
    "CANNOT_EVACUATE_HOST": ["VM_REQUIRES_SR,OpaqueRef:1,OpaqueRef:5"],
    "DEVICE_ATTACH_TIMEOUT": ["VBD", REF],
    "DEVICE_DETACH_REJECTED": ["VBD", REF, "mounted"],
    "DEVICE_DETACH_TIMEOUT": ["VIF", REF],
    "DUPLICATE_VM": [REF],
    "HANDLE_INVALID": ["VM", REF],
    "HOST_CANNOT_ATTACH_NETWORK": [HOST, "OpaqueRef:4"],
    "HOST_DISABLED": [HOST],
    "HOST_EVACUATE_IN_PROGRESS": [HOST],
    "HOST_EVACUATION_IS_REQUIRED": [HOST],
    "HOST_HAS_RESIDENT_VMS": [HOST],
    "HOST_IN_USE": [HOST, "VM", REF],
    "HOST_IS_SLAVE": ["10.0.0.1"],
    "HOST_NOT_ENOUGH_FREE_MEMORY": ["2048", "1024"],
    "HOST_OFFLINE": [HOST],
    "HOST_UNKNOWN_TO_MASTER": [HOST],
    "IMPORT_ERROR": ["no such file"],
    "IMPORT_ERROR_FAILED_TO_FIND_OBJECT": ["id"],
    "IMPORT_ERROR_UNEXPECTED_FILE": ["filename expected", "filename found"],
    "INTERNAL_ERROR": ["Not_found"],
    "INVALID_VALUE": ["status", "flying"],
    "LICENCE_RESTRICTION": ["dynamic_memory_control"],
    "MAP_DUPLICATE_KEY": ["task", "other_config", REF, "key"],
    "MEMORY_CONSTRAINT_VIOLATION": ["static_min <= dynamic_min"],
    "MESSAGE_METHOD_UNKNOWN": ["task.fly"],
    "MESSAGE_PARAMETER_COUNT_MISMATCH": ["task.cancel", "1", "2"],
    "MIRROR_FAILED": [REF],
    "OPERATION_BLOCKED": [REF, "locked by hand"],
    "OPERATION_NOT_ALLOWED": ["not now"],
    "OTHER_OPERATION_IN_PROGRESS": ["VM", REF, "clone", "OpaqueRef:3"],
    "OUT_OF_SPACE": ["/var"],
    "PATCH_ALREADY_APPLIED": [REF],
    "PATCH_ALREADY_EXISTS": ["abc"],
    "PATCH_APPLY_FAILED": ["exit code 1"],
    "PATCH_APPLY_FAILED_BACKUP_FILES_EXIST": ["output"],
    "PATCH_PRECHECK_FAILED_ISO_MOUNTED": [REF],
    "PATCH_PRECHECK_FAILED_OUT_OF_SPACE": [REF, "found space", "required required"],
    "PATCH_PRECHECK_FAILED_PREREQUISITE_MISSING": [REF, "prerequisite patch uuid list"],
    "PATCH_PRECHECK_FAILED_UNKNOWN_ERROR": [REF, "info"],
    "PATCH_PRECHECK_FAILED_VM_RUNNING": [REF],
    "PATCH_PRECHECK_FAILED_WRONG_SERVER_BUILD": [REF, "found build", "required build"],
    "PATCH_PRECHECK_FAILED_WRONG_SERVER_VERSION": [REF, "found version", "required version"],
    "PERMISSION_DENIED": ["not root"],
    "PIF_ALREADY_BONDED": [REF],
    "PIF_CONFIGURATION_ERROR": [REF, "msg"],
    "PIF_DOES_NOT_ALLOW_UNPLUG": [REF],
    "PIF_IS_MANAGEMENT_INTERFACE": [REF],
    "PIF_IS_VLAN": [REF],
    "PIF_NOT_ATTACHED_TO_HOST": [REF, HOST],
    "PIF_NOT_PRESENT": [HOST, "OpaqueRef:4"],
    "PIF_TUNNEL_STILL_EXISTS": [REF],
    "PIF_VLAN_EXISTS": [REF],
    "PIF_VLAN_STILL_EXISTS": [REF],
    "RBAC_PERMISSION_DENIED": ["task.cancel", "No permission"],
    "SESSION_AUTHENTICATION_FAILED": ["root", "Authentication failure"],
    "SESSION_AUTHORIZATION_FAILED": ["someone", "no role"],
    "SESSION_INVALID": ["(hidden)"],
    "SR_ATTACH_FAILED": [REF],
    "SR_DOES_NOT_SUPPORT_MIGRATION": [REF, "capabilities"],
    "SR_FULL": ["2048", "1024"],
    "SR_HAS_MULTIPLE_PBDS": [REF],
    "SR_HAS_NO_PBDS": [REF],
    "SR_HAS_PBD": [REF],
    "SR_INDESTRUCTIBLE": [REF],
    "SR_IS_CACHE_SR": [HOST],
    "SR_NOT_ATTACHED": [REF],
    "SR_NOT_SHARABLE": [REF, HOST],
    "SR_OPERATION_NOT_SUPPORTED": [REF],
    "SR_REQUIRES_UPGRADE": [REF],
    "SR_SOURCE_SPACE_INSUFFICIENT": [REF],
    "SR_SUSPEND_SPACE_INSUFFICIENT": [REF],
    "SR_UNHEALTHY": [REF, "health", "fix"],
    "SR_UNKNOWN_DRIVER": ["driver"],
    "SR_UUID_EXISTS": ["abc"],
    "SUSPEND_IMAGE_NOT_ACCESSIBLE": [REF],
    "TASK_CANCELLED": [REF],
    "TOO_MANY_STORAGE_MIGRATES": ["3"],
    "UPDATE_ALREADY_APPLIED": [REF],
    "UPDATE_ALREADY_APPLIED_IN_POOL": [REF],
    "UPDATE_ALREADY_EXISTS": ["abc"],
    "UPDATE_APPLY_FAILED": ["output"],
    "UPDATE_POOL_APPLY_FAILED": [HOST],
    "UPDATE_PRECHECK_FAILED_CONFLICT_PRESENT": [REF, "OpaqueRef:4"],
    "UPDATE_PRECHECK_FAILED_GPGKEY_NOT_IMPORTED": [REF],
    "UPDATE_PRECHECK_FAILED_OUT_OF_SPACE": [REF, "available space", "required space"],
    "UPDATE_PRECHECK_FAILED_PREREQUISITE_MISSING": [REF, "OpaqueRef:4"],
    "UPDATE_PRECHECK_FAILED_UNKNOWN_ERROR": [REF, "info"],
    "UPDATE_PRECHECK_FAILED_WRONG_SERVER_VERSION": [REF, "installed version", "required version"],
    "UUID_INVALID": ["VM", "abc"],
    "VALUE_NOT_SUPPORTED": ["size", "-1", "negative"],
    "VBD_IS_EMPTY": [REF],
    "VDI_CBT_ENABLED": [REF],
    "VDI_HAS_RRDS": [REF],
    "VDI_INCOMPATIBLE_TYPE": [REF, "type"],
    "VDI_IN_USE": [REF, "destroy"],
    "VDI_IO_ERROR": ["Device I/O errors"],
    "VDI_IS_A_PHYSICAL_DEVICE": [REF],
    "VDI_IS_NOT_ISO": [REF, "type"],
    "VDI_LOCATION_MISSING": [REF, "location"],
    "VDI_MISSING": [HOST, REF],
    "VDI_NEEDS_VM_FOR_MIGRATE": [REF],
    "VDI_NOT_AVAILABLE": [REF],
    "VDI_NOT_IN_MAP": [REF],
    "VDI_NOT_MANAGED": [REF],
    "VDI_NOT_SPARSE": [REF],
    "VDI_NO_CBT_METADATA": [REF],
    "VDI_READONLY": [REF],
    "VDI_TOO_LARGE": [REF, "maximum size"],
    "VDI_TOO_SMALL": [REF, "1024"],
    "VIF_IN_USE": ["OpaqueRef:4", REF],
    "VIF_NOT_IN_MAP": [REF],
    "VM_BAD_POWER_STATE": [REF, "halted", "running"],
    "VM_CHECKPOINT_RESUME_FAILED": [REF],
    "VM_CHECKPOINT_SUSPEND_FAILED": [REF],
    "VM_CRASHED": [REF],
    "VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT": [REF],
    "VM_FAILED_SUSPEND_ACKNOWLEDGMENT": [REF],
    "VM_HALTED": [REF],
    "VM_HAS_CHECKPOINT": [REF],
    "VM_HAS_NO_SUSPEND_VDI": [REF],
    "VM_HAS_PCI_ATTACHED": [REF],
    "VM_HAS_SRIOV_VIF": [REF],
    "VM_HAS_TOO_MANY_SNAPSHOTS": [REF],
    "VM_HAS_VGPU": [REF],
    "VM_HAS_VUSBS": [REF],
    "VM_HOST_INCOMPATIBLE_VERSION": [HOST, REF],
    "VM_HOST_INCOMPATIBLE_VERSION_MIGRATE": [HOST, REF],
    "VM_INCOMPATIBLE_WITH_THIS_HOST": [REF, HOST, "other CPU"],
    "VM_IS_TEMPLATE": [REF],
    "VM_LACKS_FEATURE": [REF],
    "VM_LACKS_FEATURE_SHUTDOWN": [REF],
    "VM_LACKS_FEATURE_STATIC_IP_SETTING": [REF],
    "VM_LACKS_FEATURE_SUSPEND": [REF],
    "VM_LACKS_FEATURE_VCPU_HOTPLUG": [REF],
    "VM_MIGRATE_FAILED": [REF, HOST, "OpaqueRef:3", "cut"],
    "VM_MISSING_PV_DRIVERS": [REF],
    "VM_NON_SUSPENDABLE": [REF, "reason"],
    "VM_NO_CRASHDUMP_SR": [REF],
    "VM_NO_EMPTY_CD_VBD": [REF],
    "VM_NO_SUSPEND_SR": [REF],
    "VM_NO_VCPUS": [REF],
    "VM_OLD_PV_DRIVERS": [REF, "major", "minor"],
    "VM_REBOOTED": [REF],
    "VM_REQUIRES_GPU": [REF, "OpaqueRef:4"],
    "VM_REQUIRES_IOMMU": [HOST],
    "VM_REQUIRES_NETWORK": [REF, "OpaqueRef:4"],
    "VM_REQUIRES_SR": [REF, "OpaqueRef:5"],
    "VM_REQUIRES_VDI": [REF, REF],
    "VM_REQUIRES_VGPU": [REF, "OpaqueRef:4", "vGPU type"],
    "VM_REQUIRES_VUSB": [REF, "OpaqueRef:4"],
    "VM_SHUTDOWN_TIMEOUT": [REF, "60"],
    "VM_SNAPSHOT_WITH_QUIESCE_FAILED": [REF],
    "VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED": [REF, "no agent"],
    "VM_SNAPSHOT_WITH_QUIESCE_TIMEOUT": [REF],
    "VM_SUSPEND_TIMEOUT": [REF, "60"],
    "XENAPI_PLUGIN_FAILURE": ["non-zero exit", "", "no such command"],
}
# The names of the parameters in the datamodel of XAPI stand for their values.
RARE = {
    "APPLY_GUIDANCE_FAILED": ["ref"],
    "APPLY_UPDATES_FAILED": ["ref"],
    "BACKUP_SCRIPT_FAILED": ["log"],
    "BALLOONING_TIMEOUT_BEFORE_MIGRATION": ["vm"],
    "BUNDLE_UNPACK_FAILED": ["error"],
    "CANNOT_PLUG_VIF": ["VIF"],
    "CANNOT_RESET_CONTROL_DOMAIN": ["vm"],
    "CLUSTERED_SR_DEGRADED": ["sr"],
    "DEFAULT_SR_NOT_FOUND": ["sr"],
    "DEVICE_ALREADY_ATTACHED": ["device"],
    "DEVICE_ALREADY_DETACHED": ["device"],
    "DEVICE_ALREADY_EXISTS": ["device"],
    "DEVICE_NOT_ATTACHED": ["VBD"],
    "DOMAIN_BUILDER_ERROR": ["function", "code", "message"],
    "DOMAIN_EXISTS": ["vm", "domid"],
    "FAILED_TO_START_EMULATOR": ["vm", "name", "msg"],
    "GET_HOST_UPDATES_FAILED": ["ref"],
    "HOST_DISABLED_UNTIL_REBOOT": ["host"],
    "HOST_IS_LIVE": ["host"],
    "HOST_NOT_ENOUGH_PCPUS": ["vcpus", "pcpus"],
    "HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY": ["host"],
    "HOSTS_NOT_HOMOGENEOUS": ["reason"],
    "INVALID_UPDATE": ["info"],
    "OPERATION_PARTIALLY_FAILED": ["operation"],
    "REQUIRED_PIF_IS_UNPLUGGED": ["PIF"],
    "RESTORE_SCRIPT_FAILED": ["log"],
    "SM_PLUGIN_COMMUNICATION_FAILURE": ["sm"],
    "SYSTEM_STATUS_RETRIEVAL_FAILED": ["reason"],
    "TLS_CONNECTION_FAILED": ["address", "port"],
    "UNIMPLEMENTED_IN_SM_BACKEND": ["message"],
    "VBD_NOT_EMPTY": ["vbd"],
    "VBD_TRAY_LOCKED": ["vbd"],
    "VDI_IS_ENCRYPTED": ["vdi"],
    "VGPU_DESTINATION_INCOMPATIBLE": ["reason", "vgpu", "host"],
    "VGPU_SUSPENSION_NOT_SUPPORTED": ["reason", "vgpu", "host"],
    "VM_IS_IMMOBILE": ["VM"],
    "VM_IS_PART_OF_AN_APPLIANCE": ["vm", "appliance"],
    "VM_IS_PROTECTED": ["vm"],
    "VM_IS_USING_NESTED_VIRT": ["VM"],
    "VM_NOT_RESIDENT_HERE": ["vm", "host"],
    "VM_REVERT_FAILED": ["vm", "snapshot"],
    "VM_SNAPSHOT_WITH_QUIESCE_PLUGIN_DEOS_NOT_RESPOND": ["vm"],
    "XAPI_HOOK_FAILED": ["hook_name", "reason", "stdout", "exit_code"],
    "XENAPI_MISSING_PLUGIN": ["name"],
    "XEN_VSS_REQ_ERROR_CREATING_SNAPSHOT": ["vm", "error_code"],
    "XEN_VSS_REQ_ERROR_PREPARING_WRITERS": ["vm", "error_code"],
}
USUAL |= RARE
BACKEND = "SR_BACKEND_FAILURE"
# Codes that users ask about in forums and issue trackers.
ASKED_ABOUT = [
    "VDI_IO_ERROR",
    "VDI_NOT_IN_MAP",
    "VIF_NOT_IN_MAP",
    "VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED",
    "HOST_CANNOT_ATTACH_NETWORK",
    "VM_LACKS_FEATURE_SHUTDOWN",
    "VM_LACKS_FEATURE_SUSPEND",
    "VM_LACKS_FEATURE_VCPU_HOTPLUG",
    "PATCH_PRECHECK_FAILED_ISO_MOUNTED",
    "PATCH_PRECHECK_FAILED_OUT_OF_SPACE",
    "PATCH_PRECHECK_FAILED_PREREQUISITE_MISSING",
    "PATCH_PRECHECK_FAILED_UNKNOWN_ERROR",
    "PATCH_PRECHECK_FAILED_VM_RUNNING",
    "PATCH_PRECHECK_FAILED_WRONG_SERVER_BUILD",
    "PATCH_PRECHECK_FAILED_WRONG_SERVER_VERSION",
    "UPDATE_PRECHECK_FAILED_CONFLICT_PRESENT",
    "UPDATE_PRECHECK_FAILED_GPGKEY_NOT_IMPORTED",
    "UPDATE_PRECHECK_FAILED_OUT_OF_SPACE",
    "UPDATE_PRECHECK_FAILED_PREREQUISITE_MISSING",
    "UPDATE_PRECHECK_FAILED_UNKNOWN_ERROR",
    "UPDATE_PRECHECK_FAILED_WRONG_SERVER_VERSION",
    "PIF_VLAN_EXISTS",
    "VDI_CBT_ENABLED",
    "VM_NO_SUSPEND_SR",
    "VM_HAS_VUSBS",
    "VM_CHECKPOINT_SUSPEND_FAILED",
    "IMPORT_INCOMPATIBLE_VERSION",
    "SR_UUID_EXISTS",
    "SUSPEND_IMAGE_NOT_ACCESSIBLE",
    "SR_BACKEND_FAILURE_109",
]
NEEDS_SR = "The virtual machine OpaqueRef:1 needs the storage repository OpaqueRef:5 on its host"
IS_HALTED = "The virtual machine OpaqueRef:2 halted during the operation"


def test_common_error_codes_have_sentences():
    assert len(DESCRIPTIONS) >= 265
    assert USUAL.keys() <= DESCRIPTIONS.keys()
    assert len([code for code in DESCRIPTIONS if code.startswith(BACKEND)]) >= 10
    assert set(ASKED_ABOUT) <= DESCRIPTIONS.keys()


def test_usual_parameters_produce_complete_sentence():
    for code in DESCRIPTIONS:
        usual = ["", "what sm said", ""] if code.startswith(BACKEND) else USUAL.get(code, [])
        sentence = describe_error(code, usual)
        assert "not given" not in sentence, code
        assert "{" not in sentence, code
        assert code not in sentence
        assert sentence.endswith("." if not code.startswith(BACKEND) else "what sm said"), code


@pytest.mark.parametrize("params", [[], ["one"], ["1", "2", "3", "4", "5", "6"]])
def test_missing_or_extra_parameters_still_produce_sentence(params):
    for code in DESCRIPTIONS:
        sentence = describe_error(code, params)
        assert sentence, code
        assert "{" not in sentence, code


@pytest.mark.parametrize(
    ("code", "params", "sentence"),
    [
        ("UUID_INVALID", ["VM", "abc"], "There is no VM with the uuid abc."),
        ("UUID_INVALID", ["VM"], "There is no VM with the uuid (not given)."),
        ("INVALID_VALUE", ["{0}", "{braces}"], "The server does not accept {0}: {braces}."),
        ("A_NEW_CODE", ["a", "b"], "A_NEW_CODE: a, b"),
        ("A_NEW_CODE", [], "A_NEW_CODE"),
        (f"{BACKEND}_16", [], "The storage repository is in use."),
        (f"{BACKEND}_16", ["", "x"], "The storage repository is in use. It reports: x"),
        (
            f"{BACKEND}_4711",
            ["", "x", "y"],
            "The storage reported an error of its own. It reports: x, y",
        ),
        (BACKEND, [], "The storage reported an error of its own."),
    ],
)
def test_plain_words_format_known_unknown_and_storage_codes(code, params, sentence):
    assert describe_error(code, params) == sentence


@pytest.mark.parametrize("code", ["OUT_OF_SPACE", "SR_BACKEND_FAILURE_46", "MADE_UP\x1b[2J"])
def test_escapes_control_characters_but_keeps_letters(code):
    words = describe_error(code, ["/var\x1b]0;title\x07", "\u202e\ud800", "one\ntwo"])
    assert words.isprintable()
    assert r"/var\x1b]0;title\x07" in words
    assert "ü" in describe_error(code, ["ü"])


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ("VM_REQUIRES_SR,OpaqueRef:1,OpaqueRef:5", NEEDS_SR),
        (
            "VM_REQUIRES_SR,OpaqueRef:1,OpaqueRef:5|VM_HALTED,OpaqueRef:2",
            f"{NEEDS_SR}; {IS_HALTED}",
        ),
        (
            "VM_REQUIRES_SR",
            "The virtual machine (not given) needs the storage repository (not given)",
        ),
        ("NO_CODE_OF_OURS,OpaqueRef:1", "NO_CODE_OF_OURS,OpaqueRef:1"),
        ("VM_HALTED,OpaqueRef:2|NO_CODE_OF_OURS", "VM_HALTED,OpaqueRef:2|NO_CODE_OF_OURS"),
        ("|".join(["VM_HALTED,OpaqueRef:2"] * 400), f"{IS_HALTED} and 395 more"),
        ("", ""),
    ],
)
def test_evacuation_error_explains_errors_it_contains(errors, words):
    sentence = describe_error("CANNOT_EVACUATE_HOST", [errors])
    assert sentence.startswith("The host cannot be evacuated: ")
    assert words in sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("VM_REQUIRES_SR: [ OpaqueRef:1; OpaqueRef:5 ]", NEEDS_SR),
        ("VM_HALTED [ OpaqueRef:2 ]", IS_HALTED),
        ("OUT_OF_SPACE: [  ]", "There is no space left on (not given)"),
        ("NO_CODE_OF_OURS: [ OpaqueRef:1 ]", "NO_CODE_OF_OURS: [ OpaqueRef:1 ]"),
        ("VM_HALTED: [ OpaqueRef:2 ] and more", "VM_HALTED: [ OpaqueRef:2 ] and more"),
        ("VM_HALTED", "VM_HALTED"),
    ],
)
def test_migration_error_explains_known_nested_error(text, words):
    sentence = describe_error("VM_MIGRATE_FAILED", [REF, HOST, HOST, text])
    assert sentence == (
        f"The virtual machine {REF} could not be moved from host {HOST} to {HOST}: {words}."
    )


@pytest.mark.parametrize(
    "params",
    [
        ["x" * 300_000] * 6,
        ["\x1b" * 300_000],
        ["x"] * 10_000,
        ["|".join(["VM_REQUIRES_SR," + "x" * 900] * 300)],
        ["VM_REQUIRES_SR: [ " + "x" * 300_000 + "; y ]"] * 4,
    ],
    ids=["long", "escapes", "many", "evacuation", "nested"],
)
def test_length_is_bounded_for_any_server_input(params):
    for code in [*DESCRIPTIONS, "A_NEW_CODE", f"{BACKEND}_4711", "X" * 300_000]:
        words = describe_error(code, params)
        assert len(words) <= 1100, code[:100]
        assert words.isprintable(), code[:100]


def test_long_parameter_is_truncated_only_in_message():
    error = format_error("OUT_OF_SPACE", ["x" * 301])
    assert error["params"] == ["x" * 301]
    assert error["message"] == f"There is no space left on {'x' * 300}…."
    assert describe_error("OUT_OF_SPACE", ["x" * 300]) == f"There is no space left on {'x' * 300}."
