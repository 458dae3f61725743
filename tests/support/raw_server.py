# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that sends given bytes, and transports that may connect to it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ansible_collections.xen.xapi.plugins.module_utils._client.endpoint import Endpoint
from ansible_collections.xen.xapi.plugins.module_utils._client.http_client import Answer
from ansible_collections.xen.xapi.plugins.module_utils._client.transport import (
    Transport,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
TLS_HELLO = b"\x16"
FOREVER = 3600

Send = Callable[["RawServer", socket.socket], None]


class HasContext(Protocol):
    """A certificate of the simulator."""

    @property
    def context(self) -> ssl.SSLContext: ...


class RawServer:
    """A server that sends the next of the given answers for each request, and keeps the requests.

    An answer is either bytes or a function of this server and the connection.
    """

    def __init__(self, *answers: bytes | Send, context: ssl.SSLContext | None = None) -> None:
        self._answers = list(answers)
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.endpoint = Endpoint("https" if context else "http", "127.0.0.1", self.port)
        self.requests: list[tuple[str, bytes]] = []
        self.received = b""
        self.connections = 0
        self.ended = threading.Event()
        self.hung_up = threading.Event()

    def __enter__(self) -> RawServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_details: object) -> None:
        self.ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with contextlib.ExitStack() as stack:
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
        except OSError:
            # A client may close the connection during the handshake, or reset it.
            self.hung_up.set()

    def _read_request(self, connection: socket.socket) -> bool:
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


def drip(text: bytes) -> Send:
    """Return an answer that begins with this text and continues byte by byte, without end."""

    def send(wire: RawServer, connection: socket.socket) -> None:
        connection.sendall(text)
        while not wire.ended.wait(0.02):
            connection.sendall(b"x")

    return send


def say_nothing(wire: RawServer, _connection: socket.socket) -> None:
    wire.ended.wait(FOREVER)


def send_and_close(text: bytes) -> Send:
    def send(_wire: RawServer, connection: socket.socket) -> None:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_RDWR)

    return send


def late(answer: bytes) -> Send:
    """Return an answer that comes after the client has checked for interrupts."""

    def send(wire: RawServer, connection: socket.socket) -> None:
        wire.ended.wait(0.6)
        connection.sendall(answer)

    return send


class LeapingClock:
    """The clock of a transport on which any time limit passes as soon as a test lets it leap."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self._ahead

    def leap(self) -> None:
        self._ahead += FOREVER

    def before(self, answer: Send) -> Send:
        """Return an answer before which the clock leaps, after the request has arrived."""

        def send(wire: RawServer, connection: socket.socket) -> None:
            self.leap()
            answer(wire, connection)

        return send


def headers_of(head: str) -> dict[str, str]:
    pairs = [line.split(": ", 1) for line in head.split("\r\n")[1:]]
    return {name.lower(): value for name, value in pairs}


def never_stop() -> None:
    pass


def transport_for(
    *,
    validate_certs: bool = True,
    ca_path: Path | str | None = None,
    stop: Callable[[], None] = never_stop,
    **limits: Any,
) -> Transport:
    path = None if ca_path is None else str(ca_path)
    return Transport(validate_certs=validate_certs, ca_path=path, stop=stop, **limits)


def post_to(certificate: HasContext, **trust: Any) -> Answer:
    with RawServer(OK, context=certificate.context) as wire:
        transport = transport_for(**trust)
        try:
            return transport.post(wire.endpoint, "/", b"{}")
        finally:
            transport.close()
