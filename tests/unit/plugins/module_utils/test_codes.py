# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._codes import SENTENCES, plain_words

REF = "OpaqueRef:1"
HOST = "OpaqueRef:2"
# What the server says to each code: the parameters of the codes with any.
USUAL = {
    "AUTH_SERVICE_ERROR": ["timeout"],
    "BOOTLOADER_FAILED": [REF, "no kernel"],
    "CANNOT_CONTACT_HOST": [HOST],
    "CANNOT_EVACUATE_HOST": ["VM_REQUIRES_SR"],
    "DEVICE_ATTACH_TIMEOUT": ["VBD", REF],
    "DEVICE_DETACH_REJECTED": ["VBD", REF, "mounted"],
    "DEVICE_DETACH_TIMEOUT": ["VIF", REF],
    "DUPLICATE_VM": [REF],
    "HANDLE_INVALID": ["VM", REF],
    "HOST_DISABLED": [HOST],
    "HOST_EVACUATE_IN_PROGRESS": [HOST],
    "HOST_HAS_RESIDENT_VMS": [HOST],
    "HOST_IN_USE": [HOST, "VM", REF],
    "HOST_IS_SLAVE": ["10.0.0.1"],
    "HOST_NOT_ENOUGH_FREE_MEMORY": ["2048", "1024"],
    "HOST_OFFLINE": [HOST],
    "HOST_UNKNOWN_TO_MASTER": [HOST],
    "IMPORT_ERROR": ["no such file"],
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
    "PATCH_APPLY_FAILED": ["exit code 1"],
    "PERMISSION_DENIED": ["not root"],
    "RBAC_PERMISSION_DENIED": ["task.cancel", "No permission"],
    "SESSION_AUTHENTICATION_FAILED": ["root", "Authentication failure"],
    "SESSION_AUTHORIZATION_FAILED": ["someone", "no role"],
    "SESSION_INVALID": ["(hidden)"],
    "SR_ATTACH_FAILED": [REF],
    "SR_FULL": ["2048", "1024"],
    "SR_HAS_NO_PBDS": [REF],
    "SR_NOT_ATTACHED": [REF],
    "SR_OPERATION_NOT_SUPPORTED": [REF],
    "TASK_CANCELLED": [REF],
    "TOO_MANY_STORAGE_MIGRATES": ["3"],
    "UUID_INVALID": ["VM", "abc"],
    "VALUE_NOT_SUPPORTED": ["size", "-1", "negative"],
    "VBD_IS_EMPTY": [REF],
    "VDI_IN_USE": [REF, "destroy"],
    "VDI_MISSING": [HOST, REF],
    "VDI_NOT_AVAILABLE": [REF],
    "VDI_READONLY": [REF],
    "VDI_TOO_SMALL": [REF, "1024"],
    "VM_BAD_POWER_STATE": [REF, "halted", "running"],
    "VM_CRASHED": [REF],
    "VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT": [REF],
    "VM_FAILED_SUSPEND_ACKNOWLEDGMENT": [REF],
    "VM_HALTED": [REF],
    "VM_HAS_PCI_ATTACHED": [REF],
    "VM_HAS_TOO_MANY_SNAPSHOTS": [REF],
    "VM_HAS_VGPU": [REF],
    "VM_INCOMPATIBLE_WITH_THIS_HOST": [REF, HOST, "other CPU"],
    "VM_IS_TEMPLATE": [REF],
    "VM_LACKS_FEATURE": [REF],
    "VM_MIGRATE_FAILED": [REF, HOST, "OpaqueRef:3", "cut"],
    "VM_MISSING_PV_DRIVERS": [REF],
    "VM_REBOOTED": [REF],
    "VM_REQUIRES_NETWORK": [REF, "OpaqueRef:4"],
    "VM_REQUIRES_SR": [REF, "OpaqueRef:5"],
    "VM_SHUTDOWN_TIMEOUT": [REF, "60"],
    "VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED": [REF, "no agent"],
    "VM_SUSPEND_TIMEOUT": [REF, "60"],
    "XENAPI_PLUGIN_FAILURE": ["non-zero exit", "", "no such command"],
}
BACKEND = "SR_BACKEND_FAILURE"


def test_the_common_codes_are_there():
    assert len(SENTENCES) >= 45
    assert USUAL.keys() <= SENTENCES.keys()
    assert len([code for code in SENTENCES if code.startswith(BACKEND)]) >= 10


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_a_code_with_what_the_server_usually_says_to_it(code):
    usual = ["", "what sm said", ""] if code.startswith(BACKEND) else USUAL.get(code, [])
    sentence = plain_words(code, usual)
    assert "not said" not in sentence
    assert "{" not in sentence
    assert code not in sentence
    assert sentence.endswith("." if not code.startswith(BACKEND) else "what sm said")


@pytest.mark.parametrize("code", sorted(SENTENCES))
@pytest.mark.parametrize("params", [[], ["one"], ["1", "2", "3", "4", "5", "6"]])
def test_a_code_with_too_little_or_too_much_said_to_it(code, params):
    sentence = plain_words(code, params)
    assert sentence
    assert "{" not in sentence


@pytest.mark.parametrize(
    ("code", "params", "sentence"),
    [
        ("UUID_INVALID", ["VM", "abc"], "There is no VM with the uuid abc."),
        ("UUID_INVALID", ["VM"], "There is no VM with the uuid (not said)."),
        ("INVALID_VALUE", ["{0}", "{braces}"], "The server does not accept {0}: {braces}."),
        ("A_NEW_CODE", ["a", "b"], "A_NEW_CODE: a, b"),
        ("A_NEW_CODE", [], "A_NEW_CODE"),
        (f"{BACKEND}_16", [], "The storage repository is in use."),
        (f"{BACKEND}_16", ["", "x"], "The storage repository is in use. It reports: x"),
        (f"{BACKEND}_4711", ["", "x", "y"], "The storage failed in its own way. It reports: x, y"),
        (BACKEND, [], "The storage failed in its own way."),
    ],
)
def test_plain_words(code, params, sentence):
    assert plain_words(code, params) == sentence


@pytest.mark.parametrize("code", ["OUT_OF_SPACE", "SR_BACKEND_FAILURE_46", "MADE_UP\x1b[2J"])
def test_what_could_act_on_a_terminal_is_made_visible(code):
    words = plain_words(code, ["/var\x1b]0;title\x07", "\u202e\ud800", "one\ntwo"])
    assert words.isprintable()
    assert r"/var\x1b]0;title\x07" in words
    assert "ü" in plain_words(code, ["ü"])
