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
    """A gate that opens after some time, and knows by then whose progress has moved in it."""

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
        self._is_over = False
        self._progress: dict[str, float | None] = {}
        self.tasks = {task.ref: task for task in tasks}
        """The latest record of each."""
        self._last = {ref: disappearances.remember(task) for ref, task in self.tasks.items()}
        self._disappeared: dict[str, Cancel] = {}
        self.moved: set[str] = set()
        self.needs_refresh = True

    @property
    def decision(self) -> Decision:
        return Decision.MET if self._is_over else Decision.PENDING

    @property
    def next_refresh_in(self) -> float:
        return self._began + self._idle_for - self._clock()

    @property
    def disappeared(self) -> list[Cancel]:
        """The tasks that disappeared meanwhile; none of them was asked to end."""
        return list(self._disappeared.values())

    def invalidate(self) -> None:
        self.needs_refresh = True

    def refresh(self, watch: Watch) -> None:
        update = watch.refresh(WatchScope(tuple(self.tasks), hosts=True))
        now = self._clock()
        self._disappearances.update_hosts(update.hosts)
        if self._began == -math.inf:
            self._began = now
            self._progress = {task.ref: task.progress for task in update.tasks}
        self._see(update.tasks)
        unseen = set(self.tasks).difference(task.ref for task in update.tasks)
        present, gone = self._tasks.confirm(unseen)
        self._see(present)
        self._lose(gone)
        self.needs_refresh = False
        self._is_over = now - self._began >= self._idle_for

    def apply(self, update: Update) -> bool:
        self._disappearances.update_hosts(update.hosts)
        self._see(update.tasks)
        self.needs_refresh |= not self.tasks.keys().isdisjoint(update.deleted)
        self.needs_refresh |= bool(update.hosts and self._disappearances.undecided)
        self.needs_refresh |= self.next_refresh_in <= 0
        return self.needs_refresh

    def is_as_before(self, task: Task) -> bool:
        """Whether a task that was read later is where it was when the watch began."""
        return task.progress == self._progress.get(task.ref)

    def _see(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            if task.ref in self.tasks:
                self.tasks[task.ref] = task
                self._last[task.ref] = self._disappearances.remember(task)
                if task.progress != self._progress.get(task.ref):
                    self.moved.add(task.ref)

    def _lose(self, gone: Collection[str]) -> None:
        """Find out what became of tasks that are gone, and of those that are undecided."""
        findings = self._disappearances.examine(
            [self._last[ref] for ref in gone], expected_time=self._server_time()
        )
        for ref in gone:
            del self.tasks[ref]
            self._disappeared[ref] = Cancel(self._last[ref])
            self._disappeared[ref].suspend()
        for last, reason in findings:
            self._disappeared[last.task.ref].lose(reason)
