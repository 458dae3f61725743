# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
from typing import Callable, Collection, Iterable

from .._client.session import Session
from .._tasks.api import Tasks
from .._tasks.model import Task
from .._wait.disappearance import HOST_DISABLED, MAX_LATENCY, Disappearances
from .._wait.watcher import Watch, WatchScope
from .cancellation import Cancel


class CancelTracker:
    """Tracks tasks that are to be cancelled until each has an outcome."""

    def __init__(
        self,
        session: Session,
        tasks: Iterable[Task],
        *,
        session_generation: int,
        waits: bool,
        server_time: Callable[[], int | None],
        disappearances: Disappearances,
        disappeared: Iterable[Cancel],
        clock: Callable[[], float],
    ) -> None:
        self._tasks = Tasks(session)
        self._waits = waits
        self._server_time = server_time
        self._clock = clock
        self.disappearances = disappearances
        self.pending = {
            task.ref: Cancel(
                disappearances.remember(task)._replace(session_generation=session_generation)
            )
            for task in tasks
        }
        before = {cancel.task.ref: cancel for cancel in disappeared}
        self.undecided = {ref: cancel for ref, cancel in before.items() if cancel.is_undecided}
        """The tasks that disappeared from a disabled host, which may be restarting XAPI."""
        self.cancels = {**self.pending, **before}
        self.is_watched = False
        """Whether the updates since the latest read have every change."""

    @property
    def first_sent_at(self) -> float:
        """The earliest time of the latest requests to the pending tasks."""
        return min((cancel.sent_at for cancel in self.pending.values()), default=math.inf)

    def read(self, watch: Watch) -> None:
        """Read the pending tasks and the hosts, and examine tasks that are gone."""
        asked_at = self._clock()
        update = watch.refresh(WatchScope(tuple(self.pending), hosts=True))
        is_prompt = watch.method == "events" and self._clock() - asked_at < MAX_LATENCY
        self.disappearances.update_hosts(update.hosts)
        self.update(update.tasks)
        unseen = set(self.pending).difference(task.ref for task in update.tasks)
        present, gone = self._tasks.confirm(unseen)
        self.update(present)
        self.examine(gone)
        self.is_watched = is_prompt

    def update(self, tasks: Iterable[Task]) -> None:
        """Apply records of tasks."""
        for task in tasks:
            cancel = self.pending.get(task.ref)
            if cancel is None:
                continue
            cancel.update(self.disappearances.remember(task), self._clock())
            if not self._waits and cancel.action is None and cancel.is_accepted:
                cancel.leave()
            if cancel.action is not None:
                del self.pending[task.ref]

    def examine(self, gone: Collection[str]) -> None:
        """Find out whether tasks that are gone, and undecided ones, have ended."""
        findings = self.disappearances.examine(
            [self.pending[ref].last for ref in gone],
            expected_time=self._server_time(),
            was_watched=self.is_watched,
        )
        for ref in gone:
            self.undecided[ref] = self.pending.pop(ref)
            self.undecided[ref].suspend()
        for last, reason in findings:
            self.undecided.pop(last.task.ref).mark_gone(reason)
        if not self._waits:
            self.close_undecided()

    def close(self) -> None:
        """Decide the action of each task, since no more requests follow."""
        for cancel in self.pending.values():
            cancel.close(waits=self._waits)
        self.close_undecided()

    def close_undecided(self) -> None:
        """Decide without waiting for hosts that are still disabled."""
        for cancel in self.undecided.values():
            cancel.mark_gone(HOST_DISABLED)
        self.undecided.clear()
