# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import time
from urllib.parse import urlsplit

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._client import (
    left_sessions as _left_sessions,
)
from ansible_collections.xen.xapi.plugins.module_utils._client.endpoint import Endpoint
from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.module_utils._client.transport import Transport
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    CertificateWrongName,
    ConnectionCut,
    ConnectionRefused,
    GivenSessionLost,
    GivenSessionUnknown,
    HostError,
    Interrupted,
    MasterAddressUnusable,
    MasterElsewhere,
    MasterNotFound,
    NoHostAnswered,
    OtherPool,
    RequestTimedOut,
    UnexpectedAnswer,
    XapiFailure,
)

LOGIN = "session.login_with_password"
LOGOUT = "session.logout"
DEAD = "http://127.0.0.1:1"


class Switch:
    """Stands for the stop callable: raises once is_on is set."""

    def __init__(self):
        self.is_on = False

    def __call__(self):
        if self.is_on:
            raise Interrupted("SIGTERM")


def endpoint(url):
    parts = urlsplit(url)
    return Endpoint(parts.scheme, parts.hostname, parts.port)


class EagerSession(Session):
    """Logs in on entry instead of at the first call."""

    def __enter__(self):
        super().__enter__()
        try:
            self._connection.open()
        except BaseException:
            self.__exit__()
            raise
        return self


class PartedTransport(Transport):
    """A transport that cannot reach some hosts, although other clients can."""

    def __init__(self, **limits):
        super().__init__(validate_certs=True, ca_path=None, stop=lambda: None, **limits)
        self.gone = set()

    def post(self, to, *arguments, **options):
        if to.host in self.gone:
            raise ConnectionRefused(to.url)
        return super().post(to, *arguments, **options)


def session_at(
    *urls,
    password="xapi-secret",
    secrets=None,
    stop=lambda: None,
    ca_path=None,
    transport=None,
    **options,
):
    return EagerSession(
        transport or Transport(validate_certs=True, ca_path=ca_path, stop=stop),
        endpoints=[endpoint(url) for url in urls],
        username="root",
        password=password,
        add_secret=(secrets if secrets is not None else set()).add,
        **options,
    )


def ref_of(session):
    return session._connection._ref


def methods(pool):
    return [call.method for call in pool.log]


def test_session_logs_in_calls_and_logs_out(pool):
    task = pool.add_task("label")
    secrets = set()
    with session_at(pool.url, secrets=secrets) as session:
        assert secrets == set(pool.sessions())
        assert session.call("task.get_name_label", task) == "label"
        assert session.read_server_time().endswith("Z")
    assert methods(pool)[0] == LOGIN
    assert methods(pool)[-1] == LOGOUT
    assert session.requests == len(pool.log)
    assert session.logout_errors == []


def test_session_originator_is_xen_xapi(pool):
    with session_at(pool.url):
        (ref,) = pool.sessions()
        assert pool.database.read("session", ref)["originator"] == "xen.xapi"


def test_pool_identity_and_master_name_are_read(pool):
    with session_at(pool.url) as session:
        assert session.pool.uuid == pool.pool_uuid
        assert session.pool.master_ref == pool.master_ref
        name = session.call("host.get_name_label", pool.master_ref)
    assert session.pool.to_dict() == {"uuid": pool.pool_uuid, "name_label": "", "master": name}


def test_logs_out_if_block_raises(pool):
    def fall_over():
        assert pool.sessions()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), session_at(pool.url):
        fall_over()
    assert pool.sessions() == []


def test_logs_out_if_pool_cannot_be_read(pool):
    pool.fail("pool.get_all_records", error=["INTERNAL_ERROR", "x"])
    with pytest.raises(XapiFailure), session_at(pool.url):
        pytest.fail("the block must not be entered")
    assert methods(pool)[-1] == LOGOUT


def test_logout_error_is_kept(pool):
    pool.fail(LOGOUT, http=(502, "<html>"))
    with session_at(pool.url) as session:
        pass
    (error,) = session.logout_errors
    assert isinstance(error, UnexpectedAnswer)
    (left,) = pool.sessions()
    pool.logout(left)


def test_logout_has_separate_time_limit(pool, monkeypatch):
    monkeypatch.setattr(_left_sessions, "_LOGOUT_TIME_LIMIT", 0.1)
    pool.fail(LOGOUT, delay=60)
    with session_at(pool.url) as session:
        pass
    (error,) = session.logout_errors
    assert isinstance(error, RequestTimedOut)
    assert error.seconds == 0.1
    (left,) = pool.sessions()
    pool.logout(left)


def test_logout_does_not_end_at_the_deadline_of_the_run(pool):
    with session_at(pool.url) as session:
        session.set_deadline(time.monotonic())
    assert methods(pool)[-1] == LOGOUT
    assert session.logout_errors == []


def test_dropped_session_causes_no_logout_error(pool):
    with session_at(pool.url) as session:
        pool.logout(pool.sessions()[0])
    assert session.logout_errors == []


def test_session_reference_is_redacted_in_errors(pool):
    with session_at(pool.url) as session:
        (ref,) = pool.sessions()
        pool.fail("task.get_all", error=["INTERNAL_ERROR", f"trouble with {ref}"])
        with pytest.raises(XapiFailure) as caught:
            session.call("task.get_all")
        assert ref not in repr(vars(caught.value))
        pool.logout(ref)
        with pytest.raises(XapiFailure) as caught:
            session.call("task.cancel", "OpaqueRef:x")
        assert ref not in repr(vars(caught.value))


def test_password_is_redacted_in_errors(pool):
    pool.fail(LOGIN, error=["INTERNAL_ERROR", "cannot take xapi-secret"])
    with pytest.raises(XapiFailure) as caught, session_at(pool.url):
        pass
    assert caught.value.params == ("cannot take (hidden)",)


def test_call_after_session_exit_raises(pool):
    with session_at(pool.url) as session:
        pass
    with pytest.raises(RuntimeError):
        session.call("task.get_all")


def test_next_host_is_tried_after_refused_connection(pool):
    with session_at(DEAD, pool.url):
        assert len(pool.sessions()) == 1


def test_booting_host_is_skipped(start_pool):
    booting, ready = start_pool(), start_pool()
    booting.boot()
    with session_at(booting.url, ready.url):
        assert len(ready.sessions()) == 1


def test_all_hosts_failing_raises_no_host_answered(pool):
    pool.boot()
    with pytest.raises(NoHostAnswered) as caught, session_at(DEAD, pool.url):
        pass
    refused, booting = caught.value.attempts
    assert isinstance(refused, ConnectionRefused)
    assert booting.code == "HOST_STILL_BOOTING"


def test_error_of_single_host_is_raised_directly():
    with pytest.raises(ConnectionRefused) as caught, session_at(DEAD):
        pass
    assert caught.value.reported_by is None


def test_wrong_password_is_tried_only_once(pool):
    with pytest.raises(XapiFailure) as caught, session_at(pool.url, pool.url, password="wrong"):
        pass
    assert caught.value.code == "SESSION_AUTHENTICATION_FAILED"
    assert methods(pool) == [LOGIN]


def test_supporter_redirects_to_master(start_pool):
    pool = start_pool(supporters=1)
    with session_at(pool.hosts[1].url) as session:
        assert session.call("task.get_all") == []
        assert len(pool.sessions()) == 1


def test_unreachable_master_error_names_supporter(start_pool):
    pool = start_pool(supporters=1)
    pool.master.down()
    supporter = pool.hosts[1].url
    with pytest.raises(ConnectionRefused) as caught, session_at(supporter):
        pass
    assert caught.value.url.startswith("http://127.0.0.1:")
    assert caught.value.reported_by == supporter


def test_redirect_loop_raises_master_not_found(pool):
    pool.fail(LOGIN, error=["HOST_IS_SLAVE", "127.0.0.1"], count=None)
    with pytest.raises(MasterNotFound), session_at(pool.url):
        pass
    assert methods(pool) == [LOGIN]


def test_long_redirect_chain_raises_master_not_found(start_pool):
    pool = start_pool(supporters=5)
    for place, host in enumerate(pool.hosts):
        host.master_address = lambda place=place: f"127.0.0.{place + 2}"
    with pytest.raises(MasterNotFound), session_at(pool.url):
        pass
    assert methods(pool) == [LOGIN] * 4


@pytest.mark.parametrize("address", ["::1", "[::1]"])
def test_ipv6_master_address_is_put_in_brackets(pool, address):
    pool.fail(LOGIN, error=["HOST_IS_SLAVE", address])
    with pytest.raises(HostError) as caught, session_at(pool.url):
        pass
    assert caught.value.url.startswith("http://[::1]:")


def test_ipv6_master_is_followed(start_pool):
    try:
        pool = start_pool(host="::1", addresses=["127.0.0.1"])
    except OSError as error:
        pytest.skip(f"there is no IPv6 on this machine: {error}")
    with session_at(pool.hosts[1].url) as session:
        assert session.call("task.get_all") == []
    assert {call.host for call in pool.log.of("task.get_all")} == {pool.master_ref}


@pytest.mark.parametrize(
    "error",
    [
        ["HOST_IS_SLAVE"],
        ["HOST_IS_SLAVE", ""],
        ["HOST_IS_SLAVE", "http://127.0.0.1"],
        ["HOST_IS_SLAVE", "127.0.0.1/x"],
        ["HOST_IS_SLAVE", "127.0.0.1:80"],
        ["HOST_IS_SLAVE", "root@127.0.0.1"],
        ["HOST_IS_SLAVE", "127.0.0.1 "],
    ],
)
def test_invalid_master_address_is_not_followed(pool, error):
    pool.fail(LOGIN, error=error)
    with pytest.raises(MasterAddressUnusable) as caught, session_at(pool.url):
        pass
    assert caught.value.address == "".join(error[1:])
    assert methods(pool) == [LOGIN]


def test_master_is_not_followed_if_follow_master_is_false(start_pool):
    pool = start_pool(supporters=1)
    with (
        pytest.raises(MasterElsewhere) as caught,
        session_at(pool.hosts[1].url, follow_master=False),
    ):
        pass
    assert (caught.value.url, caught.value.master) == (pool.hosts[1].url, "127.0.0.1")
    assert {call.host for call in pool.log} == {pool.hosts[1].ref}


def test_listed_master_is_found_without_following(start_pool):
    pool = start_pool(supporters=1)
    with session_at(pool.hosts[1].url, pool.url, follow_master=False) as session:
        assert session.call("task.get_all") == []


def test_unreachable_host_is_skipped_and_supporter_redirects_to_master(start_pool):
    pool = start_pool(supporters=1)
    with session_at(DEAD, pool.hosts[1].url, pool.url) as session:
        assert session.call("task.get_all") == []
    assert [call.host for call in pool.log.of(LOGIN)] == [pool.hosts[1].ref, pool.master_ref]


def test_redirect_to_master_keeps_tls(start_pool):
    pool = start_pool(tls=True, supporters=1)
    with session_at(pool.hosts[1].url, ca_path=str(pool.certificate.pem)) as session:
        assert session.call("task.get_all") == []
    assert pool.hosts[1].url.startswith("https://")


def test_next_host_is_tried_if_master_certificate_has_wrong_name(start_pool):
    pool = start_pool(tls=True, supporters=1)
    supporter = pool.hosts[1]
    # This name resolves to the master as well, but its certificate is for another one.
    supporter.master_address = lambda: "127.1"
    with session_at(supporter.url, pool.url, ca_path=str(pool.certificate.pem)) as session:
        (skipped_errors,) = session.skipped_errors
    assert isinstance(skipped_errors, CertificateWrongName)
    assert skipped_errors.url == f"https://127.1:{pool.hosts[0].port}"
    assert skipped_errors.reported_by == supporter.url


def test_pool_with_other_uuid_is_rejected(start_pool):
    meant, other = start_pool(), start_pool()
    with session_at(meant.url, pool_uuid=meant.pool_uuid):
        pass
    with (
        pytest.raises(OtherPool) as caught,
        session_at(other.url, meant.url, pool_uuid=meant.pool_uuid),
    ):
        pass
    assert (caught.value.expected, caught.value.found) == (meant.pool_uuid, other.pool_uuid)
    assert methods(other) == [LOGIN, "pool.get_all_records", LOGOUT]


def test_invalid_session_is_replaced_and_read_is_retried(pool):
    task = pool.add_task("label")
    secrets = set()
    with session_at(pool.url, secrets=secrets) as session:
        (first,) = pool.sessions()
        pool.logout(first)
        assert session.call("task.get_name_label", task) == "label"
        (second,) = pool.sessions()
    assert secrets == {first, second}
    assert methods(pool).count(LOGIN) == 2
    assert methods(pool).count("pool.get_all_records") == 2
    assert methods(pool).count(LOGOUT) == 1
    assert session.logout_errors == []


def test_session_invalid_again_after_relogin_raises(pool):
    with session_at(pool.url) as session:
        pool.fail("task.get_all", error=["SESSION_INVALID", "x"], count=None)
        with pytest.raises(XapiFailure) as caught:
            session.call("task.get_all")
    assert caught.value.code == "SESSION_INVALID"
    assert methods(pool).count(LOGIN) == 2
    pool.logout_all()


def test_write_is_not_retried_on_invalid_session(pool):
    task = pool.add_task("label")
    with session_at(pool.url) as session:
        pool.logout(pool.sessions()[0])
        with pytest.raises(XapiFailure) as caught:
            session.call("task.cancel", task)
    assert caught.value.code == "SESSION_INVALID"
    assert methods(pool).count("task.cancel") == 1
    assert methods(pool).count(LOGIN) == 1


def test_relogin_to_another_pool_is_rejected(start_pool):
    """The first pool is down, and the second address belongs to another pool."""
    first, other = start_pool(), start_pool()
    with session_at(first.url, other.url) as session:
        first.logout(first.sessions()[0])
        first.boot()
        pool_of_first = session.pool.uuid
        first.boot(error=["SESSION_INVALID", "x"])
        with pytest.raises(OtherPool) as caught:
            session.call("task.get_all")
    assert (caught.value.expected, caught.value.found) == (pool_of_first, other.pool_uuid)
    assert "task.get_all" not in methods(other)


def test_new_master_is_found_after_promotion(start_pool):
    pool = start_pool(supporters=1)
    with session_at(pool.url) as session:
        old = session.pool.master
        pool.promote(1)
        assert session.call("task.get_all") == []
        assert session.pool.master != old
        assert session.read_server_time().endswith("Z")


def test_server_time_is_read_from_new_master(start_pool):
    pool = start_pool(supporters=1)
    with session_at(pool.url) as session:
        pool.promote(1)
        session.read_server_time()
        ref = ref_of(session)
    (call,) = [call for call in pool.log.of("host.get_servertime") if not call.error]
    assert (call.params, call.session) == ([pool.hosts[1].ref], ref)


@pytest.fixture
def pair(start_pool):
    """A pool of two hosts: a master and a supporter."""
    return start_pool(supporters=1)


def urls(pool):
    return [host.url for host in pool.hosts]


def ask_in_vain(session):
    with pytest.raises(ConnectionRefused):
        session.call("task.get_all")


def test_fails_over_to_new_master_after_two_unanswered_requests(pair):
    with session_at(*urls(pair)) as session:
        pair.promote(1)
        pair.take_down(0)
        ask_in_vain(session)
        ask_in_vain(session)
        assert session.call("task.get_all") == []
        assert (session.generation, session.pool.master) == (2, "host-2")


def test_session_survives_outage_of_unreplaced_master(pair):
    with session_at(*urls(pair)) as session:
        pair.take_down(0)
        for _time in range(4):
            ask_in_vain(session)
        pair.bring_up(0)
        assert session.call("task.get_all") == []
        assert session.generation == 1
    assert len([call for call in pair.log.of(LOGIN) if not call.error]) == 1


def test_session_of_old_master_is_logged_out_after_failover(pair, monkeypatch):
    with session_at(*urls(pair)) as session:
        pair.promote(1)
        (lost,) = {call.session for call in pair.log if call.session}
        monkeypatch.setattr(session._connection, "_consecutive_failures", 2)
        assert session.call("task.get_all") == []
    assert lost in [call.session for call in pair.log.of(LOGOUT)]


def test_new_master_that_rejects_account_raises_at_once(pair):
    with session_at(*urls(pair)) as session:
        pair.promote(1)
        pair.take_down(0)
        ask_in_vain(session)
        ask_in_vain(session)
        pair.fail(LOGIN, error=["SESSION_AUTHENTICATION_FAILED", "root", "no"])
        with pytest.raises(XapiFailure) as caught:
            session.call("task.get_all")
    assert caught.value.code == "SESSION_AUTHENTICATION_FAILED"


def test_given_session_is_lost_with_its_master(pair):
    with (
        session_at(*urls(pair)) as owner,
        session_at(*urls(pair), given_ref=ref_of(owner)) as session,
    ):
        pair.promote(1)
        pair.take_down(0)
        ask_in_vain(session)
        ask_in_vain(session)
        with pytest.raises(GivenSessionLost):
            session.call("task.get_all")


def test_failed_relogin_is_not_followed_by_logout(pool):
    with session_at(pool.url) as session:
        pool.logout(pool.sessions()[0])
        pool.fail(LOGIN, error=["HOST_STILL_BOOTING"])
        with pytest.raises(XapiFailure):
            session.call("task.get_all")
    assert LOGOUT not in methods(pool)
    assert session.logout_errors == []


@pytest.fixture
def given(pool):
    """A session that was opened before and must stay open."""
    with session_at(pool.url) as session:
        pool.log.clear()
        yield ref_of(session)


def test_given_session_is_used_and_not_logged_out(pool, given):
    with session_at(pool.url, given_ref=given) as session:
        assert session.call("task.get_all") == []
        assert session.pool.uuid == pool.pool_uuid
    assert methods(pool) == [
        "pool.get_all",
        "pool.get_all_records",
        "host.get_name_label",
        "task.get_all",
    ]
    assert {call.session for call in pool.log} == {given}
    assert pool.sessions() == [given]


def test_given_session_redirects_from_supporter_to_master(start_pool):
    pool = start_pool(supporters=1)
    with session_at(pool.url) as owner:
        with session_at(pool.hosts[1].url, given_ref=ref_of(owner)) as session:
            assert session.call("task.get_all") == []
        assert pool.sessions() == [ref_of(owner)]


def test_unknown_given_session_raises_without_reference(pool):
    ref = "OpaqueRef:12345678-9abc-def0-1234-56789abcdef0"
    with (
        pytest.raises(GivenSessionUnknown) as caught,
        session_at(pool.url, pool.url, given_ref=ref),
    ):
        pass
    assert methods(pool) == ["pool.get_all"]
    assert ref not in repr(vars(caught.value)) + repr(vars(caught.value.__cause__))


def test_given_session_that_ends_raises_without_relogin(pool):
    with (
        session_at(pool.url) as owner,
        session_at(pool.url, given_ref=ref_of(owner)) as session,
    ):
        pool.logout(ref_of(owner))
        with pytest.raises(GivenSessionLost) as caught:
            session.call("task.get_all")
        assert ref_of(owner) not in repr(vars(caught.value)) + repr(vars(caught.value.__cause__))
    assert methods(pool).count(LOGIN) == 1


def test_given_session_of_another_pool_is_rejected(start_pool, pool, given):
    other = start_pool()
    with (
        pytest.raises(OtherPool),
        session_at(pool.url, given_ref=given, pool_uuid=other.pool_uuid),
    ):
        pass
    assert methods(pool) == ["pool.get_all", "pool.get_all_records"]


@pytest.mark.parametrize("cut", ["before", "after", "half"])
def test_read_is_retried_once_after_cut_connection(pool, cut):
    with session_at(pool.url) as session:
        pool.fail("task.get_all", cut=cut)
        assert session.call("task.get_all") == []
    assert methods(pool).count("task.get_all") == 2
    assert methods(pool).count(LOGIN) == 1


def test_read_is_not_retried_after_second_cut(pool):
    with session_at(pool.url) as session:
        pool.fail("task.get_all", cut="before", count=None)
        with pytest.raises(ConnectionCut):
            session.call("task.get_all")
    assert methods(pool).count("task.get_all") == 2


@pytest.mark.parametrize("cut", ["before", "after", "half"])
def test_write_is_not_retried_after_cut_connection(pool, cut):
    task = pool.add_task("label")
    with session_at(pool.url) as session:
        pool.fail("task.cancel", cut=cut)
        with pytest.raises(ConnectionCut) as caught:
            session.call("task.cancel", task)
    assert caught.value.sent
    assert methods(pool).count("task.cancel") == 1


def test_login_is_not_retried_after_cut_connection(pool):
    pool.fail(LOGIN, cut="after")
    with pytest.raises(ConnectionCut), session_at(pool.url):
        pass
    assert methods(pool) == [LOGIN]
    (left,) = pool.sessions()
    pool.logout(left)


def test_stale_connection_is_reopened_for_write(pool):
    task = pool.add_task("label")
    with session_at(pool.url) as session:
        pool.hosts[0].down()
        pool.hosts[0].up()
        session.call("task.cancel", task)
    assert methods(pool).count("task.cancel") == 1


def test_every_call_is_recorded(pool):
    calls = []
    with session_at(pool.url, record=calls.append) as session:
        session.call("task.get_all")
    assert [call.method for call in calls] == methods(pool)
    assert {call.host for call in calls} == {pool.url}
    assert {call.error for call in calls} == {None}


def test_stop_during_call_logs_out(pool):
    switch = Switch()
    with session_at(pool.url, stop=switch) as session:
        switch.is_on = True
        with pytest.raises(Interrupted):
            session.call("task.get_all")
    assert methods(pool)[-1] == LOGOUT
    assert "task.get_all" not in methods(pool)


def test_stop_during_login_logs_out_new_session(pool):
    switch = Switch()
    session = session_at(pool.url, stop=switch)
    session._connection._login._add_secret = lambda _ref: setattr(switch, "is_on", True)
    with pytest.raises(Interrupted), session:
        pass
    assert methods(pool) == [LOGIN, LOGOUT]


def test_login_is_not_interrupted_after_it_is_sent(pool):
    questions = []

    def stop():
        # The stop callable does not raise before the login, and raises from then on.
        questions.append("stop?")
        if len(questions) > 1:
            raise Interrupted("SIGTERM")

    pool.fail(LOGIN, delay=1.2, late=True)
    with pytest.raises(Interrupted), session_at(pool.url, stop=stop):
        pass
    assert len(questions) > 2
    assert methods(pool) == [LOGIN, LOGOUT]


def test_stop_before_login_sends_no_requests(pool):
    switch = Switch()
    switch.is_on = True
    with pytest.raises(Interrupted), session_at(pool.url, pool.url, stop=switch):
        pass
    assert methods(pool) == []


LOST = {
    "page": {"http": (504, "<html>Gateway Time-out</html>")},
    "page of a filter": {"http": (403, "<html>no</html>")},
    "no JSON": {"body": "welcome"},
    "another answer": {"body": '{"jsonrpc": "2.0", "result": "OpaqueRef:x", "id": 7}'},
    "no text": {"body": '{"jsonrpc": "2.0", "result": {"ref": "x"}, "id": 1}'},
    "empty text": {"body": '{"jsonrpc": "2.0", "result": "", "id": 1}'},
    "too large": {"body": '{"jsonrpc": "2.0", "id": 1, "result": "' + "x" * 4096 + '"}'},
    "cut before": {"cut": "before"},
    "cut after": {"cut": "after"},
    "half": {"cut": "half"},
    "late": {"delay": 60},
}


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_login_without_usable_response_counts_as_lost(pool, fault):
    pool.fail(LOGIN, **fault)
    transport = PartedTransport(size_limit=4096, time_limit=0.5 if "delay" in fault else 30)
    session = session_at(pool.url, transport=transport)
    with pytest.raises(HostError), session:
        pass
    assert (session.unanswered_logins, session.logout_errors) == (1, [])
    assert session.login_retry_delay > 0
    pool.logout_all()


@pytest.mark.parametrize("url", [DEAD, "http://nobody.invalid", "https://{}"])
def test_unsent_login_does_not_count_as_lost(pool, url):
    session = session_at(url.format(pool.url.partition("//")[2]))
    with pytest.raises(HostError), session:
        pass
    assert (session.unanswered_logins, session.login_retry_delay) == (0, 0)


@pytest.mark.parametrize("code", ["SESSION_AUTHENTICATION_FAILED", "HOST_STILL_BOOTING"])
def test_rejected_login_does_not_count_as_lost(pool, code):
    pool.fail(LOGIN, error=[code])
    session = session_at(pool.url)
    with pytest.raises(XapiFailure), session:
        pass
    assert (session.unanswered_logins, session.login_retry_delay) == (0, 0)


def test_lost_logins_on_several_hosts_are_counted(pool):
    pool.fail(LOGIN, http=(502, "<html>"), count=2)
    with session_at(pool.url, pool.url, pool.url) as session:
        assert session.call("task.get_all") == []
        assert (session.unanswered_logins, session.login_retry_delay) == (2, 0)


class Clock:
    """A clock that only changes when it is set."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(("hours", "most"), [(1, 65), (24, 310), (72, 720)])
def test_login_retry_delay_limits_lost_logins(pool, hours, most):
    pool.fail(LOGIN, http=(504, "<html>"), count=None)
    clock = Clock()
    session = Session(
        Transport(validate_certs=True, ca_path=None, stop=lambda: None),
        endpoints=[endpoint(pool.url)],
        username="root",
        password="xapi-secret",
        add_secret=lambda _ref: None,
        clock=clock,
    )
    with session:
        while clock.now < 1000 + hours * 3600 and session.requests <= most:
            with pytest.raises(UnexpectedAnswer):
                session.call("task.get_all")
            clock.now += session.login_retry_delay
    assert most / 2 < session.unanswered_logins < most
    assert len(pool.log.of(LOGIN)) == session.unanswered_logins


def test_other_host_is_not_retried_before_login_delay_ends(start_pool, pool):
    other, clock, transport = start_pool(), Clock(), PartedTransport()
    other.fail(LOGIN, http=(504, "<html>"), count=None)
    at = [pool.url.replace("127.0.0.1", "localhost"), other.url]
    with session_at(*at, transport=transport, clock=clock) as session:
        transport.gone.add("localhost")
        for _time in range(10):
            ask_in_vain(session)
        assert session.unanswered_logins == 1
        clock.now += 2
        ask_in_vain(session)
        assert session.unanswered_logins == 2
        transport.gone.clear()


def test_session_is_logged_out_via_another_address_of_master(pool):
    """The host has two addresses, or is behind a load balancer."""
    transport = PartedTransport()
    first = pool.url.replace("127.0.0.1", "localhost")
    with session_at(first, pool.url, transport=transport) as session:
        (left,) = pool.sessions()
        transport.gone.add("localhost")
        ask_in_vain(session)
        ask_in_vain(session)
        assert session.call("task.get_all") == []
        assert left not in pool.sessions()
        assert session.generation == 2
    assert (pool.sessions(), session.logout_errors) == ([], [])


def test_session_of_unreachable_master_is_logged_out_only_at_new_master(pair):
    """The new master does not know the session, and no request goes to the old one."""
    with session_at(*urls(pair)) as session:
        pair.promote(1)
        pair.take_down(0)
        ask_in_vain(session)
        ask_in_vain(session)
        session.call("task.get_all")
        requests = session.requests
    logouts = pair.log.of(LOGOUT)
    assert [call.error for call in logouts] == [["SESSION_INVALID", logouts[0].session], []]
    assert {call.host for call in logouts} == {pair.hosts[1].ref}
    assert (session.requests, session.logout_errors) == (requests + 1, [])


def test_failed_logout_is_retried_at_exit(pool):
    transport = PartedTransport()
    first = pool.url.replace("127.0.0.1", "localhost")
    with session_at(first, pool.url, transport=transport) as session:
        transport.gone.add("localhost")
        pool.fail(LOGOUT, http=(502, "<html>"))
        ask_in_vain(session)
        ask_in_vain(session)
        assert session.call("task.get_all") == []
        assert len(pool.sessions()) == 2
    assert (pool.sessions(), session.logout_errors) == ([], [])


def test_session_reference_is_not_sent_to_another_pool(start_pool, pool):
    """The old session stays: its host is down, and the new host belongs to another pool."""
    other, transport = start_pool(), PartedTransport()
    first = pool.url.replace("127.0.0.1", "localhost")
    with session_at(first, other.url, transport=transport) as session:
        (left,) = pool.sessions()
        transport.gone.add("localhost")
        ask_in_vain(session)
        ask_in_vain(session)
        with pytest.raises(OtherPool):
            session.call("task.get_all")
    assert left not in [call.session for call in other.log]
    assert (pool.sessions(), other.sessions()) == ([left], [])
    (error,) = session.logout_errors
    assert isinstance(error, ConnectionRefused)
    pool.logout_all()


@pytest.mark.parametrize("code", ["INTERNAL_ERROR", "HOST_IS_SLAVE"])
def test_no_session_is_left_if_identifying_new_master_fails_once(pool, code):
    transport = PartedTransport()
    first = pool.url.replace("127.0.0.1", "localhost")
    with session_at(first, pool.url, transport=transport) as session:
        transport.gone.add("localhost")
        ask_in_vain(session)
        ask_in_vain(session)
        pool.fail("pool.get_all_records", error=[code, "127.0.0.1"])
        with contextlib.suppress(XapiFailure):
            session.call("task.get_all")
        assert session.call("task.get_all") == []
    assert (pool.sessions(), session.logout_errors) == ([], [])


@pytest.mark.parametrize("method", ["task.get_all", "pool.get_all_records"])
def test_session_rejected_by_supporter_is_logged_out(pool, method):
    """The address belongs to the master at one time, and to a supporter at another."""
    with session_at(pool.url) as session:
        if method == "pool.get_all_records":
            pool.logout_all()
        pool.fail(method, error=["HOST_IS_SLAVE", "127.0.0.1"])
        with contextlib.suppress(XapiFailure):
            session.call("task.get_all")
        assert session.call("task.get_all") == []
        assert len(pool.sessions()) == 1
    assert (pool.sessions(), session.logout_errors) == ([], [])


def test_session_rejected_by_supporter_is_logged_out_if_relogin_fails(pool):
    with session_at(pool.url) as session:
        pool.fail("task.get_all", error=["HOST_IS_SLAVE", "127.0.0.1"])
        pool.fail(LOGIN, error=["HOST_STILL_BOOTING"], count=None)
        with pytest.raises(XapiFailure):
            session.call("task.get_all")
        assert session.login_retry_delay > 0
    assert (pool.sessions(), session.logout_errors) == ([], [])


def test_each_left_session_is_counted_and_failed_host_asked_once(pool):
    with session_at(pool.url) as session:
        pool.fail("task.get_all", error=["HOST_IS_SLAVE", "127.0.0.1"], count=None)
        pool.fail(LOGOUT, http=(502, "<html>"), count=None)
        with pytest.raises(XapiFailure):
            session.call("task.get_all")
        assert len(pool.sessions()) == 2
    assert [type(error) for error in session.logout_errors] == [UnexpectedAnswer] * 2
    assert len(pool.log.of(LOGOUT)) == 2
    pool.logout_all()


def test_given_session_rejected_by_supporter_is_left_open(pool, given):
    session = session_at(pool.url, given_ref=given)
    pool.fail("task.get_all", error=["HOST_IS_SLAVE", "127.0.0.1"])
    with session, pytest.raises(GivenSessionLost):
        session.call("task.get_all")
    assert pool.sessions() == [given]
    assert session.login_retry_delay == 0


@pytest.mark.parametrize("cut", ["before", "after", "half"])
def test_logout_is_retried_after_cut_connection(pool, cut):
    pool.fail(LOGOUT, cut=cut)
    with session_at(pool.url) as session:
        pass
    assert (pool.sessions(), session.logout_errors) == ([], [])
    assert len(pool.log.of(LOGOUT)) == 2
