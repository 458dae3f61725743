# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A way to a simulated pool on which bytes get lost, late, or replaced, on real sockets."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
import struct
import threading
from collections.abc import Callable
from typing import NamedTuple

from ansible_collections.xen.xapi.tests.simulator import Simulator

MEGABYTE = 1_000_000
_RESET = struct.pack("ii", 1, 0)
_PAGE = b"<html><h1>Oops</h1></html>"


class Exchange(NamedTuple):
    """One request on its way, with the faults that it can meet."""

    way: HostileWay
    connection: socket.socket
    body: bytes

    def forward(self) -> bytes:
        """Return the answer of the pool, which has then carried out the request."""
        return self.way.ask_pool(self.body)

    def send(self, text: bytes) -> None:
        self.connection.sendall(text)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.connection.close()

    def hold(self) -> None:
        """Until the client has gone."""
        self.connection.settimeout(None)
        while self.connection.recv(65536):
            pass


class Fault(NamedTuple):
    """Which of the requests it hits, and how often."""

    name: str
    nth: int
    count: int


def head(length: object, *more: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json"]
    lines += [] if length is None else [f"Content-Length: {length}"]
    return "\r\n".join([*lines, *more, "", ""]).encode()


def whole(body: bytes) -> bytes:
    return head(len(body)) + body


def _refuse(exchange: Exchange) -> None:
    exchange.way.refuse()
    exchange.reset()


def _reset(exchange: Exchange) -> None:
    exchange.reset()


def _reset_after(exchange: Exchange) -> None:
    exchange.forward()
    exchange.reset()


def _reset_between(exchange: Exchange) -> None:
    exchange.send(whole(exchange.forward()))
    # A reset loses data that has not been read.
    exchange.way.ended.wait(0.05)
    exchange.reset()


def _reset_in_headers(exchange: Exchange) -> None:
    exchange.send(whole(exchange.forward())[:25])
    exchange.way.ended.wait(0.05)
    exchange.reset()


def _reset_in_body(exchange: Exchange) -> None:
    exchange.send(whole(exchange.forward())[:-5])
    exchange.way.ended.wait(0.05)
    exchange.reset()


def _half_open(exchange: Exchange) -> None:
    exchange.forward()
    exchange.hold()


def _half_open_before(exchange: Exchange) -> None:
    exchange.hold()


def _drip(exchange: Exchange) -> None:
    for byte in whole(exchange.forward()):
        exchange.send(bytes([byte]))
        if exchange.way.ended.wait(1.0):
            return


def _length(change: Callable[[int], object]) -> Callable[[Exchange], None]:
    def answer(exchange: Exchange) -> None:
        body = exchange.forward()
        exchange.send(head(change(len(body))) + body)
        exchange.connection.shutdown(socket.SHUT_WR)

    return answer


def _two_lengths(exchange: Exchange) -> None:
    body = exchange.forward()
    exchange.send(head(len(body), "Content-Length: 3") + body)


def _gzip_bomb(exchange: Exchange) -> None:
    exchange.forward()
    body = exchange.way.bomb
    exchange.send(head(len(body), "Content-Encoding: gzip") + body)


def _endless_chunks(exchange: Exchange) -> None:
    exchange.forward()
    exchange.send(head(None, "Transfer-Encoding: chunked"))
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    while not exchange.way.ended.is_set():
        exchange.send(chunk)


def _odd_chunks(exchange: Exchange) -> None:
    body = exchange.forward()
    exchange.send(head(None, "Transfer-Encoding: chunked") + b"zz\r\n" + body + b"\r\n0\r\n\r\n")


def _huge(exchange: Exchange) -> None:
    exchange.forward()
    exchange.send(head(300 * MEGABYTE))
    for _number in range(300):
        exchange.send(b" " * MEGABYTE)


def _redirect(exchange: Exchange) -> None:
    exchange.forward()
    exchange.send(head(0, f"Location: {exchange.way.elsewhere}/jsonrpc", status="307 Moved"))


def _page(status: str) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.send(head(len(_PAGE), status=status) + _PAGE)


def _no_http(exchange: Exchange) -> None:
    exchange.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    exchange.connection.shutdown(socket.SHUT_WR)


def _endless_header(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not exchange.way.ended.is_set():
        exchange.send(b"x" * 65536)


FAULTS: dict[str, Callable[[Exchange], None]] = {
    "refused from now on": _refuse,
    "reset before the call": _reset,
    "reset after the call": _reset_after,
    "reset between requests": _reset_between,
    "reset in the headers": _reset_in_headers,
    "reset in the body": _reset_in_body,
    "half-open after the call": _half_open,
    "half-open before the call": _half_open_before,
    "one byte a second": _drip,
    "Content-Length too large": _length(lambda length: length + 100),
    "Content-Length too small": _length(lambda length: length - 5),
    "Content-Length negative": _length(lambda _length: -1),
    "Content-Length no number": _length(lambda _length: "many"),
    "two Content-Lengths": _two_lengths,
    "gzip bomb": _gzip_bomb,
    "chunks without end": _endless_chunks,
    "odd chunks": _odd_chunks,
    "300 MB": _huge,
    "redirect elsewhere": _redirect,
    "HTML 500": _page("500 Internal Server Error"),
    "HTML 502": _page("502 Bad Gateway"),
    "HTML 503": _page("503 Service Unavailable"),
    "no HTTP": _no_http,
    "header without end": _endless_header,
}


class HostileWay:
    """Listens on a port of its own and hands on to the pool, except where a fault hits."""

    bomb = gzip.compress(b" " * (200 * MEGABYTE))

    def __init__(self, pool: Simulator, faults: list[Fault]) -> None:
        self._pool = pool
        self._faults = faults
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._trap = socket.create_server(("127.0.0.1", 0))
        self._kept = contextlib.ExitStack()
        self._lock = threading.Lock()
        self._count = 0
        self._port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self.elsewhere = f"http://127.0.0.1:{self._trap.getsockname()[1]}"
        self.ended = threading.Event()
        self.hits: list[tuple[str, str]] = []
        """The faults that came to pass, each with the method that it hit."""

    def __enter__(self) -> HostileWay:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_details: object) -> None:
        self.ended.set()
        self._stop_listening()
        self._kept.close()
        self._trap.close()

    def refuse(self) -> None:
        """Listen no more, and keep the port: a pool of another test could be given it."""
        self._stop_listening()
        kept = self._kept.enter_context(socket.socket())
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", self._port))

    def _stop_listening(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def is_followed(self) -> bool:
        """Whether anybody went where a redirect sent them."""
        self._trap.settimeout(0)
        try:
            self._trap.accept()
        except BlockingIOError:
            return False
        return True

    def ask_pool(self, body: bytes) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self._pool.master.port)
        with contextlib.closing(connection):
            connection.request("POST", "/jsonrpc", body)
            return connection.getresponse().read()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            connection.settimeout(60)
            stream = connection.makefile("rb")
            while True:
                body = _request(stream)
                exchange = Exchange(self, connection, body)
                fault = self._hit(json.loads(body)["method"])
                if fault is None:
                    exchange.send(whole(exchange.forward()))
                else:
                    FAULTS[fault](exchange)

    def _hit(self, method: str) -> str | None:
        with self._lock:
            self._count += 1
            for fault in self._faults:
                if 0 <= self._count - fault.nth < fault.count:
                    self.hits.append((fault.name, method))
                    return fault.name
        return None


def _request(stream: socket.SocketIO) -> bytes:
    """The body of the next request; ValueError when there is none."""
    length = -1
    for line in iter(stream.readline, b"\r\n"):
        if not line:
            break
        name, _colon, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if length < 0:
        raise ValueError("the client has gone")
    return bytes(stream.read(length))
