# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Iterable

from .._tasks.model import Task


class Decision(Enum):
    """The state of a condition."""

    MET = "met"
    FAILED = "failed"
    PENDING = "pending"


@dataclass(frozen=True)
class CompletionRules:
    """The options that say when a set of tasks meets its condition."""

    wait_for: str = "all"
    expect: frozenset[str] = frozenset({"success"})
    fail_fast: bool = True
    on_missing: str = "fail"
    on_gone: str = "fail"


class TaskSet:
    """The tasks that a condition depends on, each with its last known record.

    Once a task is seen to have ended, later records do not change that: the server deletes the
    record sooner or later, and clients can write to it.
    """

    def __init__(self, expect: Iterable[str] = ("success",)) -> None:
        self._expect = frozenset(expect)
        self.tasks: dict[str, Task] = {}
        """The last record of each task, by reference, in the order in which they joined."""
        self.running: set[str] = set()
        self.satisfied: set[str] = set()
        self.unexpected: set[str] = set()
        self.gone: set[str] = set()
        self.gone_reasons: dict[str, str] = {}
        """The likeliest reason why each task disappeared, as far as it is known."""
        self.missing: set[str] = set()
        """The requested uuids and refs that no task has had yet."""
        self.is_unmatched = False
        """Whether no task has matched the selection yet."""

    @property
    def is_incomplete(self) -> bool:
        return self.is_unmatched or bool(self.missing)

    def update(self, task: Task) -> bool:
        """Apply a record; return whether more than the progress of a running task changed."""
        before = self.tasks.get(task.ref)
        if before is not None and task.ref not in self.running:
            return False
        self.tasks[task.ref] = task
        if before is None:
            self.is_unmatched = False
            self.missing -= {task.uuid, task.ref}
        if task.is_finished:
            self.running.discard(task.ref)
            met = task.status in self._expect
            (self.satisfied if met else self.unexpected).add(task.ref)
            return True
        self.running.add(task.ref)
        return before is None or _is_more_than_progress(before, task)

    def mark_gone(self, ref: str) -> None:
        """Note that a task disappeared before its end was seen."""
        self.running.remove(ref)
        self.gone.add(ref)


def decide(tasks: TaskSet, rules: CompletionRules) -> Decision:
    """Decide by the rules whether a set of tasks meets its condition."""
    is_coming = tasks.is_incomplete and rules.on_missing == "wait"
    is_pending = bool(tasks.running) or is_coming
    if rules.wait_for == "any":
        if tasks.satisfied:
            return Decision.MET
        return Decision.PENDING if is_pending else Decision.FAILED
    if _has_failed(tasks, rules) and (rules.fail_fast or not is_pending):
        return Decision.FAILED
    return Decision.PENDING if is_pending else Decision.MET


def _has_failed(tasks: TaskSet, rules: CompletionRules) -> bool:
    return (
        bool(tasks.unexpected)
        or (bool(tasks.gone) and rules.on_gone == "fail")
        or (tasks.is_incomplete and rules.on_missing == "fail")
    )


def _is_more_than_progress(before: Task, after: Task) -> bool:
    # The server writes full progress with the end of a task, so the status may change at once.
    progress = after.progress
    if progress is not None and progress >= 1:
        return True
    return {**before.record, "progress": None} != {**after.record, "progress": None}
