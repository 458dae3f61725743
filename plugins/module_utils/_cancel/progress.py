# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Callable

from .._durations import spell_duration
from .._tasks.model import Task
from .._text import escape, join_limited
from .._wait.observer import Observer, Part, Sink
from .._wait.speed import MAX_LABEL, count_tasks, get_progress, mask_label
from .cancellation import Cancel
from .force import ForceOperation
from .idle import IdleCondition
from .operation import CancelOperation

_MAX_ENDED = 3


class CancelObserver(Observer[CancelOperation]):
    """Reports which tasks have ended, and which are still running after a cancel request."""

    def __init__(
        self, operation: CancelOperation, sink: Sink, *, clock: Callable[[], float]
    ) -> None:
        super().__init__(operation, sink, clock=clock)
        self._ended: dict[str, Cancel] = {}
        """The tasks that have ended, in the order in which the module saw that."""

    def _running(self) -> list[Task]:
        cancels = self._condition.cancels
        for ref, cancel in cancels.items():
            if not _is_open(cancel):
                self._ended.setdefault(ref, cancel)
        return [cancel.task for cancel in cancels.values() if _is_open(cancel)]

    def _mark(self) -> str:
        sent = sum(cancel.is_sent for cancel in self._condition.cancels.values())
        return f"{sent} {len(self._ended)}"

    def _line(self, running: list[Task]) -> list[Part]:
        parts = []
        if running:
            parts.append(self._describe(min(running, key=get_progress)))
        parts.append(f"{len(running)} of {count_tasks(len(self._condition.cancels))} running")
        if self._ended:
            names = [
                f"{self._label(one.task)} ({one.outcome.value})"
                for one in reversed(list(self._ended.values()))
            ]
            parts.append(f"ended: {join_limited(names, max_parts=_MAX_ENDED)}")
        return ["; ".join(parts)]

    def _label(self, task: Task) -> str:
        return escape(mask_label(task, self._sink.mask).name_label, limit=MAX_LABEL)


class IdleObserver(Observer[IdleCondition]):
    """Reports for how much longer tasks are watched for progress."""

    def _running(self) -> list[Task]:
        return self._condition.watched

    def _mark(self) -> str:
        return str(self._condition.moved_count)

    def _line(self, running: list[Task]) -> list[Part]:
        condition = self._condition
        left = spell_duration(max(condition.next_refresh_in, 0.0))
        moved = f"{condition.moved_count} of {count_tasks(len(running))} made progress"
        return [f"{moved}; watching for another {left}"]


class ForceObserver(Observer[ForceOperation]):
    """Reports which tasks are examined before they are marked as cancelled."""

    def _running(self) -> list[Task]:
        return [cancel.task for cancel in self._condition.pending.values()]

    def _mark(self) -> str:
        return str(len(self._condition.forced))

    def _line(self, running: list[Task]) -> list[Part]:
        count = count_tasks(len(running))
        return [f"force: checking {count} for work; {len(self._condition.forced)} marked"]


def _is_open(cancel: Cancel) -> bool:
    return cancel.action is None


def observe(
    work: CancelOperation | IdleCondition | ForceOperation,
    sink: Sink,
    *,
    clock: Callable[[], float],
) -> Observer[Any]:
    """Return the observer of one part of a cancel."""
    if isinstance(work, IdleCondition):
        return IdleObserver(work, sink, clock=clock)
    observer = (
        CancelObserver(work, sink, clock=clock)
        if isinstance(work, CancelOperation)
        else ForceObserver(work, sink, clock=clock)
    )
    # The tasks were read before, and the first step may take long.
    observer(None)
    return observer
