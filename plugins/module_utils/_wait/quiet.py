# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import time
from typing import Callable

from .._client.session import Session
from .._tasks.model import Task
from .._tasks.query import select
from .._tasks.regex_timeout import limit_matching
from .._tasks.selection import Selection, SelectionContext
from .context import CachedContext
from .disappearance import MAX_LATENCY, SESSION_LOST
from .match_tracker import MatchTracker, UnknownOutcome
from .object_holds import ObjectHolds
from .quiet_window import QuietWindow
from .task_set import Decision
from .timeline import Timeline
from .watcher import Update, Watch, WatchScope


class QuietCondition:
    """Is met when no running task has matched for some time.

    With an object, the entries of its current_operations count as well.
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
        ages = () if ignore_stalled is None else ("ignore_stalled",)
        self._cached_context = CachedContext(session, selection, ages=ages, clock=clock)
        self.window = QuietWindow(quiet_for, clock=clock)
        self.matches = MatchTracker(
            session,
            selection,
            self._cached_context,
            self.window,
            ignore_stalled=ignore_stalled,
            clock=clock,
        )
        self._holds = ObjectHolds(session, selection)
        self._is_met = False
        self._is_watched = False
        """Whether the updates since the latest refresh have every change."""
        self.excluded: list[dict[str, str]] = []
        """The running tasks that only exclude leaves out, at the latest refresh."""
        self.needs_refresh = True

    @property
    def decision(self) -> Decision:
        if self.matches.unknown_outcomes and self._on_gone == "fail":
            return Decision.FAILED
        return Decision.MET if self._is_met else Decision.PENDING

    @property
    def was_reached(self) -> bool:
        """Whether the first refresh succeeded."""
        return self.window.was_answered

    @property
    def context(self) -> SelectionContext:
        return self._cached_context.context

    def compute_age(self, task: Task) -> int | None:
        return self._cached_context.compute_age(task)

    @property
    def timeline(self) -> Timeline:
        return self.matches.timeline

    @property
    def undated(self) -> list[Task]:
        return self.matches.undated

    @property
    def next_refresh_in(self) -> float:
        return min(self.window.full_in, self.matches.next_stall_in)

    @property
    def held(self) -> dict[str, str]:
        """The operations on the object by the reference of the task, without stalled tasks."""
        held = self._holds.held.items()
        return {ref: name for ref, name in held if not self.matches.is_stalled(ref)}

    def invalidate(self) -> None:
        self.needs_refresh = True
        self._is_watched = False
        self.window.restart()
        self.matches.interrupt()

    def refresh(self, watch: Watch) -> None:
        """Read all tasks of the pool, the hosts, and the object if one is selected."""
        self._cached_context.read_for_gate()
        asked_at = self._clock()
        update = watch.refresh(self._scope())
        # The refresh may have needed another login.
        self._cached_context.read()
        generation = self._session.generation
        self._apply_refresh(update, is_object_written=watch.method == "events")
        # After a login, the next updates would not follow from this refresh.
        self.needs_refresh = generation != self._session.generation
        # The answer shows the state at some moment after the request, however long it took.
        self._count(known_at=asked_at)
        if self.needs_refresh:
            self.window.restart()
        self._is_met = self._is_quiet_enough
        self._is_watched = watch.method == "events" and self._clock() - asked_at < MAX_LATENCY

    def _apply_refresh(self, update: Update, *, is_object_written: bool) -> None:
        present = {task.ref: task for task in update.tasks}
        self.matches.update_hosts(update.hosts)
        self._cached_context.update_operations(update.operations)
        context = self._cached_context.context
        with limit_matching(self._selection):
            # With events, a change of the object may have been missed with the old token.
            self.matches.update(update.tasks, context, is_object_written=is_object_written)
            self.excluded = select(update.tasks, self._selection, context).excluded_briefly
        self.matches.set_finished(update.tasks)
        unseen = [ref for ref in self.matches.running if ref not in present]
        self.matches.confirm_missing(unseen, was_watched=self._is_watched)
        if self._selection.object is not None:
            for ref, what in self._holds.refresh(update.operations, present, context).items():
                if ref not in self.matches.ended.tasks:
                    unknown = UnknownOutcome(what, SESSION_LOST)
                    self.matches.unknown_outcomes.setdefault(ref, unknown)

    def apply(self, update: Update) -> bool:
        """Apply changes; return whether a match started or ended, or a refresh is needed."""
        before = set(self.matches.running)
        self.matches.update_hosts(update.hosts)
        context, operations = self._cached_context.context, update.operations
        with limit_matching(self._selection):
            self.matches.update(update.tasks, context, is_object_written=operations is not None)
        if update.hosts:
            self.matches.refresh_hosts(update.deleted)
        # A refresh shows how deleted tasks ended, and which task holds the object now.
        self.needs_refresh |= not self.matches.running.keys().isdisjoint(update.deleted)
        self.needs_refresh |= bool(update.hosts and self.matches.undecided)
        self.needs_refresh |= operations is not None and (
            not operations or context.object_tasks != frozenset(operations)
        )
        if update.is_answer:
            self._count(known_at=self._clock())
        self.needs_refresh |= self._is_quiet_enough or self.window.full_in <= 0
        return self.needs_refresh or before != set(self.matches.running)

    def _scope(self) -> WatchScope:
        option = self._selection.object
        watched = None if option is None else (option.type, self._cached_context.context.object_ref)
        return WatchScope(None, watched, hosts=True)

    @property
    def _is_quiet_enough(self) -> bool:
        is_decided = self._on_gone == "ok" or not self.matches.undecided
        return self.window.is_full and is_decided

    def _count(self, *, known_at: float) -> None:
        is_busy, generation = bool(self.matches.blocking or self.held), self._session.generation
        self.window.count(is_busy=is_busy, known_at=known_at, session_generation=generation)
