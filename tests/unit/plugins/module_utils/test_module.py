# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import json
import os
import signal

import pytest

from ansible_collections.xen.xapi.plugins.module_utils import _module
from ansible_collections.xen.xapi.plugins.module_utils._client import transport as _transport
from ansible_collections.xen.xapi.plugins.module_utils._client.options import connection_spec
from ansible_collections.xen.xapi.plugins.module_utils._errors import CallerGone, Interrupted
from ansible_collections.xen.xapi.plugins.module_utils._module import run_module
from ansible_collections.xen.xapi.tests.support.fixtures import session_on
from ansible_collections.xen.xapi.tests.support.module_args import patch_module_args

NUMBERS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_is_kept_until_it_is_asked_for(number):
    before = signal.getsignal(number)
    stop = _module._Stop()
    with stop:
        stop.check()
        os.kill(os.getpid(), number)
        with pytest.raises(Interrupted) as caught:
            stop.check()
    assert caught.value.signal == signal.Signals(number).name
    assert signal.getsignal(number) is before


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        with contextlib.suppress(OSError):
            os.close(end)


def test_a_reader_that_goes_is_noticed(pipe):
    reading, writing = pipe
    stop = _module._Stop(writing)
    stop.check()
    os.close(reading)
    with pytest.raises(CallerGone):
        stop.check()


def test_a_terminal_that_goes_is_noticed():
    terminal, writing = os.openpty()
    stop = _module._Stop(writing)
    stop.check()
    os.close(terminal)
    with pytest.raises(CallerGone):
        stop.check()
    os.close(writing)


def test_a_full_pipe_and_a_file_are_no_reason_to_stop(pipe, tmp_path):
    _reading, writing = pipe
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 65536)
    _module._Stop(writing).check()
    with (tmp_path / "out").open("w") as file:
        _module._Stop(file.fileno()).check()


OPTIONS = {"hostname": "127.0.0.1:1", "password": "xapi-secret"}


def main_of(work):
    return lambda: run_module(work, argument_spec=connection_spec())


def connect_only(run):
    with run.connect() as session:
        session.call("task.get_all")
        return {"requests_inside": session.requests}


def test_a_result(run, pool):
    result = run(main_of(connect_only), {**OPTIONS, "hostname": pool.url})
    assert result["requests_inside"] == 4


def test_what_the_task_wrote_is_told_from_what_core_makes_of_it(run):
    given = []
    main = main_of(lambda run: given.append(dict(run.given)) or {})
    run(main, {**OPTIONS, "port": "443"})
    assert given == [{**OPTIONS, "port": "443"}]


@pytest.mark.parametrize("option", ["port", "ca_path", "pool_uuid", "session_ref", "password"])
def test_a_null_is_refused(run, option):
    result = run(main_of(connect_only), {**OPTIONS, option: None}, fails=True)
    assert result["msg"] == f"argument '{option}' is null; leave it out, or use omit."


def test_a_missing_library(run, monkeypatch):
    monkeypatch.setattr(_transport, "REQUESTS_IMPORT_ERROR", "Traceback of the import")
    result = run(main_of(connect_only), OPTIONS, fails=True)
    assert "requests" in result["msg"]


def test_a_defect_is_told_as_one(run):
    def fall_over(_run):
        raise KeyError("surprise")

    result = run(main_of(fall_over), OPTIONS, fails=True)
    assert "defect" in result["msg"]
    assert "KeyError('surprise')" in result["msg"]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_ends_the_run_without_a_session_left(run, pool, number):
    def wait_for_a_signal(run):
        with run.connect() as session:
            session.call("task.get_all")
            assert pool.sessions()
            os.kill(os.getpid(), number)
            session.call("task.get_all")

    result = run(main_of(wait_for_a_signal), {**OPTIONS, "hostname": pool.url}, fails=True)
    assert result["msg"] == f"Stopped by {signal.Signals(number).name}."
    assert pool.sessions() == []


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_after_the_logout_has_nothing_left_to_stop(run, pool, number):
    def end_before_the_signal(run):
        with run.connect() as session:
            session.call("task.get_all")
        os.kill(os.getpid(), number)
        return {"is_done": True}

    assert run(main_of(end_before_the_signal), {**OPTIONS, "hostname": pool.url})["is_done"]


def test_a_signal_that_is_to_be_ignored_ends_nothing(run, pool):
    """As under nohup."""

    def work_on(run):
        with run.connect() as session:
            os.kill(os.getpid(), signal.SIGHUP)
            session.call("task.get_all")
        return {}

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run(main_of(work_on), {**OPTIONS, "hostname": pool.url})
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("form", ["root:{}@127.0.0.1", "https://root:{}@127.0.0.1:443/x"])
def test_a_password_in_a_hostname_is_nowhere_in_the_result(run, form):
    result = run(main_of(connect_only), {**OPTIONS, "hostname": form.format("hunter2")}, fails=True)
    assert "is no host" in result["msg"]
    assert "hunter2" not in str(result)


def test_a_login_without_an_answer_is_warned_of(run, pool):
    pool.fail("session.login_with_password", cut="after")
    result = run(main_of(connect_only), {**OPTIONS, "hostname": pool.url}, fails=True)
    assert [warning for warning in result["warnings"] if "usable answer: 1." in warning]
    pool.logout_all()


def test_a_failure_has_its_code(run, pool):
    def call_something_unknown(run):
        with run.connect() as session:
            session.call("task.fly")

    result = run(main_of(call_something_unknown), {**OPTIONS, "hostname": pool.url}, fails=True)
    assert result["error"] == {
        "code": "MESSAGE_METHOD_UNKNOWN",
        "params": ["task.fly"],
        "message": "The server does not know the method task.fly; it may be too old for it.",
    }


def test_the_reference_of_the_session_is_masked(run, pool):
    def tell_the_session(run):
        with run.connect() as session:
            session.call("task.get_all")
            return {"told": pool.sessions()}

    result = run(main_of(tell_the_session), {**OPTIONS, "hostname": pool.url})
    assert "OpaqueRef" not in str(result)


def test_http_is_warned_of(run, pool):
    result = run(main_of(connect_only), {**OPTIONS, "hostname": pool.url})
    assert result["warnings"] == [f"The password travels in clear to {pool.url}: use https."]


def test_https_is_not_warned_of(run, start_pool):
    pool = start_pool(tls=True)
    options = {**OPTIONS, "hostname": pool.url, "ca_path": str(pool.certificate.pem)}
    assert run(main_of(connect_only), options)["warnings"] == []


def test_a_ca_path_that_is_not_used_is_warned_of(run, start_pool):
    pool = start_pool(tls=True)
    options = {**OPTIONS, "hostname": pool.url, "ca_path": "/nowhere", "validate_certs": False}
    (warning,) = run(main_of(connect_only), options)["warnings"]
    assert "ca_path" in warning


def test_a_session_that_stays_is_warned_of(run, pool):
    pool.fail("session.logout", cut=True, count=None)
    result = run(main_of(connect_only), {**OPTIONS, "hostname": pool.url})
    assert any("logout failed" in warning for warning in result["warnings"])
    pool.logout(pool.sessions()[0])


def test_a_result_that_nobody_reads_is_not_printed(run, pool, pipe, monkeypatch, capsys):
    reading, writing = pipe
    monkeypatch.setattr(_module, "_Stop", lambda stop=_module._Stop: stop(writing))

    def lose_the_reader(run):
        with run.connect() as session:
            session.call("task.get_all")
            os.close(reading)
            session.call("task.get_all")

    options = {**OPTIONS, "hostname": pool.url}
    with patch_module_args(options), pytest.raises(SystemExit) as ended:
        main_of(lose_the_reader)()
    assert ended.value.code == 1
    assert capsys.readouterr() == ("", "")
    assert [call.method for call in pool.log][-1] == "session.logout"


def test_no_session_is_left_when_the_work_falls_over(run, pool):
    def fall_over(run):
        with run.connect() as session:
            session.call("task.get_all")
            raise KeyError("surprise")

    run(main_of(fall_over), {**OPTIONS, "hostname": pool.url}, fails=True)
    assert pool.sessions() == []


@pytest.mark.parametrize("verbosity", [0, 2])
def test_calls_are_not_told_below_vvv(run, pool, verbosity):
    options = {**OPTIONS, "hostname": pool.url, "_ansible_verbosity": verbosity}
    assert "calls" not in run(main_of(connect_only), options)


def test_calls_are_told_at_vvv(run, pool):
    options = {**OPTIONS, "hostname": pool.url, "_ansible_verbosity": 3}
    calls = run(main_of(connect_only), options)["calls"]
    assert [call["method"] for call in calls] == [call.method for call in pool.log]
    assert {tuple(call) for call in calls} == {("method", "host", "seconds", "error")}
    assert {call["host"] for call in calls} == {pool.url}
    assert {call["error"] for call in calls} == {None}


def test_calls_are_told_of_failures_too(run, pool):
    options = {**OPTIONS, "hostname": ["127.0.0.1:1", pool.url], "password": "wrong"}
    result = run(main_of(connect_only), {**options, "_ansible_verbosity": 3}, fails=True)
    assert [(call["host"], call["error"]) for call in result["calls"]] == [
        ("https://127.0.0.1:1", "ConnectionRefused"),
        (pool.url, "SESSION_AUTHENTICATION_FAILED"),
    ]
    assert "wrong" not in json.dumps(result["calls"])


def test_a_session_that_travels_in_clear_is_warned_of(run, pool):
    with session_on(pool) as ref:
        options = {"hostname": pool.url, "session_ref": ref}
        result = run(main_of(connect_only), options)
    assert result["warnings"] == [f"The session_ref travels in clear to {pool.url}: use https."]


def test_a_member_whose_certificate_does_not_fit_is_warned_of(run, start_pool):
    pool, other = start_pool(tls=True), start_pool(tls=True)
    options = {**OPTIONS, "hostname": [other.url, pool.url]}
    result = run(main_of(connect_only), {**options, "ca_path": str(pool.certificate.pem)})
    (warning,) = result["warnings"]
    assert warning.startswith(f"Another member was used. The certificate of {other.url} is not")


def test_a_ca_path_beside_a_fingerprint_is_warned_of(run, start_pool):
    pool = start_pool(tls=True)
    options = {**OPTIONS, "hostname": pool.url, "ca_path": "/nowhere"}
    result = run(
        main_of(connect_only), {**options, "cert_fingerprint": pool.certificate.sha256.lower()}
    )
    assert result["warnings"] == ["ca_path is not used, since cert_fingerprint is given."]
