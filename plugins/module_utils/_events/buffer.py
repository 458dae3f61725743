# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Callable


class EventBuffer:
    """Keeps a limited number of events between the reader of the pool and a slow receiver.

    Adding never blocks. While the buffer is full, new events are lost and counted, and one event
    that says how many takes their place. Two threads may use it at once.
    """

    def __init__(self, size: int, *, report_loss: Callable[[int], dict[str, Any]]) -> None:
        """The callable report_loss returns the event for a number of lost events."""
        self._size = size
        self._report_loss = report_loss
        self._events: deque[dict[str, Any]] = deque()
        self._lost = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: dict[str, Any]) -> bool:
        """Add an event, or count it as lost if there is no space for it.

        Return whether the buffer was empty, so that the receiver may be waiting.
        """
        with self._lock:
            was_empty = not self._events
            if self._lost and len(self._events) < self._size:
                self._append_loss()
            if self._lost or len(self._events) >= self._size:
                self._lost += 1
            else:
                self._events.append(event)
            return was_empty

    def take(self) -> dict[str, Any] | None:
        """Return the next event; None if there is none."""
        with self._lock:
            if not self._events and self._lost:
                self._append_loss()
            return self._events.popleft() if self._events else None

    def _append_loss(self) -> None:
        self._events.append(self._report_loss(self._lost))
        self._lost = 0
