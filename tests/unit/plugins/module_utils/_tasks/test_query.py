# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.module_utils._errors import XapiFailure
from ansible_collections.xen.xapi.plugins.module_utils._tasks.query import find
from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import Selection

UUIDS = {name: f"{name * 8}-0000-0000-0000-000000000000" for name in "abcdef"}
REFS = {name: f"OpaqueRef:{uuid}" for name, uuid in UUIDS.items()}
RECORDS = {
    REFS[name]: {"uuid": UUIDS[name], "name_label": label, "status": "pending"}
    for name, label in [("a", "same"), ("b", "same"), ("c", "other")]
}


class Pool:
    """A session whose tasks are RECORDS, without the references in vanishing at get_record."""

    read, validate = Session.read, Session.validate

    def __init__(self, *, disappearing=(), error=None):
        self._disappearing = disappearing
        self._error = error
        self.methods = []
        self.generation = 1

    def read_server_time(self):
        self.methods.append("host.get_servertime")
        return "20261123T10:11:12Z"

    def call(self, method, *params):
        self.methods.append(method)
        if self._error is not None:
            raise XapiFailure("https://xcp1", method=method, code=self._error, params=[])
        if method == "task.get_all_records":
            return RECORDS
        if method == "task.get_by_uuid":
            for ref, record in RECORDS.items():
                if record["uuid"] == params[0]:
                    return ref
            raise XapiFailure("", method=method, code="UUID_INVALID", params=["task", params[0]])
        assert method == "task.get_record"
        if params[0] in RECORDS and params[0] not in self._disappearing:
            return RECORDS[params[0]]
        raise XapiFailure("", method=method, code="HANDLE_INVALID", params=["task", params[0]])


@pytest.mark.parametrize(
    ("selection", "names", "missing", "methods"),
    [
        (Selection(), "abc", ([], []), ["task.get_all_records"]),
        (Selection(uuids=()), "", ([], []), []),
        (Selection(refs=()), "", ([], []), []),
        (Selection(uuids=(), refs=()), "", ([], []), []),
        (
            Selection(uuids=(UUIDS["a"],)),
            "a",
            ([], []),
            ["task.get_by_uuid", "task.get_record"],
        ),
        (Selection(uuids=(UUIDS["d"],)), "", ([UUIDS["d"]], []), ["task.get_by_uuid"]),
        (Selection(refs=(REFS["b"],)), "b", ([], []), ["task.get_record"]),
        (Selection(uuids=(), refs=(REFS["b"],)), "b", ([], []), ["task.get_record"]),
        (Selection(refs=(REFS["d"],)), "", ([], [REFS["d"]]), ["task.get_record"]),
        (
            Selection(uuids=(UUIDS["c"], UUIDS["d"], UUIDS["a"])),
            "ac",
            ([UUIDS["d"]], []),
            ["task.get_all_records"],
        ),
        (
            Selection(uuids=(UUIDS["a"], UUIDS["d"]), refs=(REFS["c"], REFS["e"])),
            "ac",
            ([UUIDS["d"]], [REFS["e"]]),
            ["task.get_all_records"],
        ),
        (
            Selection(uuids=(UUIDS["a"],), refs=(REFS["a"],)),
            "a",
            ([], []),
            ["task.get_all_records"],
        ),
        (Selection(name_label="same"), "ab", ([], []), ["task.get_all_records"]),
        (Selection(name_label="sam"), "", ([], []), ["task.get_all_records"]),
        (Selection(name_label="SAME"), "", ([], []), ["task.get_all_records"]),
    ],
)
def test_find_returns_tasks_and_missing_ids_with_expected_calls(selection, names, missing, methods):
    pool = Pool()
    found = find(pool, selection)
    assert [task.ref for task in found.tasks] == [REFS[name] for name in names]
    assert found.missing == {"uuid": missing[0], "ref": missing[1]}
    assert pool.methods == ["host.get_servertime", *methods]


def test_task_that_disappears_between_calls_is_missing():
    found = find(Pool(disappearing=[REFS["a"]]), Selection(uuids=(UUIDS["a"],)))
    assert found.tasks == []
    assert found.missing == {"uuid": [UUIDS["a"]], "ref": []}


@pytest.mark.parametrize("selection", [Selection(uuids=(UUIDS["a"],)), Selection()])
def test_unrelated_error_is_raised_not_reported_as_missing(selection):
    with pytest.raises(XapiFailure):
        find(Pool(error="SESSION_INVALID"), selection)
