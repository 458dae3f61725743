# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Mapping

from .._client.session import Session
from .._tasks.model import Task
from .._tasks.query import Found, current_operations
from .._tasks.selection import Selection, SelectionContext, is_selected, is_surely_of_age
from .context import CachedContext
from .task_set import CompletionRules, TaskSet
from .watcher import WatchScope


class Admission:
    """Decides which tasks join a set after its first listing.

    By uuid or ref, only tasks that were missing join. By label or filter, new matches join while
    the set has no match. If all tasks must end as expected, they join until the end, since the
    record of one that fails may be deleted before the others end. Tasks that had finished before
    the first listing never join, unless the selection includes finished tasks.
    """

    def __init__(
        self,
        session: Session,
        selection: Selection,
        rules: CompletionRules,
        cached_context: CachedContext,
    ) -> None:
        self._session = session
        self._selection = selection
        self._rules = rules
        self._cached_context = cached_context
        self._finished_before: frozenset[str] = frozenset()
        self._object_tasks: set[str] = set()
        """The tasks that the object has ever named."""
        self.is_permanent = not selection.by_id and rules.wait_for == "all"
        """Whether new matches join until the end."""

    def is_open(self, tasks: TaskSet) -> bool:
        """Return whether new matches join the set now."""
        is_awaiting = tasks.is_unmatched and self._rules.on_missing == "wait"
        return is_awaiting or self.is_permanent

    def is_awaited(self, task: Task, tasks: TaskSet) -> bool:
        """Return whether a task was missing and is waited for."""
        is_missing = task.uuid in tasks.missing or task.ref in tasks.missing
        return is_missing and self._rules.on_missing == "wait"

    def is_new(self, task: Task, tasks: TaskSet, context: SelectionContext) -> bool:
        """Return whether a task is a match that has not joined the set yet."""
        return (
            not self.had_finished(task)
            and task.ref not in tasks.tasks
            and is_selected(task, self._selection, context)
        )

    def had_finished(self, task: Task) -> bool:
        """Return whether a task is excluded because it had finished before the first listing."""
        return task.ref in self._finished_before

    def exclude_finished(self, present: list[Task], found: Found) -> None:
        """Exclude the tasks of the first listing that must not meet the condition."""
        ended = [task for task in present if task.is_finished]
        if self._selection.includes_finished:
            # A task that ended as expected but may be too old must not meet the condition.
            expected = [task for task in found.tasks if task.status in self._rules.expect]
            context, selection = self._cached_context.context, self._selection
            ended = [task for task in expected if not is_surely_of_age(task, selection, context)]
        self._finished_before = frozenset(task.ref for task in ended)

    def update_operations(self, operations: Mapping[str, str] | None) -> None:
        """Apply the object's current_operations, which omit a task once it has ended."""
        self._object_tasks.update(operations or ())
        self._cached_context.update_operations(dict.fromkeys(self._object_tasks, ""))

    def remember_operations(self) -> None:
        """Remember the tasks that the object named when the context was read."""
        if self._selection.object is not None:
            self.update_operations(dict.fromkeys(self._cached_context.context.object_tasks, ""))

    def read_operations(self) -> None:
        """Read the object's current_operations again, if an object is selected."""
        if self._selection.object is not None:
            kind, ref = self._selection.object.type, self._cached_context.context.object_ref
            self.update_operations(current_operations(self._session, kind, ref))

    def scope(self, tasks: TaskSet) -> WatchScope:
        """Return the scope to watch, for the set and for new matches."""
        is_awaiting = bool(tasks.missing) and self._rules.on_missing == "wait"
        is_open = self.is_open(tasks)
        if not (is_awaiting or is_open):
            return WatchScope(tuple(tasks.running))
        option = self._selection.object
        if option is None or not is_open:
            return WatchScope(None)
        return WatchScope(None, (option.type, self._cached_context.context.object_ref))
