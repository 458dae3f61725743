# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import xmlrpc.client

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._tasks.result import decode_result
from ansible_collections.xen.xapi.plugins.module_utils._tasks.times import iso_time, parse_seconds
from ansible_collections.xen.xapi.tests.support.samples import REF, TASK, UUID

NULL = "OpaqueRef:NULL"
CREATED = 1_795_428_672  # 20261123T10:11:12Z
SUCCESS = {
    **TASK,
    "status": "success",
    "allowed_operations": [],
    "finished": "20261123T10:11:42Z",
    "progress": 1.0,
    "result": "<value>OpaqueRef:x</value>",
}
FAILURE = {**SUCCESS, "status": "failure", "result": "", "error_info": ["SR_FULL", "10", "5"]}


def returned(record, *, age=90):
    return Task(REF, record).to_dict(now=CREATED + age)


def test_running_task_is_converted_to_dict():
    assert returned(TASK) == {
        "ref": REF,
        "uuid": UUID,
        "name_label": "Async.VM.start",
        "name_description": "",
        "kind": "power",
        "client": "xapi",
        "status": "pending",
        "is_finished": False,
        "progress": 0.5,
        "created": "2026-11-23T10:11:12Z",
        "finished": None,
        "age": 90,
        "duration": None,
        "eta": 90,
        "allowed_operations": ["cancel"],
        "current_operations": {"DummyRef:|1|task.cancel": "cancel"},
        "cancellable": True,
        "resident_on": REF,
        "type": "<none/>",
        "result": "",
        "result_value": None,
        "error_info": [],
        "error": None,
        "backtrace": "()",
        "subtask_of": None,
        "subtasks": [REF],
        "other_config": {"owner": "deploy"},
    }


def test_finished_task_has_end_duration_and_result():
    task = returned(SUCCESS)
    assert task["is_finished"] is True
    assert task["finished"] == "2026-11-23T10:11:42Z"
    assert task["duration"] == 30
    assert task["eta"] is None
    assert task["result"] == "<value>OpaqueRef:x</value>"
    assert task["result_value"] == "OpaqueRef:x"


def test_empty_record_has_every_key_with_null_or_false():
    task = Task(REF, {}).to_dict(now=CREATED)
    assert task.keys() == returned(TASK).keys()
    known = {key: value for key, value in task.items() if value is not None}
    assert known == {"ref": REF, "kind": "other", "is_finished": False, "cancellable": False}


@pytest.mark.parametrize(
    ("status", "is_finished"),
    [
        ("pending", False),
        ("cancelling", False),
        ("something new", False),
        ("", False),
        ("success", True),
        ("failure", True),
        ("cancelled", True),
    ],
)
def test_is_finished_depends_only_on_status(status, is_finished):
    misleading = SUCCESS if not is_finished else TASK
    assert Task(REF, {**misleading, "status": status}).is_finished is is_finished


@pytest.mark.parametrize(
    ("changes", "cancellable"),
    [
        ({}, True),
        ({"allowed_operations": []}, False),
        ({"allowed_operations": ["destroy"]}, False),
        ({"status": "cancelling"}, True),
        ({"status": "success"}, False),
    ],
)
def test_cancellable_requires_running_status_and_cancel_operation(changes, cancellable):
    assert returned({**TASK, **changes})["cancellable"] is cancellable


@pytest.mark.parametrize(
    ("progress", "age", "status", "eta"),
    [
        (0.25, 90, "pending", 270),
        (0.5, 10, "pending", 10),
        (0.5, 9, "pending", None),
        (0.5, -5, "pending", None),
        (0.0, 90, "pending", None),
        (1.0, 90, "pending", None),
        (-0.5, 90, "pending", None),
        (1.5, 90, "pending", None),
        (5e-324, 60, "pending", None),
        (0.5, 90, "cancelling", 90),
        (0.5, 90, "success", None),
        (None, 90, "pending", None),
        (10**400, 90, "pending", None),
    ],
)
def test_eta_requires_running_status_partial_progress_and_age(progress, age, status, eta):
    record = {**TASK, "progress": progress, "status": status}
    assert returned(record, age=age)["eta"] == eta


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        (0, 0.0),
        ("0.5", 0.5),
        ("x", None),
        ("nan", None),
        (float("nan"), None),
        (float("inf"), None),
        (1e308, None),
        (-1e308, None),
        (10**400, None),
    ],
)
def test_progress_is_parsed_to_float_or_null(progress, expected):
    assert Task(REF, {**TASK, "progress": progress}).progress == expected
    assert returned({**TASK, "progress": progress})["progress"] == expected


def test_age_and_eta_are_null_without_server_time():
    task = Task(REF, TASK).to_dict(now=None)
    assert task["age"] is None
    assert task["eta"] is None


def test_negative_age_is_returned_unchanged():
    assert returned(TASK, age=-3)["age"] == -3


@pytest.mark.parametrize(
    ("created", "age"),
    [
        ("19700101T00:00:05Z", None),
        ("20041231T23:59:59Z", None),
        ("20261123T10:12:41Z", None),
        ("20261123T10:12:40Z", -60),
        ("20261123T10:00:00Z", 700),
    ],
)
def test_implausible_age_is_null(created, age):
    task = Task(REF, {**TASK, "created": created}).to_dict(now=CREATED + 28)
    assert task["age"] == age
    assert (task["eta"] is None) is (age is None or age < 0)


@pytest.mark.parametrize(
    ("created", "finished", "duration"),
    [
        ("20261123T10:00:00Z", "20261123T10:01:00Z", 60),
        ("20261123T10:00:00Z", "20261123T10:00:00Z", 0),
        ("20261123T10:00:00Z", "20261123T09:59:59Z", None),
        ("19700101T00:00:05Z", "20261123T10:01:00Z", None),
        ("19700101T00:00:05Z", "19700101T00:01:00Z", None),
        ("garbage", "20261123T10:01:00Z", None),
    ],
)
def test_implausible_duration_is_null(created, finished, duration):
    record = {**TASK, "status": "success", "created": created, "finished": finished}
    assert returned(record)["duration"] == duration


@pytest.mark.parametrize("status", ["success", "pending"])
def test_finished_time_of_1970_is_null(status):
    task = returned({**TASK, "status": status})
    assert task["finished"] is None
    assert task["duration"] is None


def test_running_task_with_finished_time_has_no_duration():
    assert returned({**SUCCESS, "status": "pending"})["duration"] is None


def test_null_references_become_none():
    task = returned({**TASK, "resident_on": NULL, "subtask_of": NULL})
    assert task["resident_on"] is None
    assert task["subtask_of"] is None
    assert returned({**TASK, "subtask_of": REF})["subtask_of"] == REF


def test_error_has_code_params_and_plain_message():
    assert returned(FAILURE)["error"] == {
        "code": "SR_FULL",
        "params": ["10", "5"],
        "message": "The storage repository is full: 10 bytes were requested, and 5 is the maximum.",
    }


def test_error_info_redacts_session_reference():
    task = returned({**FAILURE, "error_info": ["SESSION_INVALID", "OpaqueRef:secret"]})
    assert task["error_info"] == ["SESSION_INVALID", "(hidden)"]
    assert "secret" not in str(task)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("20261123T10:11:12Z", "2026-11-23T10:11:12Z"),
        ("20261123T10:11:12", "2026-11-23T10:11:12Z"),
        ("2026-11-23T10:11:12Z", "2026-11-23T10:11:12Z"),
        ("20261123T10:11:12.345Z", "2026-11-23T10:11:12Z"),
        ("19700101T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("20261323T10:11:12Z", None),
        ("20261123T10:11:12+0100", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_timestamps_normalize_to_iso_8601_or_null(text, iso):
    assert iso_time(parse_seconds(text)) == iso


def test_timestamps_after_year_9999_are_null():
    last = parse_seconds("99991231T23:59:59Z")
    assert iso_time(last) == "9999-12-31T23:59:59Z"
    assert iso_time(last + 1) is None
    assert iso_time(10**30) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("<value></value>", None),
        ("<value>OpaqueRef:1</value>", "OpaqueRef:1"),
        ("<value>12</value>", "12"),
        ("<value>a &lt;b&gt; &amp; c</value>", "a <b> & c"),
        ("<value><string>text</string></value>", "text"),
        ("<value><boolean>1</boolean></value>", True),
        ("<value><boolean>0</boolean></value>", False),
        ("<value><double>0.5</double></value>", 0.5),
        ("<value><i4>-3</i4></value>", -3),
        ("<value><int>3</int></value>", 3),
        ("<value><i8>9007199254740993</i8></value>", 9007199254740993),
        ("<value><nil/></value>", None),
        (
            "<value><dateTime.iso8601>20261123T10:11:12Z</dateTime.iso8601></value>",
            "2026-11-23T10:11:12Z",
        ),
        ("<value><array><data></data></array></value>", []),
        (
            "<value><array><data><value>a</value><value>b</value></data></array></value>",
            ["a", "b"],
        ),
        ("<value><struct></struct></value>", {}),
        (
            "<value><struct><member><name>k</name><value>v</value></member></struct></value>",
            {"k": "v"},
        ),
    ],
)
def test_decodes_xml_rpc_results(text, value):
    decoded = decode_result(text)
    assert decoded == value
    assert type(decoded) is type(value)


BOMB = (
    '<!DOCTYPE v [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    "<value>&b;</value>"
)


@pytest.mark.parametrize(
    "text",
    [
        "OpaqueRef:1",
        "plain",
        " <value>a</value>",
        "<value>cut",
        "<value><value></value>",
        "<value>&undefined;</value>",
        "<value><boolean>2</boolean></value>",
        "<value><double>nan</double></value>",
        "<value><i4>three</i4></value>",
        "<value><unheard/></value>",
        "<value><array/></value>",
        "<value><i4>1</i4><i4>2</i4></value>",
        "<value><struct><member><value>v</value></member></struct></value>",
        BOMB,
        "<value>" + BOMB + "</value>",
        '<value><!DOCTYPE v [<!ENTITY a "b">]>&a;</value>',
        "<value><![CDATA[text]]></value>",
        "<value><array><data>" * 60 + "</data></array></value>" * 60,
        "<value><array><data>" * 100_000 + "</data></array></value>" * 100_000,
    ],
)
def test_malformed_or_dangerous_result_is_returned_unchanged(text):
    assert decode_result(text) == text


TEXTS = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cn"]))
VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)
# The same on each machine, however slow it is: by itself, hypothesis judges that too.
STEADILY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@STEADILY
@given(VALUES.filter(lambda value: value != "" and "inf" not in repr(value)))
def test_decodes_output_of_xml_rpc_encoder(value):
    whole = xmlrpc.client.dumps((value,), allow_none=True)
    text = "".join(line for line in whole[whole.index("<value>") :].split("</param>")[:1])
    assert decode_result(text.strip()) == value


@STEADILY
@given(st.text())
def test_decode_result_is_always_json_serializable(text):
    json.dumps(decode_result(f"<value>{text}</value>"), allow_nan=False)


@pytest.mark.parametrize("status", ["resting", "", "Success"])
def test_unknown_status_is_returned_as_running(status):
    returned = Task("OpaqueRef:a", {"status": status}).to_dict(now=None)
    assert (returned["status"], returned["is_finished"]) == (status, False)
