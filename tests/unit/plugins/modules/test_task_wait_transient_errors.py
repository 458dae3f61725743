# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._client.retry import is_transient
from ansible_collections.xen.xapi.plugins.module_utils._wait import transient_errors
from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.fixtures import session_on

LOGIN = "session.login_with_password"
SHORT = Life(duration=0.2)


@pytest.fixture
def ref(pool):
    return pool.add_task("Async.VM.copy")


def troubled(result):
    return [
        warning for warning in result["warnings"] if "The connection to the pool failed" in warning
    ]


@pytest.mark.parametrize(
    "fault",
    [
        {"cut": "before"},
        {"cut": "after"},
        {"cut": "half"},
        {"http": (500, "<html>Internal</html>")},
        {"http": (502, "<html>Bad gateway</html>")},
        {"http": (503, "<html>Try again</html>")},
        {"body": '{"jsonrpc": "2.0", "resu'},
        {"body": "[]"},
        {"body": '{"jsonrpc": "2.0", "result": {"events": 1}, "id": 7}'},
        {"error": ["SESSION_INVALID", "ref"]},
        {"error": ["INTERNAL_ERROR", "Db_exn"]},
        {"error": ["HOST_IS_SLAVE", "127.0.0.1"]},
    ],
    ids=str,
)
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_fault_of_event_call_is_retried(pool, wait, ref, when, when_waiting, fault, nth):
    pool.fail("event.from", nth=nth, **fault)
    when_waiting(lambda: pool.set_task(ref, progress=0.5))
    when(
        lambda: [call for call in pool.log if call.fault],
        lambda: pool.set_task(ref, status="success"),
    )
    result = wait(ref=[ref], poll_interval="0.1")
    assert len(result["satisfied"]) == 1
    if fault.get("error", [""])[0] != "INTERNAL_ERROR":
        assert troubled(result)
    pool.logout_all()


@pytest.mark.parametrize(
    "fault",
    [{"http": (503, "<html>Try again</html>")}, {"cut": "before"}],
    ids=str,
)
def test_transient_error_at_first_login_is_retried(pool, wait, live, fault):
    pool.fail("session.*", count=2, **fault)
    ref = live(SHORT)
    result = wait(ref=[ref])
    assert (len(result["satisfied"]), len(troubled(result))) == (1, 1)


def test_waits_for_pool_that_is_starting(pool, wait, live, when):
    pool.boot()
    when(lambda: [call for call in pool.log if call.error], lambda: pool.boot(error=()))
    ref = live(SHORT)
    result = wait(ref=[ref])
    assert len(result["satisfied"]) == 1
    assert "is still starting" in troubled(result)[0]


def test_waits_for_pool_that_refuses_connections_at_first(pool, wait, live, when, monkeypatch):
    pool.take_down(0)
    refused = []

    def remember(error, *, was_connected):
        refused.append(error)
        return is_transient(error, was_connected=was_connected)

    # Nothing else tells that it was knocked at.
    monkeypatch.setattr(transient_errors, "is_transient", remember)
    when(lambda: refused, lambda: pool.bring_up(0))
    ref = live(SHORT)
    result = wait(ref=[ref])
    assert len(result["satisfied"]) == 1
    assert "refused the connection" in troubled(result)[0]


def test_session_ended_by_other_client_is_replaced_once(pool, wait, ref, when, when_waiting):
    when_waiting(pool.logout_all)
    when(
        lambda: len(pool.log.of("session.login_with_password")) == 2,
        lambda: pool.set_task(ref, status="success"),
    )
    result = wait(ref=[ref])
    assert (len(result["satisfied"]), len(troubled(result))) == (1, 1)
    assert len(pool.log.of("session.login_with_password")) == 2


@pytest.mark.parametrize("code", ["AUTH_SERVICE_ERROR", "SESSION_AUTHORIZATION_FAILED"])
def test_directory_service_error_at_new_login_is_retried(pool, wait, ref, when, when_waiting, code):
    def lose_session():
        pool.fail(LOGIN, error=[code, "root", "winbind is not up"])
        pool.logout_all()

    when_waiting(lose_session)
    when(lambda: len(pool.log.of(LOGIN)) == 3, lambda: pool.set_task(ref, status="success"))
    result = wait(ref=[ref])
    assert len(result["satisfied"]) == 1
    assert [call.error[:1] for call in pool.log.of(LOGIN)] == [[], [code], []]


@pytest.mark.parametrize("code", ["AUTH_SERVICE_ERROR", "SESSION_AUTHORIZATION_FAILED"])
def test_directory_service_error_at_first_login_ends_wait(pool, wait, ref, code):
    pool.fail(LOGIN, error=[code, "root", "winbind is not up"], count=None)
    assert f"({code})" in wait(ref=[ref], fails=True)["msg"]
    assert len(pool.log.of(LOGIN)) == 1


def test_authentication_error_at_new_login_ends_wait(pool, wait, ref, when_waiting):
    def lose_session():
        pool.fail(LOGIN, error=["SESSION_AUTHENTICATION_FAILED", "root", "no"], count=None)
        pool.logout_all()

    when_waiting(lose_session)
    assert "Login to" in wait(ref=[ref], fails=True)["msg"]
    assert len(pool.log.of(LOGIN)) == 2


@pytest.mark.parametrize("on_gone", ["fail", "ok"])
def test_task_lost_in_master_restart_fails_unless_on_gone_is_ok(
    pool, wait, ref, when_waiting, on_gone
):
    uuid = pool.record(ref)["uuid"]
    when_waiting(pool.restart_master)
    result = wait(ref=[ref], on_gone=on_gone, fails=on_gone == "fail")
    assert (result["gone"], result["satisfied"]) == ([uuid], [])
    assert [task["gone"] for task in result["tasks"]] == [True]
    if on_gone == "fail":
        assert "its outcome is unknown" in result["msg"]
        assert "the session was lost, as happens when XAPI on the master restarts" in result["msg"]


def test_task_is_reported_gone_after_supporter_is_promoted(start_pool, wait, when_waiting):
    pool = start_pool(supporters=1)
    ref = pool.add_task("Async.VM.copy")
    when_waiting(lambda: pool.promote(1), pool=pool)
    result = wait(hostname=[host.url for host in pool.hosts], ref=[ref], fails=True)
    assert len(result["gone"]) == 1
    assert result["pool"]["master"] == "host-2"


def test_new_master_is_followed_and_session_loss_reported(start_pool, wait, when_waiting):
    pool = start_pool(supporters=1)
    ref = pool.add_task("Async.VM.copy")
    when_waiting(lambda: [pool.promote(1), pool.take_down(0)], pool=pool)
    result = wait(hostname=[host.url for host in pool.hosts], ref=[ref], fails=True)
    assert "the session was lost, as happens when XAPI on the master restarts" in result["msg"]
    assert result["pool"]["master"] == "host-2"


def test_other_pool_at_same_address_ends_wait(start_pool, pool, wait, ref, when_waiting):
    def replace():
        port = pool.hosts[0].port
        pool.take_down(0)
        start_pool(port=port)

    when_waiting(replace)
    result = wait(ref=[ref], fails=True)
    assert result["msg"].startswith("This is another pool")
    assert len(result["unmet"]) == 1
    pool.logout_all()


@pytest.mark.parametrize("options", [{"password": "wrong"}, {"username": "nobody"}])
def test_wrong_credentials_end_wait_after_one_login(pool, wait, ref, options):
    result = wait(ref=[ref], fails=True, **options)
    assert result["error"]["code"] == "SESSION_AUTHENTICATION_FAILED"
    assert len(pool.log.of("session.login_with_password")) == 1


def test_revoked_credentials_end_wait_with_task_unmet(pool, wait, ref, when_waiting):
    def revoke():
        pool.fail("session.*", error=["SESSION_AUTHENTICATION_FAILED", "root", "no"], count=None)
        pool.logout_all()

    when_waiting(revoke)
    result = wait(ref=[ref], fails=True)
    assert result["error"]["code"] == "SESSION_AUTHENTICATION_FAILED"
    assert len(result["unmet"]) == 1


def test_permission_error_on_reading_tasks_ends_wait(pool, wait, ref):
    pool.fail("task.*", error=["RBAC_PERMISSION_DENIED", "task.get_record", ""], count=None)
    result = wait(ref=[ref], fails=True)
    assert result["error"]["code"] == "RBAC_PERMISSION_DENIED"


def test_untrusted_certificate_ends_wait(start_pool, wait, ref):
    pool = start_pool(tls=True)
    assert "cert_fingerprint" in wait(hostname=pool.url, ref=[ref], fails=True)["msg"]


def test_response_not_from_xapi_ends_wait(pool, wait, ref):
    pool.fail(http=(404, "<html>Welcome</html>"), count=None)
    assert "not with a response of XAPI" in wait(ref=[ref], fails=True)["msg"]


def test_unresolvable_host_name_ends_wait(wait, ref, monkeypatch):
    def know_nobody(*_of_a_name):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", know_nobody)
    assert (
        "cannot be resolved" in wait(hostname="no-such-host.invalid", ref=[ref], fails=True)["msg"]
    )


def test_given_session_that_ends_fails_wait_with_unknown_outcome(pool, wait, ref, when_waiting):
    with session_on(pool):
        given = pool.call("session.login_with_password", "root", pool.password)
        when_waiting(lambda: pool.logout(given))
        result = wait(ref=[ref], session_ref=given, fails=True)
    assert "outcome is unknown" in result["msg"]
    assert len(result["unmet"]) == 1


def test_times_out_at_deadline_if_host_never_answers(pool, wait, ref):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = wait(
            hostname=f"http://127.0.0.1:{silent.getsockname()[1]}",
            ref=[ref],
            timeout=1,
            request_timeout="1",
            fails=True,
        )
    assert result["timed_out"] is True
    assert result["msg"].startswith("Timed out after 1 s without an answer from the pool.")


def test_times_out_with_last_known_state_if_pool_stops_answering(pool, wait, when_waiting):
    ref = pool.add_task("Async.VM.copy", progress=0.1)
    when_waiting(lambda: pool.fail(delay=30, count=None))
    result = wait(ref=[ref], timeout=2, request_timeout="1", fails=True)
    pool.heal()
    assert result["timed_out"] is True
    assert "The pool did not answer, so this state may be out of date." in result["msg"]
    pool.logout_all()


def test_timeout_zero_does_not_retry_transient_error(pool, wait, ref):
    pool.take_down(0)
    result = wait(ref=[ref], timeout=0, fails=True)
    assert "refused the connection" in result["msg"]
    assert "Timed out" not in result["msg"]
