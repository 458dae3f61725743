# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host's listening socket and the connections on it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from .http import Connection, Services

if TYPE_CHECKING:
    import ssl

BACKLOG = 512
HANDSHAKE_TIMEOUT = 10.0
"""Seconds."""


class Host:
    """A host of the pool as a client meets it: an address that answers, or does not."""

    def __init__(
        self,
        ref: str,
        address: str,
        services: Services,
        *,
        master_address: Callable[[], str],
        tls: ssl.SSLContext | None,
    ) -> None:
        self.ref = ref
        self.address = address
        self.emergency: list[str] = []
        self.port = 0
        self._services = services
        self._master_address = master_address
        self._tls = tls
        self._listener: socket.socket | None = None
        self._keeper: socket.socket | None = None
        """Socket that keeps the port while the host is down."""
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Return the URL of the host."""
        return self.url_at(self.address)

    def url_at(self, address: str) -> str:
        """Return the URL of a host of the pool: all listen on one port."""
        name = f"[{address}]" if ":" in address else address
        return f"{'https' if self._tls else 'http'}://{name}:{self.port}"

    def master_address(self) -> str | None:
        address = self._master_address()
        return None if address == self.address else address

    def up(self, port: int = 0) -> None:
        """Answer from now on; on the port of before, if there was one."""
        listener = self._bound(port or self.port)
        listener.listen(BACKLOG)
        self._give_up_port()
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(
            target=self._accept, args=(listener,), name=f"host {self.url}", daemon=True
        ).start()

    def down(self) -> None:
        """Refuse new connections and break those that are open, as the end of the process does.

        The connection of the control endpoint that asked for it stays, for the answer.
        """
        listener, self._listener = self._listener, None
        if listener is not None:
            _break(listener)
            listener.close()
            # A port that is bound refuses as a free one does.
            self._keeper = self._bound(self.port)
        with self._lock:
            open_now = dict(self._connections)
        for connection, thread in open_now.items():
            if thread is not threading.current_thread():
                _break(connection)

    def close(self) -> None:
        """Go down for good: the port is anybody's."""
        self.down()
        self._give_up_port()

    def _give_up_port(self) -> None:
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None

    def _bound(self, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self.address, port))
        except OSError:
            bound.close()
            raise
        return bound

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                accepted, _unused = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        shake_hands: Callable[[], None] | None = None
        if self._tls is not None:
            secured = self._tls.wrap_socket(
                accepted, server_side=True, do_handshake_on_connect=False
            )
            secured.settimeout(HANDSHAKE_TIMEOUT)
            shake_hands, accepted = secured.do_handshake, secured
        with self._lock:
            self._connections[accepted] = threading.current_thread()
        try:
            # A client may leave, or not trust the certificate.
            with contextlib.suppress(OSError):
                if shake_hands is not None:
                    shake_hands()
                is_secure = self._tls is not None
                Connection(accepted, self, self._services, is_secure=is_secure).serve()
        finally:
            with self._lock:
                self._connections.pop(accepted, None)
            _break(accepted)
            accepted.close()


def _break(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
