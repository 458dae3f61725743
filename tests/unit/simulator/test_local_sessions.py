# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sessions that root has with one host alone, and the password of root."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.unit.simulator.client import (
    PASSWORD,
    Client,
    Connect,
    Refused,
    Start,
)

LOGIN = "session.slave_local_login_with_password"


def local(url: str) -> Client:
    client = Client(url)
    client.session = client.call(LOGIN, "root", PASSWORD)
    return client


def test_local_session_has_root_rights_without_session_record(simulator: Simulator) -> None:
    client = local(simulator.url)
    task = client.task()
    assert client("task.cancel", task) == ""
    assert client.error("session.get_uuid", client.session)[0] == "HANDLE_INVALID"
    assert simulator.sessions() == []


def test_only_local_logout_ends_local_session(simulator: Simulator, connect: Connect) -> None:
    client = local(simulator.url)
    assert client("session.logout") == ""
    assert client("task.get_all") == []
    assert client("session.local_logout") == ""
    assert client.error("task.get_all") == ["SESSION_INVALID", client.session]
    other = connect(simulator)
    assert other("session.local_logout") == ""
    assert other("task.get_all") == []
    denied = connect(simulator, "pool-operator").error("session.local_logout")
    assert denied[:2] == ["RBAC_PERMISSION_DENIED", "session.local_logout"]


def test_local_session_is_valid_only_on_its_host(start: Start) -> None:
    simulator = start(supporters=1)
    client = local(simulator.hosts[1].url)
    assert client("task.get_all") == []
    with pytest.raises(Refused) as caught:
        Client(simulator.url).call("task.get_all", client.session)
    assert caught.value.error == ["SESSION_INVALID", client.session]


def test_local_login_works_in_emergency_mode(simulator: Simulator) -> None:
    simulator.boot()
    client = local(simulator.url)
    assert client.error("task.get_all") == ["HOST_STILL_BOOTING"]
    assert client("session.local_logout") == ""


def test_change_password_affects_only_new_root_logins(
    simulator: Simulator, connect: Connect
) -> None:
    client = connect(simulator)
    assert client("session.change_password", "whatever", "new") == ""
    assert client("task.get_all") == []
    with pytest.raises(Refused):
        connect(simulator)
    session = client.call("session.login_with_password", "root", "new")
    client.call("session.logout", session)
    assert connect(simulator, "pool-admin")("task.get_all") == []
    assert "new" not in str(list(simulator.log))


def test_only_root_may_change_password(simulator: Simulator, connect: Connect) -> None:
    found = connect(simulator, "pool-admin").error("session.change_password", PASSWORD, "new")
    text = "No permission in user session. (Roles with this permission: )"
    assert found == ["RBAC_PERMISSION_DENIED", "session.change_password", text]
