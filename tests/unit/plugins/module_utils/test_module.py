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
from ansible_collections.xen.xapi.plugins.module_utils._client import http_client
from ansible_collections.xen.xapi.plugins.module_utils._client.options import connection_spec
from ansible_collections.xen.xapi.plugins.module_utils._errors import CallerGone, Interrupted
from ansible_collections.xen.xapi.plugins.module_utils._module import run_module
from ansible_collections.xen.xapi.tests.support.fixtures import session_on
from ansible_collections.xen.xapi.tests.support.module_runner import patch_module_args

NUMBERS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@pytest.mark.parametrize("number", NUMBERS)
def test_signal_raises_interrupted_at_next_check(number):
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


def test_closed_pipe_reader_raises_caller_gone(pipe):
    reading, writing = pipe
    stop = _module._Stop(writing)
    stop.check()
    os.close(reading)
    with pytest.raises(CallerGone):
        stop.check()


def test_closed_terminal_raises_caller_gone():
    terminal, writing = os.openpty()
    stop = _module._Stop(writing)
    stop.check()
    os.close(terminal)
    with pytest.raises(CallerGone):
        stop.check()
    os.close(writing)


def test_full_pipe_or_regular_file_does_not_stop_run(pipe, tmp_path):
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


def test_result_of_work_is_returned(run, pool):
    result = run(main_of(connect_only), {**OPTIONS, "hostname": pool.url})
    assert result["requests_inside"] == 4


def test_given_options_are_unconverted_and_without_defaults(run):
    given = []
    main = main_of(lambda run: given.append(dict(run.raw_params)) or {})
    run(main, {**OPTIONS, "port": "443"})
    assert given == [{**OPTIONS, "port": "443"}]


@pytest.mark.parametrize("option", ["port", "ca_path", "pool_uuid", "session_ref", "password"])
def test_null_option_is_rejected(run, option):
    result = run(main_of(connect_only), {**OPTIONS, option: None}, fails=True)
    assert result["msg"] == f"argument '{option}' is null; leave it out, or use omit."


def test_missing_requests_library_is_reported(run, monkeypatch):
    monkeypatch.setattr(http_client, "REQUESTS_IMPORT_ERROR", "Traceback of the import")
    result = run(main_of(connect_only), OPTIONS, fails=True)
    assert "requests" in result["msg"]


def test_unexpected_exception_is_reported_as_defect(run):
    def fall_over(_run):
        raise KeyError("surprise")

    result = run(main_of(fall_over), OPTIONS, fails=True)
    assert "defect" in result["msg"]
    assert "KeyError('surprise')" in result["msg"]


@pytest.mark.parametrize("number", NUMBERS)
def test_signal_ends_run_and_logs_session_out(run, pool, number):
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
def test_signal_after_logout_does_not_fail_run(run, pool, number):
    def end_before_the_signal(run):
        with run.connect() as session:
            session.call("task.get_all")
        os.kill(os.getpid(), number)
        return {"is_done": True}

    assert run(main_of(end_before_the_signal), {**OPTIONS, "hostname": pool.url})["is_done"]


def test_ignored_signal_does_not_end_run(run, pool):
    """The parent ignores the signal, as nohup does."""

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
def test_password_in_hostname_is_absent_from_result(run, form):
    result = run(main_of(connect_only), {**OPTIONS, "hostname": form.format("hunter2")}, fails=True)
    assert "is not a valid host" in result["msg"]
    assert "hunter2" not in str(result)


def test_warns_of_login_without_usable_response(run, pool):
    pool.fail("session.login_with_password", cut="after")
    result = run(main_of(connect_only), {**OPTIONS, "hostname": pool.url}, fails=True)
    assert [warning for warning in result["warnings"] if "usable answer: 1." in warning]
    pool.logout_all()


def test_xapi_failure_result_contains_error_code(run, pool):
    def call_something_unknown(run):
        with run.connect() as session:
            session.call("task.fly")

    result = run(main_of(call_something_unknown), {**OPTIONS, "hostname": pool.url}, fails=True)
    assert result["error"] == {
        "code": "MESSAGE_METHOD_UNKNOWN",
        "params": ["task.fly"],
        "message": "The server does not know the method task.fly; it may be too old for it.",
    }


def test_session_reference_is_masked_in_result(run, pool):
    def tell_the_session(run):
        with run.connect() as session:
            session.call("task.get_all")
            return {"told": pool.sessions()}

    result = run(main_of(tell_the_session), {**OPTIONS, "hostname": pool.url})
    assert "OpaqueRef" not in str(result)


def test_warns_of_password_over_http(run, pool):
    result = run(main_of(connect_only), {**OPTIONS, "hostname": pool.url})
    assert result["warnings"] == [f"The password is sent unencrypted to {pool.url}: use https."]


def test_does_not_warn_with_https(run, start_pool):
    pool = start_pool(tls=True)
    options = {**OPTIONS, "hostname": pool.url, "ca_path": str(pool.certificate.pem)}
    assert run(main_of(connect_only), options)["warnings"] == []


def test_warns_of_ca_path_without_certificate_validation(run, start_pool):
    pool = start_pool(tls=True)
    options = {**OPTIONS, "hostname": pool.url, "ca_path": "/nowhere", "validate_certs": False}
    (warning,) = run(main_of(connect_only), options)["warnings"]
    assert "ca_path" in warning


def test_warns_of_session_left_after_failed_logout(run, pool):
    pool.fail("session.logout", cut=True, count=None)
    result = run(main_of(connect_only), {**OPTIONS, "hostname": pool.url})
    assert any("logout failed" in warning for warning in result["warnings"])
    pool.logout(pool.sessions()[0])


def test_result_is_not_printed_after_stdout_reader_closes(run, pool, pipe, monkeypatch, capsys):
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


def test_unexpected_exception_leaves_no_session(run, pool):
    def fall_over(run):
        with run.connect() as session:
            session.call("task.get_all")
            raise KeyError("surprise")

    run(main_of(fall_over), {**OPTIONS, "hostname": pool.url}, fails=True)
    assert pool.sessions() == []


@pytest.mark.parametrize("verbosity", [0, 2])
def test_calls_are_omitted_below_verbosity_3(run, pool, verbosity):
    options = {**OPTIONS, "hostname": pool.url, "_ansible_verbosity": verbosity}
    assert "calls" not in run(main_of(connect_only), options)


def test_calls_are_returned_at_verbosity_3(run, pool):
    options = {**OPTIONS, "hostname": pool.url, "_ansible_verbosity": 3}
    calls = run(main_of(connect_only), options)["calls"]
    assert [call["method"] for call in calls] == [call.method for call in pool.log]
    assert {tuple(call) for call in calls} == {("method", "host", "seconds", "error")}
    assert {call["host"] for call in calls} == {pool.url}
    assert {call["error"] for call in calls} == {None}


def test_calls_are_returned_on_failure_without_password(run, pool):
    options = {**OPTIONS, "hostname": ["127.0.0.1:1", pool.url], "password": "wrong"}
    result = run(main_of(connect_only), {**options, "_ansible_verbosity": 3}, fails=True)
    assert [(call["host"], call["error"]) for call in result["calls"]] == [
        ("https://127.0.0.1:1", "ConnectionRefused"),
        (pool.url, "SESSION_AUTHENTICATION_FAILED"),
    ]
    assert "wrong" not in json.dumps(result["calls"])


def test_warns_of_session_ref_over_http(run, pool):
    with session_on(pool) as ref:
        options = {"hostname": pool.url, "session_ref": ref}
        result = run(main_of(connect_only), options)
    assert result["warnings"] == [f"The session_ref is sent unencrypted to {pool.url}: use https."]


def test_warns_of_skipped_host_with_untrusted_certificate(run, start_pool):
    pool, other = start_pool(tls=True), start_pool(tls=True)
    options = {**OPTIONS, "hostname": [other.url, pool.url]}
    result = run(main_of(connect_only), {**options, "ca_path": str(pool.certificate.pem)})
    (warning,) = result["warnings"]
    assert warning.startswith(f"Another member was used. The certificate of {other.url} is not")


def test_warns_of_ca_path_given_with_fingerprint(run, start_pool):
    pool = start_pool(tls=True)
    options = {**OPTIONS, "hostname": pool.url, "ca_path": "/nowhere"}
    result = run(
        main_of(connect_only), {**options, "cert_fingerprint": pool.certificate.sha256.lower()}
    )
    assert result["warnings"] == ["ca_path is not used, since cert_fingerprint is given."]
