# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that call refuses before anything is sent, and methods that it does not call."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.xen.xapi.plugins.module_utils._call.datamodel import find_class
from ansible_collections.xen.xapi.plugins.module_utils._call.datamodel_text import CLASSES
from ansible_collections.xen.xapi.plugins.module_utils._call.refusals import explain_refusal
from ansible_collections.xen.xapi.plugins.modules import call as call_module
from ansible_collections.xen.xapi.tests.support.module_runner import by_core
from ansible_collections.xen.xapi.tests.support.samples import REF

SNAPSHOT = {"method": "VM.snapshot", "args": [REF, "x"]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "missing required arguments: method"),
        ({"method": None}, by_core("'method' is null", of_2_18="'method' is of type")),
        ({"method": ""}, "'method': '' is empty"),
        ({"method": "snapshot"}, "'method': 'snapshot' is not a method of XAPI"),
        ({"method": "VM_snapshot"}, "is not a method of XAPI"),
        ({"method": "VM.snapshot.x"}, "is not a method of XAPI"),
        ({"method": "VM.snap shot"}, "is not a method of XAPI"),
        ({"method": "Async.VM.snapshot"}, "leave out Async., since task chooses the form"),
        ({"method": "InternalAsync.VM.snapshot"}, "leave out Async."),
        ({"method": "VM.snapshot"}, "'args' has 0 arguments, and 2 are needed: VM.snapshot(vm: VM"),
        ({**SNAPSHOT, "args": [REF]}, "'args' has 1 argument, and 2 are needed"),
        ({**SNAPSHOT, "args": "a,b"}, "'args' is not a list"),
        ({**SNAPSHOT, "args": {"vm": REF}}, "args"),
        ({**SNAPSHOT, "args": ["web-1", "x"]}, "'args[0]': 'web-1' is not a reference"),
        ({**SNAPSHOT, "args": [REF, None]}, "'args[1]' is null, where string is expected"),
        ({**SNAPSHOT, "args": [REF, "x", REF]}, "'args[2]': 'OpaqueRef:"),
        ({**SNAPSHOT, "args": [REF, "x", [], None]}, "'args[3]' is null"),
        ({**SNAPSHOT, "expect": []}, "'expect': [] is empty"),
        ({**SNAPSHOT, "expect": ["pending"]}, "expect"),
        ({**SNAPSHOT, "timeout": "soon"}, "'timeout': 'soon' is not a valid duration"),
        ({**SNAPSHOT, "task": "maybe"}, "task"),
        ({**SNAPSHOT, "wait_method": "push"}, "wait_method"),
        ({**SNAPSHOT, "bogus": 1}, "Unsupported parameters"),
        ({"method": "task.cancel", "args": [REF], "task": True}, "'task': 'true' is not possible"),
        ({"method": "session.logout"}, "'method': 'session.logout' is refused"),
        ({"method": "Session.get_all_records"}, "is refused: the module logs in and out"),
        (
            {"method": "event.from", "args": [["task"], "", 1.0]},
            "is refused: events belong to one session",
        ),
        ({"method": "secret.get_value", "args": [REF]}, "is refused: its objects are secrets"),
        ({"method": "pool.join", "args": ["a", "b", "c"]}, "takes a secret in master_password"),
        ({"method": "VDI.get_nbd_info", "args": [REF]}, "its result contains a session"),
        ({"method": "VDI.open_database", "args": [REF]}, "its result contains a session"),
        ({"method": "VM.recover", "args": [REF, REF, False]}, "takes a session in session_to"),
        (
            {"method": "pool.enable_external_auth", "args": [REF, {}, "", "AD"]},
            "contains a password",
        ),
    ],
    ids=str,
)
def test_invalid_options_are_rejected_before_any_request(pool, call, options, message):
    assert message in call(**options, fails=True)["msg"]
    assert len(pool.log) == 0


def test_secrets_that_may_be_left_out_are_refused_only_if_given():
    method = find_class("pool").find_method("sync_updates")
    assert explain_refusal(method.name, method, count=2) is None
    assert explain_refusal(method.name, method, count=3) is not None


def test_every_parameter_for_a_secret_is_refused():
    """A parameter that a newer description brings is noticed here, whatever it is called."""
    suspicious = ("passw", "pwd", "private", "psk")
    for kind in CLASSES:
        for short in find_class(kind).method_names:
            method = find_class(kind).find_method(short)
            names = [param.name for param in method.params]
            if any(part in name for name in names for part in suspicious):
                assert explain_refusal(method.name, method, count=len(names)), method.signature


def test_every_method_that_takes_or_returns_a_session_is_refused():
    for kind in CLASSES:
        for short in find_class(kind).method_names:
            method = find_class(kind).find_method(short)
            types = [method.result, *(param.type for param in method.params)]
            if any("session" in one for one in types):
                assert explain_refusal(method.name, method, count=len(method.params)), (
                    method.signature
                )


def test_arguments_besides_those_that_are_known_are_left_to_the_server(pool, call):
    result = call(method="VM.get_uuid", args=[pool.find("VM", "web-1"), "new"], fails=True)
    assert result["error"]["code"] == "MESSAGE_PARAMETER_COUNT_MISMATCH"
    assert pool.log.of("VM.get_uuid")[0].params[1:] == ["new"]


@pytest.mark.parametrize(("value", "label"), [(False, "SR.scan"), ("true", "Async.SR.scan")])
def test_task_takes_booleans(pool, call, value, label):
    args = [{"class": "SR", "name_label": "Local storage"}]
    assert call(method="SR.scan", args=args, task=value, wait=False)["method"] == label


def test_task_methods_are_called_without_a_task(pool, call):
    ref = pool.add_task("backup")
    assert call(method="task.cancel", args=[ref])["method"] == "task.cancel"


def test_documented_options_match_argument_spec():
    documented = yaml.safe_load(call_module.DOCUMENTATION)["options"]
    keys = ("type", "elements", "required", "default", "choices")
    specified = call_module.call_spec()
    assert {
        name: {key: one[key] for key in keys if key in one} for name, one in documented.items()
    } == {name: {key: one[key] for key in keys if key in one} for name, one in specified.items()}
