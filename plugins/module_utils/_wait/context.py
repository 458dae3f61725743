# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Mapping, Sequence

from .._client.session import Session
from .._errors import OptionError
from .._tasks.ages import compute_age
from .._tasks.clocks import read_time
from .._tasks.model import Task
from .._tasks.query import resolve_context
from .._tasks.selection import Selection, SelectionContext
from .._tasks.times import iso_time, parse_seconds

_MAX_DEVIATION = 5
"""Seconds by which the master's clock may differ from the expected time; it has whole seconds."""


class CachedContext:
    """Caches the context of a selection, with the master's clock.

    The context is read once. The clocks are read again after each login, since another host may be
    the master then. In between, the master's clock is continued by the local clock. A caller that
    runs for long has to check it.
    """

    def __init__(
        self,
        session: Session,
        selection: Selection,
        *,
        ages: Sequence[str] = (),
        clock: Callable[[], float],
    ) -> None:
        """The options in ages need the ages of tasks, in addition to those of the selection."""
        self._session = session
        self._selection = selection
        self._ages = (*selection.ages, *ages)
        self._clock = clock
        self._session_generation = 0
        self._cached: SelectionContext | None = None
        self._read_at = 0.0
        self.checked_at = 0.0
        """When the master's clock was read last, by the local clock."""
        self._set_back = 0
        """Seconds by which the master's clock is behind the latest one that was known."""

    def read(self) -> None:
        """Read the context unless it is cached; fail without a time, since ages need it."""
        if self._cached is None:
            self._store(
                resolve_context(self._session, self._selection, ages=self._ages, clock=self._clock)
            )
        elif self._session_generation != self._session.generation:
            now, clocks = read_time(self._session, self._ages, clock=self._clock)
            self._store(replace(self._cached, now=now, clocks=clocks))

    def check_time(self) -> int:
        """Read the master's clock, and correct the context if that is not the expected time.

        Return by how many seconds it is ahead, 0 if it is as expected. A clock is ahead if it was
        set, and after a suspension of this system, during which the local clock stands still.
        """
        self.checked_at = self._clock()
        earliest, generation = self.server_time, self._session.generation
        now = parse_seconds(self._session.read_server_time())
        latest = self.server_time
        if now is None or earliest is None or latest is None:
            raise self._session.invalid_response("host.get_servertime")
        if generation != self._session.generation:
            return 0
        ahead = max(now - latest, 0) or min(now - earliest, 0)
        if abs(ahead) <= _MAX_DEVIATION:
            return 0
        now, clocks = read_time(self._session, self._ages, clock=self._clock)
        self._store(replace(self._known, now=now, clocks=clocks))
        self._set_back = max(self._set_back - ahead, 0)
        return ahead

    def read_for_gate(self) -> None:
        """Read the context; raise OptionError if no task can match yet, which would look quiet."""
        self.read()
        earliest, now = self._selection.created_after, self.server_time
        if earliest is not None and now is not None and earliest > now:
            raise OptionError(
                "created_after",
                value=iso_time(int(earliest)),
                problem=f"is in the future of the pool, whose clock says {iso_time(now)}",
            )

    def _store(self, context: SelectionContext) -> None:
        if context.now is None:
            raise self._session.invalid_response("host.get_servertime")
        self._cached = context
        self._read_at = self.checked_at = self._clock()
        self._session_generation = self._session.generation

    def update_operations(self, operations: Mapping[str, str] | None) -> None:
        """Apply the object's current_operations, by the reference of the task."""
        self._cached = replace(self._known, object_tasks=frozenset(operations or ()))

    @property
    def context(self) -> SelectionContext:
        """The context with the current time of the master."""
        return replace(self._known, now=self.server_time)

    @property
    def server_time(self) -> int | None:
        """The master's clock; None before the context was read."""
        cached = self._known.now
        return None if cached is None else cached + int(self._clock() - self._read_at)

    def compute_age(self, task: Task) -> int | None:
        """Return the age of a task in seconds; None if another host may have dated it."""
        host = task.record.get("resident_on")
        if host != self._session.pool.master_ref:
            return None
        return compute_age(task.created, host, clocks=self._known.clocks, now=self.server_time)

    @property
    def latest_time(self) -> int | None:
        """The master's clock as if it had never been set back."""
        now = self.server_time
        return None if now is None else now + self._set_back

    @property
    def _known(self) -> SelectionContext:
        return self._cached or SelectionContext(now=None)
