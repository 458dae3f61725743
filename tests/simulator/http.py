# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP as the server speaks it: its paths, limits and pages (http_svr.ml). One thread each."""

from __future__ import annotations

import html
import socket
import ssl
from collections.abc import Callable
from typing import NamedTuple

from . import wire_json, wire_xml
from .dispatch import Dispatcher, Endpoint, Request, Undispatched
from .faults import Cut, OtherAnswer
from .values import ApiError
from .wire_json import BadRequest

LONGEST_HEADER = 1024
LONGEST_BODY = 300 * 1024
HEADER_TIMEOUT = 10.0
"""Seconds for a read of the first header of a connection; later ones may take for ever."""
CORS = (("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Headers", "X-Requested-With"))
METHODS = ("GET", "POST", "PUT", "CONNECT", "OPTIONS")


class HttpRequest(NamedTuple):
    method: str
    path: str
    version: str
    headers: dict[str, str]
    body: bytes

    @property
    def closes(self) -> bool:
        wish = self.headers.get("connection", "").lower()
        return wish == "close" or (self.version == "1.0" and wish != "keep-alive")


class HttpError(Exception):
    """An answer that is an HTML page; the connection closes after it."""

    def __init__(self, status: int, reason: str, text: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.text = text


Control = Callable[[HttpRequest], bytes]


class Connection:
    """Serves the requests of one socket, one after the other."""

    def __init__(
        self,
        sock: socket.socket,
        endpoint: Endpoint,
        dispatcher: Dispatcher,
        control: Control | None,
    ) -> None:
        self._socket = sock
        self._endpoint = endpoint
        self._dispatcher = dispatcher
        self._control = control
        self._secure = isinstance(sock, ssl.SSLSocket)
        self._pending = b""

    def serve(self) -> None:
        """Until either side ends it."""
        timeout: float | None = HEADER_TIMEOUT
        try:
            while True:
                self._socket.settimeout(timeout)
                request = self._read()
                if request is None:
                    return
                self._socket.settimeout(None)
                self._answer(request)
                if request.closes:
                    return
                timeout = None
        except HttpError as error:
            self._send_page(error)
        except Cut:
            return

    def _read(self) -> HttpRequest | None:
        head = self._read_head()
        if head is None:
            return None
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split()
        if len(words) != 3 or not words[2].startswith("HTTP/"):
            raise _internal_error("The HTTP headers could not be parsed.")
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if colon:
                headers[name.strip().lower()] = value.strip()
        request = HttpRequest(words[0], words[1].partition("?")[0], words[2][5:], headers, b"")
        return (
            request._replace(body=self._read_body(request)) if request.method == "POST" else request
        )

    def _read_head(self) -> bytes | None:
        while b"\r\n\r\n" not in self._pending:
            if len(self._pending) >= LONGEST_HEADER:
                raise HttpError(
                    431, "Request Header Fields Too Large", "Exceeded the maximum header size."
                )
            try:
                more = self._socket.recv(65536)
            except TimeoutError:
                raise HttpError(
                    408, "Request Timeout", "Timed out waiting for the request."
                ) from None
            if not more:
                return None
            self._pending += more
        head, _, self._pending = self._pending.partition(b"\r\n\r\n")
        if len(head) + 4 > LONGEST_HEADER:
            raise HttpError(
                431, "Request Header Fields Too Large", "Exceeded the maximum header size."
            )
        return head

    def _read_body(self, request: HttpRequest) -> bytes:
        try:
            length = int(request.headers["content-length"])
        except KeyError:
            raise _internal_error('Failure("We require a content-length: HTTP header")') from None
        except ValueError:
            raise _internal_error('Failure("Int64.of_string")') from None
        if length > LONGEST_BODY and not request.path.startswith("/simulator/"):
            raise _internal_error("Http_svr.Client_requested_size_over_limit")
        while len(self._pending) < length:
            more = self._socket.recv(65536)
            if not more:
                raise Cut()
            self._pending += more
        body, self._pending = self._pending[:length], self._pending[length:]
        return body

    def _answer(self, request: HttpRequest) -> None:
        if request.method not in METHODS:
            raise HttpError(
                501, "Method not implemented", f"{html.escape(request.method)} not supported."
            )
        if self._control is not None and request.path.startswith("/simulator/"):
            self._send(
                request, 200, "OK", (("content-type", "application/json"),), self._control(request)
            )
        elif request.method == "POST":
            self._answer_call(request)
        elif request.method == "OPTIONS":
            self._send(request, 200, "OK", (*CORS, ("Access-Control-Allow-Methods", "PUT")), b"")
        elif request.method == "GET":
            self._answer_get(request)
        else:
            raise HttpError(403, "Forbidden", "Access to the requested resource is forbidden.")

    def _answer_get(self, request: HttpRequest) -> None:
        """No file is served here: over plain HTTP it is over there, over TLS it is missing."""
        if not self._secure and "host" in request.headers:
            target = f"https://{request.headers['host']}{request.path}"
            self._send(request, 301, "Moved Permanently", (("location", target),), b"")
            return
        raise HttpError(
            404, "Not Found", f"The requested URL {html.escape(request.path)} was not found."
        )

    def _answer_call(self, request: HttpRequest) -> None:
        speak, content_type = _answer_xml, "text/xml"
        if request.path.startswith("/jsonrpc"):
            speak, content_type = _answer_json, "application/json"
        try:
            body, share = speak(self._dispatcher, self._endpoint, request)
        except BadRequest as error:
            raise _internal_error(str(error)) from error
        except OtherAnswer as other:
            self._send(
                request,
                other.status,
                "Fault",
                (("content-type", other.content_type),),
                other.body.encode(),
            )
            return
        self._send(request, 200, "OK", (("content-type", content_type), *CORS), body, share=share)

    def _send(
        self,
        request: HttpRequest,
        status: int,
        reason: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        *,
        share: float = 1.0,
    ) -> None:
        connection = "close" if request.closes else "keep-alive"
        head = [
            f"HTTP/{'1.0' if request.version == '1.0' else '1.1'} {status} {reason}",
            f"content-length: {len(body)}",
            f"connection: {connection}",
            "cache-control: no-cache, no-store",
            *(f"{name}: {value}" for name, value in headers),
        ]
        answer = ("\r\n".join(head) + "\r\n\r\n").encode() + body
        self._socket.sendall(answer[: int(len(answer) * share)])
        if share < 1:
            raise Cut()

    def _send_page(self, error: HttpError) -> None:
        title = f"HTTP {error.status} {error.reason.lower()}"
        page = f"<html><body><h1>{title}</h1>{error.text}</body></html>".encode()
        head = (
            f"HTTP/1.1 {error.status} {error.reason}\r\n"
            f"content-length: {len(page)}\r\ncontent-type: text/html\r\n"
            "connection: close\r\ncache-control: no-cache, no-store\r\n\r\n"
        )
        self._socket.sendall(head.encode() + page)


def _answer_json(
    dispatcher: Dispatcher, endpoint: Endpoint, request: HttpRequest
) -> tuple[bytes, float]:
    call = wire_json.read(request.body)
    try:
        answer = dispatcher.call(endpoint, Request(call.method, call.params, request.headers))
    except Undispatched as refused:
        return wire_json.write_irregular_error(refused.error), 1.0
    except ApiError as error:
        return wire_json.write_error(call, error), 1.0
    return wire_json.write_result(call, answer.result), answer.share


def _answer_xml(
    dispatcher: Dispatcher, endpoint: Endpoint, request: HttpRequest
) -> tuple[bytes, float]:
    call = wire_xml.read(request.body)
    try:
        answer = dispatcher.call(endpoint, Request(call.method, call.params, request.headers))
    except Undispatched as refused:
        return wire_xml.write_error(refused.error), 1.0
    except ApiError as error:
        return wire_xml.write_error(error), 1.0
    bare = call.method == "system.listMethods"
    return wire_xml.write_result(answer.result, bare=bare), answer.share


def _internal_error(text: str) -> HttpError:
    return HttpError(500, "Internal Error", html.escape(text))
