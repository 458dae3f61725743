# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
from typing import Callable, Container, NamedTuple

from .._tasks.model import Task


class _Stall(NamedTuple):
    status: str
    progress: float | None
    since: float


class Stalls:
    """Determines which running tasks have kept their status and progress for some time.

    Without a limit, none is stalled.
    """

    def __init__(self, limit: float | None, *, clock: Callable[[], float]) -> None:
        """The limit is in seconds."""
        self._limit = math.inf if limit is None else limit
        self._clock = clock
        self._unchanged: dict[str, _Stall] = {}

    def update(self, task: Task, *, min_age: float) -> None:
        """Apply the record of a running task, which has existed for at least min_age seconds.

        A task without progress in its first record is unchanged since it was created. Any other
        task is unchanged only since it was first read.
        """
        before = self._unchanged.get(task.ref)
        is_same = before is not None and before[:2] == (task.status, task.progress)
        if is_same or self._limit == math.inf:
            return
        since = self._clock()
        if before is None and not task.progress:
            since -= min_age
        self._unchanged[task.ref] = _Stall(task.status, task.progress, since)

    def interrupt(self) -> None:
        """Note that changes may have been missed, so that tasks with progress start again."""
        now = self._clock()
        for ref, one in self._unchanged.items():
            if one.progress:
                self._unchanged[ref] = one._replace(since=now)

    def forget(self, ref: str) -> None:
        self._unchanged.pop(ref, None)

    def is_stalled(self, ref: str) -> bool:
        one = self._unchanged.get(ref)
        return one is not None and self._clock() - one.since >= self._limit

    def next_in(self, refs: Container[str]) -> float:
        """Return the seconds until the next of these tasks counts as stalled."""
        moments = [one.since for ref, one in self._unchanged.items() if ref in refs]
        return min(moments, default=math.inf) + self._limit - self._clock()
