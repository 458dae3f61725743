# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""event.register, next, unregister and get_current_id: the queue before event.from."""

from __future__ import annotations

import hashlib
import threading
from typing import NamedTuple

from .classes import WITHOUT_EVENTS
from .clock import Clock
from .database import Database, Record
from .faults import Cut
from .messages import Context, Message
from .subscriptions import Subscriptions
from .values import ApiError, Value, texts

MAX_QUEUE_LENGTH = 10_000
"""Events kept; the server drops the oldest at 10 MB of text, which is about this many."""


class _Queued(NamedTuple):
    number: int
    event: Record


class _Queue:
    """The registration of one session, and its position in the events."""

    def __init__(self, position: int) -> None:
        self.wanted = Subscriptions([])
        self.position = position


class LegacyEvents:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._queues: dict[str, _Queue] = {}
        self._events: list[_Queued] = []
        self._next = 0
        self._forgotten = -1
        self._changed = threading.Condition()
        self._gone = False
        database.listeners.append(self._on_change)

    def _on_change(self, operation: str, table: str, ref: str, fields: Record) -> None:
        if table not in WITHOUT_EVENTS and self._queues:
            self._add(table, operation, ref, fields)

    def _add(self, table: str, operation: str, ref: str, snapshot: Record) -> None:
        with self._changed:
            if not any(queue.wanted.matches(table, ref) for queue in self._queues.values()):
                return
            record = {
                "id": str(self._next),
                "timestamp": f"{self._clock.now():.0f}.",
                "class": table.lower(),
                "operation": operation,
                "ref": ref,
                # Unlike event.from, even a deletion carries the object's last record.
                "snapshot": snapshot,
            }
            self._events.append(_Queued(self._next, record))
            self._next += 1
            if len(self._events) > MAX_QUEUE_LENGTH:
                self._forgotten = self._events[-MAX_QUEUE_LENGTH - 1].number
                del self._events[:-MAX_QUEUE_LENGTH]
            self._changed.notify_all()

    def heartbeat(self) -> None:
        """Send an event in each pass of the collector, so that no call waits for ever."""
        for ref, record in self._database.records("pool").items():
            self._add("pool", "mod", ref, record)

    def session_ended(self, session: str) -> None:
        with self._changed:
            self._queues.pop(session, None)
            self._changed.notify_all()

    def drop_blocked(self) -> None:
        with self._changed:
            self._queues.clear()
            self._gone = True
            self._changed.notify_all()

    def _register(self, context: Context, classes: list[str]) -> str:
        with self._changed:
            self._gone = False
            queue = self._queues.setdefault(context.session, _Queue(self._next))
            queue.wanted.add(Subscriptions(classes))
        return ""

    def _unregister(self, context: Context, classes: list[str]) -> str:
        with self._changed:
            queue = self._queues.setdefault(context.session, _Queue(self._next))
            queue.wanted.remove(Subscriptions(classes))
        return ""

    def _read_next(self, context: Context) -> Value:
        """Block until something that was registered for happens; no limit of time."""
        with self._changed:
            queue = self._queues.get(context.session)
            if queue is None:
                track = hashlib.md5(context.session.encode(), usedforsecurity=False).hexdigest()
                raise ApiError("SESSION_NOT_REGISTERED", f"trackid={track}")
            while True:
                begin, queue.position = queue.position, self._next
                if self._forgotten >= begin:
                    raise ApiError("EVENTS_LOST")
                found = [
                    queued.event
                    for queued in self._events
                    if queued.number >= begin
                    and queue.wanted.matches(queued.event["class"], queued.event["ref"])
                ]
                if found:
                    return found
                self._changed.wait()
                if self._queues.get(context.session) is not queue:
                    raise Cut() if self._gone else ApiError("SESSION_INVALID", context.session)

    def messages(self) -> list[Message]:
        return [
            Message("event.register", (texts,), self._register, has_async=True),
            Message("event.unregister", (texts,), self._unregister, has_async=True),
            Message("event.next", (), self._read_next),
            Message("event.get_current_id", (), lambda context: self._next),
        ]
