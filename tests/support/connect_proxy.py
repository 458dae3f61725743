# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A proxy on loopback that only supports CONNECT, for tests of connections through it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import types


class ConnectProxy:
    """Leads where it is asked to, from entering its context to leaving it, and keeps where.

    With a context of ssl, clients speak TLS to the proxy itself.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if context else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked: list[str] = []

    def __enter__(self) -> ConnectProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: types.TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _address = self._listener.accept()
                threading.Thread(target=self._serve, args=[near], daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.suppress(OSError))
            stack.enter_context(near)
            if self._context:
                near = stack.enter_context(self._context.wrap_socket(near, server_side=True))
            head = b""
            while b"\r\n\r\n" not in head:
                head += near.recv(4096)
            method, target, _version = head.decode().split("\r\n", 1)[0].split(" ")
            self.asked.append(f"{method} {target}")
            host, _unused, port = target.rpartition(":")
            with socket.create_connection((host.strip("[]"), int(port))) as far:
                near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_pour, args=[far, near], daemon=True)
                back.start()
                _pour(near, far)
                back.join()


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
