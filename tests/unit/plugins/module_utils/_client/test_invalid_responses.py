# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every call that reads a response validates it and names the invalid field."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._errors import InvalidResponse
from ansible_collections.xen.xapi.plugins.module_utils._tasks.api import Tasks
from ansible_collections.xen.xapi.plugins.module_utils._tasks.objects import Objects
from ansible_collections.xen.xapi.plugins.module_utils._tasks.query import resolve_context
from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import (
    ObjectOption,
    Selection,
)
from ansible_collections.xen.xapi.plugins.module_utils._wait.watcher import (
    EventWatcher,
    PollingWatcher,
    WatchScope,
)
from ansible_collections.xen.xapi.tests.support.samples import REF, TASK, UUID
from ansible_collections.xen.xapi.tests.support.stub_transport import (
    ENDPOINT,
    CannedResponses,
    session_of,
)

VM = "OpaqueRef:vm"


def get_record(session):
    Tasks(session).get_record(REF)


def look_at_the_object(session):
    resolve_context(session, Selection(object=ObjectOption("VM", UUID)))


def look_at_the_host(session):
    resolve_context(session, Selection(resident_on="host-1"))


def look_by_events(session):
    EventWatcher(session).refresh(WatchScope((REF,), ("VM", VM), hosts=True))


def look_by_polling(session):
    PollingWatcher(session, interval=1.0, sleep=pytest.fail).refresh(WatchScope((), hosts=True))


def told(kind, ref=REF, **snapshot):
    """Return an event of one object, with a snapshot only if one is given."""
    event = {"class": kind, "operation": "mod", "ref": ref, **snapshot}
    return {"events": [event], "token": "1"}


@pytest.mark.parametrize(
    ("method", "answer", "field", "read"),
    [
        ("task.get_record", None, "", get_record),
        ("task.get_record", {**TASK, "status": ["success"]}, "status", get_record),
        ("task.get_all_records", {REF: None}, "", lambda s: Tasks(s).get_all_records()),
        ("task.get_by_uuid", "", "", lambda s: Tasks(s).get_by_uuid(UUID)),
        ("session.login_with_password", None, "", get_record),
        ("pool.get_all_records", None, "", get_record),
        ("pool.get_all_records", {REF: {}}, "uuid", get_record),
        ("host.get_name_label", 1, "", get_record),
        ("host.get_servertime", 1, "", lambda s: s.read_server_time()),
        ("host.get_by_name_label", [None], "", look_at_the_host),
        ("host.get_all_records", {REF: {"metrics": None}}, "metrics", look_by_polling),
        ("VM.get_current_operations", {REF: 1}, "", look_at_the_object),
        ("VM.get_all_records", {REF: {"uuid": "u"}}, "name_label", Objects),
        ("event.from", {"events": []}, "token", look_by_events),
        ("event.from", told("task"), "", look_by_events),
        ("event.from", told("task", snapshot={"status": 1}), "status", look_by_events),
        ("event.from", told("host", snapshot="text"), "", look_by_events),
        ("event.from", told("vm", VM, snapshot="text"), "current_operations", look_by_events),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_invalid_response_error_names_method_and_field(method, answer, field, read):
    answers = {"VM.get_by_uuid": VM, method: answer}
    with session_of(CannedResponses(answers)) as session, pytest.raises(InvalidResponse) as caught:
        read(session)
    error = caught.value
    assert (error.url, error.method, error.field) == (ENDPOINT.url, method, field)
