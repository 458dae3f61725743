# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal

import pytest

from ansible_collections.xen.xapi.plugins.module_utils import _errors, _module, _transport
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    HostError,
    Interrupted,
    NoHostAnswered,
    OptionError,
    RequestTimedOut,
    XapiError,
    XapiFailure,
)
from ansible_collections.xen.xapi.plugins.module_utils._module import explain, run_module
from ansible_collections.xen.xapi.plugins.module_utils._options import connection_spec

URL = "https://xcp1:8443"


def all_kinds(kind=XapiError):
    for below in kind.__subclasses__():
        yield below
        yield from all_kinds(below)


def example(kind):
    """An error of a kind, with whatever that kind holds."""
    if kind is OptionError:
        return OptionError("uuid", value="x", problem="is no uuid")
    if kind is NoHostAnswered:
        return NoHostAnswered([RequestTimedOut(URL, seconds=30.0)] * 2)
    if kind is XapiFailure:
        return XapiFailure(URL, method="task.get_all", code="A_NEW_CODE", params=["p"])
    values = {
        Interrupted: {"signal": "SIGTERM"},
        _errors.TrustUnusable: {"source": "ca_path", "path": "/ca", "detail": "no such file"},
        RequestTimedOut: {"url": URL, "seconds": 30.0},
        _errors.AnswerTooLarge: {"url": URL, "limit": 5},
        _errors.UnexpectedAnswer: {"url": URL, "status": 404, "content_type": "text/html"},
    }
    return kind(**values.get(kind, {"url": URL}))


# These two are never raised themselves, and the edge has core's words for a missing library.
UNEXPLAINED = (HostError, _errors.LibraryMissing)


@pytest.mark.parametrize("kind", sorted(set(all_kinds()) - set(UNEXPLAINED), key=str))
def test_every_error_has_a_sentence(kind):
    sentence = explain(example(kind))
    assert sentence.endswith((".", "?", ")"))
    assert "{" not in sentence
    if issubclass(kind, HostError):
        assert URL in sentence


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OptionError("uuid", value="x", problem="is no uuid"), "uuid: 'x' is no uuid."),
        (OptionError("password", problem="is empty"), "password is empty."),
        (
            RequestTimedOut(URL, seconds=30.0),
            f"{URL} did not answer within 30 s: check hostname, port and how the host is.",
        ),
        (
            XapiFailure(URL, method="task.get_all", code="UUID_INVALID", params=["VM", "x"]),
            f"task.get_all failed on {URL}: There is no VM with the uuid x. (UUID_INVALID)",
        ),
        (
            XapiFailure(URL, method="login", code="HOST_STILL_BOOTING", params=[]),
            f"{URL} is still starting: try again, or list another member in hostname.",
        ),
        (
            XapiFailure(URL, method="a.b", code="RBAC_PERMISSION_DENIED", params=["a.b", "x"]),
            (
                f"{URL} denies a.b to this account. The role of the account lacks the permission "
                "a.b. Give an account with another role in username."
            ),
        ),
    ],
)
def test_sentences(error, sentence):
    assert explain(error) == sentence


def test_the_member_that_named_the_master_is_told():
    error = RequestTimedOut(URL, seconds=30.0)
    error.named_by = "https://xcp2"
    assert explain(error).endswith(" (https://xcp2 names it as the pool's master.)")


def test_every_member_that_failed_is_told():
    error = NoHostAnswered(
        [RequestTimedOut("https://a", seconds=1.0), RequestTimedOut("https://b", seconds=1.0)]
    )
    assert "https://a did not" in explain(error)
    assert "https://b did not" in explain(error)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_kept_until_it_is_asked_for(number):
    before = signal.getsignal(number)
    signals = _module._Signals()
    with signals:
        signals.check()
        os.kill(os.getpid(), number)
        with pytest.raises(Interrupted) as caught:
            signals.check()
    assert caught.value.signal == signal.Signals(number).name
    assert signal.getsignal(number) is before


OPTIONS = {"hostname": "127.0.0.1:1", "password": "xapi-secret"}


def main_of(work):
    return lambda: run_module(work, argument_spec=connection_spec())


def connect_only(run):
    with run.connect() as session:
        return {"requests_inside": session.requests}


def test_a_result(run, pool):
    result = run(main_of(connect_only), {**OPTIONS, "hostname": pool.url})
    assert result["requests_inside"] == 3


def test_what_the_task_wrote_is_told_from_what_it_left_out(run):
    given = []
    main = main_of(lambda run: given.append(dict(run.given)) or {})
    run(main, {**OPTIONS, "port": None})
    assert given == [{**OPTIONS, "port": None}]


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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_without_a_session_left(run, pool, number):
    def wait_for_a_signal(run):
        with run.connect() as session:
            assert pool.sessions()
            os.kill(os.getpid(), number)
            session.call("task.get_all")

    result = run(main_of(wait_for_a_signal), {**OPTIONS, "hostname": pool.url}, fails=True)
    assert result["msg"] == f"Stopped by {signal.Signals(number).name}."
    assert pool.sessions() == []


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
        with run.connect():
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
    pool.fail("session.logout", cut=True)
    result = run(main_of(connect_only), {**OPTIONS, "hostname": pool.url})
    assert any("logout failed" in warning for warning in result["warnings"])
    pool.logout(pool.sessions()[0])
