# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import time
from dataclasses import replace
from typing import Callable, NamedTuple, Sequence

from .._client.session import Session
from .._tasks.api import Tasks
from .._tasks.literal_regexes import check_literal
from .._tasks.model import Task
from .._tasks.query import select
from .._tasks.regex_timeout import limit_matching
from .._tasks.selection import Selection, SelectionContext, creation, is_selected, undated
from .context import CachedContext
from .disappearance import HOST_DISABLED, MAX_LATENCY, SESSION_LOST, Disappearances, LastSeen
from .object_holds import ObjectHolds
from .quiet_window import QuietWindow
from .stalls import Stalls
from .task_set import Decision
from .timeline import Timeline
from .watcher import Update, Watch, WatchScope

_MAX_ENDED = 200


class UnknownOutcome(NamedTuple):
    """What kept the gate shut, and disappeared in a way that leaves its work open."""

    what: Task | str
    """The task, or in words what was being done with the object."""
    reason: str


class QuietCondition:
    """A gate that opens when no running task has matched for a while.

    What matched while it was running counts until it is final or gone, whatever filter it falls out
    of. A match that is seen for the first time when it has ended has run since the answer before.
    With an object, what the object itself says is being done with it counts as well.

    It has more attributes than most classes: what was seen, for the report, and one part for each
    rule.
    """

    def __init__(
        self,
        session: Session,
        selection: Selection,
        *,
        quiet_for: float,
        on_gone: str = "fail",
        ignore_stalled: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._selection = selection
        self._on_gone = on_gone
        self._clock = clock
        self._tasks = Tasks(session)
        ages = () if ignore_stalled is None else ("ignore_stalled",)
        self._cached_context = CachedContext(session, selection, ages=ages, clock=clock)
        self._window = QuietWindow(quiet_for, clock=clock)
        self._stalls = Stalls(ignore_stalled, clock=clock)
        self._disappearances = Disappearances(session)
        self._holds = ObjectHolds(session, selection)
        self._finished: set[str] | None = None
        """The tasks that were seen finished; None before the first look."""
        self._is_open = False
        self._is_watched = False
        """Whether every change since the latest look was told."""
        self.running: dict[str, LastSeen] = {}
        """The matches that are running, as they were last seen."""
        self.ended: dict[str, Task] = {}
        """The latest matches that have ended since the first look."""
        self.ended_count = 0
        self.lost: dict[str, UnknownOutcome] = {}
        self.excluded: list[dict[str, str]] = []
        """The running tasks that only exclude leaves out, at the latest look."""
        self.timeline = Timeline()
        self.needs_refresh = True

    @property
    def decision(self) -> Decision:
        if self.lost and self._on_gone == "fail":
            return Decision.FAILED
        return Decision.MET if self._is_open else Decision.PENDING

    @property
    def was_reached(self) -> bool:
        return self._window.was_answered

    @property
    def quiet(self) -> float:
        """For how many seconds it is known to have been quiet."""
        return self._window.quiet

    @property
    def quiet_for(self) -> float:
        return self._window.quiet_for

    @property
    def context(self) -> SelectionContext:
        return self._cached_context.context

    @property
    def undated(self) -> list[Task]:
        """The tasks that matched and whose age is not known."""
        lost = [lost.what for lost in self.lost.values() if isinstance(lost.what, Task)]
        running = [last.task for last in self.running.values()]
        return undated([*running, *self.ended.values(), *lost], self._selection, self.context)

    @property
    def next_refresh_in(self) -> float:
        return min(self._window.full_in, self._stalls.next_in(self.blocking))

    @property
    def blocking(self) -> dict[str, Task]:
        """The running matches that keep the gate shut."""
        return {
            ref: last.task for ref, last in self.running.items() if not self._stalls.is_stalled(ref)
        }

    @property
    def stalled(self) -> list[Task]:
        """The running matches that do not keep the gate shut, since they do not move."""
        return [last.task for ref, last in self.running.items() if self._stalls.is_stalled(ref)]

    @property
    def held(self) -> dict[str, str]:
        """What is being done with the object: operation by ref, without stalled tasks."""
        held = self._holds.held.items()
        return {ref: name for ref, name in held if not self._stalls.is_stalled(ref)}

    @property
    def undecided(self) -> list[UnknownOutcome]:
        """What disappeared, and its host does not tell yet whether it restarted."""
        left = self._disappearances.undecided.values()
        return [UnknownOutcome(last.task, HOST_DISABLED) for last in left]

    @property
    def server_time(self) -> int | None:
        return self._cached_context.server_time

    def invalidate(self) -> None:
        self.needs_refresh = True
        self._is_watched = False
        self._window.restart()
        self._stalls.interrupt()

    def refresh(self, watch: Watch) -> None:
        """Read all tasks of the pool, the hosts, and the object if one is meant."""
        self._cached_context.read()
        asked_at = self._clock()
        update = watch.refresh(self._scope())
        # In case that it took another login to get it.
        self._cached_context.read()
        generation = self._session.generation
        present = {task.ref: task for task in update.tasks}
        self._disappearances.update_hosts(update.hosts)
        self._cached_context.learn(update.operations)
        context = self._cached_context.context
        with limit_matching(self._selection):
            # An event may have been lost with the old token, and the object may have been held.
            self._see_all(update.tasks, context, is_object_written=watch.method == "events")
            self.excluded = select(update.tasks, self._selection, context).excluded_briefly
        self._finished = {task.ref for task in update.tasks if task.is_finished}
        self._confirm_missing([ref for ref in self.running if ref not in present])
        if self._selection.object is not None:
            for ref, what in self._holds.refresh(update.operations, present, context).items():
                if ref not in self.ended:
                    self.lost.setdefault(ref, UnknownOutcome(what, SESSION_LOST))
        # In another session, what goes on from here would be watched from another one's past.
        self.needs_refresh = generation != self._session.generation
        # The answer tells how it was at some moment after the asking, however long it took.
        self._count(known_at=asked_at)
        if self.needs_refresh:
            self._window.restart()
        self._is_open = self._is_quiet_enough
        self._is_watched = watch.method == "events" and self._clock() - asked_at < MAX_LATENCY

    def take(self, update: Update) -> bool:
        """Take in what changed; a match that ended may have been the last one."""
        before = set(self.running)
        self._disappearances.update_hosts(update.hosts)
        context, operations = self._cached_context.context, update.operations
        with limit_matching(self._selection):
            self._see_all(update.tasks, context, is_object_written=operations is not None)
        if update.hosts:
            for ref in self.running.keys() - update.deleted:
                self.running[ref] = self._disappearances.refresh_hosts(self.running[ref])
        # Only a look tells what became of them, and which task it is that holds the object now.
        self.needs_refresh |= not self.running.keys().isdisjoint(update.deleted)
        self.needs_refresh |= bool(update.hosts and self._disappearances.undecided)
        self.needs_refresh |= operations is not None and (
            not operations or context.object_tasks != frozenset(operations)
        )
        if update.is_answer:
            self._count(known_at=self._clock())
        self.needs_refresh |= self._is_quiet_enough or self._window.full_in <= 0
        return self.needs_refresh or before != set(self.running)

    def _scope(self) -> WatchScope:
        option = self._selection.object
        watched = None if option is None else (option.type, self._cached_context.context.object_ref)
        return WatchScope(None, watched, hosts=True)

    @property
    def _is_quiet_enough(self) -> bool:
        is_decided = self._on_gone == "ok" or not self._disappearances.undecided
        return self._window.is_full and is_decided

    def _count(self, *, known_at: float) -> None:
        is_busy = bool(self.blocking or self.held)
        self._window.count(
            is_busy=is_busy, known_at=known_at, session_generation=self._session.generation
        )

    def _see_all(
        self, tasks: Sequence[Task], context: SelectionContext, *, is_object_written: bool
    ) -> None:
        check_literal(tasks, self._selection)
        for task in tasks:
            if task.ref in self.running:
                self._see(task)
            elif task.is_finished:
                self._see_finished(task, context, is_object_written=is_object_written)
            elif is_selected(task, self._selection, context):
                self._see(task)

    def _see_finished(
        self, task: Task, context: SelectionContext, *, is_object_written: bool
    ) -> None:
        """Take in a finished task: if it is new, it has run since the answer before."""
        if self._finished is None or task.ref in self._finished:
            return
        self._finished.add(task.ref)
        if is_selected(task, self._selection, context):
            self._see(task)
            self._window.restart()
        elif is_object_written and self._selection.object is not None:
            # The object no longer names a task that has ended. It was written in the same span of
            # time, so that the task may have held it.
            anywhere = replace(self._selection, object=None)
            if is_selected(task, anywhere, context):
                self._window.restart()

    def _see(self, task: Task) -> None:
        self.timeline.note(task, self.server_time)
        if task.is_finished:
            self._end(task)
            return
        self._stalls.see(task, min_age=self._min_age(task))
        self.running[task.ref] = self._disappearances.remember(task)

    def _min_age(self, task: Task) -> float:
        """The seconds for which a task has existed for sure."""
        context = self.context
        return max((context.now or 0) - creation(task, context).latest, 0.0)

    def _end(self, task: Task) -> None:
        if self.running.pop(task.ref, None) is not None:
            # It was at work until now, even if it seemed to stand still.
            self._window.restart()
        self._stalls.forget(task.ref)
        if self._finished is not None:
            self._finished.add(task.ref)
        self.ended_count += task.ref not in self.ended
        self.ended[task.ref] = task
        if len(self.ended) > _MAX_ENDED:
            del self.ended[next(iter(self.ended))]

    def _confirm_missing(self, unseen: list[str]) -> None:
        present, gone = self._tasks.confirm(unseen)
        for task in present:
            self._see(task)
        ignored = [ref for ref in gone if self._stalls.is_stalled(ref)]
        findings = self._disappearances.examine(
            [self.running[ref] for ref in gone if ref not in ignored],
            expected_time=self.server_time,
            was_watched=self._is_watched,
        )
        if ignored:
            self._window.restart()
        for ref in gone:
            self.timeline.note(self.running.pop(ref).task, self.server_time, status="gone")
            self._stalls.forget(ref)
        for last, reason in findings:
            if reason:
                self.lost[last.task.ref] = UnknownOutcome(last.task, reason)
