# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that answers byte for byte what it was told, and transports that may go to it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from ansible_collections.xen.xapi.plugins.module_utils._client.endpoint import Endpoint
from ansible_collections.xen.xapi.plugins.module_utils._client.transport import Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
TLS_HELLO = b"\x16"
FOREVER = 3600


class RawServer:
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
            # Whoever leaves early may do so in the middle of a handshake, or with a reset.
            self.hung_up.set()

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


class LeapingClock:
    """The clock of a transport, by which any time limit is over once something has happened."""

    def __init__(self):
        self._ahead = 0.0

    def __call__(self):
        return time.monotonic() + self._ahead

    def leap(self):
        self._ahead += FOREVER

    def before(self, answer):
        """An answer before which the clock leaps: the request is there by then."""

        def send(wire, connection):
            self.leap()
            answer(wire, connection)

        return send


def headers_of(head):
    pairs = [line.split(": ", 1) for line in head.split("\r\n")[1:]]
    return {name.lower(): value for name, value in pairs}


def never_stop():
    pass


def transport_for(*, validate_certs=True, ca_path=None, stop=never_stop, **limits):
    return Transport(validate_certs=validate_certs, ca_path=ca_path, stop=stop, **limits)


def post_to(certificate, **trust):
    with RawServer(OK, context=certificate.context) as wire:
        transport = transport_for(**trust)
        try:
            return transport.post(wire.endpoint, "/", b"{}")
        finally:
            transport.close()
