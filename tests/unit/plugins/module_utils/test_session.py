# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from ansible_collections.xen.xapi.plugins.module_utils import _session
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    ConnectionRefused,
    HostError,
    Interrupted,
    MasterNotFound,
    NoHostAnswered,
    RequestTimedOut,
    UnexpectedAnswer,
    XapiFailure,
)
from ansible_collections.xen.xapi.plugins.module_utils._session import Session
from ansible_collections.xen.xapi.plugins.module_utils._transport import Endpoint, Transport

LOGIN = "session.login_with_password"
LOGOUT = "session.logout"
DEAD = "http://127.0.0.1:1"


class Switch:
    """What the edge asks to stop with: silent until it is turned."""

    def __init__(self):
        self.is_on = False

    def __call__(self):
        if self.is_on:
            raise Interrupted("SIGTERM")


def endpoint(url):
    parts = urlsplit(url)
    return Endpoint(parts.scheme, parts.hostname, parts.port)


def session_at(*urls, password="xapi-secret", secrets=None, stop=lambda: None):
    return Session(
        Transport(validate_certs=True, ca_path=None, stop=stop),
        endpoints=[endpoint(url) for url in urls],
        username="root",
        password=password,
        keep_secret=(secrets if secrets is not None else set()).add,
    )


def methods(pool):
    return [call.method for call in pool.log]


def test_a_session(pool):
    task = pool.add_task("label")
    secrets = set()
    with session_at(pool.url, secrets=secrets) as session:
        assert secrets == set(pool.sessions())
        assert session.call("task.get_name_label", task) == "label"
        assert session.server_time().endswith("Z")
    assert methods(pool)[0] == LOGIN
    assert methods(pool)[-1] == LOGOUT
    assert session.requests == len(pool.log)
    assert session.logout_error is None


def test_the_originator_never_changes(pool):
    with session_at(pool.url):
        (ref,) = pool.sessions()
        assert pool.database.read("session", ref)["originator"] == "xen.xapi"


def test_the_pool_is_known(pool):
    with session_at(pool.url) as session:
        assert session.pool.uuid == pool.pool_uuid
        assert session.pool.master_ref == pool.master_ref
        name = session.call("host.get_name_label", pool.master_ref)
    assert session.pool.to_dict() == {"uuid": pool.pool_uuid, "name_label": "", "master": name}


def test_the_session_ends_when_its_block_fails(pool):
    def fall_over():
        assert pool.sessions()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), session_at(pool.url):
        fall_over()
    assert pool.sessions() == []


def test_the_session_ends_when_the_pool_cannot_be_read(pool):
    pool.fail("pool.get_all_records", error=["INTERNAL_ERROR", "x"])
    with pytest.raises(XapiFailure), session_at(pool.url):
        pytest.fail("the block must not be entered")
    assert methods(pool)[-1] == LOGOUT


def test_an_error_of_the_logout_is_kept(pool):
    pool.fail(LOGOUT, http=(502, "<html>"))
    with session_at(pool.url) as session:
        pass
    assert isinstance(session.logout_error, UnexpectedAnswer)
    (left,) = pool.sessions()
    pool.logout(left)


def test_a_logout_is_not_waited_for_as_long_as_other_calls(pool, monkeypatch):
    monkeypatch.setattr(_session, "_LOGOUT_TIME_LIMIT", 0.1)
    pool.fail(LOGOUT, delay=60)
    with session_at(pool.url) as session:
        pass
    assert isinstance(session.logout_error, RequestTimedOut)
    assert session.logout_error.seconds == 0.1
    (left,) = pool.sessions()
    pool.logout(left)


def test_a_session_that_the_server_dropped_needs_no_logout(pool):
    with session_at(pool.url) as session:
        pool.logout(pool.sessions()[0])
    assert session.logout_error is None


def test_the_reference_of_the_session_is_in_no_error(pool):
    with session_at(pool.url) as session:
        (ref,) = pool.sessions()
        pool.fail("task.get_all", error=["INTERNAL_ERROR", f"trouble with {ref}"])
        with pytest.raises(XapiFailure) as caught:
            session.call("task.get_all")
        assert ref not in repr(vars(caught.value))
        pool.logout(ref)
        with pytest.raises(XapiFailure) as caught:
            session.call("task.get_all")
        assert ref not in repr(vars(caught.value))


def test_the_password_is_in_no_error(pool):
    pool.fail(LOGIN, error=["INTERNAL_ERROR", "cannot take xapi-secret"])
    with pytest.raises(XapiFailure) as caught, session_at(pool.url):
        pass
    assert caught.value.params == ("cannot take (hidden)",)


def test_calls_end_with_the_session(pool):
    with session_at(pool.url) as session:
        pass
    with pytest.raises(RuntimeError):
        session.call("task.get_all")


def test_the_next_member_is_tried(pool):
    with session_at(DEAD, pool.url):
        assert len(pool.sessions()) == 1


def test_a_member_that_is_not_ready_is_passed_over(start_pool):
    booting, ready = start_pool(), start_pool()
    booting.boot()
    with session_at(booting.url, ready.url):
        assert len(ready.sessions()) == 1


def test_no_member_answers(pool):
    pool.boot()
    with pytest.raises(NoHostAnswered) as caught, session_at(DEAD, pool.url):
        pass
    refused, booting = caught.value.attempts
    assert isinstance(refused, ConnectionRefused)
    assert booting.code == "HOST_STILL_BOOTING"


def test_the_error_of_a_single_member_is_its_own():
    with pytest.raises(ConnectionRefused) as caught, session_at(DEAD):
        pass
    assert caught.value.named_by is None


def test_a_wrong_password_is_tried_once(pool):
    with pytest.raises(XapiFailure) as caught, session_at(pool.url, pool.url, password="wrong"):
        pass
    assert caught.value.code == "SESSION_AUTHENTICATION_FAILED"
    assert methods(pool) == [LOGIN]


def test_a_supporter_leads_to_the_master(start_pool):
    pool = start_pool(supporters=1)
    with session_at(pool.hosts[1].url) as session:
        assert session.call("task.get_all") == []
        assert len(pool.sessions()) == 1


def test_a_master_that_cannot_be_reached_is_named_with_the_supporter_that_named_it(start_pool):
    pool = start_pool(supporters=1)
    pool.master.down()
    supporter = pool.hosts[1].url
    with pytest.raises(ConnectionRefused) as caught, session_at(supporter):
        pass
    assert caught.value.url.startswith("http://127.0.0.1:")
    assert caught.value.named_by == supporter


def test_masters_that_name_one_another(pool):
    pool.fail(LOGIN, error=["HOST_IS_SLAVE", "127.0.0.1"], count=None)
    with pytest.raises(MasterNotFound), session_at(pool.url):
        pass
    assert len(pool.log) == 4


@pytest.mark.parametrize("address", ["::1", "[::1]"])
def test_an_ipv6_address_of_the_master_is_put_in_brackets(pool, address):
    pool.fail(LOGIN, error=["HOST_IS_SLAVE", address])
    with pytest.raises(HostError) as caught, session_at(pool.url):
        pass
    assert caught.value.url.startswith("http://[::1]:")


def test_a_stop_during_a_call_ends_in_a_logout(pool):
    switch = Switch()
    with session_at(pool.url, stop=switch) as session:
        switch.is_on = True
        with pytest.raises(Interrupted):
            session.call("task.get_all")
    assert methods(pool)[-1] == LOGOUT
    assert "task.get_all" not in methods(pool)


def test_a_stop_during_the_login_ends_the_session_that_it_gave(pool):
    switch = Switch()
    session = session_at(pool.url, stop=switch)
    session._keep_secret = lambda _ref: setattr(switch, "is_on", True)
    with pytest.raises(Interrupted), session:
        pass
    assert methods(pool) == [LOGIN, LOGOUT]


def test_a_login_is_not_left_half_way(pool):
    questions = []

    def stop():
        # Silent when it is asked before the login, and no more from then on.
        questions.append("stop?")
        if len(questions) > 1:
            raise Interrupted("SIGTERM")

    with pytest.raises(Interrupted), session_at(pool.url, stop=stop):
        pass
    assert methods(pool) == [LOGIN, LOGOUT]


def test_a_stop_keeps_from_trying_the_next_member(pool):
    switch = Switch()
    switch.is_on = True
    with pytest.raises(Interrupted), session_at(pool.url, pool.url, stop=switch):
        pass
    assert methods(pool) == []
