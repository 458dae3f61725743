# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import http.client
import socket
import threading
import time
import traceback

import pytest
import requests

from ansible_collections.xen.xapi.plugins.module_utils._client import http_client as _http_client
from ansible_collections.xen.xapi.plugins.module_utils._client.endpoint import Endpoint
from ansible_collections.xen.xapi.plugins.module_utils._client.transport import (
    SIZE_LIMIT,
    Interruptible,
)
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    AnswerTooLarge,
    ConnectionCut,
    ConnectionRefused,
    HostUnreachable,
    Interrupted,
    LibraryMissing,
    NameUnknown,
    RequestFailed,
    RequestTimedOut,
    UnexpectedAnswer,
)
from ansible_collections.xen.xapi.tests.support.raw_server import (
    FOREVER,
    OK,
    LeapingClock,
    RawServer,
    drip,
    headers_of,
    late,
    say_nothing,
    send_and_close,
    transport_for,
)

SOON = 0.3


def test_post_sends_json_body_with_minimal_headers(transport):
    with RawServer(OK) as wire:
        answer = transport.post(wire.endpoint, "/jsonrpc", b'{"a": 1}')
    ((head, body),) = wire.requests
    assert head.split("\r\n")[0] == "POST /jsonrpc HTTP/1.1"
    assert headers_of(head) == {
        "host": f"127.0.0.1:{wire.port}",
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": "xen.xapi",
        "content-length": "8",
    }
    assert body == b'{"a": 1}'
    assert answer == (200, "application/json", b"{}")


def test_connection_is_reused_and_requests_are_counted(transport):
    with RawServer(OK, OK, OK) as wire:
        for _time in range(3):
            transport.post(wire.endpoint, "/", b"{}")
        assert (wire.connections, transport.requests) == (1, 3)


def test_no_cookies_or_netrc_credentials_are_sent(transport, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password of-netrc\n")
    monkeypatch.setenv("NETRC", str(netrc))
    cookie = OK.replace(b"\r\n", b"\r\nSet-Cookie: a=" + b"b" * 2000 + b"\r\n", 1)
    with RawServer(cookie, OK) as wire:
        for _time in range(2):
            transport.post(wire.endpoint, "/", b"{}")
    for head, _body in wire.requests:
        assert not {"authorization", "cookie"} & headers_of(head).keys()
        assert len(head) < 1024


def test_endless_redirect_is_read_up_to_size_limit():
    """Without following it, the library would read all of it at once."""
    answer = drip(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n" + b"x" * 300_000)
    with RawServer(answer) as wire, pytest.raises(AnswerTooLarge):
        transport_for(size_limit=1000).post(wire.endpoint, "/", b"{}", time_limit=10)


def test_redirects_are_not_followed(transport):
    with RawServer(OK) as elsewhere:
        moved = (
            f"HTTP/1.1 307 Moved\r\nLocation: {elsewhere.endpoint.url}/\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        with RawServer(moved.encode()) as wire:
            assert transport.post(wire.endpoint, "/", b"secret").status == 307
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n"
        + b"x" * 1001
        + b"\r\n0\r\n\r\n",
        # A body that is read only in part.
        b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 300_000,
    ],
    ids=["length", "chunks", "redirect"],
)
def test_response_over_size_limit_is_rejected_and_not_retained(answer):
    with RawServer(answer) as wire, pytest.raises(AnswerTooLarge) as caught:
        transport_for(size_limit=1000).post(wire.endpoint, "/", b"{}")
    assert caught.value.limit == 1000
    assert largest_in_frames(caught.value.__cause__) <= 1


def largest_in_frames(error):
    """Return the length of the longest bytearray that a traceback keeps alive."""
    frames = [frame for frame, _line in traceback.walk_tb(error.__traceback__)]
    held = [value for frame in frames for value in frame.f_locals.values()]
    return max(len(value) for value in held if isinstance(value, bytearray))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_compressed_response_is_rejected(transport, encoding):
    answer = OK.replace(b"\r\n", f"\r\nContent-Encoding: {encoding}\r\n".encode(), 1)
    with RawServer(answer) as wire, pytest.raises(UnexpectedAnswer) as caught:
        transport.post(wire.endpoint, "/", b"{}")
    assert caught.value.status == 200
    assert caught.value.content_type == f"application/json in {encoding}"


def test_response_of_exact_size_limit_is_accepted():
    with RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000) as wire:
        answer = transport_for(size_limit=1000).post(wire.endpoint, "/", b"{}")
    assert len(answer.body) == 1000


@pytest.mark.parametrize(
    "answer",
    [
        say_nothing,
        drip(b"HTTP/1.1 200 OK\r\nX-Endless: "),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"),
    ],
    ids=["nothing", "headers", "body"],
)
def test_time_limit_covers_whole_request(transport, answer):
    with RawServer(answer) as wire, pytest.raises(RequestTimedOut) as caught:
        transport.post(wire.endpoint, "/", b"{}", time_limit=SOON)
    assert (caught.value.seconds, caught.value.by_overall_deadline) == (SOON, False)


def test_overall_deadline_shortens_request(transport):
    transport.deadline = time.monotonic() + SOON
    with RawServer(say_nothing) as wire, pytest.raises(RequestTimedOut) as caught:
        transport.post(wire.endpoint, "/", b"{}")
    assert caught.value.by_overall_deadline


def test_response_is_not_read_after_time_limit():
    """The background thread does not read a late response either, up to the size limit."""

    poured = []

    def pour(wire, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
        try:
            while not wire.ended.wait(0.02):
                poured.append(connection.send(b"x" * 262144))
        except OSError:
            wire.hung_up.set()

    clock = LeapingClock()
    with RawServer(clock.before(pour)) as wire:
        with pytest.raises(RequestTimedOut):
            transport_for(clock=clock).post(wire.endpoint, "/jsonrpc", b"{}")
        assert wire.hung_up.wait(60)
        assert sum(poured) < SIZE_LIMIT / 4


def test_time_limit_covers_tls_handshake(transport):
    with RawServer(say_nothing) as wire, pytest.raises(RequestTimedOut):
        transport.post(wire.endpoint._replace(scheme="https"), "/", b"{}", time_limit=SOON)


def test_request_after_timeout_uses_new_connection():
    clock = LeapingClock()
    transport = transport_for(clock=clock)
    with RawServer(clock.before(say_nothing), OK) as wire:
        with pytest.raises(RequestTimedOut):
            transport.post(wire.endpoint, "/", b"{}")
        assert transport.post(wire.endpoint, "/", b"{}").body == b"{}"
        assert wire.connections == 2


class Stop:
    """Stands for the stop callable: raises once a condition holds."""

    def __init__(self, *, once):
        self._once = once
        self.has_raised = threading.Event()

    def __call__(self):
        if self._once():
            self.has_raised.set()
            raise Interrupted("SIGTERM")


def test_no_request_is_sent_after_stop():
    with RawServer(OK) as wire:
        transport = transport_for(stop=Stop(once=lambda: True))
        with pytest.raises(Interrupted):
            transport.post(wire.endpoint, "/", b"{}")
        assert (wire.requests, transport.requests) == ([], 0)


def test_stop_interrupts_request_waiting_for_response():
    with RawServer(say_nothing) as wire:
        transport = transport_for(stop=Stop(once=lambda: wire.requests))
        with pytest.raises(Interrupted):
            transport.post(wire.endpoint, "/", b"{}")
        assert len(wire.requests) == 1


def test_interruptible_before_send_completes_once_sent():
    def answer_in_spite_of_it(_wire, connection):
        stop.has_raised.wait(FOREVER)
        connection.sendall(OK)

    with RawServer(answer_in_spite_of_it) as wire:
        stop = Stop(once=lambda: wire.requests)
        answer = transport_for(stop=stop).post(
            wire.endpoint, "/", b"{}", interruptible=Interruptible.BEFORE_SEND
        )
    assert answer.body == b"{}"


def test_interruptible_before_send_stops_during_tls_handshake():
    with RawServer(say_nothing) as wire:
        endpoint = wire.endpoint._replace(scheme="https")
        transport = transport_for(stop=Stop(once=lambda: wire.received))
        with pytest.raises(Interrupted):
            transport.post(endpoint, "/", b"{}", interruptible=Interruptible.BEFORE_SEND)


def test_uninterruptible_request_completes_despite_stop():
    with RawServer(late(OK)) as wire:
        transport = transport_for(stop=Stop(once=lambda: True))
        assert (
            transport.post(wire.endpoint, "/", b"{}", interruptible=Interruptible.NEVER).body
            == b"{}"
        )


class SlowNames:
    """A resolver that records a lookup, and answers only when the test allows it."""

    def __init__(self, monkeypatch, tell):
        self.may_answer = threading.Event()
        self._tell = tell
        self._lookup = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, *arguments, **options):
        self._tell()
        self.may_answer.wait(FOREVER)
        return self._lookup(*arguments, **options)


@pytest.mark.parametrize("is_stopped", [False, True])
def test_abandoned_unsent_request_is_never_sent(monkeypatch, is_stopped):
    clock, asked = LeapingClock(), threading.Event()
    names = SlowNames(monkeypatch, asked.set if is_stopped else clock.leap)
    with RawServer(OK) as wire:
        transport = transport_for(stop=Stop(once=asked.is_set), clock=clock)
        with pytest.raises(Interrupted if is_stopped else RequestTimedOut) as caught:
            transport.post(wire.endpoint, "/", b"{}")
        names.may_answer.set()
        assert wire.hung_up.wait(60)
        assert [body for _head, body in wire.requests] == []
    assert not getattr(caught.value, "sent", False)


@pytest.mark.parametrize("answer", [say_nothing, drip(b"HTTP/1.1 200 OK\r\n")])
def test_timed_out_request_is_reported_as_sent(answer):
    clock = LeapingClock()
    with RawServer(clock.before(answer)) as wire, pytest.raises(RequestTimedOut) as caught:
        transport_for(clock=clock).post(wire.endpoint, "/", b"{}")
    assert caught.value.sent


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize("tls", [True, False])
def test_retries_idempotent_request_on_stale_connection(certificate, repeatable, tls):
    own = certificate("127.0.0.1")
    answers = [OK, send_and_close(b""), OK]
    with RawServer(*answers, context=own.context if tls else None) as wire:
        transport = transport_for(ca_path=str(own.pem))
        transport.post(wire.endpoint, "/", b"{}", repeatable=repeatable)
        if repeatable:
            answer = transport.post(wire.endpoint, "/", b"{}", repeatable=True)
            assert answer.body == b"{}"
        else:
            with pytest.raises(ConnectionCut) as caught:
                transport.post(wire.endpoint, "/", b"{}")
            assert caught.value.sent
        assert len(wire.requests) == transport.requests == (3 if repeatable else 2)
        transport.close()


def test_does_not_retry_request_on_new_connection(transport):
    with RawServer(send_and_close(b""), OK) as wire:
        with pytest.raises(ConnectionCut):
            transport.post(wire.endpoint, "/", b"{}", repeatable=True)
        assert len(wire.requests) == 1


def test_retries_stale_connection_only_once(transport):
    with RawServer(OK, send_and_close(b""), send_and_close(b""), OK) as wire:
        transport.post(wire.endpoint, "/", b"{}")
        with pytest.raises(ConnectionCut):
            transport.post(wire.endpoint, "/", b"{}", repeatable=True)
        assert len(wire.requests) == 3


def test_retries_any_request_if_no_byte_was_sent(transport, monkeypatch):
    """The connection is closed between the library's check of it and the first byte."""
    with RawServer(OK, OK) as wire:
        transport.post(wire.endpoint, "/", b"{}")
        send, tries = http.client.HTTPConnection.send, []

        def fail_once(connection, data):
            tries.append(data)
            if len(tries) == 1:
                connection.sock.shutdown(socket.SHUT_RDWR)
            return send(connection, data)

        monkeypatch.setattr(http.client.HTTPConnection, "send", fail_once)
        assert transport.post(wire.endpoint, "/", b"{}").body == b"{}"
        assert len(wire.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
    ],
)
def test_incomplete_response_raises_connection_cut(transport, answer):
    with RawServer(send_and_close(answer)) as wire, pytest.raises(ConnectionCut):
        transport.post(wire.endpoint, "/", b"{}")


def test_truncated_body_is_detected_with_older_urllib3(transport, monkeypatch):
    send = requests.Session.send

    def send_as_before(session, *arguments, **options):
        response = send(session, *arguments, **options)
        response.raw.enforce_content_length = False
        return response

    monkeypatch.setattr(requests.Session, "send", send_as_before)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
    with RawServer(send_and_close(answer)) as wire, pytest.raises(ConnectionCut):
        transport.post(wire.endpoint, "/", b"{}")


def test_closed_port_raises_connection_refused(transport):
    # The port does not listen, and while it is bound no other process can use it.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = Endpoint("http", *taken.getsockname())
        with pytest.raises(ConnectionRefused) as caught:
            transport.post(endpoint, "/", b"{}")
    assert caught.value.url == endpoint.url


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), NameUnknown),
        (OSError(errno.EHOSTUNREACH, "No route to host"), HostUnreachable),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), HostUnreachable),
        (ConnectionResetError(errno.ECONNRESET, "reset"), ConnectionCut),
        (TimeoutError("timed out"), RequestTimedOut),
    ],
)
def test_maps_network_errors_to_error_types(transport, monkeypatch, error, kind):
    def fail(*_arguments, **_options):
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(kind):
        transport.post(Endpoint.of("https", "xcp1", None), "/", b"{}")


def test_invalid_host_name_raises_request_failed(transport):
    with pytest.raises(RequestFailed) as caught:
        transport.post(Endpoint.of("https", "a" * 80 + ".example", None), "/", b"{}")
    assert caught.value.detail


def test_missing_requests_library_raises_library_missing(monkeypatch):
    monkeypatch.setattr(_http_client, "REQUESTS_IMPORT_ERROR", "Traceback")
    with pytest.raises(LibraryMissing) as caught:
        transport_for()
    assert (caught.value.library, caught.value.details) == ("requests", "Traceback")
