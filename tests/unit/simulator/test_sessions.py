# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions: login, their own messages, and their end."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.support.polling import wait_until
from ansible_collections.xen.xapi.tests.unit.simulator.client import (
    MISSING,
    NULL,
    PASSWORD,
    Background,
    Client,
    Connect,
    Refused,
    Start,
)

LOGIN = "session.login_with_password"
LOCAL_LOGIN = "session.slave_local_login_with_password"


@pytest.mark.parametrize(
    ("method", "name", "password"),
    [
        (LOGIN, "root", "wrong"),
        (LOGIN, "root", ""),
        (LOGIN, "nobody", PASSWORD),
        (LOGIN, "", PASSWORD),
        (LOCAL_LOGIN, "root", "x"),
        (LOCAL_LOGIN, "pool-admin", PASSWORD),
        (LOCAL_LOGIN, "", ""),
    ],
)
def test_bad_credentials_are_rejected(
    simulator: Simulator, method: str, name: str, password: str
) -> None:
    with pytest.raises(Refused) as caught:
        Client(simulator.url).call(method, name, password)
    wanted = ["SESSION_AUTHENTICATION_FAILED", name, "Authentication failure"]
    assert caught.value.error == wanted


def test_configured_credentials_replace_defaults(start: Start, connect: Connect) -> None:
    simulator = start(username="admin", password="other")
    client = Client(simulator.url)
    session = client.call(LOGIN, "admin", "other")
    client.call("session.logout", session)
    with pytest.raises(Refused):
        client.call(LOGIN, "root", PASSWORD)


def test_each_login_opens_separate_session(simulator: Simulator, connect: Connect) -> None:
    clients = [connect(simulator) for _unused in range(3)]
    assert sorted(simulator.sessions()) == sorted(client.session for client in clients)
    clients[0].logout()
    assert clients[0].error("task.get_all") == ["SESSION_INVALID", clients[0].session]
    assert clients[1]("task.get_all") == []


@pytest.mark.parametrize("session", ["", NULL, MISSING, "x"])
def test_unknown_session_reference_is_session_invalid(simulator: Simulator, session: str) -> None:
    with pytest.raises(Refused) as caught:
        Client(simulator.url).call("task.get_all", session)
    assert caught.value.error == ["SESSION_INVALID", session]


def test_root_session_record_has_expected_fields(root: Client, still: Simulator) -> None:
    task = root.task()
    record = root("session.get_record", root.session)
    assert {**record, "uuid": ""} == {
        "uuid": "",
        "this_host": still.master_ref,
        "this_user": NULL,
        "last_active": "20270115T08:00:00Z",
        "pool": False,
        "other_config": {},
        "is_local_superuser": True,
        "subject": NULL,
        "validation_time": "20270115T08:00:00Z",
        "auth_user_sid": "",
        "auth_user_name": "root",
        "rbac_permissions": [],
        "tasks": [task],
        "parent": NULL,
        "originator": "unit",
        "client_certificate": False,
    }
    for field, value in record.items():
        assert root(f"session.get_{field}", root.session) == value
    assert root("session.get_by_uuid", record["uuid"]) == root.session


def test_tasks_of_session_are_listed_newest_first(client: Client) -> None:
    tasks = [client.task() for _unused in range(4)]
    client("task.set_progress", tasks[1], 0.5)
    client("task.set_status", tasks[2], "success")
    client("task.destroy", tasks[2])
    newest_first = [tasks[3], tasks[1], tasks[0]]
    assert client("session.get_tasks", client.session) == newest_first
    assert client("session.get_record", client.session)["tasks"] == newest_first


def test_session_of_other_account_reports_name_and_sid(
    simulator: Simulator, connect: Connect
) -> None:
    reader = connect(simulator, "read-only")
    assert reader("session.get_auth_user_name", reader.session) == "read-only"
    assert reader("session.get_auth_user_sid", reader.session) == "u:read-only"
    assert reader("session.get_is_local_superuser", reader.session) is False


def test_lookups_of_unknown_sessions_are_rejected(client: Client) -> None:
    assert client.error("session.get_uuid", MISSING) == ["HANDLE_INVALID", "session", MISSING]
    assert client.error("session.get_by_uuid", "x") == ["UUID_INVALID", "session", "x"]
    assert client.error("session.get_all") == ["MESSAGE_METHOD_UNKNOWN", "session.get_all"]


def test_root_may_edit_session_other_config_but_reader_may_not(
    simulator: Simulator, connect: Connect
) -> None:
    client, reader = connect(simulator), connect(simulator, "read-only")
    client("session.add_to_other_config", reader.session, "a", "b")
    assert reader("session.get_other_config", reader.session) == {"a": "b"}
    refused = reader.error("session.remove_from_other_config", reader.session, "a")
    assert refused[:2] == ["RBAC_PERMISSION_DENIED", "session.remove_from_other_config"]
    client("session.remove_from_other_config", reader.session, "a")
    assert reader("session.get_other_config", reader.session) == {}


def test_logout_subject_identifier_ends_other_sessions_of_account(
    simulator: Simulator, connect: Connect
) -> None:
    first, second = connect(simulator, "vm-admin"), connect(simulator, "vm-admin")
    operator, client = connect(simulator, "pool-operator"), connect(simulator)
    assert client("session.get_all_subject_identifiers") == ["u:pool-operator", "u:vm-admin"]
    assert first.error("session.logout_subject_identifier", "")[0] == "RBAC_PERMISSION_DENIED"
    operator("session.logout_subject_identifier", "u:vm-admin")
    operator("session.logout_subject_identifier", "u:pool-operator")
    client("session.logout_subject_identifier", "")
    assert sorted(simulator.sessions()) == sorted([operator.session, client.session])
    assert second.error("task.get_all")[0] == "SESSION_INVALID"


def test_last_active_is_updated_at_most_every_ten_minutes(root: Client, still: Simulator) -> None:
    def last_active() -> str:
        active: str = root("session.get_last_active", root.session)
        return active

    assert last_active() == "20270115T08:00:00Z"
    still.advance(600)
    assert last_active() == "20270115T08:00:00Z"
    still.advance(1)
    assert last_active() == "20270115T08:10:01Z"
    still.advance(599)
    assert last_active() == "20270115T08:10:01Z"


def test_logout_wakes_blocked_calls_of_that_session_only(
    simulator: Simulator, connect: Connect, background: Background
) -> None:
    client, other = connect(simulator), connect(simulator)
    waiting = [background(client.error, "event.from", ["task"], "", 60.0) for _unused in range(2)]
    stays = background(other.events, ["task"], "", 60.0)
    assert wait_until(lambda: simulator.events.blocked == 3)
    client("session.logout")
    for call in waiting:
        assert call.result() == ["SESSION_INVALID", client.session]
    assert wait_until(lambda: simulator.events.blocked == 1)
    simulator.add_task("wakes the other")
    assert stays.result()["events"]


def test_logout_keeps_tasks(simulator: Simulator, connect: Connect) -> None:
    client = connect(simulator)
    task = client.task()
    client.logout()
    assert connect(simulator)("task.get_status", task) == "pending"


def test_simulator_can_end_session(client: Client, simulator: Simulator) -> None:
    simulator.logout(client.session)
    assert client.error("task.get_all") == ["SESSION_INVALID", client.session]
