# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import threading
import time
from typing import Callable, Generic, Iterator, TypeVar

INTERRUPT_POLL_INTERVAL = 0.5
"""While waiting, check after this number of seconds whether the run must end."""

T = TypeVar("T")


class BodyCancelled(Exception):
    """The body must not be sent any more."""


class CancellableBody:
    """The body of one request: it can be cancelled, and records whether sending has begun.

    The libraries iterate over the body once they are connected and have sent the headers. Before
    that, the host cannot have processed the request.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._lock = threading.Lock()
        self._is_cancelled = False
        self.is_sent = False

    def __len__(self) -> int:
        return len(self._content)

    def __iter__(self) -> Iterator[bytes]:
        with self._lock:
            if self._is_cancelled:
                raise BodyCancelled
            self.is_sent = True
        yield self._content

    def cancel(self) -> bool:
        """Prevent sending from now on; return False if sending has begun already."""
        with self._lock:
            self._is_cancelled = True
            return not self.is_sent


class BackgroundCall(threading.Thread, Generic[T]):
    """Runs a function that talks to a host in a thread of its own.

    A socket timeout limits each single read, and does not limit a name lookup. A caller that waits
    for a thread can stop waiting at any time, and notices signals while it waits. An abandoned
    thread keeps its connection; the next request uses another one.
    """

    result: T

    def __init__(self, function: Callable[[], T]) -> None:
        super().__init__(daemon=True)
        self._function = function
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self._function()
        except Exception as error:
            self.error = error

    @property
    def has_ended(self) -> bool:
        """Whether the function has returned or raised."""
        return not self.is_alive()

    def poll_until(
        self, deadline: float, clock: Callable[[], float] = time.monotonic
    ) -> Iterator[None]:
        """Wait for the end or the deadline, and yield now and then.

        The caller can raise then, for example because the run must end.
        """
        while self._is_alive_after(min(INTERRUPT_POLL_INTERVAL, deadline - clock())):
            if clock() >= deadline:
                return
            yield

    def _is_alive_after(self, seconds: float) -> bool:
        self.join(max(seconds, 0))
        return self.is_alive()
