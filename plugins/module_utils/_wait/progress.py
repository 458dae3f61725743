# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Callable, TypeVar

from .._durations import spell_duration
from .._tasks.messages import shorten_word
from .._tasks.model import Task
from .._text import escape, join_limited
from .completion import CompletionCondition
from .observer import Observer, Part, Sink
from .quiet import QuietCondition
from .speed import MAX_LABEL, count_tasks, describe_task, get_progress, mask_label

C = TypeVar("C", CompletionCondition, QuietCondition)


class _ConditionObserver(Observer[C]):
    """Reports how far a wait of task_wait or call is."""

    def _is_reached(self) -> bool:
        return self._condition.was_reached

    def _age(self, task: Task) -> int | None:
        return self._condition.compute_age(task)


class CompletionObserver(_ConditionObserver[CompletionCondition]):
    """Reports the progress of a set of tasks."""

    def _running(self) -> list[Task]:
        tasks = self._condition.set
        return [task for ref, task in tasks.tasks.items() if ref in tasks.running]

    def _mark(self) -> str:
        tasks = self._condition.set
        return f"{len(tasks.tasks)} {len(tasks.missing)} {len(tasks.gone)} {len(tasks.unexpected)}"

    def _line(self, running: list[Task]) -> list[Part]:
        tasks = self._condition.set
        if tasks.is_unmatched:
            return ["no task matches yet"]
        parts = []
        if running:
            choose = max if self._condition.rules.wait_for == "any" else min
            parts.append(self._describe(choose(running, key=get_progress)))
        parts.append(f"{len(running)} of {count_tasks(len(tasks.tasks))} running")
        for count, words in (
            (len(tasks.missing), "not found yet"),
            (len(tasks.unexpected), "ended in another state"),
            (len(tasks.gone), "disappeared"),
        ):
            if count:
                parts.append(f"{count} {words}")
        return ["; ".join(parts)]


class QuietObserver(_ConditionObserver[QuietCondition]):
    """Reports why a pool is not quiet, or for how long it has been quiet."""

    def _running(self) -> list[Task]:
        return list(self._condition.matches.blocking.values())

    def _mark(self) -> str:
        matches, operations = self._condition.matches, self._operations()
        is_quiet = not (matches.undecided or operations or matches.blocking)
        counts = f"{len(matches.undecided)} {len(matches.stalled)} {len(matches.unknown_outcomes)}"
        return f"{is_quiet} {counts} {' '.join(operations)}"

    def _line(self, running: list[Task]) -> list[Part]:
        operations, undecided = self._operations(), self._condition.matches.undecided
        window = self._condition.window
        if running:
            slowest = self._describe(min(running, key=get_progress))
            return [f"{slowest}; not quiet: {count_tasks(len(running))} running"]
        if operations:
            return [f"not quiet: {join_limited(operations)} on the object"]
        if undecided:
            return [f"{self._name(undecided[0].subject)} disappeared; it may still be running"]
        # One answer is not a span of time: the quiet time begins with it.
        seconds = [window.quiet, "observed"]
        return ["quiet for ", seconds, f" of {spell_duration(window.quiet_for)}"]

    def _name(self, subject: Task | str) -> str:
        if isinstance(subject, Task):
            return describe_task(mask_label(subject, self._sink.mask))
        return escape(subject, limit=MAX_LABEL)

    def _operations(self) -> list[str]:
        """Return the operations on the object without a running task that is reported."""
        running = self._condition.matches.running
        held = self._condition.held.items()
        return [shorten_word(name) for ref, name in held if ref not in running]


def observe(
    condition: CompletionCondition | QuietCondition, sink: Sink, *, clock: Callable[[], float]
) -> Observer[Any]:
    """Return the observer of a condition."""
    if isinstance(condition, CompletionCondition):
        return CompletionObserver(condition, sink, clock=clock)
    return QuietObserver(condition, sink, clock=clock)
