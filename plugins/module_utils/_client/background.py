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
"""Seconds after which whoever waits looks whether the run is to end."""

T = TypeVar("T")


class BodyCancelled(Exception):
    """What was to be sent is not to be sent any more."""


class CancellableBody:
    """The body of one request: it knows whether the sending has begun, and can be withdrawn.

    The libraries ask for the body when the connection stands and the headers are out. Until then
    no host can have understood the request.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._lock = threading.Lock()
        self._is_withdrawn = False
        self.is_sent = False

    def __len__(self) -> int:
        return len(self._content)

    def __iter__(self) -> Iterator[bytes]:
        with self._lock:
            if self._is_withdrawn:
                raise BodyCancelled
            self.is_sent = True
        yield self._content

    def cancel(self) -> bool:
        """Whether nothing of it was sent; then nothing ever will be."""
        with self._lock:
            self._is_withdrawn = True
            return not self.is_sent


class BackgroundCall(threading.Thread, Generic[T]):
    """Some talk with a host in a thread of its own.

    The time limits of a socket hold for one read each, and not at all for a name look-up. A caller
    that waits for a thread instead can always leave in time, and notices a signal while it waits.
    A thread that is left keeps its connection; the next request takes another one.
    """

    result: T

    def __init__(self, talk: Callable[[], T]) -> None:
        super().__init__(daemon=True)
        self._talk = talk
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self._talk()
        except Exception as error:
            self.error = error

    @property
    def has_ended(self) -> bool:
        return not self.is_alive()

    def poll_until(
        self, deadline: float, clock: Callable[[], float] = time.monotonic
    ) -> Iterator[None]:
        """Wait for the end, or the deadline, with a moment to look around now and then."""
        while self._is_on_after(min(INTERRUPT_POLL_INTERVAL, deadline - clock())):
            if clock() >= deadline:
                return
            yield

    def _is_on_after(self, seconds: float) -> bool:
        self.join(max(seconds, 0))
        return self.is_alive()
