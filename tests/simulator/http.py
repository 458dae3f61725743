# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP as the server speaks it: its paths and its limits (http_svr.ml). One thread each."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from . import html_pages, http_actions, json_codec, xml_codec
from .dispatch import Dispatcher, Endpoint, Request, Undispatched
from .exchange import Exchange, HttpEndpoint
from .faults import Cut, OtherAnswer
from .html_pages import Page
from .http_actions import Action
from .http_request import HttpRequest
from .json_codec import BadRequest
from .transfers import Transfers
from .values import ApiError

MIN_HEADER_LENGTH = len("GET / HTTP/1.0\r\n\r\n")
"""Bytes; the server reads as many before it looks at any."""
MAX_HEADER_LENGTH = 1024 - MIN_HEADER_LENGTH
"""Bytes, with the empty line."""
MAX_BODY_LENGTH = 300 * 1024
HEADER_TIMEOUT = 10.0
"""Seconds for a read of the first header of a connection; later ones may take for ever."""
METHODS = ("GET", "POST", "PUT", "CONNECT", "OPTIONS")
MAX_RECURSION = 6000
"""Calls within calls; each level of a value takes one, on a stack of the usual size."""
_RECURSION = threading.Lock()
CONTROL_PATH = "/simulator/"

Headers = Iterable[tuple[str, str]]
Control = Callable[[HttpRequest], "tuple[bytes, Callable[[], None]]"]
"""Returns the answer to a request, and a function to call as soon as it is sent."""


class Services(NamedTuple):
    """Parts of the server that answer requests."""

    dispatcher: Dispatcher
    transfers: Transfers
    control: Control | None
    legacy_ids: bool


class Connection:
    """Serves the requests of one socket, one after the other."""

    def __init__(
        self,
        sock: socket.socket,
        endpoint: HttpEndpoint,
        services: Services,
        *,
        is_secure: bool,
    ) -> None:
        self._socket = sock
        self._endpoint = endpoint
        self._services = services
        self._secure = is_secure
        self._pending = b""

    def serve(self) -> None:
        """Until either side ends it."""
        self._socket.settimeout(HEADER_TIMEOUT)
        with contextlib.suppress(Cut):
            try:
                closes = False
                while not closes:
                    request = HttpRequest.parse(self._read_head())
                    self._socket.settimeout(None)
                    self._answer(request)
                    closes = request.closes
            except Page as page:
                self._send_page(page)

    def _read_head(self) -> bytes:
        while (
            len(self._pending) < MIN_HEADER_LENGTH
            or b"\r\n\r\n" not in self._pending[:MAX_HEADER_LENGTH]
        ):
            if len(self._pending) >= MAX_HEADER_LENGTH:
                raise html_pages.header_too_large()
            try:
                self._read_more()
            except TimeoutError:
                raise html_pages.timed_out() from None
        head, _unused, self._pending = self._pending.partition(b"\r\n\r\n")
        return head

    def _read_more(self) -> None:
        more = self._socket.recv(65536)
        if not more:
            raise Cut()
        self._pending += more

    def _read_body(self, request: HttpRequest, limit: int) -> HttpRequest:
        def refuse(text: str) -> Page:
            return html_pages.exception(text, version=request.version)

        length = request.length
        if length is None:
            raise refuse('Failure("We require a content-length: HTTP header")')
        if length > limit:
            raise refuse("Http_svr.Client_requested_size_over_limit")
        if length < 0:
            raise refuse('Invalid_argument("Bytes.create")')
        while len(self._pending) < length:
            self._read_more()
        body, self._pending = self._pending[:length], self._pending[length:]
        return request._replace(body=body)

    def _answer(self, request: HttpRequest) -> None:
        if request.method not in METHODS:
            raise html_pages.not_implemented(request.method, version=request.version)
        if self._services.control is not None and request.path.startswith(CONTROL_PATH):
            answer, then = self._services.control(self._read_body(request, 2**31))
            self._send(request, (("content-type", "application/json"),), answer)
            then()
        elif not request.path.startswith("/"):
            raise html_pages.forbidden()
        elif (action := http_actions.find(request.method, request.path)) is not None:
            self._answer_action(action, request)
        elif request.method == "POST":
            self._answer_call(self._read_body(request, MAX_BODY_LENGTH))
        elif request.method == "OPTIONS":
            self._answer_options(request)
        elif request.method == "GET":
            # Files are there for TLS only, and here not even so. The page says that the connection
            # closes, but it stays open.
            absent = html_pages.missing(request.path)
            self._send_page(
                absent if self._secure else html_pages.forbidden(version=request.version)
            )
        else:
            raise html_pages.forbidden()

    def _answer_action(self, action: Action, request: HttpRequest) -> None:
        """Answer a request that is not a call; the connection ends with it."""
        params = {key: value for key, value in request.query.items() if key != "session_id"}
        name = f"{action.method} {action.path}"
        session = request.parameter("session_id") or ""
        try:
            self._services.dispatcher.enter(self._endpoint, name, list(params.values()), session)
        except OtherAnswer as other:
            headers = (("content-type", other.content_type),)
            self._send(request, headers, other.body.encode(), status=f"{other.status} Fault")
            raise Cut from other
        except ApiError as error:
            raise html_pages.internal_error(str(error), version=request.version) from error
        exchange = Exchange(request, self._endpoint, self._socket, self._pending)
        self._services.transfers.answer(action, exchange)
        raise Cut

    def _answer_options(self, request: HttpRequest) -> None:
        """Answer the question of a browser before it sends a call from another site."""
        asked = request.headers.get("access-control-request-headers")
        allowed = "X-Requested-With" if asked is None else f"{asked}, X-Requested-With"
        headers = (*_cors(allowed), ("Access-Control-Allow-Methods", "PUT"))
        self._send(request, headers, b"")

    def _answer_call(self, request: HttpRequest) -> None:
        speak: Callable[[Dispatcher, Endpoint, HttpRequest], tuple[bytes, float]] = _answer_xml
        content_type = "text/xml"
        if request.path.startswith("/jsonrpc"):
            speak = partial(_answer_json, legacy_ids=self._services.legacy_ids)
            content_type = "application/json"
        headers: Headers = (("content-type", content_type), *_cors("X-Requested-With"))
        share = 1.0
        try:
            try:
                body, share = speak(self._services.dispatcher, self._endpoint, request)
            except RecursionError:
                with _deep_recursion():
                    body, share = speak(self._services.dispatcher, self._endpoint, request)
        except (BadRequest, RecursionError) as error:
            raise html_pages.exception(_exception_text(error), version=request.version) from error
        except _Refused as refused:
            body, headers = refused.body, (("content-type", content_type),)
        except OtherAnswer as other:
            status = f"{other.status} Fault"
            headers = (("content-type", other.content_type),)
            self._send(request, headers, other.body.encode(), status=status)
            return
        self._send(request, headers, body, share=share)

    def _send(
        self,
        request: HttpRequest,
        headers: Headers,
        body: bytes,
        *,
        status: str = "200 OK",
        share: float = 1.0,
    ) -> None:
        connection = "close" if request.closes else "keep-alive"
        ours = (("connection", connection), ("cache-control", "no-cache, no-store"))
        answer = _response(f"{request.version} {status}", (*ours, *headers), body)
        self._socket.sendall(answer[: int(len(answer) * share)])
        if share < 1:
            raise Cut()

    def _send_page(self, page: Page) -> None:
        headers = [("connection", "close"), ("cache-control", "no-cache, no-store")]
        if page.status != 404:
            headers.insert(0, ("content-type", "text/html"))
        if page.realm:
            headers.insert(1, ("WWW-Authenticate", f'Basic realm="{page.realm}"'))
        status = f"{page.version} {page.status} {page.reason}"
        self._socket.sendall(_response(status, headers, page.body.encode("utf-8", "replace")))


class _Refused(Exception):
    """A call that was refused before dispatch: its answer lacks the headers for browsers."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.body = body


@contextlib.contextmanager
def _deep_recursion() -> Iterator[None]:
    """Allow recursion as deep as a body nests that a server still reads.

    The limit is that of the whole interpreter, so it is higher only for such a call.
    """
    with _RECURSION:
        usual = sys.getrecursionlimit()
        sys.setrecursionlimit(max(usual, MAX_RECURSION))
        try:
            yield
        finally:
            sys.setrecursionlimit(usual)


def _answer_json(
    dispatcher: Dispatcher, endpoint: Endpoint, request: HttpRequest, *, legacy_ids: bool
) -> tuple[bytes, float]:
    call = json_codec.read(request.body)
    if legacy_ids:
        call = json_codec.as_before_7_3(call)
    try:
        answer = dispatcher.call(endpoint, Request(call.method, call.params, request.headers))
    except Undispatched as refused:
        write = json_codec.write_irregular_error
        body = json_codec.write_error(call, refused.error) if legacy_ids else write(refused.error)
        raise _Refused(body) from refused
    except ApiError as error:
        return json_codec.write_error(call, error), 1.0
    return json_codec.write_result(call, answer.result), answer.share


def _answer_xml(
    dispatcher: Dispatcher, endpoint: Endpoint, request: HttpRequest
) -> tuple[bytes, float]:
    call = xml_codec.read(request.body)
    try:
        answer = dispatcher.call(endpoint, Request(call.method, call.params, request.headers))
    except Undispatched as refused:
        raise _Refused(xml_codec.write_error(refused.error)) from refused
    except ApiError as error:
        return xml_codec.write_error(error), 1.0
    bare = call.method == "system.listMethods"
    return xml_codec.write_result(answer.result, bare=bare), answer.share


def _cors(allowed: str) -> tuple[tuple[str, str], ...]:
    return (("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Headers", allowed))


def _response(status: str, headers: Headers, body: bytes) -> bytes:
    lines = [f"HTTP/{status}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body


def _exception_text(error: Exception) -> str:
    return str(error) if isinstance(error, BadRequest) else "Stack overflow"
