# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP: methods, paths, limits, pages, and when a connection stays open."""

from __future__ import annotations

import http.client
import socket
import urllib.parse

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.support.polling import TIMEOUT
from ansible_collections.xen.xapi.tests.unit.simulator.client import Client, exchange

CALL = b'{"method": "task.get_all", "params": ["x"], "id": 1}'
BY_XML = (
    b"<methodCall><methodName>task.get_all</methodName><params><param><value>x</value></param>"
    b"</params></methodCall>"
)
REFUSED = b'{"result":null,"error":["SESSION_INVALID","x"],"id":1}'
FORBIDDEN = (
    b"<html><body><h1>HTTP 403 forbidden</h1>"
    b"Access to the requested resource is forbidden.</body></html>"
)


def post(
    target: str = "/jsonrpc", *headers: str, body: bytes = CALL, version: str = "1.1"
) -> bytes:
    lines = [f"POST {target} HTTP/{version}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def head_of(received: bytes) -> list[str]:
    return received.partition(b"\r\n\r\n")[0].decode().split("\r\n")


def test_response_has_expected_headers_and_body(simulator: Simulator) -> None:
    head, _unused, body = exchange(simulator.url, post()).partition(b"\r\n\r\n")
    assert head.decode().split("\r\n") == [
        "HTTP/1.1 200 OK",
        f"content-length: {len(REFUSED)}",
        "connection: keep-alive",
        "cache-control: no-cache, no-store",
        "content-type: application/json",
        "Access-Control-Allow-Origin: *",
        "Access-Control-Allow-Headers: X-Requested-With",
    ]
    assert body == REFUSED


def test_connection_is_reused_for_many_calls(simulator: Simulator) -> None:
    where = urllib.parse.urlsplit(simulator.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT)
    for path, body in (("/jsonrpc", CALL), ("/", BY_XML), ("/jsonrpc", CALL)):
        connection.request("POST", path, body)
        assert connection.getresponse().read()
    assert simulator.hosts[0].connections == 1
    connection.close()


def test_pipelined_requests_are_answered(simulator: Simulator) -> None:
    assert exchange(simulator.url, post() + post()).count(REFUSED) == 2


@pytest.mark.parametrize(
    ("version", "headers", "answers"),
    [
        ("1.1", [], 2),
        ("1.1", ["Connection: close"], 1),
        ("1.1", ["CONNECTION: CLOSE"], 1),
        ("1.1", ["Connection: close, TE"], 2),
        ("1.0", [], 1),
        ("1.0", ["Connection: Keep-Alive"], 2),
        ("1.1", ["Connection: close", "Connection: keep-alive"], 2),
    ],
)
def test_keep_alive_depends_on_version_and_connection_header(
    simulator: Simulator, version: str, headers: list[str], answers: int
) -> None:
    sent = post("/jsonrpc", *headers, version=version)
    received = exchange(simulator.url, sent + sent)
    assert received.count(REFUSED) == answers
    assert head_of(received)[0] == f"HTTP/{version} 200 OK"
    assert head_of(received)[2] == f"connection: {'keep-alive' if answers == 2 else 'close'}"


@pytest.mark.parametrize(
    "target",
    [
        "/jsonrpc",
        "/jsonrpc?a=b",
        "/jsonrpc2",
        "/%6asonrpc",
        "http://other:1/jsonrpc?x",
        "/jsonrpc#x",
    ],
)
def test_jsonrpc_path_variants_answer_in_json(simulator: Simulator, target: str) -> None:
    assert exchange(simulator.url, post(target)).endswith(REFUSED)


@pytest.mark.parametrize("target", ["/", "/RPC2", "/json", "/JSONRPC", "http://other/RPC2?x=y"])
def test_other_paths_answer_in_xml(simulator: Simulator, target: str) -> None:
    received = exchange(simulator.url, post(target, body=BY_XML))
    assert "content-type: text/xml" in head_of(received)
    assert b"SESSION_INVALID" in received


@pytest.mark.parametrize("target", ["*", "jsonrpc", "http://other", "//jsonrpc"])
def test_target_without_path_is_forbidden(simulator: Simulator, target: str) -> None:
    received = exchange(simulator.url, post(target))
    assert head_of(received)[0] == "HTTP/1.1 403 Forbidden"
    assert received.endswith(FORBIDDEN)


@pytest.mark.parametrize("method", ["HEAD", "DELETE", "PATCH", "TRACE", "post", "Post", "get"])
def test_unsupported_method_gets_501(simulator: Simulator, method: str) -> None:
    received = exchange(simulator.url, post().replace(b"POST", method.encode(), 1))
    assert head_of(received)[0] == "HTTP/1.1 501 Method not implemented"
    assert f"<p>Unknown {method} not supported.<br /></p>" in received.decode()


@pytest.mark.parametrize("method", ["PUT", "CONNECT"])
def test_put_and_connect_are_forbidden(simulator: Simulator, method: str) -> None:
    received = exchange(simulator.url, post().replace(b"POST", method.encode(), 1))
    assert head_of(received) == [
        "HTTP/1.1 403 Forbidden",
        f"content-length: {len(FORBIDDEN)}",
        "content-type: text/html",
        "connection: close",
        "cache-control: no-cache, no-store",
    ]


def test_file_request_over_plain_http_is_forbidden(simulator: Simulator) -> None:
    answer = Client(simulator.url).post(b"", "/index.html", method="GET")
    assert (answer.status, answer.body) == (403, FORBIDDEN)


def test_get_keeps_connection_open(simulator: Simulator) -> None:
    received = exchange(simulator.url, b"GET / HTTP/1.1\r\n\r\n" + post())
    assert received.endswith(REFUSED)


@pytest.mark.parametrize("path", ["/", "/json", "/jsonrpc", "/anything"])
def test_options_request_gets_cors_headers(simulator: Simulator, path: str) -> None:
    received = exchange(simulator.url, f"OPTIONS {path} HTTP/1.1\r\n\r\n".encode())
    assert head_of(received) == [
        "HTTP/1.1 200 OK",
        "content-length: 0",
        "connection: keep-alive",
        "cache-control: no-cache, no-store",
        "Access-Control-Allow-Origin: *",
        "Access-Control-Allow-Headers: X-Requested-With",
        "Access-Control-Allow-Methods: PUT",
    ]


def test_requested_cors_headers_are_allowed(simulator: Simulator) -> None:
    sent = b"OPTIONS / HTTP/1.1\r\nAccess-Control-Request-Headers: x-mine\r\n\r\n"
    wanted = "Access-Control-Allow-Headers: x-mine, X-Requested-With"
    assert wanted in head_of(exchange(simulator.url, sent))


BAD_HEADERS = {
    "an empty line first": b"\r\n" + post(),
    "two words": b"POST /jsonrpc?a=b\r\n\r\n",
    "four words": b"POST / x HTTP/1.1\r\n\r\n",
    "a short version": b"POST /jsonrpc?a=b 1.1\r\n\r\n",
    "no length": b"POST /jsonrpc HTTP/1.1\r\n\r\n" + CALL,
    "chunks": b"POST /jsonrpc HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length with a blank": b"POST / HTTP/1.1\r\ncontent-length : 0\r\n\r\n",
    "a length that is no number": b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
    "a length below nothing": b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
    "a length that is too much": b"POST / HTTP/1.1\r\ncontent-length: 307201\r\n\r\n",
    "no length and GET": b"GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
}


@pytest.mark.parametrize("sent", BAD_HEADERS.values(), ids=BAD_HEADERS.keys())
def test_invalid_request_head_gets_500(simulator: Simulator, sent: bytes) -> None:
    received = exchange(simulator.url, sent)
    head = head_of(received)
    assert head[0] == "HTTP/1.1 500 Internal Error"
    assert head[2:] == [
        "content-type: text/html",
        "connection: close",
        "cache-control: no-cache, no-store",
    ]
    assert received.count(b"HTTP/1.") == 1


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ("two words", "The HTTP headers could not be parsed."),
        ("no length", "Failure(&quot;We require a content-length: HTTP header&quot;)"),
        ("a length that is no number", "Failure(&quot;Int64.of_string&quot;)"),
        ("a length that is too much", "Http_svr.Client_requested_size_over_limit"),
    ],
)
def test_error_page_names_cause(simulator: Simulator, sent: str, named: str) -> None:
    assert named in exchange(simulator.url, BAD_HEADERS[sent]).decode()


def test_error_page_uses_http_version_of_request(simulator: Simulator) -> None:
    received = exchange(simulator.url, post(body=b"{", version="1.0"))
    assert received.startswith(b"HTTP/1.0 500 Internal Error\r\n")


def test_content_length_accepts_ocaml_hexadecimal(simulator: Simulator) -> None:
    sent = post().replace(f"{len(CALL)}".encode(), f"0x{len(CALL):x}".encode(), 1)
    assert exchange(simulator.url, sent).endswith(REFUSED)


@pytest.mark.parametrize(
    ("size", "status"), [(1006, "200 OK"), (1007, "431 Request Header Fields")]
)
def test_header_over_size_limit_gets_431(simulator: Simulator, size: int, status: str) -> None:
    bare = len(post("/jsonrpc", "A: ")) - len(CALL)
    sent = post("/jsonrpc", "A: " + "x" * (size - bare))
    assert head_of(exchange(simulator.url, sent))[0].startswith(f"HTTP/1.1 {status}")


def test_unterminated_long_header_gets_431(simulator: Simulator) -> None:
    received = exchange(simulator.url, b"POST / HTTP/1.1\r\nA: " + b"x" * 1000)
    assert head_of(received)[0] == "HTTP/1.1 431 Request Header Fields Too Large"


def test_body_of_300_kib_is_accepted(simulator: Simulator) -> None:
    body = CALL.ljust(300 * 1024)
    assert exchange(simulator.url, post(body=body)).endswith(REFUSED)


@pytest.mark.parametrize("sent", [b"", b"POST / HTTP/1.1\r\n", post()[:-5], b"GET /\r\n\r\n"])
def test_incomplete_request_gets_no_response(simulator: Simulator, sent: bytes) -> None:
    assert exchange(simulator.url, sent) == b""


def test_delayed_request_header_gets_408(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "ansible_collections.xen.xapi.tests.simulator.http"
    monkeypatch.setattr(f"{module}.HEADER_TIMEOUT", 0.01)
    where = urllib.parse.urlsplit(simulator.url)
    with socket.create_connection((where.hostname, where.port), timeout=TIMEOUT) as connection:
        received = connection.recv(65536)
    assert head_of(received)[0] == "HTTP/1.1 408 Request Timeout"
