# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was found by odd input, each with the smallest input that showed it."""

from __future__ import annotations

import json

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._endpoints import endpoint_of
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    OptionError,
    UnexpectedAnswer,
)
from ansible_collections.xen.xapi.plugins.module_utils._objects import Objects
from ansible_collections.xen.xapi.plugins.module_utils._rpc import Rpc
from ansible_collections.xen.xapi.plugins.module_utils._selection import ObjectOption, Selection
from ansible_collections.xen.xapi.plugins.module_utils._selector import look_around
from ansible_collections.xen.xapi.plugins.module_utils._sentences import explain
from ansible_collections.xen.xapi.plugins.module_utils._task import Task, iso_time, seconds_of
from ansible_collections.xen.xapi.plugins.module_utils._tasks import Tasks
from ansible_collections.xen.xapi.plugins.module_utils._timeline import Timeline
from ansible_collections.xen.xapi.plugins.module_utils._values import regex_of
from ansible_collections.xen.xapi.plugins.module_utils._watch import EventWatch, PollWatch, Scope
from ansible_collections.xen.xapi.tests.chaos.fuzz_answers import (
    BATCH,
    ENDPOINT,
    HOST,
    NOW,
    POOL,
    RUNNING,
    OneAnswer,
    Script,
    session_on,
)
from ansible_collections.xen.xapi.tests.chaos.fuzz_json import REF, UUID


def refused(method, answer, work):
    """What is said when a method answers so and some work is done on it."""
    with session_on(Script({method: answer})) as session, pytest.raises(UnexpectedAnswer) as caught:
        work(session)
    assert caught.value.url == ENDPOINT.url
    return explain(caught.value)


def get_record(session):
    return Tasks(session).get_record(REF)


@pytest.mark.parametrize(
    ("place", "snapshot"),
    [(0, None), *((place, snapshot) for place in (0, 2, 3) for snapshot in ("text", 1, []))],
    ids=str,
)
def test_a_snapshot_is_a_record(place, snapshot):
    """A task, a host, and the object that is watched; without one, the latter two are gone."""
    events = [dict(event) for event in BATCH["events"]]
    events[place]["snapshot"] = snapshot
    target = Scope((REF,), ("VM", "OpaqueRef:vm"), hosts=True)
    told = refused(
        "event.from", {**BATCH, "events": events}, lambda session: EventWatch(session).look(target)
    )
    assert "answered event.from with a result that is not of XAPI's shape" in told


@pytest.mark.parametrize(
    ("method", "answers", "work"),
    [
        ("task.get_record", [None, "", [], 1], get_record),
        ("task.get_all_records", [None, [], {REF: None}], lambda s: Tasks(s).get_all_records()),
        ("task.get_by_uuid", [None, "", {}], lambda s: Tasks(s).get_by_uuid(UUID)),
        ("pool.get_all_records", [None, {}, {**POOL, "b": POOL[REF]}, {REF: {}}], get_record),
        ("host.get_name_label", [None, 1], get_record),
        ("host.get_servertime", [None, 1, []], lambda s: s.server_time()),
        ("VM.get_all_records", [None, [], {REF: {"uuid": "u", "name_label": "a"}}], Objects),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_of_another_shape_is_no_answer(method, answers, work):
    for answer in answers:
        assert f"answered {method} with a result" in refused(method, answer, work)


def test_no_session_begins_with_an_odd_reference():
    for answer in (None, "", 1, [REF]):
        told = refused("session.login_with_password", answer, get_record)
        assert "answered session.login_with_password with a result" in told


@pytest.mark.parametrize("answer", [None, [REF], {REF: 1}], ids=str)
def test_operations_of_an_object(answer):
    selection = Selection(object=ObjectOption("VM", UUID))
    script = Script({"VM.get_by_uuid": REF, "VM.get_current_operations": answer})
    with session_on(script) as session, pytest.raises(UnexpectedAnswer):
        look_around(session, selection)


@pytest.mark.parametrize("answer", [None, "OpaqueRef:a", {"a": 1}, [None]], ids=str)
def test_hosts_by_their_name(answer):
    script = Script({"host.get_by_name_label": answer})
    with session_on(script) as session, pytest.raises(UnexpectedAnswer):
        look_around(session, Selection(resident_on="host-1"))


def test_hosts_that_are_polled():
    def look(session):
        PollWatch(session, interval=1.0, sleep=pytest.fail).look(Scope((), hosts=True))

    told = refused("host.get_all_records", {REF: {**HOST, "other_config": None}}, look)
    assert "(other_config)" in told


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", ["success"]),
        ("allowed_operations", None),
        ("error_info", "CODE"),
        ("error_info", ["CODE", 1]),
        ("other_config", None),
        ("created", 1795428672),
        ("uuid", None),
        ("subtasks", None),
        ("name_label", None),
        ("resident_on", []),
    ],
)
def test_a_field_of_another_type_is_named(field, value):
    told = refused("task.get_record", {**RUNNING, field: value}, get_record)
    assert f"answered task.get_record with a result that is not of XAPI's shape ({field})" in told


def test_no_odd_status_is_an_end():
    assert not Task(REF, {}).is_finished
    assert not Task(REF, {**RUNNING, "status": ""}).is_finished
    refused("task.get_record", {**RUNNING, "status": ["success"]}, get_record)


def test_a_null_does_not_say_that_a_task_is_gone():
    """It looked like a task that does not exist, whose end counts as unknown."""
    refused("task.get_record", None, get_record)
    for method in ("task.cancel", "task.set_status"):
        with session_on(Script({method: None})) as session:
            assert Tasks(session).cancel(REF) is True
            assert Tasks(session).set_status(REF, "cancelled") is True


def test_an_unknown_field_may_be_nested_deeply():
    """Comparing two such records went too deep for Python."""
    with session_on(Script({"task.get_record": {**RUNNING, "colour": ["red"]}})) as session:
        assert get_record(session).record == RUNNING


@pytest.mark.parametrize("progress", [10**400, 1e308, -1e308, float("nan"), float("inf"), "nan"])
def test_progress_far_from_any_fraction_is_unknown(progress):
    task = Task(REF, {**RUNNING, "progress": progress})
    Timeline().note(task, NOW)
    assert task.progress is None
    assert task.to_dict(now=NOW)["eta"] is None


def test_an_eta_of_ages_is_unknown():
    assert Task(REF, {**RUNNING, "progress": 5e-324}).to_dict(now=NOW + 60)["eta"] is None
    assert Task(REF, {**RUNNING, "progress": 0.5}).to_dict(now=NOW + 60)["eta"] == 60


def test_times_beyond_the_calendar():
    last = seconds_of("99991231T23:59:59Z")
    assert iso_time(last) == "9999-12-31T23:59:59Z"
    assert iso_time(last + 1) is None
    assert iso_time(10**30) is None


@pytest.mark.parametrize(
    "error",
    [
        {"code": 1, "message": "X", "data": 1},
        {"code": 1, "message": "X", "data": "params"},
        {"code": 1, "message": "X", "data": {"a": "b"}},
        {"code": 1, "message": "X", "data": [["a"]]},
        ["X", {"a": "b"}],
    ],
    ids=str,
)
def test_the_parameters_of_an_error_are_texts(error):
    body = json.dumps({"jsonrpc": "2.0", "error": error, "id": 1}).encode()
    with pytest.raises(UnexpectedAnswer):
        Rpc(OneAnswer(body), ENDPOINT).call("a.b", [])


def test_flags_of_a_regex_that_exclude_each_other():
    with pytest.raises(OptionError) as caught:
        regex_of("name_regex", "(?a)(?u)a")
    assert caught.value.option == "name_regex"


def test_a_letter_that_folds_to_that_of_a_scheme():
    with pytest.raises(OptionError):
        endpoint_of("http\u017f://xcp1", port=None)


@pytest.mark.parametrize("host", ["[root:secret@xcp1]", "https://[a@b]:99999"])
def test_no_password_of_a_hostname_is_repeated(host):
    with pytest.raises(OptionError) as caught:
        endpoint_of(host, port=None)
    assert "@" not in explain(caught.value)
