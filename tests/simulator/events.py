# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""event.from and event.inject: the changes since a token (xapi_event.ml).

No event is queued. Each row knows when it came and last changed, and a table remembers its latest
deletions; a batch is worked out when it is asked for, so that changes coalesce and an object
that came and went between two calls leaves no trace.
"""

from __future__ import annotations

import math
import threading
from typing import NamedTuple

from .classes import COUNTED, WITHOUT_EVENTS
from .clock import Clock
from .database import Database, Record
from .faults import Cut
from .messages import Context, Message
from .subscriptions import Subscriptions
from .values import ApiError, Int32, Value, number, ocaml_int64, text, texts

MAX_SPAN = 2**53
"""Nanoseconds; a timeout beyond it, a negative one and NaN are 24 hours instead."""
DAY = 86400.0
DELAY_BEFORE = 0.05
"""Seconds before the first look when anything but tasks is asked for."""


class Blocked:
    """A call that waits. `wake` with a reason ends the wait; without one the call looks again."""

    def __init__(self, session: str, wanted: Subscriptions) -> None:
        self.session = session
        self.wanted = wanted
        self.expired = False
        self.waiting = False
        self._error: Exception | None = None
        self._event = threading.Event()

    def wake(self, error: Exception | None = None) -> None:
        self._error = self._error or error
        self._event.set()

    def expire(self) -> None:
        self.expired = True
        self._event.set()

    def wait(self, clock: Clock) -> None:
        self.waiting = True
        clock.wait(self._event)
        self.waiting = False
        self._event.clear()
        if self._error is not None:
            raise self._error


class Batch(NamedTuple):
    events: list[Record]
    last: int


class Events:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._blocked: set[Blocked] = set()
        database.listeners.append(self._changed)

    def _changed(self, _operation: str, table: str, ref: str, _fields: Record) -> None:
        if table not in WITHOUT_EVENTS:
            for call in list(self._blocked):
                if call.wanted.matches(table, ref):
                    call.wake()

    def session_ended(self, session: str) -> None:
        for call in list(self._blocked):
            if call.session == session:
                call.wake(ApiError("SESSION_INVALID", session))

    def drop_blocked(self) -> None:
        """Break every blocked call, as the end of the server's process does."""
        for call in list(self._blocked):
            call.wake(Cut())

    @property
    def blocked(self) -> int:
        """How many calls are waiting now."""
        return sum(call.waiting for call in list(self._blocked))

    def _from(self, context: Context, classes: list[str], token: str, timeout: float) -> Value:
        wanted = Subscriptions(classes)
        since, message_generation = _read_token(token)
        if not wanted.covers_class("message"):
            message_generation = 0
        seconds = _span(timeout)
        if not wanted.only_tasks():
            self._clock.pause(DELAY_BEFORE)
        call = Blocked(context.session, wanted)
        timer = self._clock.after_real(seconds, call.expire)
        with self._database.lock:
            self._blocked.add(call)
        try:
            batch = self._collect(wanted, since)
            while not batch.events and seconds > 0 and not call.expired:
                call.wait(self._clock)
                batch = self._collect(wanted, batch.last)
        finally:
            timer.cancel()
            self._blocked.discard(call)
        return {
            "events": batch.events,
            "valid_ref_counts": self._counts(),
            "token": _write_token(batch.last, message_generation),
        }

    def _collect(self, wanted: Subscriptions, since: int) -> Batch:
        """Additions, then changes, then deletions: the order of a batch is not that of time."""
        added: list[Record] = []
        changed: list[Record] = []
        deleted: list[Record] = []
        last = since
        with self._database.lock:
            for name, table in self._database.tables.items():
                if name in WITHOUT_EVENTS or not wanted.covers_class(name):
                    continue
                for ref, row in table.changed_since(since):
                    if wanted.matches(name, ref):
                        last = max(last, row.modified)
                        if row.created > since:
                            added.append(event(name, "add", ref, row.created, row.fields))
                        else:
                            changed.append(event(name, "mod", ref, row.modified, row.fields))
                for gone in table.deleted_since(since):
                    if gone.created <= since and wanted.matches(name, gone.ref):
                        last = max(last, gone.deleted)
                        deleted.append(event(name, "del", gone.ref, gone.deleted))
        return Batch(added + changed + deleted, last)

    def _counts(self) -> dict[str, Value]:
        present = {name.lower(): len(table.rows) for name, table in self._database.tables.items()}
        return {name: Int32(present.get(name, 0)) for name in COUNTED}

    def _inject(self, _context: Context, name: str, ref: str) -> str:
        if name not in self._database.tables or ref not in self._database[name]:
            raise ApiError("HANDLE_INVALID", name, ref)
        return _write_token(self._database.touch(name, ref), 0)

    def messages(self) -> list[Message]:
        return [
            Message("event.from", (texts, text, number), self._from),
            Message("event.inject", (text, text), self._inject),
        ]


def event(name: str, operation: str, ref: str, generation: int, snapshot: Value = None) -> Record:
    record: Record = {
        "id": str(generation),
        "timestamp": "0.0",
        "class": name.lower(),
        "operation": operation,
        "ref": ref,
    }
    if snapshot is not None:
        record["snapshot"] = snapshot
    return record


def _span(timeout: float) -> float:
    """Seconds to wait; the server reckons in whole nanoseconds (timer.ml)."""
    nanoseconds = timeout * 1e9
    if not math.isfinite(nanoseconds) or not 0 <= round(nanoseconds) < MAX_SPAN:
        return DAY
    return round(nanoseconds) / 1e9


def _read_token(token: str) -> tuple[int, int]:
    if token == "":
        return 0, 0
    parts = [ocaml_int64(part) for part in token.split(",")]
    if len(parts) != 2 or parts[0] is None or parts[1] is None:
        raise ApiError("EVENT_FROM_TOKEN_PARSE_FAILURE", token)
    return parts[0], parts[1]


def _write_token(generation: int, message_generation: int) -> str:
    return f"{generation:020d},{message_generation:020d}"
