# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Mapping, NamedTuple, Sequence

from .._client.session import Session
from .._tasks.api import Tasks
from .._tasks.literal_regexes import check_literal
from .._tasks.model import Task
from .._tasks.selection import Selection, SelectionContext, creation, is_selected, undated
from .context import CachedContext
from .disappearance import HOST_DISABLED, Disappearances, LastSeen
from .quiet_window import QuietWindow
from .stalls import Stalls
from .timeline import Timeline

_MAX_ENDED = 200


class UnknownOutcome(NamedTuple):
    """A task or operation that disappeared, although its work may continue."""

    subject: Task | str
    """The task, or the description of an operation on the object."""
    reason: str


class EndedTasks:
    """Counts tasks that have ended, and keeps the latest of them."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        """The latest tasks, by reference."""
        self.count = 0

    def add(self, task: Task) -> None:
        self.count += task.ref not in self.tasks
        self.tasks[task.ref] = task
        if len(self.tasks) > _MAX_ENDED:
            del self.tasks[next(iter(self.tasks))]


class MatchTracker:
    """Tracks the tasks that match a selection while they run, and how each of them went.

    A task that matched while it was running is tracked until it has ended or disappeared, even if
    the filters no longer match it. A match that is first seen finished has run since the last
    answer. The end of a match restarts the quiet time.
    """

    def __init__(
        self,
        session: Session,
        selection: Selection,
        cached_context: CachedContext,
        window: QuietWindow,
        *,
        ignore_stalled: float | None,
        clock: Callable[[], float],
    ) -> None:
        self._selection = selection
        self._cached_context = cached_context
        self._window = window
        self._tasks = Tasks(session)
        self._stalls = Stalls(ignore_stalled, clock=clock)
        self._disappearances = Disappearances(session)
        self._finished: set[str] | None = None
        """The tasks that were seen finished; None before the first refresh."""
        self.running: dict[str, LastSeen] = {}
        """The running matches, with their last known records."""
        self.ended = EndedTasks()
        """The matches that have ended since the first refresh."""
        self.unknown_outcomes: dict[str, UnknownOutcome] = {}
        self.timeline = Timeline()

    @property
    def blocking(self) -> dict[str, Task]:
        """The running matches that are not stalled."""
        return {ref: last.task for ref, last in self.running.items() if not self.is_stalled(ref)}

    @property
    def stalled(self) -> list[Task]:
        """The running matches that are ignored because they make no progress."""
        return [last.task for ref, last in self.running.items() if self.is_stalled(ref)]

    @property
    def undecided(self) -> list[UnknownOutcome]:
        """The tasks that disappeared from a disabled host, which may be restarting XAPI."""
        left = self._disappearances.undecided.values()
        return [UnknownOutcome(last.task, HOST_DISABLED) for last in left]

    @property
    def undated(self) -> list[Task]:
        """The tasks that matched and whose age is unknown."""
        unknown = [one.subject for one in self.unknown_outcomes.values()]
        gone = [subject for subject in unknown if isinstance(subject, Task)]
        running = [last.task for last in self.running.values()]
        known = [*running, *self.ended.tasks.values(), *gone]
        return undated(known, self._selection, self._cached_context.context)

    @property
    def next_stall_in(self) -> float:
        """Seconds until the next blocking task counts as stalled."""
        return self._stalls.next_in(self.blocking)

    def is_stalled(self, ref: str) -> bool:
        return self._stalls.is_stalled(ref)

    def interrupt(self) -> None:
        """Note that changes may have been missed."""
        self._stalls.interrupt()

    def update_hosts(self, hosts: Mapping[str, Mapping[str, Any]]) -> None:
        """Apply records of hosts, by reference."""
        self._disappearances.update_hosts(hosts)

    def refresh_hosts(self, deleted: frozenset[str]) -> None:
        """Store the current state of the hosts with each running task that was not deleted."""
        for ref in self.running.keys() - deleted:
            self.running[ref] = self._disappearances.refresh_hosts(self.running[ref])

    def update(
        self, tasks: Sequence[Task], context: SelectionContext, *, is_object_written: bool
    ) -> None:
        """Apply records of tasks; say whether the object may have been written in between."""
        check_literal(tasks, self._selection)
        for task in tasks:
            if task.ref in self.running:
                self._track(task)
            elif task.is_finished:
                self._track_finished(task, context, is_object_written=is_object_written)
            elif is_selected(task, self._selection, context):
                self._track(task)

    def set_finished(self, tasks: Sequence[Task]) -> None:
        """Store which of all tasks of the pool have finished."""
        self._finished = {task.ref for task in tasks if task.is_finished}

    def confirm_missing(self, unseen: list[str], *, was_watched: bool) -> None:
        """Read running matches that a listing did not have, and examine those that are gone."""
        present, gone = self._tasks.confirm(unseen)
        for task in present:
            self._track(task)
        stalled = [ref for ref in gone if self.is_stalled(ref)]
        findings = self._disappearances.examine(
            [self.running[ref] for ref in gone if ref not in stalled],
            expected_time=self._cached_context.server_time,
            was_watched=was_watched,
        )
        if stalled:
            self._window.restart()
        for ref in gone:
            task, now = self.running.pop(ref).task, self._cached_context.server_time
            self.timeline.note(task, now, status="gone")
            self._stalls.forget(ref)
        for last, reason in findings:
            if reason:
                self.unknown_outcomes[last.task.ref] = UnknownOutcome(last.task, reason)

    def _track_finished(
        self, task: Task, context: SelectionContext, *, is_object_written: bool
    ) -> None:
        """Apply a finished task: if it is new, it has run since the last answer."""
        if self._finished is None or task.ref in self._finished:
            return
        self._finished.add(task.ref)
        if is_selected(task, self._selection, context):
            self._track(task)
            self._window.restart()
        elif is_object_written and self._selection.object is not None:
            # The object no longer names a task that has ended. It was written in the same span of
            # time, so the task may have held it.
            anywhere = replace(self._selection, object=None)
            if is_selected(task, anywhere, context):
                self._window.restart()

    def _track(self, task: Task) -> None:
        self.timeline.note(task, self._cached_context.server_time)
        if task.is_finished:
            self._end(task)
            return
        self._stalls.update(task, min_age=_min_age(task, self._cached_context.context))
        self.running[task.ref] = self._disappearances.remember(task)

    def _end(self, task: Task) -> None:
        if self.running.pop(task.ref, None) is not None:
            # Even a stalled task was at work until now.
            self._window.restart()
        self._stalls.forget(task.ref)
        if self._finished is not None:
            self._finished.add(task.ref)
        self.ended.add(task)


def _min_age(task: Task, context: SelectionContext) -> float:
    """Return the seconds for which a task has certainly existed."""
    return max((context.now or 0) - creation(task, context).latest, 0.0)
