# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Valid and invalid data of a server, for each module that reads it.

Wrong answers have to end as an error of the collection, or be dealt with.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from hypothesis import strategies as st

from ansible_collections.xen.xapi.plugins.module_utils._client import schema
from ansible_collections.xen.xapi.plugins.module_utils._client.jsonrpc import Rpc
from ansible_collections.xen.xapi.plugins.module_utils._error_codes import describe_error
from ansible_collections.xen.xapi.plugins.module_utils._error_descriptions import DESCRIPTIONS
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    MasterAddressUnusable,
    MasterNotFound,
    OptionError,
    TimeUnreadable,
    UnexpectedAnswer,
    XapiError,
    XapiFailure,
)
from ansible_collections.xen.xapi.plugins.module_utils._messages import error_message
from ansible_collections.xen.xapi.plugins.module_utils._tasks.age_messages import NEW, age_warnings
from ansible_collections.xen.xapi.plugins.module_utils._tasks.api import Tasks
from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import FINAL_STATUSES, Task
from ansible_collections.xen.xapi.plugins.module_utils._tasks.objects import Objects
from ansible_collections.xen.xapi.plugins.module_utils._tasks.query import (
    current_operations,
    find,
    resolve_context,
)
from ansible_collections.xen.xapi.plugins.module_utils._tasks.result import decode_result
from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import (
    ObjectOption,
    Selection,
    SelectionContext,
    is_excluded,
    matches,
)
from ansible_collections.xen.xapi.plugins.module_utils._tasks.times import iso_time, parse_seconds
from ansible_collections.xen.xapi.plugins.module_utils._wait.disappearance import Disappearances
from ansible_collections.xen.xapi.plugins.module_utils._wait.messages import (
    describe_end,
    format_progress,
)
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import TaskSet
from ansible_collections.xen.xapi.plugins.module_utils._wait.timeline import Timeline
from ansible_collections.xen.xapi.plugins.module_utils._wait.watcher import (
    EventWatcher,
    PollingWatcher,
    WatchScope,
)
from ansible_collections.xen.xapi.tests.fuzzing import runner
from ansible_collections.xen.xapi.tests.fuzzing.json_values import TEXTS, VALUES, as_json, mutated
from ansible_collections.xen.xapi.tests.support.samples import NO_REF, REF, TASK, UUID
from ansible_collections.xen.xapi.tests.support.stub_transport import (
    ENDPOINT,
    POOL,
    CannedResponses,
    Refusal,
    StubTransport,
    session_of,
)

NOW = 1795428672
FAILED = {
    **TASK,
    "status": "failure",
    "finished": "20261123T10:12:12Z",
    "progress": 1.0,
    "result": f"<value>{REF}</value>",
    "error_info": ["VM_BAD_POWER_STATE", REF, "halted", "running"],
}
OLD = {key: TASK[key] for key in ("uuid", "name_label", "status", "created")}
HOST = {
    "uuid": UUID,
    "name_label": "host-1",
    "metrics": REF,
    "enabled": True,
    "other_config": {"agent_start_time": "1795428672."},
    "current_operations": {REF: "evacuate"},
}
BATCH = {
    "events": [
        {"id": "1", "class": "task", "operation": "mod", "ref": REF, "snapshot": TASK},
        {"id": "2", "class": "task", "operation": "del", "ref": "OpaqueRef:gone"},
        {"id": "3", "class": "host", "operation": "add", "ref": "OpaqueRef:h", "snapshot": HOST},
        {"id": "4", "class": "vm", "operation": "mod", "ref": "OpaqueRef:vm", "snapshot": HOST},
    ],
    "valid_ref_counts": {"task": 1},
    "token": "00000000000000000001,00000000000000000000",
}
XML = st.one_of(
    st.recursive(
        st.one_of(
            st.sampled_from(
                [
                    "",
                    "text",
                    "<int>1</int>",
                    "<i8>1e3</i8>",
                    "<double>1e999</double>",
                    "<double>nan</double>",
                    "<boolean>2</boolean>",
                    "<dateTime.iso8601>20261123T10:11:12Z</dateTime.iso8601>",
                    "<nil/>",
                    "<array/>",
                    "<array><data/></array>",
                    "<struct><member/></struct>",
                    "<string>&lol;</string>",
                    "<!DOCTYPE a><b/>",
                    "&#0;",
                    "<?xml version='1.0'?>",
                ]
            ),
            st.text("<>&;valuestring/=\"' \x00é\ud800", max_size=12),
        ),
        lambda inner: st.one_of(
            inner.map("<value>{}</value>".format),
            st.lists(inner, max_size=3).map(
                lambda parts: f"<array><data>{''.join(parts)}</data></array>"
            ),
            inner.map("<struct><member><name>a</name><value>{}</value></member></struct>".format),
        ),
        max_leaves=5,
    ).map("<value>{}</value>".format),
    st.sampled_from([60, 5000]).map(lambda depth: "<value>" * depth + "</value>" * depth),
    st.sampled_from([60, 2000]).map(
        lambda depth: "<value><array><data>" * depth + "</data></array></value>" * depth
    ),
    TEXTS,
)
DATES = st.one_of(
    TEXTS,
    st.datetimes().map(lambda moment: moment.strftime("%Y%m%dT%H:%M:%SZ")),
    st.from_regex(r"\A[0-9]{4}-?[0-9]{2}-?[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z?\Z"),
)
ADDRESSES = st.one_of(
    TEXTS,
    st.sampled_from(["10.0.0.2", "fe80::1%eth0", "[::1]", "::1", "a@b", "a/b", "a:1", "℀", "[]"]),
    st.ip_addresses().map(str),
    st.text("abc.:[]%@/?#\\ \r\n\x00-_١ｅſ", max_size=10),
)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """An error of the collection is right, if it can be told."""
    try:
        yield
    except XapiError as error:
        as_json(error_message(error))
        if isinstance(error, XapiFailure):
            as_json([error.code, error.params, describe_error(error.code, error.params)])


SELECTIONS = (
    Selection(),
    Selection(uuids=(UUID,), refs=(REF,)),
    Selection(name_label="Async.VM.start", cancellable=True),
    Selection(name_regex=re.compile("VM"), exclude=(re.compile("SR.*"),), is_destructive=True),
    Selection(status=frozenset({"pending"}), other_config={"owner": "deploy"}),
    Selection(min_age=1, max_age=1e9, created_after=0, created_before=1e12),
    Selection(subtask_of=UUID, resident_on="host-1", object=ObjectOption("VM", UUID)),
)
AROUND = SelectionContext(NOW, REF, frozenset({REF}), REF, REF)


def use(task: Task, before: Task) -> None:
    """All that is ever asked of a task."""
    told = task.to_dict(now=NOW)
    as_json([told, task.to_dict(now=None), task.brief()])
    assert set(told) >= set(TASK)
    assert not told["is_finished"] or task.record["status"] in FINAL_STATUSES
    assert told["progress"] is None or abs(told["progress"]) < 1e7
    timeline, tasks = Timeline(), TaskSet()
    for one in (before, task):
        timeline.note(one, NOW)
        tasks.update(one)
    as_json(timeline.to_list())
    for selection in SELECTIONS:
        matches(task, selection, AROUND)
        is_excluded(task, selection)
    as_json([describe_end(task, {"success"}), format_progress(task)])


def check_envelope(given: tuple[bytes, int]) -> None:
    body, status = given
    rpc = Rpc(StubTransport(body, status=status), ENDPOINT)
    with explained():
        result = rpc.call("task.get_record", ["s"], secrets=["s"])
        assert status == 200
        envelope = json.loads(body)
        assert envelope["id"] == (1 if "jsonrpc" in envelope or envelope["id"] else 0)
        assert envelope.get("error") is None
        assert repr(envelope["result"]) == repr(result)


def check_record(given: Any) -> None:
    with contextlib.suppress(schema.SchemaError):
        use(Task(REF, schema.task(given)), Task(REF, TASK))


def check_messages(given: Any) -> None:
    method, answer = given
    calls = {
        "task.get_record": lambda tasks: tasks.get_record(REF),
        "task.get_by_uuid": lambda tasks: tasks.get_by_uuid(UUID),
        "task.get_all_records": lambda tasks: tasks.get_all_records(),
        "task.cancel": lambda tasks: tasks.cancel(REF),
        "task.set_status": lambda tasks: tasks.set_status(REF, "cancelled"),
    }
    with explained(), session_of(CannedResponses({method: answer})) as session:
        told = calls[method](Tasks(session))
        # Nothing is told only of what the server says is not there.
        assert told is not None or isinstance(answer, Refusal)
        found = told if isinstance(told, list) else [told]
        is_read = method in ("task.get_record", "task.get_all_records")
        kinds = Task if is_read else (str, bool)
        assert all(isinstance(one, kinds) for one in found if one is not None)
        for one in found:
            if isinstance(one, Task):
                use(one, one)


def check_events(given: Any) -> None:
    scope = WatchScope((REF,), ("VM", "OpaqueRef:vm"), hosts=True)
    with explained(), session_of(CannedResponses({"event.from": given})) as session:
        watch = EventWatcher(session)
        for update in (watch.refresh(scope), watch.wait(1.0)):
            for task in update.tasks:
                use(task, task)
            Disappearances(session).update_hosts(update.hosts)
            assert all(isinstance(host["metrics"], str) for host in update.hosts.values())
            assert all(
                isinstance(ref, str) for ref in (*update.deleted, *(update.operations or ()))
            )


def check_pool(given: tuple[str, Any]) -> None:
    method, answer = given
    with explained(), session_of(CannedResponses({method: answer})) as session:
        session.call("task.get_all")
        as_json(session.pool.to_dict())
        assert all(isinstance(part, str) for part in session.pool)
        assert session.pool.uuid
        assert session.pool.master_ref


def check_hosts(given: Any) -> None:
    answers = CannedResponses(
        {
            "host.get_all_records": given,
            "host.get_servertime": "20261123T10:13:12Z",
            "host_metrics.get_live": given,
            "task.get_all_records": {},
        }
    )
    with explained(), session_of(answers) as session:
        watch = PollingWatcher(session, interval=1.0, sleep=lambda _seconds: None)
        disappearances = Disappearances(session)
        disappearances.update_hosts(watch.refresh(WatchScope(None, hosts=True)).hosts)
        last = disappearances.remember(Task(REF, TASK))
        for finding in disappearances.examine([last], expected_time=NOW):
            assert isinstance(finding.reason, str)
        assert all(disappearances.explain([last]).values())


def check_objects(given: tuple[str, Any]) -> None:
    kind, answer = given
    fine = {f"{one}.get_all_records": {REF: HOST} for one in ("VM", "host", "SR", "VDI")}
    with (
        explained(),
        session_of(CannedResponses({**fine, f"{kind}.get_all_records": answer})) as session,
    ):
        as_json(Objects(session).to_dict(Task(REF, TASK)))


def check_context(given: tuple[str, Any]) -> None:
    method, answer = given
    fine = {
        "VM.get_by_uuid": REF,
        "VM.get_current_operations": {REF: "start"},
        "task.get_by_uuid": REF,
        "host.get_by_uuid": REF,
        "host.get_by_name_label": [REF],
        "task.get_all_records": {REF: TASK},
        "host.get_all_records": {REF: HOST, NO_REF: HOST},
    }
    with explained(), session_of(CannedResponses({**fine, method: answer})) as session:
        with contextlib.suppress(TimeUnreadable):
            found = find(session, Selection(min_age=1, created_after=0))
            as_json(age_warnings(found.undated, found.context, consequence=NEW))
        for resident_on in (UUID, "host-1"):
            selection = Selection(
                object=ObjectOption("VM", UUID), subtask_of=UUID, resident_on=resident_on
            )
            with contextlib.suppress(OptionError):
                context = resolve_context(session, selection)
                assert isinstance(context.object_ref, str)
                assert context.object_ref
                iso_time(context.now)
                find(session, selection)
        current_operations(session, "VM", REF)


def check_dates(given: str) -> None:
    seconds = parse_seconds(given)
    for moment in (seconds, (seconds or 0) + 1, 10**15):
        as_json(iso_time(moment))
    if seconds is not None:
        date, clock = given.replace("-", "")[:8], given.partition("T")[2][:8]
        told = iso_time(seconds)
        assert told == f"{date[:4]}-{date[4:6]}-{date[6:]}T{clock}Z"


def check_result(given: str) -> None:
    as_json(decode_result(given))


def check_error_info(given: list[str]) -> None:
    as_json([describe_error(given[0], given[1:]), describe_error(given[0], given[1:2])])
    use(Task(REF, schema.task({**FAILED, "error_info": given})), Task(REF, TASK))


def check_master(given: Any) -> None:
    answers = CannedResponses({"session.login_with_password": Refusal(["HOST_IS_SLAVE", *given])})
    with explained():
        try:
            with session_of(answers) as session:
                session.call("task.get_all")
        except (MasterAddressUnusable, MasterNotFound, UnexpectedAnswer):
            with contextlib.suppress(ValueError):
                for host in answers.hosts:
                    # The password goes nowhere but to the host that was named.
                    parts = urlsplit(ENDPOINT.at(host).url)
                    assert (parts.username, parts.password, parts.path) == (None, None, "")
                    assert (parts.query, parts.fragment) == ("", "")
            raise
        raise AssertionError("it let a supporter pass for the master")


def _envelopes() -> st.SearchStrategy[bytes]:
    good = (
        {"jsonrpc": "2.0", "result": TASK, "id": 1},
        {"result": "", "error": None, "id": 1},
        {"jsonrpc": "2.0", "error": {"code": 1, "message": "X", "data": ["p"]}, "id": 1},
        {"result": None, "error": ["HANDLE_INVALID", "task", REF], "id": 1},
        {"jsonrpc": "2.0", "error": ["HOST_STILL_BOOTING"], "id": 0},
        {"jsonrpc": "2.0", "error": ["SESSION_INVALID", "s"], "id": 0},
    )
    whole = mutated(*good).map(lambda value: json.dumps(value).encode())
    cut = st.tuples(whole, st.integers(0, 60)).map(lambda pair: pair[0][: pair[1]])
    raw = st.one_of(
        st.sampled_from([b"", b"\xff\xfe", b"<html>", b"\xef\xbb\xbf{}"]),
        st.sampled_from([b"[", b'{"a":', b"9"]).map(lambda piece: piece * 100000),
        st.binary(max_size=20),
    )
    return st.one_of(whole, whole, whole, cut, raw)


def _by_method(**good: tuple[Any, ...]) -> st.SearchStrategy[tuple[str, Any]]:
    """A method of XAPI, spelled with __ for its dot, and an answer or an error."""
    refusals = st.lists(VALUES, max_size=3).map(Refusal)
    gone = st.just(Refusal(["HANDLE_INVALID", "task", REF]))
    return st.one_of(
        *(
            st.tuples(st.just(name.replace("__", ".")), st.one_of(mutated(*bases), gone, refusals))
            for name, bases in good.items()
        )
    )


TARGETS = [
    runner.Target(
        "JSON-RPC envelope",
        st.tuples(_envelopes(), st.sampled_from([200, 200, 200, 500, 301])),
        check_envelope,
    ),
    runner.Target("task record", mutated(TASK, FAILED, OLD), check_record, 2),
    runner.Target(
        "messages of the class task",
        _by_method(
            task__get_record=(TASK, FAILED),
            task__get_by_uuid=(REF,),
            task__get_all_records=({REF: TASK, "OpaqueRef:b": FAILED}, {}),
            task__cancel=("",),
            task__set_status=("",),
        ),
        check_messages,
    ),
    runner.Target("events", mutated(BATCH), check_events, 2),
    runner.Target(
        "login and pool",
        _by_method(
            session__login_with_password=(REF,),
            pool__get_all_records=(POOL,),
            host__get_name_label=("host-1",),
        ),
        check_pool,
    ),
    runner.Target("hosts", mutated({REF: HOST, "OpaqueRef:b": HOST}), check_hosts, 0.5),
    runner.Target(
        "objects",
        st.tuples(st.sampled_from(["VM", "host", "SR", "VDI"]), mutated({REF: HOST})),
        check_objects,
        0.5,
    ),
    runner.Target(
        "surroundings of a selection",
        _by_method(
            VM__get_by_uuid=(REF,),
            VM__get_current_operations=({REF: "start"}, {}),
            task__get_by_uuid=(REF,),
            host__get_by_uuid=(REF,),
            host__get_by_name_label=([REF], [], [REF, REF]),
            host__get_servertime=("20261123T10:11:12Z",),
            host__get_all_records=({REF: HOST, NO_REF: HOST},),
        ),
        check_context,
    ),
    runner.Target("dates", DATES, check_dates),
    runner.Target("results", XML, check_result),
    runner.Target(
        "error_info",
        st.lists(
            st.one_of(st.sampled_from([*DESCRIPTIONS, "SR_BACKEND_FAILURE_1"]), TEXTS),
            min_size=1,
            max_size=5,
        ),
        check_error_info,
    ),
    runner.Target(
        "address of the master", st.lists(st.one_of(ADDRESSES, VALUES), max_size=2), check_master
    ),
]
