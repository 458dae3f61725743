# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import queue
import threading
import time
from typing import Any, Callable, Generic, Iterator, TypeVar

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


class BackgroundCall(Generic[T]):
    """A function that talks to a host, and that a worker runs.

    A socket timeout limits each single read, and does not limit a name lookup. A caller that waits
    for a worker can stop waiting at any time, and notices signals while it waits.
    """

    result: T

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self.ended = threading.Event()
        self.error: Exception | None = None

    def execute(self) -> None:
        """Call the function in this thread, and keep the result or the error."""
        try:
            self.result = self._function()
        except Exception as error:
            self.error = error
        finally:
            self.ended.set()

    def poll_until(
        self, deadline: float, clock: Callable[[], float] = time.monotonic
    ) -> Iterator[None]:
        """Wait for the end or the deadline, and yield now and then.

        The caller can raise then, for example because the run must end.
        """
        while not self.ended.wait(max(min(INTERRUPT_POLL_INTERVAL, deadline - clock()), 0)):
            if clock() >= deadline:
                return
            yield


class Worker(threading.Thread):
    """Runs calls one after the other in a thread of its own, until it is stopped.

    To start a thread takes longer than to hand over a call.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._calls: queue.SimpleQueue[BackgroundCall[Any] | None] = queue.SimpleQueue()
        self._latest_ended: threading.Event | None = None

    @property
    def is_free(self) -> bool:
        """Whether the next call would be run at once; false in a fork, which has no threads."""
        if self._latest_ended is None:
            return True
        return self._latest_ended.is_set() and self.is_alive()

    def submit(self, function: Callable[[], T]) -> BackgroundCall[T]:
        """Have the function called as soon as the calls before it have ended."""
        call = BackgroundCall(function)
        self._latest_ended = call.ended
        if not self.is_alive():
            self.start()
        self._calls.put(call)
        return call

    def stop(self) -> None:
        """End the thread as soon as the calls that it has got have ended."""
        self._calls.put(None)

    def run(self) -> None:
        while True:
            call = self._calls.get()
            if call is None:
                return
            call.execute()
            # Its result can be large, and the next call may be far away.
            del call
