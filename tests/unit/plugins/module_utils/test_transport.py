# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import socket
import ssl
import threading

import pytest
import requests

from ansible_collections.xen.xapi.plugins.module_utils import _transport
from ansible_collections.xen.xapi.plugins.module_utils._endpoints import Endpoint
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    AnswerTooLarge,
    CertificateOutOfTime,
    CertificateUntrusted,
    CertificateWrongName,
    ConnectionCut,
    ConnectionRefused,
    FingerprintMismatch,
    HostUnreachable,
    Interrupted,
    LibraryMissing,
    NameUnknown,
    PortWithoutTls,
    ProxyFailed,
    RequestFailed,
    RequestTimedOut,
    TlsFailed,
    TrustUnusable,
    UnexpectedAnswer,
)
from ansible_collections.xen.xapi.plugins.module_utils._transport import Leave, Transport
from ansible_collections.xen.xapi.tests.simulator.certificate import Certificate
from ansible_collections.xen.xapi.tests.tunnel import Tunnel

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
TLS_HELLO = b"\x16"
FOREVER = 3600
SOON = 0.3


class Wire:
    """A server that gives each request the next of some answers, byte for byte, and keeps them.

    An answer can be bytes, or a function that is given this server and the connection.
    """

    def __init__(self, *answers, context=None):
        self._answers = list(answers)
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.endpoint = Endpoint("https" if context else "http", "127.0.0.1", self.port)
        self.requests = []
        self.received = b""
        self.connections = 0
        self.ended = threading.Event()
        self.hung_up = threading.Event()

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_details):
        self.ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
                stack.enter_context(connection)
            while self._answers and self._read_request(connection):
                answer = self._answers.pop(0)
                if isinstance(answer, bytes):
                    connection.sendall(answer)
                else:
                    answer(self, connection)

    def _read_request(self, connection):
        received = b""
        while b"\r\n\r\n" not in received:
            piece = connection.recv(65536)
            if not piece:
                self.hung_up.set()
                return False
            self.received += piece
            received += piece
            if received.startswith(TLS_HELLO):
                return True
        head, body = received.split(b"\r\n\r\n", 1)
        length = int(headers_of(head.decode())["content-length"])
        while len(body) < length:
            piece = connection.recv(65536)
            if not piece:
                self.hung_up.set()
                return False
            body += piece
        self.requests.append((head.decode(), body))
        return True


def drip(text):
    """An answer that begins like this and goes on by one byte at a time, without end."""

    def send(wire, connection):
        connection.sendall(text)
        while not wire.ended.wait(0.02):
            connection.sendall(b"x")

    return send


def say_nothing(wire, _connection):
    wire.ended.wait(FOREVER)


def send_and_close(text):
    def send(_wire, connection):
        connection.sendall(text)
        connection.shutdown(socket.SHUT_RDWR)

    return send


def late(answer):
    """An answer that lets its reader look around first."""

    def send(wire, connection):
        wire.ended.wait(0.6)
        connection.sendall(answer)

    return send


def headers_of(head):
    pairs = [line.split(": ", 1) for line in head.split("\r\n")[1:]]
    return {name.lower(): value for name, value in pairs}


def never_stop():
    pass


@pytest.fixture
def transport():
    one = Transport(validate_certs=True, ca_path=None, stop=never_stop)
    yield one
    one.close()


def transport_for(*, validate_certs=True, ca_path=None, stop=never_stop, **limits):
    return Transport(validate_certs=validate_certs, ca_path=ca_path, stop=stop, **limits)


def test_what_is_sent(transport):
    with Wire(OK) as wire:
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


def test_connections_are_kept_and_requests_counted(transport):
    with Wire(OK, OK, OK) as wire:
        for _time in range(3):
            transport.post(wire.endpoint, "/", b"{}")
        assert (wire.connections, transport.requests) == (1, 3)


def test_nothing_that_the_server_or_the_user_keeps_gets_into_the_headers(
    transport, monkeypatch, tmp_path
):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password of-netrc\n")
    monkeypatch.setenv("NETRC", str(netrc))
    cookie = OK.replace(b"\r\n", b"\r\nSet-Cookie: a=" + b"b" * 2000 + b"\r\n", 1)
    with Wire(cookie, OK) as wire:
        for _time in range(2):
            transport.post(wire.endpoint, "/", b"{}")
    for head, _body in wire.requests:
        assert not {"authorization", "cookie"} & headers_of(head).keys()
        assert len(head) < 1024


def test_redirects_are_not_followed(transport):
    with Wire(OK) as elsewhere:
        moved = (
            f"HTTP/1.1 307 Moved\r\nLocation: {elsewhere.endpoint.url}/\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        with Wire(moved.encode()) as wire:
            assert transport.post(wire.endpoint, "/", b"secret").status == 307
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n"
        + b"x" * 1001
        + b"\r\n0\r\n\r\n",
    ],
)
def test_an_answer_over_the_limit_is_refused(answer):
    with Wire(answer) as wire, pytest.raises(AnswerTooLarge) as caught:
        transport_for(size_limit=1000).post(wire.endpoint, "/", b"{}")
    assert caught.value.limit == 1000


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_a_compressed_answer_is_refused(transport, encoding):
    answer = OK.replace(b"\r\n", f"\r\nContent-Encoding: {encoding}\r\n".encode(), 1)
    with Wire(answer) as wire, pytest.raises(UnexpectedAnswer) as caught:
        transport.post(wire.endpoint, "/", b"{}")
    assert caught.value.status == 200
    assert caught.value.content_type == f"application/json in {encoding}"


def test_an_answer_of_the_limit_is_taken():
    with Wire(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000) as wire:
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
def test_the_time_limit_is_for_the_whole_request(transport, answer):
    with Wire(answer) as wire, pytest.raises(RequestTimedOut) as caught:
        transport.post(wire.endpoint, "/", b"{}", time_limit=SOON)
    assert caught.value.seconds == SOON


def test_nobody_reads_on_after_the_time_limit(transport):
    """What is too late is not taken in beside the work either, up to the limit of its size."""

    def pour(wire, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
        try:
            while not wire.ended.wait(0.02):
                connection.sendall(b"x" * 262144)
        except OSError:
            wire.hung_up.set()

    with Wire(pour) as wire:
        with pytest.raises(RequestTimedOut):
            transport.post(wire.endpoint, "/jsonrpc", b"{}", time_limit=SOON)
        assert wire.hung_up.wait(10)


def test_the_time_limit_holds_for_the_handshake(transport):
    with Wire(say_nothing) as wire, pytest.raises(RequestTimedOut):
        transport.post(wire.endpoint._replace(scheme="https"), "/", b"{}", time_limit=SOON)


def test_what_follows_a_timeout_is_not_held_up(transport):
    with Wire(say_nothing, OK) as wire:
        with pytest.raises(RequestTimedOut):
            transport.post(wire.endpoint, "/", b"{}", time_limit=SOON)
        assert transport.post(wire.endpoint, "/", b"{}").body == b"{}"
        assert wire.connections == 2


class Stop:
    """What the edge asks to stop with: silent for some questions, then it raises."""

    def __init__(self, after):
        self._left = after

    def __call__(self):
        self._left -= 1
        if self._left < 0:
            raise Interrupted("SIGTERM")


def test_nothing_is_sent_once_the_run_is_to_stop():
    with Wire(OK) as wire:
        transport = transport_for(stop=Stop(after=0))
        with pytest.raises(Interrupted):
            transport.post(wire.endpoint, "/", b"{}")
        assert (wire.requests, transport.requests) == ([], 0)


def test_a_request_is_left_when_the_run_is_to_stop():
    with Wire(say_nothing) as wire:
        with pytest.raises(Interrupted):
            transport_for(stop=Stop(after=1)).post(wire.endpoint, "/", b"{}", time_limit=5)
        assert len(wire.requests) == 1


def test_a_request_is_not_left_once_it_is_sent():
    with Wire(late(OK)) as wire:
        transport = transport_for(stop=Stop(after=1))
        answer = transport.post(wire.endpoint, "/", b"{}", leave=Leave.UNSENT)
    assert answer.body == b"{}"


def test_a_request_is_left_as_long_as_it_is_not_sent():
    with Wire(say_nothing) as wire:
        endpoint = wire.endpoint._replace(scheme="https")
        with pytest.raises(Interrupted):
            transport_for(stop=Stop(after=1)).post(endpoint, "/", b"{}", leave=Leave.UNSENT)


def test_a_request_is_never_left_that_must_not_be():
    with Wire(late(OK)) as wire:
        transport = transport_for(stop=Stop(after=0))
        assert transport.post(wire.endpoint, "/", b"{}", leave=Leave.NEVER).body == b"{}"


class SlowNames:
    """A name service that answers only when it is told to."""

    def __init__(self, monkeypatch):
        self.may_answer = threading.Event()
        self._lookup = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, *arguments, **options):
        self.may_answer.wait(FOREVER)
        return self._lookup(*arguments, **options)


@pytest.mark.parametrize("stop", [never_stop, Stop(after=1)])
def test_what_was_left_unsent_is_not_sent_later(monkeypatch, stop):
    names = SlowNames(monkeypatch)
    with Wire(OK) as wire:
        seconds = SOON if stop is never_stop else FOREVER
        with pytest.raises((RequestTimedOut, Interrupted)) as caught:
            transport_for(stop=stop).post(wire.endpoint, "/", b"{}", time_limit=seconds)
        names.may_answer.set()
        assert wire.hung_up.wait(FOREVER)
        assert [body for _head, body in wire.requests] == []
    assert not getattr(caught.value, "sent", False)


@pytest.mark.parametrize("answer", [say_nothing, drip(b"HTTP/1.1 200 OK\r\n")])
def test_what_is_late_may_have_arrived(transport, answer):
    with Wire(answer) as wire, pytest.raises(RequestTimedOut) as caught:
        transport.post(wire.endpoint, "/", b"{}", time_limit=SOON)
    assert caught.value.sent


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize("tls", [True, False])
def test_what_goes_out_on_a_dead_connection_is_repeated_if_it_may_be(certificate, repeatable, tls):
    own = certificate("127.0.0.1")
    answers = [OK, send_and_close(b""), OK]
    with Wire(*answers, context=own.context if tls else None) as wire:
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


def test_what_goes_out_on_a_new_connection_is_not_repeated(transport):
    with Wire(send_and_close(b""), OK) as wire:
        with pytest.raises(ConnectionCut):
            transport.post(wire.endpoint, "/", b"{}", repeatable=True)
        assert len(wire.requests) == 1


def test_what_is_cut_twice_is_not_repeated_again(transport):
    with Wire(OK, send_and_close(b""), send_and_close(b""), OK) as wire:
        transport.post(wire.endpoint, "/", b"{}")
        with pytest.raises(ConnectionCut):
            transport.post(wire.endpoint, "/", b"{}", repeatable=True)
        assert len(wire.requests) == 3


def test_what_cannot_have_arrived_is_repeated(transport, monkeypatch):
    """The connection dies between the library's look at it and the first byte."""
    with Wire(OK, OK) as wire:
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
def test_a_connection_that_ends_early(transport, answer):
    with Wire(send_and_close(answer)) as wire, pytest.raises(ConnectionCut):
        transport.post(wire.endpoint, "/", b"{}")


def test_an_older_urllib3_takes_no_half_for_the_whole(transport, monkeypatch):
    send = requests.Session.send

    def send_as_before(session, *arguments, **options):
        response = send(session, *arguments, **options)
        response.raw.enforce_content_length = False
        return response

    monkeypatch.setattr(requests.Session, "send", send_as_before)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
    with Wire(send_and_close(answer)) as wire, pytest.raises(ConnectionCut):
        transport.post(wire.endpoint, "/", b"{}")


def test_a_port_without_a_listener(transport):
    with Wire() as wire:
        endpoint = wire.endpoint
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
def test_errors_of_the_network(transport, monkeypatch, error, kind):
    def fail(*_arguments, **_options):
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(kind):
        transport.post(Endpoint.of("https", "xcp1", None), "/", b"{}")


def test_a_request_that_cannot_be_made(transport):
    with pytest.raises(RequestFailed) as caught:
        transport.post(Endpoint.of("https", "a" * 80 + ".example", None), "/", b"{}")
    assert caught.value.detail


@pytest.fixture
def certificate():
    made = []

    def make(*names, **validity):
        made.append(Certificate(list(names), **validity))
        return made[-1]

    yield make
    for one in made:
        one.remove()


def post_to(certificate, **trust):
    with Wire(OK, context=certificate.context) as wire:
        transport = transport_for(**trust)
        try:
            return transport.post(wire.endpoint, "/", b"{}")
        finally:
            transport.close()


def test_a_certificate_of_ca_path_is_trusted(certificate):
    own = certificate("127.0.0.1")
    assert post_to(own, ca_path=str(own.pem)).body == b"{}"


def test_a_directory_of_certificates_is_trusted(certificate, tmp_path):
    own = certificate("127.0.0.1")
    (tmp_path / f"{subject_hash(own.pem)}.0").write_bytes(own.pem.read_bytes())
    assert post_to(own, ca_path=str(tmp_path)).body == b"{}"
    with pytest.raises(CertificateUntrusted):
        post_to(certificate("127.0.0.1"), ca_path=str(tmp_path))


def test_an_unknown_authority(certificate):
    own = certificate("127.0.0.1")
    with pytest.raises(CertificateUntrusted) as caught:
        post_to(own)
    assert "self" in caught.value.detail
    assert caught.value.fingerprint == own.fingerprint
    assert not caught.value.sent


def test_another_authority(certificate):
    with pytest.raises(CertificateUntrusted):
        post_to(certificate("127.0.0.1"), ca_path=str(certificate("localhost").pem))


class OneHandshake:
    """Stands for a context; the second time it is asked for a handshake, it keeps still."""

    def __init__(self, context):
        self._contexts = [context]
        self.forever = threading.Event()

    def wrap_socket(self, connection, **options):
        if not self._contexts:
            self.forever.wait(FOREVER)
            raise OSError
        return self._contexts.pop().wrap_socket(connection, **options)


def test_a_fingerprint_that_cannot_be_read_is_done_without(certificate):
    context = OneHandshake(certificate("127.0.0.1").context)
    with Wire(OK, context=context) as wire, pytest.raises(CertificateUntrusted) as caught:
        transport_for().post(wire.endpoint, "/", b"{}", time_limit=SOON)
    context.forever.set()
    assert caught.value.fingerprint is None


def test_no_fingerprint_is_read_past_a_proxy(certificate, monkeypatch):
    with Tunnel() as tunnel:
        monkeypatch.setenv("https_proxy", tunnel.url)
        with pytest.raises(CertificateUntrusted) as caught:
            post_to(certificate("127.0.0.1"))
    assert caught.value.fingerprint is None
    assert len(tunnel.asked) == 1


def test_a_wrong_name(certificate):
    own = certificate("other.example")
    with pytest.raises(CertificateWrongName) as caught:
        post_to(own, ca_path=str(own.pem))
    assert "127.0.0.1" in caught.value.detail


@pytest.mark.parametrize(
    ("valid_from", "detail"), [(0.0, "expired"), (4_000_000_000.0, "not yet valid")]
)
def test_a_certificate_at_another_time(certificate, valid_from, detail):
    own = certificate("127.0.0.1", valid_from=valid_from, days=1)
    with pytest.raises(CertificateOutOfTime) as caught:
        post_to(own, ca_path=str(own.pem))
    assert detail in caught.value.detail


def test_tls_to_a_port_without_it(transport):
    with Wire(OK) as wire, pytest.raises(PortWithoutTls) as caught:
        transport.post(wire.endpoint._replace(scheme="https"), "/", b"{}")
    assert "_ssl.c" not in caught.value.detail
    assert not caught.value.sent


def test_a_handshake_that_is_cut(transport):
    with Wire(send_and_close(b"")) as wire, pytest.raises(TlsFailed) as caught:
        transport.post(wire.endpoint._replace(scheme="https"), "/", b"{}")
    assert caught.type is TlsFailed


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_tls_before_1_2_is_refused(certificate):
    own = certificate("127.0.0.1")
    own.context.minimum_version = own.context.maximum_version = ssl.TLSVersion.TLSv1_1
    own.context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(TlsFailed):
        post_to(own, ca_path=str(own.pem))


@pytest.mark.parametrize("validate_certs", [True, False])
@pytest.mark.parametrize("proxied", [False, True])
def test_fingerprints(certificate, monkeypatch, validate_certs, proxied):
    """They decide alone: the certificate is unknown, for another name, and out of date."""
    own, other = certificate("other.example", valid_from=0.0), certificate("127.0.0.1")
    with Tunnel() as tunnel, Wire(OK, OK, context=own.context) as wire:
        if proxied:
            monkeypatch.setenv("https_proxy", tunnel.url)
        trust = {"validate_certs": validate_certs, "ca_path": str(other.pem)}
        for fingerprints in ([own.fingerprint], [other.fingerprint, own.fingerprint]):
            transport = transport_for(fingerprints=fingerprints, **trust)
            assert transport.post(wire.endpoint, "/", b"{}").body == b"{}"
            transport.close()
        with pytest.raises(FingerprintMismatch) as caught:
            transport_for(fingerprints=[other.fingerprint], **trust).post(wire.endpoint, "/", b"{}")
        assert (caught.value.seen, caught.value.expected) == (own.fingerprint, (other.fingerprint,))
        assert not caught.value.sent
        assert len(wire.requests) == 2
        assert len(tunnel.asked) == (3 if proxied else 0)


def test_nothing_is_sent_to_a_certificate_with_another_fingerprint(certificate):
    """Not a byte that the server could read after the handshake."""
    with Wire(OK, context=certificate("127.0.0.1").context) as wire:
        with pytest.raises(FingerprintMismatch):
            transport_for(fingerprints=["AA"]).post(wire.endpoint, "/", b"{}")
        assert wire.hung_up.wait(FOREVER)
    assert wire.received == b""


def test_a_fingerprint_is_the_one_that_openssl_prints(certificate):
    own = certificate("127.0.0.1")
    with os.popen(f"openssl x509 -noout -fingerprint -sha256 -in {own.pem}") as output:
        line = output.read().strip() or pytest.skip("there is no openssl command here")
    with pytest.raises(CertificateUntrusted) as caught:
        post_to(own)
    assert line.partition("=")[2] == caught.value.fingerprint


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_of_the_environment(certificate, monkeypatch, variable):
    own, other = certificate("127.0.0.1"), certificate("127.0.0.1")
    monkeypatch.setenv(variable, str(own.pem))
    assert post_to(own).body == b"{}"
    with pytest.raises(CertificateUntrusted):
        post_to(own, ca_path=str(other.pem))
    monkeypatch.setenv(variable, str(other.pem))
    with pytest.raises(CertificateUntrusted):
        post_to(own)
    assert post_to(own, ca_path=str(own.pem)).body == b"{}"
    assert post_to(own, validate_certs=False).body == b"{}"


def test_no_check_and_no_noise_without_validate_certs(certificate, recwarn):
    assert post_to(certificate("other.example"), validate_certs=False).body == b"{}"
    assert [str(warning.message) for warning in recwarn] == []


@pytest.fixture(params=[None, "", "no certificate"])
def useless(request, tmp_path):
    """A file of authorities without any."""
    path = tmp_path / "ca.pem"
    if request.param is not None:
        path.write_text(request.param)
    return str(path)


@pytest.mark.parametrize("source", ["ca_path", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_authorities_that_cannot_be_used(monkeypatch, certificate, useless, source):
    if source != "ca_path":
        monkeypatch.setenv(source, useless)
    with pytest.raises(TrustUnusable) as caught:
        post_to(certificate("127.0.0.1"), ca_path=useless if source == "ca_path" else None)
    assert (caught.value.source, caught.value.path) == (source, useless)
    assert caught.value.detail


def test_useless_authorities_do_no_harm_where_none_are_asked(monkeypatch, certificate, useless):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", useless)
    own = certificate("127.0.0.1")
    assert post_to(own, ca_path=str(own.pem)).body == b"{}"
    assert post_to(own, validate_certs=False).body == b"{}"
    assert post_to(own, fingerprints=[own.fingerprint]).body == b"{}"
    with Wire(OK) as wire:
        assert transport_for().post(wire.endpoint, "/", b"{}").body == b"{}"


def test_a_proxy_of_the_environment(transport, monkeypatch):
    with Wire(OK) as proxy:
        monkeypatch.setenv("http_proxy", proxy.endpoint.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        transport.post(Endpoint.of("http", "xcp1.example", None), "/jsonrpc", b"{}")
    ((head, _body),) = proxy.requests
    assert head.startswith("POST http://xcp1.example/jsonrpc ")


def test_no_proxy_for_hosts_that_are_named_in_no_proxy(transport, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Wire(OK) as wire:
        assert transport.post(wire.endpoint, "/", b"{}").body == b"{}"


def test_a_proxy_that_does_not_answer(transport, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    with pytest.raises(ProxyFailed):
        transport.post(Endpoint.of("https", "xcp1.example", None), "/", b"{}")


@pytest.mark.parametrize("proxy", ["http://someone:of-proxy@127.0.0.1:1", "foo://a:of-proxy@b"])
def test_the_password_of_a_proxy_is_in_no_error(transport, monkeypatch, proxy):
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises((ProxyFailed, RequestFailed)) as caught:
        transport.post(Endpoint.of("https", "xcp1.example", None), "/", b"{}")
    assert "of-proxy" not in repr(vars(caught.value))


def test_the_library_is_missing(monkeypatch):
    monkeypatch.setattr(_transport, "REQUESTS_IMPORT_ERROR", "Traceback")
    with pytest.raises(LibraryMissing) as caught:
        transport_for()
    assert (caught.value.library, caught.value.details) == ("requests", "Traceback")


def test_an_older_urllib3_has_an_error_of_its_own_for_names(transport, monkeypatch):
    class CertificateError(ValueError):
        pass

    error = requests.exceptions.SSLError(CertificateError("hostname 'a' doesn't match 'b'"))

    def fail(*_arguments, **_options):
        raise error

    monkeypatch.setattr(requests.Session, "post", fail)
    with pytest.raises(CertificateWrongName):
        transport.post(Endpoint.of("https", "a", None), "/", b"{}")


def subject_hash(pem):
    command = f"openssl x509 -noout -subject_hash -in {pem}"
    with os.popen(command) as output:
        return output.read().strip() or pytest.skip("there is no openssl command here")
