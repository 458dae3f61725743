# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Callable, Collection

from .._durations import spell_duration
from .._tasks.messages import format_progress, percent, shorten_word
from .._tasks.model import Task
from .._text import escape, join_limited

MAX_LABEL = 80
_MAX_NAMED = 5
_MAX_NAMES = 500
_STEPS = 10
_MIN_WINDOW = 10.0
_MAX_WINDOW = 120.0
_MIN_STANDSTILL = 120.0
"""Seconds without progress after which a line says so."""
_MAX_ETA = 10 * 86400.0


class _Movement:
    """How one task has moved since it was first seen."""

    __slots__ = ("age_counts", "base", "has_fallen", "mark", "moved_at", "next_base", "progress")

    def __init__(self, at: float, progress: float, mark: tuple[str, int]) -> None:
        self.base = self.next_base = (at, progress)
        self.progress = progress
        self.moved_at = at
        self.mark = mark
        self.age_counts = False
        """Whether the task was seen to make progress, so that its average speed is known."""
        self.has_fallen = False
        """Whether another phase has begun, for which the age of the task does not count."""

    def update(self, at: float, progress: float) -> None:
        """Apply the progress at a time; the rate is that of the last one or two windows."""
        if progress < self.progress:
            self.base = self.next_base = (at, progress)
            self.has_fallen = True
        elif at - self.next_base[0] >= _MAX_WINDOW:
            self.base, self.next_base = self.next_base, (at, progress)
        if progress != self.progress:
            self.age_counts = not self.has_fallen
            self.progress, self.moved_at = progress, at

    def seconds_left(self, at: float, age: int | None) -> float | None:
        """Return the time left at the observed rate, or else at the average rate by the age.

        None means that neither is known.
        """
        began, before = self.base
        seconds, gained = at - began, self.progress - before
        if not 0 < self.progress < 1:
            return None
        if seconds < _MIN_WINDOW or not gained:
            # After a standstill the average would be wrong.
            is_known = self.age_counts and at - self.moved_at < _MIN_STANDSTILL
            seconds, gained = (age or 0.0, self.progress) if is_known else (0.0, 0.0)
        if seconds < _MIN_WINDOW or not gained:
            return None
        # A task that runs has some time left.
        left = max((1 - self.progress) * seconds / gained, 1.0)
        return left if left <= _MAX_ETA else None


class SpeedTracker:
    """Measures how fast tasks move while they are watched."""

    def __init__(self) -> None:
        self._movements: dict[str, _Movement] = {}
        self._now = 0.0
        self.changes = 0
        """How often the status of a task changed, or its progress passed a step of 10 %."""

    def update(self, tasks: Collection[Task], now: float) -> None:
        """Apply the current records of all running tasks."""
        self._now = now
        for ref in self._movements.keys() - {task.ref for task in tasks}:
            del self._movements[ref]
            self.changes += 1
        for task in tasks:
            progress = task.progress or 0.0
            mark = (task.status, int(progress * _STEPS))
            movement = self._movements.get(task.ref)
            if movement is None:
                self._movements[task.ref] = _Movement(now, progress, mark)
                self.changes += 1
                continue
            self.changes += mark != movement.mark
            movement.mark = mark
            movement.update(now, progress)

    def describe(self, task: Task, *, age: int | None) -> str:
        """Return a task with its progress and the time left."""
        name, movement = describe_task(task), self._movements.get(task.ref)
        if movement is None:
            return name
        left = movement.seconds_left(self._now, age)
        if left is not None:
            return f"{name}, about {spell_duration(left)} left"
        still = self._now - movement.moved_at
        if still >= _MIN_STANDSTILL:
            return f"{name}, no progress for {spell_duration(still)}"
        return name


def describe_task(task: Task) -> str:
    """Return a task by its label, with its status if it is unusual, and its progress."""
    name = escape(task.name_label, limit=MAX_LABEL) or f"task {shorten_word(task.uuid)}"
    words = [name] if task.status == "pending" else [name, shorten_word(task.status)]
    if task.progress is not None:
        words.append(percent(task))
    return " ".join(words)


def mask_label(task: Task, mask: Callable[[str], str]) -> Task:
    """Return a task with the secrets masked in its label, before the label is cut."""
    label = mask(task.name_label)
    if label == task.name_label:
        return task
    return Task(task.ref, {**task.record, "name_label": label})


def name_running(tasks: Collection[Task], mask: Callable[[str], str]) -> str:
    """Return the running tasks for the last line after an interruption."""
    first = [format_progress(mask_label(task, mask)) for task in list(tasks)[:_MAX_NAMED]]
    # Only the first are shown, and there may be thousands.
    names = first + [""] * (len(tasks) - len(first))
    return join_limited(names, max_parts=_MAX_NAMED, limit=_MAX_NAMES)


def get_progress(task: Task) -> float:
    """Return the progress, which is 0 for a task without one."""
    return task.progress or 0.0


def count_tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"
