# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log of calls."""

from __future__ import annotations

import contextlib
import http.client

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.simulator.call_log import Call, CallLog
from ansible_collections.xen.xapi.tests.unit.simulator.client import (
    PASSWORD,
    Client,
    Connect,
    Refused,
)


def test_calls_are_recorded_with_params_user_and_error(still: Simulator, connect: Connect) -> None:
    client = connect(still, "vm-admin")
    task = client.task("x")
    client.error("task.get_record", "y")
    login, create, record = still.log
    assert (login.method, login.user, login.session) == ("session.login_with_password", "", "")
    assert (create.method, create.params) == ("task.create", ["x", ""])
    assert (create.user, create.session) == ("vm-admin", client.session)
    assert (create.error, create.answered, create.fault) == ([], True, False)
    assert (record.params, record.error) == (["y"], ["HANDLE_INVALID", "task", "y"])
    assert record.answered
    assert (record.at, record.host) == (still.clock.now(), still.master_ref)
    assert still.log.of("task.create") == [create]
    assert len(still.log) == 3
    still.log.clear()
    assert list(still.log) == []
    assert task


def test_cut_response_is_recorded_as_unanswered_fault(still: Simulator, root: Client) -> None:
    still.fail("task.create", cut="half")
    with pytest.raises((OSError, http.client.HTTPException)):
        root.task()
    (call,) = still.log.of("task.create")
    assert (call.fault, call.answered, call.error) == (True, False, [])


def test_injected_error_is_recorded_as_answered_fault(still: Simulator, root: Client) -> None:
    still.fail("task.create", error=["X"])
    root.error("task.create", "a", "b")
    (call,) = still.log.of("task.create")
    assert (call.fault, call.answered, call.error) == (True, True, ["X"])


def test_rejection_before_dispatch_is_recorded(still: Simulator) -> None:
    still.boot()
    Client(still.url).document("task.get_all", "x")
    (call,) = still.log
    assert call.error == ["HOST_STILL_BOOTING"]


def test_log_is_bounded_in_bytes() -> None:
    log = CallLog(limit=100_000)
    for number in range(50):
        log.add(Call(0.0, "host", "event.from", [["x" * 1000] * 10, number]))
    assert len(log) == 8
    assert log.size <= log.limit
    assert [call.params[1] for call in log] == list(range(42, 50))
    log.clear()
    assert (len(log), log.size) == (0, 0)


def test_log_with_limit_0_keeps_nothing(still: Simulator, root: Client) -> None:
    still.log.clear()
    still.log.limit = 0
    root("task.get_all")
    assert len(still.log) == 0


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("session.login_with_password", ["root", PASSWORD]),
        ("session.login_with_password", ["root", f"wrong {PASSWORD}", "1.0", "me"]),
        ("session.login_with_password", ["root", PASSWORD, "1.0", 7]),
        ("session_login_with_password", ["root", PASSWORD]),
        ("Async.session.login_with_password", ["root", PASSWORD]),
        ("session.slave_local_login_with_password", ["root", PASSWORD]),
        ("session.slave_login", ["host", PASSWORD]),
        ("session.change_password", ["session", PASSWORD, PASSWORD]),
    ],
)
def test_passwords_are_redacted_from_recorded_calls(
    still: Simulator, method: str, params: list[object]
) -> None:
    client = Client(still.url)
    with contextlib.suppress(Refused):
        client.session = client.call(method, *params)
    client.logout()
    assert PASSWORD not in repr(list(still.log))
    assert still.log.of(method)[0].params


def test_login_records_originator(still: Simulator, connect: Connect) -> None:
    connect(still, originator="mine")
    assert still.log.of("session.login_with_password")[0].params == [
        "root", "(password)", "", "mine",
    ]  # fmt: skip
