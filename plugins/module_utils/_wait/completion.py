# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import dataclasses
import math
import time
from typing import Callable

from .._client.session import Session
from .._tasks.api import Tasks
from .._tasks.literal_regexes import check_literal
from .._tasks.model import Task
from .._tasks.query import Found, candidates, select
from .._tasks.regex_timeout import limit_matching
from .._tasks.selection import Selection, SelectionContext, undated
from .admission import Admission
from .context import CachedContext
from .set_tracker import SetTracker
from .task_set import CompletionRules, Decision, decide
from .watcher import Update, Watch


class CompletionCondition:
    """Is met when all, or any, of a set of tasks have ended as expected.

    By uuid or ref, the set is the named tasks. By label or filter, it is the tasks that match at
    the first refresh that finds any, and later matches that `Admission` adds. Tasks that had
    finished before the first refresh are left out, unless the selection includes finished tasks:
    an old success must not meet a condition of today.
    """

    def __init__(
        self,
        session: Session,
        selection: Selection,
        rules: CompletionRules,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.selection = selection
        self.rules = rules
        self._tasks = Tasks(session)
        self._cached_context = CachedContext(session, selection, clock=clock)
        self._admission = Admission(session, selection, rules, self._cached_context)
        self._tracker = SetTracker(
            session, rules.expect, server_time=lambda: self._cached_context.server_time
        )
        self.set, self.timeline = self._tracker.set, self._tracker.timeline
        self._is_confirmed = not self._admission.is_permanent
        self.was_reached = False
        """Whether the first refresh succeeded."""
        self.found = Found(None)
        """The result of the first refresh."""
        self.needs_refresh = True
        """Whether an update showed something that only a refresh can clear up."""

    @property
    def decision(self) -> Decision:
        if not self.was_reached or self._awaits_confirmation:
            return Decision.PENDING
        return decide(self.set, self.rules)

    @property
    def context(self) -> SelectionContext:
        return self._cached_context.context

    def compute_age(self, task: Task) -> int | None:
        return self._cached_context.compute_age(task)

    @property
    def undated(self) -> list[Task]:
        """The tasks that match but for their age, which is unknown."""
        known = {task.ref: task for task in (*self.found.undated, *self.set.tasks.values())}
        return undated(known.values(), self.selection, self.context)

    @property
    def next_refresh_in(self) -> float:
        return math.inf

    def invalidate(self) -> None:
        self.needs_refresh = True

    def refresh(self, watch: Watch) -> None:
        """Read everything that the set depends on."""
        self._cached_context.read()
        if not self.was_reached:
            self._list_first()
        elif self._awaits_confirmation:
            self._confirm()
        else:
            self._list_again(watch)

    def apply(self, update: Update) -> bool:
        """Apply changes; return whether more than progress changed, so that an end may be near."""
        is_significant = self._admission.is_open(self.set) and update.operations is not None
        if is_significant:
            self._admission.update_operations(update.operations)
        self.needs_refresh |= is_significant
        with limit_matching(self.selection):
            is_significant |= self._apply_tasks(update.tasks)
        # A deletion does not show how a task ended.
        self.needs_refresh |= not self.set.running.isdisjoint(update.deleted)
        self.needs_refresh |= self._awaits_confirmation
        return is_significant or self.needs_refresh

    def _apply_tasks(self, tasks: list[Task]) -> bool:
        is_significant, is_open = False, self._admission.is_open(self.set)
        context = self._cached_context.context
        if is_open:
            check_literal(tasks, self.selection)
        for task in tasks:
            if task.ref in self.set.running:
                is_significant |= self._tracker.update(task)
            elif self._admission.is_awaited(task, self.set) or (
                is_open and self._admission.is_new(task, self.set, context)
            ):
                is_significant |= self._tracker.update(task)
                # The scope is smaller from now on, unless more tasks may join.
                self.needs_refresh |= not (self.set.is_incomplete or self._admission.is_permanent)
        return is_significant

    @property
    def _awaits_confirmation(self) -> bool:
        return not self._is_confirmed and decide(self.set, self.rules) is Decision.MET

    def _list_first(self) -> None:
        present = candidates(self._tasks, self.selection)
        # The listing may have needed another login.
        self._cached_context.read()
        with limit_matching(self.selection):
            check_literal(present, self.selection)
            found = select(present, self.selection, self._cached_context.context)
        self._admission.remember_operations()
        self._admission.exclude_finished(present, found)
        self.set.missing.update(found.missing_uuids, found.missing_refs)
        self.set.is_unmatched = not self.selection.by_id
        self._admit(found.tasks)
        self.found, self.was_reached = found, True
        # This listing confirms a condition that is met at once.
        self._is_confirmed |= decide(self.set, self.rules) is Decision.MET

    def _confirm(self) -> None:
        """List all tasks once more before the condition is met, so that new matches join the set.

        A finished match that had not finished at the first refresh ran in between, and counts.
        """
        self._admission.read_operations()
        context = self._cached_context.context
        present = self._tasks.get_all_records()
        with limit_matching(self.selection):
            check_literal(present, self.selection)
            new = [task for task in present if self._admission.is_new(task, self.set, context)]
        self._admit(new)
        self._is_confirmed = not self.set.running
        self.needs_refresh = bool(self.set.running)

    def _list_again(self, watch: Watch) -> None:
        update = watch.refresh(self._admission.scope(self.set))
        if self._admission.is_open(self.set) and self.selection.object is not None:
            self._admission.update_operations(update.operations)
        self.needs_refresh = False
        self.apply(dataclasses.replace(update, operations=None))
        unseen = self.set.running.difference(task.ref for task in update.tasks)
        if unseen:
            self._tracker.confirm_missing(unseen)

    def _admit(self, tasks: list[Task]) -> None:
        for task in tasks:
            if not self._admission.had_finished(task):
                self._tracker.update(task)
        self.needs_refresh = True
