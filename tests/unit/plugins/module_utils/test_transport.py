# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading

import pytest
import requests

from ansible_collections.xen.xapi.plugins.module_utils import _transport
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    AnswerTooLarge,
    CertificateUntrusted,
    CertificateWrongName,
    ConnectionCut,
    ConnectionRefused,
    HostUnreachable,
    Interrupted,
    LibraryMissing,
    NameUnknown,
    ProxyFailed,
    RequestFailed,
    RequestTimedOut,
    TlsFailed,
    TrustUnusable,
)
from ansible_collections.xen.xapi.plugins.module_utils._transport import Endpoint, Transport
from ansible_collections.xen.xapi.tests.simulator.certificate import Certificate

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
        self.connections = 0
        self.ended = threading.Event()

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
                return False
            received += piece
            if received.startswith(TLS_HELLO):
                return True
        head, body = received.split(b"\r\n\r\n", 1)
        length = int(headers_of(head.decode())["content-length"])
        while len(body) < length:
            body += connection.recv(65536)
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


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (Endpoint.of("https", "xcp1", None), "https://xcp1"),
        (Endpoint.of("http", "xcp1", None), "http://xcp1"),
        (Endpoint.of("http", "xcp1", 443), "http://xcp1:443"),
        (Endpoint.of("https", "fd00::1", 8443), "https://[fd00::1]:8443"),
        (Endpoint.of("https", "xcp1", 8443).at("10.0.0.2"), "https://10.0.0.2:8443"),
        (Endpoint.of("http", "xcp1", None).at("fd00::2"), "http://[fd00::2]"),
    ],
)
def test_endpoints(endpoint, url):
    assert endpoint.url == url


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
            transport.post(wire.endpoint, "/", b"")
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
            transport.post(wire.endpoint, "/", b"")
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
        transport_for(size_limit=1000).post(wire.endpoint, "/", b"")
    assert caught.value.limit == 1000


def test_an_answer_of_the_limit_is_taken():
    with Wire(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000) as wire:
        answer = transport_for(size_limit=1000).post(wire.endpoint, "/", b"")
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
        transport.post(wire.endpoint, "/", b"", time_limit=SOON)
    assert caught.value.seconds == SOON


def test_the_time_limit_holds_for_the_handshake(transport):
    with Wire(say_nothing) as wire, pytest.raises(RequestTimedOut):
        transport.post(wire.endpoint._replace(scheme="https"), "/", b"", time_limit=SOON)


def test_what_follows_a_timeout_is_not_held_up(transport):
    with Wire(say_nothing, OK) as wire:
        with pytest.raises(RequestTimedOut):
            transport.post(wire.endpoint, "/", b"", time_limit=SOON)
        assert transport.post(wire.endpoint, "/", b"").body == b"{}"
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
            transport.post(wire.endpoint, "/", b"")
        assert (wire.requests, transport.requests) == ([], 0)


def test_a_request_is_left_when_the_run_is_to_stop():
    with Wire(say_nothing) as wire:
        with pytest.raises(Interrupted):
            transport_for(stop=Stop(after=1)).post(wire.endpoint, "/", b"", time_limit=5)
        assert len(wire.requests) == 1


def test_a_request_that_is_not_stoppable_is_brought_to_its_end():
    with Wire(OK) as wire:
        answer = transport_for(stop=Stop(after=0)).post(wire.endpoint, "/", b"", stoppable=False)
    assert answer.body == b"{}"


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
        transport.post(wire.endpoint, "/", b"")


def test_a_port_without_a_listener(transport):
    with Wire() as wire:
        endpoint = wire.endpoint
    with pytest.raises(ConnectionRefused) as caught:
        transport.post(endpoint, "/", b"")
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
        transport.post(Endpoint.of("https", "xcp1", None), "/", b"")


def test_a_request_that_cannot_be_made(transport):
    with pytest.raises(RequestFailed) as caught:
        transport.post(Endpoint.of("https", "a" * 80 + ".example", None), "/", b"")
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
            return transport.post(wire.endpoint, "/", b"")
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
    with pytest.raises(CertificateUntrusted) as caught:
        post_to(certificate("127.0.0.1"))
    assert "self" in caught.value.detail


def test_another_authority(certificate):
    with pytest.raises(CertificateUntrusted):
        post_to(certificate("127.0.0.1"), ca_path=str(certificate("localhost").pem))


def test_a_wrong_name(certificate):
    own = certificate("other.example")
    with pytest.raises(CertificateWrongName) as caught:
        post_to(own, ca_path=str(own.pem))
    assert "127.0.0.1" in caught.value.detail


def test_an_expired_certificate(certificate):
    own = certificate("127.0.0.1", valid_from=0.0, days=1)
    with pytest.raises(TlsFailed) as caught:
        post_to(own, ca_path=str(own.pem))
    assert caught.type is TlsFailed
    assert "expired" in caught.value.detail


def test_tls_to_a_port_without_it(transport):
    with Wire(OK) as wire, pytest.raises(TlsFailed) as caught:
        transport.post(wire.endpoint._replace(scheme="https"), "/", b"")
    assert "_ssl.c" not in caught.value.detail


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


@pytest.mark.parametrize("content", [None, "", "no certificate"])
@pytest.mark.parametrize("source", ["ca_path", "REQUESTS_CA_BUNDLE"])
def test_authorities_that_cannot_be_used(monkeypatch, tmp_path, source, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    if source != "ca_path":
        monkeypatch.setenv(source, str(path))
    with pytest.raises(TrustUnusable) as caught:
        transport_for(ca_path=str(path) if source == "ca_path" else None)
    assert (caught.value.source, caught.value.path) == (source, str(path))
    assert caught.value.detail


def test_a_proxy_of_the_environment(transport, monkeypatch):
    with Wire(OK) as proxy:
        monkeypatch.setenv("http_proxy", proxy.endpoint.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        transport.post(Endpoint.of("http", "xcp1.example", None), "/jsonrpc", b"")
    ((head, _body),) = proxy.requests
    assert head.startswith("POST http://xcp1.example/jsonrpc ")


def test_no_proxy_for_hosts_that_are_named_in_no_proxy(transport, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Wire(OK) as wire:
        assert transport.post(wire.endpoint, "/", b"").body == b"{}"


def test_a_proxy_that_does_not_answer(transport, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    with pytest.raises(ProxyFailed):
        transport.post(Endpoint.of("https", "xcp1.example", None), "/", b"")


def test_the_library_is_missing(monkeypatch):
    monkeypatch.setattr(_transport, "REQUESTS_IMPORT_ERROR", "Traceback")
    with pytest.raises(LibraryMissing) as caught:
        transport_for()
    assert (caught.value.library, caught.value.details) == ("requests", "Traceback")


def test_an_older_urllib3_has_an_error_of_its_own_for_names():
    class CertificateError(ValueError):
        pass

    error = requests.exceptions.SSLError(CertificateError("hostname 'a' doesn't match 'b'"))
    named = _transport._named(error, Endpoint.of("https", "a", None), seconds=1)
    assert isinstance(named, CertificateWrongName)


def subject_hash(pem):
    command = f"openssl x509 -noout -subject_hash -in {pem}"
    with os.popen(command) as output:
        return output.read().strip() or pytest.skip("there is no openssl command here")
