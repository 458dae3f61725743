# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import time
from typing import Any, Callable, Sequence

from .._client.session import Session
from .._tasks.model import Task
from .._tasks.selection import SelectionContext, creation
from .._wait.context import CachedContext
from .._wait.disappearance import MAX_LATENCY
from .._wait.intervals import RESYNC_INTERVAL
from .._wait.task_set import Decision
from .._wait.watcher import Update, Watch
from .alarms import Alarms
from .content import EventWriter
from .gaps import Answer, GapDetector
from .matcher import Matcher
from .missing import MissingTasks, Unlisted
from .object_scope import ObjectScope
from .reporter import Reporter
from .tracker import EndTracker

_MIN_CHECK_INTERVAL = RESYNC_INTERVAL / 2
"""Seconds between two checks of the pool's clock, since polling may read the tasks often."""


class EventCondition:
    """Emits an event for each end of a selected task; it is never met, so a wait never ends.

    A failed request, a new session or a suspended process leaves a gap. After it, all tasks are
    listed again, and the ends that were missed are reported then.
    """

    decision = Decision.PENDING

    def __init__(
        self,
        session: Session,
        matcher: Matcher,
        alarms: Alarms,
        *,
        writer: EventWriter,
        emit: Callable[[dict[str, Any]], None],
        warn: Callable[[str], None],
        describe_error: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The callable describe_error returns the reason of the latest interruption."""
        self._session = session
        self._matcher = matcher
        self._alarms = alarms
        self._clock = clock
        context = CachedContext(session, matcher.selection, ages=alarms.options, clock=clock)
        self._cached_context = context
        self._object = ObjectScope(matcher.selection, context, warn=warn)
        self._tracker = EndTracker()
        self._missing = MissingTasks(session, self._tracker, clock=clock)
        self._gaps = GapDetector(describe_error)
        self._reporter = Reporter(
            session, context, self._tracker, self._missing, writer=writer, emit=emit
        )
        self._is_watched = False
        self.needs_refresh = True

    @property
    def next_refresh_in(self) -> float:
        return self._alarms.next_in

    def invalidate(self) -> None:
        self.needs_refresh = True
        self._is_watched = False
        self._gaps.interrupt()
        self._alarms.interrupt()

    def refresh(self, watch: Watch) -> None:
        """Read all tasks of the pool and the hosts, and report what is new."""
        self._cached_context.read()
        if self._clock() - self._cached_context.checked_at >= _MIN_CHECK_INTERVAL:
            self._check_time()
        asked_at = self._clock()
        update = watch.refresh(self._object.watch_scope)
        self.needs_refresh = False
        # The refresh may have needed another login.
        self._cached_context.read()
        generation = self._session.generation
        answer = Answer(asked_at, self._clock(), generation)
        self._missing.update_hosts(update.hosts)
        self._object.refresh(update.operations)
        unlisted = self._find_unlisted(update)
        # All is known. If a request had failed before, the gap would still be open.
        self._reporter.method = watch.method
        self._report_gap(answer)
        self._apply_listing(update.tasks, unlisted)
        self._report_alarms()
        # After a login, the next updates would not follow from this refresh.
        self.needs_refresh |= generation != self._session.generation
        self._is_watched = watch.method == "events" and self._clock() - asked_at < MAX_LATENCY

    def apply(self, update: Update) -> bool:
        """Report what an update shows; return whether a task began or ended, or disappeared."""
        self._reporter.after_gap = False
        if update.is_answer:
            self._gaps.record_update(self._clock())
        before = set(self._tracker.running)
        self._missing.update_hosts(update.hosts)
        self.needs_refresh |= self._object.add(update.operations)
        self._apply_tasks(update.tasks)
        if update.hosts:
            self._missing.refresh_hosts(update.deleted)
        self._tracker.forget(update.deleted)
        # A refresh shows how deleted tasks ended.
        running = self._tracker.running
        self.needs_refresh |= not running.keys().isdisjoint(update.deleted)
        self.needs_refresh |= bool(update.hosts) and self._missing.undecided > 0
        # An alarm needs a fresh record.
        self.needs_refresh |= self._alarms.next_in <= 0
        return self.needs_refresh or before != set(running)

    def _check_time(self) -> bool:
        """Correct the pool's time; return whether it was wrong."""
        since = self._cached_context.checked_at
        ahead = self._cached_context.check_time()
        self._gaps.record_clock(ahead)
        if ahead:
            self._alarms.forget_new(since)
        return ahead != 0

    def _report_gap(self, answer: Answer) -> None:
        gap = self._gaps.record_refresh(answer)
        self._reporter.after_gap = gap is not None
        if gap is not None:
            self._reporter.report_gap(gap)

    def _find_unlisted(self, update: Update) -> Unlisted:
        """Find out about the tracked tasks that a listing does not have."""
        present = {task.ref for task in update.tasks}
        return self._missing.examine(
            [ref for ref in self._tracker.running if ref not in present],
            expected_time=self._cached_context.latest_time,
            was_watched=self._is_watched,
        )

    def _apply_listing(self, tasks: Sequence[Task], unlisted: Unlisted) -> None:
        self._apply_tasks(tasks)
        present = {task.ref for task in tasks}
        self._tracker.complete_listing(present)
        self._object.keep(present)
        self._apply_tasks(unlisted.found)
        missing = self._missing.settle(unlisted, after_gap=self._reporter.after_gap)
        for ref in unlisted.gone:
            self._alarms.forget(ref)
        self._reporter.report_missing(missing)

    def _report_alarms(self) -> None:
        if self._alarms.next_in <= 0 and self._check_time():
            # The next refresh applies the ages by the corrected time.
            self.needs_refresh = True
            return
        running = [last.task for last in self._tracker.running.values()]
        self._reporter.report_alarms(self._alarms.take_due(running))

    def _apply_tasks(self, tasks: Sequence[Task]) -> None:
        context = self._cached_context.context
        ends = self._matcher.apply(
            tasks,
            context,
            lambda is_selected: self._tracker.update(
                tasks, is_selected=is_selected, remember=self._missing.remember
            ),
        )
        for task in tasks if self._alarms.are_set else ():
            if task.ref in self._tracker.running:
                self._alarms.update(task, min_age=_min_age(task, context))
        for task in ends:
            self._alarms.forget(task.ref)
        self._reporter.report_ends(ends)


def _min_age(task: Task, context: SelectionContext) -> float:
    """Return the seconds for which a task has certainly existed."""
    return max((context.now or 0) - creation(task, context).latest, 0.0)
