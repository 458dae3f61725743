# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Callable

from .._client.session import Session
from .._tasks.model import Task
from .._wait.context import CachedContext
from .alarms import Alarm
from .content import EventWriter, PoolState
from .gaps import Gap
from .missing import Missing, MissingTasks
from .tracker import EndTracker


class Reporter:
    """Emits events about tasks, with the state of the pool at that time."""

    def __init__(
        self,
        session: Session,
        cached_context: CachedContext,
        tracker: EndTracker,
        missing: MissingTasks,
        *,
        writer: EventWriter,
        emit: Callable[[dict[str, Any]], None],
    ) -> None:
        self._session = session
        self._cached_context = cached_context
        self._tracker = tracker
        self._missing = missing
        self._writer = writer
        self._emit = emit
        self.method = "events"
        self.after_gap = False
        """Whether the answer that is being applied is the first one after a gap."""

    def report_gap(self, gap: Gap) -> None:
        self._emit(self._writer.write_gap(gap, self._pool_state()))

    def report_ends(self, ends: list[Task]) -> None:
        for task in ends:
            self._emit(self._writer.write_end(task, self._pool_state()))

    def report_missing(self, missing: list[Missing]) -> None:
        for task, reason, after_gap in missing:
            state = self._pool_state()._replace(after_gap=after_gap)
            self._emit(self._writer.write_disappearance(task, reason, state))

    def report_alarms(self, alarms: list[Alarm]) -> None:
        for kind, ref, limit in alarms:
            task = self._tracker.running[ref].task
            self._emit(self._writer.write_alarm(kind, task, limit, self._pool_state()))

    def _pool_state(self) -> PoolState:
        context = self._cached_context.context
        return PoolState(
            pool=self._session.pool.to_dict(),
            now=context.now,
            clocks=context.clocks,
            method=self.method,
            running=len(self._tracker.running) + self._missing.undecided,
            after_gap=self.after_gap,
        )
