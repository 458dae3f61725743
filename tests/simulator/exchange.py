# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One request whose handler reads and writes the connection itself, as exports and imports do."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterable
from typing import Protocol

from .dispatch import Endpoint
from .http_request import HttpRequest

CHUNK = 1024 * 1024
PLAIN = ("Connection: close", "Cache-Control: no-cache, no-store")


class HttpEndpoint(Endpoint, Protocol):
    """A host that knows the addresses of others."""

    def url_at(self, address: str) -> str:
        """Return the URL of another host of the pool."""


class Exchange:
    """A request and the connection that it came on, which closes after the answer."""

    def __init__(
        self, request: HttpRequest, endpoint: HttpEndpoint, sock: socket.socket, pending: bytes
    ) -> None:
        self.request = request
        self.endpoint = endpoint
        self._socket = sock
        self._pending = pending
        """The part of the body that was received and not read."""
        self._left = request.length

    def read(self, size: int = -1) -> bytes:
        """Return up to so many bytes of the body; none at its end.

        A body without a length ends with the connection.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(CHUNK), b""))
        if self._left is not None:
            size = min(size, self._left)
        if size and not self._pending:
            self._pending = self._socket.recv(min(size, CHUNK))
        found, self._pending = self._pending[:size], self._pending[size:]
        if self._left is not None:
            self._left -= len(found)
        return found

    @property
    def is_complete(self) -> bool:
        """Whether all of a body with a length was read."""
        return not self._left

    def send_head(self, status: str, headers: Iterable[str] = (), *, version: str = "1.1") -> None:
        """Send the status and the headers of an answer."""
        lines = [f"HTTP/{version} {status}", *PLAIN, *headers, "", ""]
        self.send("\r\n".join(lines).encode("utf-8", "surrogateescape"))

    def send(self, data: bytes | memoryview) -> None:
        """Send a part of the answer; raise OSError if the client is gone."""
        self._socket.sendall(data)

    def is_gone(self) -> bool:
        """Return whether the client closed the connection after its request."""
        if self._pending:
            return False
        try:
            readable, _unused, _failed = select.select([self._socket], [], [], 0)
            if readable:
                self._pending = self._socket.recv(CHUNK)
                return not self._pending
        except (OSError, ValueError):
            return True
        return False
