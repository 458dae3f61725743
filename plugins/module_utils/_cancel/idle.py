# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
import time
from typing import Callable, Collection, Iterable

from .._client.session import Session
from .._tasks.api import Tasks
from .._tasks.model import Task
from .._wait.disappearance import Disappearances
from .._wait.task_set import Decision
from .._wait.watcher import Update, Watch, WatchScope
from .cancellation import Cancel


class IdleCondition:
    """Is met after some time, when it knows which tasks made no progress in that time."""

    def __init__(
        self,
        session: Session,
        tasks: Iterable[Task],
        *,
        idle_for: float,
        server_time: Callable[[], int | None],
        disappearances: Disappearances,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tasks = Tasks(session)
        self._idle_for = idle_for
        self._server_time = server_time
        self._disappearances = disappearances
        self._clock = clock
        self._began = -math.inf
        self._is_met = False
        self._progress: dict[str, float | None] = {}
        self._last = {task.ref: disappearances.remember(task) for task in tasks}
        """The tasks that exist, with their last known records."""
        self._disappeared: dict[str, Cancel] = {}
        self._moved: set[str] = set()
        self.needs_refresh = True

    @property
    def decision(self) -> Decision:
        return Decision.MET if self._is_met else Decision.PENDING

    @property
    def next_refresh_in(self) -> float:
        return self._began + self._idle_for - self._clock()

    @property
    def watched(self) -> list[Task]:
        """The tasks that exist, as they were last seen."""
        return [last.task for last in self._last.values()]

    @property
    def moved_count(self) -> int:
        """How many of the watched tasks have made progress."""
        return len(self._moved & self._last.keys())

    @property
    def disappeared(self) -> list[Cancel]:
        """The tasks that disappeared while they were watched; no request was sent for them."""
        return list(self._disappeared.values())

    def invalidate(self) -> None:
        self.needs_refresh = True

    def refresh(self, watch: Watch) -> None:
        """Read the tasks and the hosts."""
        update = watch.refresh(WatchScope(tuple(self._last), hosts=True))
        now = self._clock()
        self._disappearances.update_hosts(update.hosts)
        if self._began == -math.inf:
            self._began = now
            self._progress = {task.ref: task.progress for task in update.tasks}
        self._update(update.tasks)
        unseen = set(self._last).difference(task.ref for task in update.tasks)
        present, gone = self._tasks.confirm(unseen)
        self._update(present)
        self._examine(gone)
        self.needs_refresh = False
        self._is_met = now - self._began >= self._idle_for

    def apply(self, update: Update) -> bool:
        """Apply changes; return whether a refresh is needed."""
        self._disappearances.update_hosts(update.hosts)
        self._update(update.tasks)
        self.needs_refresh |= not self._last.keys().isdisjoint(update.deleted)
        self.needs_refresh |= bool(update.hosts and self._disappearances.undecided)
        self.needs_refresh |= self.next_refresh_in <= 0
        return self.needs_refresh

    def was_idle(self, task: Task) -> bool:
        """Return whether a task that was read again has made no progress since the watch began."""
        is_watched = task.ref in self._last and task.ref not in self._moved
        return is_watched and task.progress == self._progress.get(task.ref)

    def _update(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            if task.ref in self._last:
                self._last[task.ref] = self._disappearances.remember(task)
                if task.progress != self._progress.get(task.ref):
                    self._moved.add(task.ref)

    def _examine(self, gone: Collection[str]) -> None:
        """Find out whether tasks that are gone, and undecided ones, have ended."""
        findings = self._disappearances.examine(
            [self._last[ref] for ref in gone], expected_time=self._server_time()
        )
        for ref in gone:
            self._disappeared[ref] = Cancel(self._last.pop(ref))
            self._disappeared[ref].suspend()
        for last, reason in findings:
            self._disappeared[last.task.ref].mark_gone(reason)
