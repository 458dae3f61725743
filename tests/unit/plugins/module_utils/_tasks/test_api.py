# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.module_utils._client.transport import Endpoint, Transport
from ansible_collections.xen.xapi.plugins.module_utils._errors import XapiFailure
from ansible_collections.xen.xapi.plugins.module_utils._tasks.api import Tasks
from ansible_collections.xen.xapi.tests.support.samples import NO_REF, NO_UUID
from ansible_collections.xen.xapi.tests.support.stub_transport import CannedResponses, session_of


@pytest.fixture
def open_tasks(pool):
    """The messages on a session of some account; all sessions are logged out in the end."""
    sessions = []

    def log_in(username="root"):
        session = Session(
            Transport(validate_certs=True, ca_path=None, stop=lambda: None),
            endpoints=[Endpoint("http", "127.0.0.1", pool.hosts[0].port)],
            username=username,
            password=pool.password,
            add_secret=lambda _secret: None,
        )
        sessions.append(session)
        return Tasks(session.__enter__())

    yield log_in
    for session in sessions:
        session.__exit__(None, None, None)


@pytest.fixture
def tasks(open_tasks):
    return open_tasks()


def test_get_record_returns_task_or_none_for_unknown_ref(pool, tasks):
    ref = pool.add_task("label", progress=0.25)
    task = tasks.get_record(ref)
    assert (task.ref, task.record) == (ref, pool.record(ref))
    assert tasks.get_record(NO_REF) is None


def test_get_by_uuid_returns_ref_or_none_for_unknown_uuid(pool, tasks):
    ref = pool.add_task("label")
    assert tasks.get_by_uuid(pool.record(ref)["uuid"]) == ref
    assert tasks.get_by_uuid(NO_UUID) is None


def test_get_all_records_returns_every_task_by_ref(pool, tasks):
    refs = {pool.add_task("one"), pool.add_task("two", status="success")}
    assert {task.ref: task.record for task in tasks.get_all_records()} == {
        ref: pool.record(ref) for ref in refs
    }


def test_cancel_reports_whether_task_exists(pool, tasks):
    ref = pool.add_task("busy")
    assert tasks.cancel(ref) is True
    assert list(pool.record(ref)["current_operations"].values()) == ["cancel"]
    assert pool.record(ref)["status"] == "pending"
    assert tasks.cancel(NO_REF) is False


def test_cancel_and_set_status_accept_null_result():
    with session_of(CannedResponses({"task.cancel": None, "task.set_status": None})) as session:
        assert Tasks(session).cancel(NO_REF) is True
        assert Tasks(session).set_status(NO_REF, "cancelled") is True


def test_cancel_of_other_users_task_raises_rbac_failure(pool, open_tasks):
    ref = pool.add_task("not yours")
    with pytest.raises(XapiFailure) as raised:
        open_tasks("vm-admin").cancel(ref)
    assert raised.value.code == "RBAC_PERMISSION_DENIED"
    assert pool.record(ref)["current_operations"] == {}
