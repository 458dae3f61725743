# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._client import schema as records
from ansible_collections.xen.xapi.tests.support import samples
from ansible_collections.xen.xapi.tests.support.samples import REF

TASK = {**samples.TASK, "error_info": ["CODE", "param"]}
HOST = {"metrics": REF, "enabled": True, "other_config": {"agent_start_time": "1."}}
HOLDER = {"uuid": "u", "name_label": "web-1", "current_operations": {REF: "start"}}
POOL = {"uuid": "u", "name_label": "", "master": REF}
EVENT = {"class": "task", "operation": "mod", "ref": REF, "snapshot": TASK}
LISTS = ("allowed_operations", "error_info", "subtasks")
MAPS = ("current_operations", "other_config")
TEXTS = sorted(set(TASK) - {*LISTS, *MAPS, "progress"})
NO_TEXTS = (None, 1, 0.5, True, [], ["pending"], {})


def oddity(shape, answer):
    with pytest.raises(records.SchemaError) as caught:
        shape(answer)
    return caught.value.field


def test_valid_task_records_are_returned_unchanged():
    assert records.task(TASK) is TASK
    assert records.tasks({REF: TASK}) == {REF: TASK}


@pytest.mark.parametrize("field", sorted(TASK))
def test_any_task_field_may_be_missing(field):
    record = {key: value for key, value in TASK.items() if key != field}
    assert records.task(record) == record
    assert records.task({}) == {}


def test_unknown_task_fields_are_dropped():
    assert records.task({**TASK, "colour": [[["red"]]], "weight": None}) == TASK


@pytest.mark.parametrize("record", [None, "text", 1, 0.5, True, [], [TASK]], ids=str)
def test_non_dict_task_record_is_rejected(record):
    assert oddity(records.task, record) == ""
    assert oddity(records.tasks, {REF: TASK, "b": record}) == ""


@pytest.mark.parametrize("value", NO_TEXTS, ids=str)
@pytest.mark.parametrize("field", TEXTS)
def test_text_field_of_other_type_is_rejected(field, value):
    assert oddity(records.task, {**TASK, field: value}) == field
    assert oddity(records.task, {**TASK, field: value, "colour": 1}) == field


@pytest.mark.parametrize(
    "value", [None, "cancel", 1, {}, {"cancel": "x"}, [1], ["a", None]], ids=str
)
@pytest.mark.parametrize("field", LISTS)
def test_invalid_list_field_is_rejected(field, value):
    assert oddity(records.task, {**TASK, field: value}) == field


@pytest.mark.parametrize("value", [None, "a", 1, [], ["a"], {"a": 1}, {"a": ["b"]}], ids=str)
@pytest.mark.parametrize("field", MAPS)
def test_invalid_map_field_is_rejected(field, value):
    assert oddity(records.task, {**TASK, field: value}) == field


@pytest.mark.parametrize("value", [0, 1, 0.5, -3, 10**400, float("nan"), float("inf"), "0.5", "x"])
def test_progress_may_be_number_or_text(value):
    assert records.task({**TASK, "progress": value})["progress"] is value


@pytest.mark.parametrize("value", [None, [], {}], ids=str)
def test_progress_of_other_type_is_rejected(value):
    assert oddity(records.task, {**TASK, "progress": value}) == "progress"


def test_error_names_field_without_its_value():
    with pytest.raises(records.SchemaError) as caught:
        records.task({**TASK, "status": ["secret"]})
    assert caught.value.args == ("status",)


@pytest.mark.parametrize("answer", [None, "", 1, [], {}], ids=str)
def test_name_must_be_nonempty_text(answer):
    assert records.name(REF) == REF
    assert oddity(records.name, answer) == ""


@pytest.mark.parametrize("answer", [None, "", REF, {}, [""], [REF, None], [[REF]]], ids=str)
def test_names_must_be_list_of_nonempty_texts(answer):
    assert records.names([REF, REF]) == [REF, REF]
    assert records.names([]) == []
    assert oddity(records.names, answer) == ""


@pytest.mark.parametrize("answer", [None, 1, [], {}], ids=str)
def test_text_may_be_empty_but_must_be_string(answer):
    assert records.text("") == ""
    assert oddity(records.text, answer) == ""


@pytest.mark.parametrize("answer", [None, [], [REF], REF, {REF: 1}, {REF: None}], ids=str)
def test_texts_by_key_must_map_to_texts(answer):
    assert records.texts_by_key({REF: "start"}) == {REF: "start"}
    assert oddity(records.texts_by_key, answer) == ""


@pytest.mark.parametrize("answer", [None, [], {}, {"a": POOL, "b": POOL}, {"a": None}], ids=str)
def test_pool_records_must_hold_exactly_one_pool(answer):
    assert records.pool({"a": POOL}) == POOL
    assert oddity(records.pool, answer) == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("uuid", None),
        ("uuid", ""),
        ("uuid", ["u"]),
        ("master", None),
        ("master", ""),
        ("name_label", None),
        ("name_label", 1),
    ],
)
def test_pool_needs_uuid_master_and_text_label(field, value):
    assert oddity(records.pool, {"a": {**POOL, field: value}}) == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"metrics": None}, "metrics"),
        ({"metrics": [REF]}, "metrics"),
        ({"enabled": None}, "enabled"),
        ({"other_config": None}, "other_config"),
        ({"other_config": {"agent_start_time": 1}}, "other_config"),
    ],
)
def test_invalid_host_field_is_rejected(change, field):
    assert records.hosts({REF: HOST}) == {REF: HOST}
    bare = {"metrics": REF, "enabled": False}
    assert records.host(bare) == bare
    assert oddity(records.hosts, {REF: {**HOST, **change}}) == field
    assert oddity(records.hosts, [HOST]) == oddity(records.host, None) == ""


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"uuid": None}, "uuid"),
        ({"name_label": 1}, "name_label"),
        ({"current_operations": None}, "current_operations"),
        ({"current_operations": [REF]}, "current_operations"),
        ({"current_operations": {REF: None}}, "current_operations"),
    ],
)
def test_invalid_object_field_is_rejected(change, field):
    assert records.holders({REF: HOLDER}) == {REF: HOLDER}
    assert oddity(records.holders, {REF: {**HOLDER, **change}}) == field


def test_object_without_current_operations_is_rejected():
    record = {key: value for key, value in HOLDER.items() if key != "current_operations"}
    assert oddity(records.holders, {REF: record}) == "current_operations"
    assert oddity(records.parse_operations, record) == "current_operations"
    assert oddity(records.parse_operations, "text") == "current_operations"


def test_pool_without_current_operations_gets_empty_map():
    old = {key: value for key, value in HOLDER.items() if key != "current_operations"}
    assert records.pools({REF: old}) == {REF: {**old, "current_operations": {}}}
    assert oddity(records.pools, {REF: {**HOLDER, "current_operations": None}}) == (
        "current_operations"
    )
    assert oddity(records.pools, {REF: None}) == ""


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        (None, ""),
        ([], ""),
        ({"events": []}, "token"),
        ({"events": [], "token": 1}, "token"),
        ({"token": "1"}, "events"),
        ({"events": {}, "token": "1"}, "events"),
        ({"events": [None], "token": "1"}, ""),
        ({"events": [{"ref": REF}], "token": "1"}, "class"),
        ({"events": [{**EVENT, "class": 1}], "token": "1"}, "class"),
        ({"events": [{**EVENT, "operation": None}], "token": "1"}, "operation"),
        ({"events": [{**EVENT, "ref": [REF]}], "token": "1"}, "ref"),
    ],
    ids=str,
)
def test_invalid_event_batch_is_rejected(answer, field):
    assert oddity(records.batch, answer) == field


def test_event_batch_returns_events_and_token():
    gone = {"class": "task", "operation": "del", "ref": REF}
    batch = records.batch({"events": [EVENT, gone], "token": "1"})
    assert batch == ([("task", "mod", REF, TASK), ("task", "del", REF, None)], "1")
