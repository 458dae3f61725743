# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
from typing import Callable, Iterable, NamedTuple

from .._tasks.model import Task
from .._wait.stalls import Stalls

STALLED = "stalled"
LONG_RUNNING = "long_running"


class Alarm(NamedTuple):
    """A running task that needs attention."""

    type: str
    """STALLED or LONG_RUNNING."""
    ref: str
    limit: float


class Alarms:
    """Determines which running tasks have been without progress, or have run, for too long.

    A task is reported once as running for long, and as stalled once for each state in which it
    stalls. Without a limit, no task is reported. A limit is in seconds.
    """

    def __init__(
        self,
        *,
        stalled_after: float | None,
        long_running_after: float | None,
        clock: Callable[[], float],
    ) -> None:
        self._stalled_after = math.inf if stalled_after is None else stalled_after
        self._long_after = math.inf if long_running_after is None else long_running_after
        self._clock = clock
        self._stalls = Stalls(stalled_after, clock=clock)
        self._began: dict[str, float] = {}
        self._first_read: dict[str, float] = {}
        self._states: dict[str, tuple[str, float | None]] = {}
        """The status and progress of each task that was reported as stalled."""
        self._long: set[str] = set()
        """The tasks that were reported as running for long."""

    @property
    def are_set(self) -> bool:
        """Whether there is a limit at all."""
        return min(self._stalled_after, self._long_after) < math.inf

    @property
    def options(self) -> tuple[str, ...]:
        """The options that need the ages of tasks."""
        limits = {"stalled_after": self._stalled_after, "long_running_after": self._long_after}
        return tuple(option for option, limit in limits.items() if limit < math.inf)

    def update(self, task: Task, *, min_age: float) -> None:
        """Apply the record of a running task, which has existed for at least min_age seconds."""
        if not self.are_set:
            return
        self._first_read.setdefault(task.ref, self._clock())
        self._began.setdefault(task.ref, self._clock() - min_age)
        self._stalls.update(task, min_age=min_age)
        state = self._states.get(task.ref)
        if state is not None and state != (task.status, task.progress):
            del self._states[task.ref]

    def interrupt(self) -> None:
        """Note that changes may have been missed."""
        self._stalls.interrupt()

    def forget_new(self, since: float) -> None:
        """Note that the ages of tasks that were first read since then may be wrong."""
        reported = self._long | self._states.keys()
        for ref in [ref for ref, at in self._first_read.items() if at >= since]:
            if ref not in reported:
                self.forget(ref)

    def forget(self, ref: str) -> None:
        """Note that a task does not run any more."""
        self._stalls.forget(ref)
        self._began.pop(ref, None)
        self._first_read.pop(ref, None)
        self._states.pop(ref, None)
        self._long.discard(ref)

    def take_due(self, tasks: Iterable[Task]) -> list[Alarm]:
        """Return the alarms that are due for these running tasks, each once."""
        found = []
        now = self._clock()
        for task in tasks if self.are_set else ():
            if task.ref not in self._states and self._stalls.is_stalled(task.ref):
                self._states[task.ref] = (task.status, task.progress)
                found.append(Alarm(STALLED, task.ref, self._stalled_after))
            if task.ref not in self._long and now - self._began[task.ref] >= self._long_after:
                self._long.add(task.ref)
                found.append(Alarm(LONG_RUNNING, task.ref, self._long_after))
        return found

    @property
    def next_in(self) -> float:
        """Seconds until the next alarm may be due; infinite if none will be."""
        if not self.are_set:
            return math.inf
        stalling = self._stalls.next_in(self._began.keys() - self._states.keys())
        starts = (start for ref, start in self._began.items() if ref not in self._long)
        return min(stalling, min(starts, default=math.inf) + self._long_after - self._clock())
