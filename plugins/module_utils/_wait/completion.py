# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import dataclasses
import math
import time
from typing import Callable, Iterable, Mapping

from .._client.session import Session
from .._errors import HostError, NoHostAnswered
from .._tasks.api import Tasks
from .._tasks.literal_regexes import check_literal
from .._tasks.model import Task
from .._tasks.query import Found, candidates, current_operations, select
from .._tasks.regex_timeout import limit_matching
from .._tasks.selection import Selection, SelectionContext, is_selected, is_surely_of_age, undated
from .context import CachedContext
from .disappearance import Disappearances, LastSeen
from .task_set import CompletionRules, Decision, TaskSet, judge
from .timeline import Timeline
from .watcher import Update, Watch, WatchScope


class CompletionCondition:
    """A gate that opens by how all, or any, of a set of tasks ended.

    By identity the set is what was asked for. By label or filter it is what matches at the first
    look at which anything does; what had finished before the very first look is no part of it,
    unless the selection is about such: an old success must not open today's gate. If all of a set
    must end well, each later match joins it as soon as it is seen, since the record of one that
    fails may be deleted before the others end.
    """

    def __init__(
        self,
        session: Session,
        selection: Selection,
        rules: CompletionRules,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self.selection = selection
        self.rules = rules
        self._tasks = Tasks(session)
        self._cached_context = CachedContext(session, selection, clock=clock)
        self._disappearances = Disappearances(session)
        self._last_seen: dict[str, LastSeen] = {}
        self._finished_before: frozenset[str] = frozenset()
        self._admits_later = not selection.by_id and rules.wait_for == "all"
        self._is_confirmed = not self._admits_later
        self._object_tasks: set[str] = set()
        """The tasks that the object has ever named."""
        self.set = TaskSet(rules.expect)
        self.timeline = Timeline()
        self.was_reached = False
        """Whether the first look was had."""
        self.found = Found(None)
        """What it found."""
        self.needs_refresh = True
        """Whether something is known by now that only a look can tell more of."""

    @property
    def decision(self) -> Decision:
        if not self.was_reached or self._awaits_confirmation:
            return Decision.PENDING
        return judge(self.set, self.rules)

    @property
    def server_time(self) -> int | None:
        return self._cached_context.server_time

    @property
    def context(self) -> SelectionContext:
        return self._cached_context.context

    @property
    def undated(self) -> list[Task]:
        """The tasks that match but for their age, which is not known."""
        known = {task.ref: task for task in (*self.found.undated, *self.set.tasks.values())}
        return undated(known.values(), self.selection, self.context)

    @property
    def next_refresh_in(self) -> float:
        return math.inf

    def invalidate(self) -> None:
        self.needs_refresh = True

    def refresh(self, watch: Watch) -> None:
        """Read what the set depends on afresh."""
        self._cached_context.read()
        if not self.was_reached:
            self._list_first()
        elif self._awaits_confirmation:
            self._confirm()
        else:
            self._list_again(watch)

    def take(self, update: Update) -> bool:
        """Take in what changed; whether it was more than progress, so that an end may be near."""
        is_telling = self._is_admitting and update.operations is not None
        if is_telling:
            self._learn(update.operations)
        self.needs_refresh |= is_telling
        with limit_matching(self.selection):
            is_telling |= self._see_all(update.tasks)
        # The server may have deleted it as well as another client: what was its end is not told.
        self.needs_refresh |= not self.set.running.isdisjoint(update.deleted)
        self.needs_refresh |= self._awaits_confirmation
        return is_telling or self.needs_refresh

    def _see_all(self, tasks: list[Task]) -> bool:
        is_telling, is_admitting = False, self._is_admitting
        context = self._cached_context.context
        if is_admitting:
            check_literal(tasks, self.selection)
        for task in tasks:
            if task.ref in self.set.running:
                is_telling |= self._see(task)
            elif self._is_awaited(task) or (is_admitting and self._is_new(task, context)):
                is_telling |= self._see(task)
                # What is watched from now on is less, unless later matches may come.
                self.needs_refresh |= not (self.set.is_incomplete or self._admits_later)
        return is_telling

    @property
    def _awaits_confirmation(self) -> bool:
        return not self._is_confirmed and judge(self.set, self.rules) is Decision.MET

    @property
    def _is_admitting(self) -> bool:
        """Whether new matches join the set."""
        is_awaiting = self.set.is_unmatched and self.rules.on_missing == "wait"
        return is_awaiting or self._admits_later

    def _learn(self, operations: Mapping[str, str] | None) -> None:
        """Take in the object's current_operations; a task that has ended is no longer in them."""
        self._object_tasks.update(operations or ())
        self._cached_context.learn(dict.fromkeys(self._object_tasks, ""))

    def _list_first(self) -> None:
        present = candidates(self._tasks, self.selection)
        # In case that it took another login to get them.
        self._cached_context.read()
        with limit_matching(self.selection):
            check_literal(present, self.selection)
            found = select(present, self.selection, self._cached_context.context)
        self._learn_first()
        ended = [task for task in present if task.is_finished]
        if self.selection.includes_finished:
            # A good end that may be too old opens no gate.
            good = [task for task in found.tasks if task.status in self.rules.expect]
            context, selection = self._cached_context.context, self.selection
            ended = [task for task in good if not is_surely_of_age(task, selection, context)]
        self._finished_before = frozenset(task.ref for task in ended)
        self.set.missing.update(found.missing_uuids, found.missing_refs)
        self.set.is_unmatched = not self.selection.by_id
        self._admit(found.tasks)
        self.found, self.was_reached = found, True
        # What was listed just now need not be listed once more.
        self._is_confirmed |= judge(self.set, self.rules) is Decision.MET

    def _learn_first(self) -> None:
        if self.selection.object is not None:
            self._learn(dict.fromkeys(self._cached_context.context.object_tasks, ""))

    def _confirm(self) -> None:
        """List once more before the gate opens, so that matches of today join the set.

        A match that has finished by now and had not at the first look ran meanwhile, and counts.
        """
        if self.selection.object is not None:
            kind, ref = self.selection.object.type, self._cached_context.context.object_ref
            self._learn(current_operations(self._session, kind, ref))
        context = self._cached_context.context
        present = self._tasks.get_all_records()
        with limit_matching(self.selection):
            check_literal(present, self.selection)
            self._admit(task for task in present if self._is_new(task, context))
        self._is_confirmed = not self.set.running
        self.needs_refresh = bool(self.set.running)

    def _list_again(self, watch: Watch) -> None:
        update = watch.refresh(self._scope())
        if self._is_admitting and self.selection.object is not None:
            self._learn(update.operations)
        self.needs_refresh = False
        self.take(dataclasses.replace(update, operations=None))
        unseen = self.set.running.difference(task.ref for task in update.tasks)
        if unseen:
            self._confirm_missing(unseen)

    def _confirm_missing(self, unseen: set[str]) -> None:
        present, gone = self._tasks.confirm(unseen)
        for task in present:
            self._see(task)
        self.set.gone_reasons.update(self._explain([self._last_seen[ref] for ref in gone]))
        for ref in gone:
            self.timeline.note(self.set.tasks[ref], self.server_time, status="gone")
            self.set.lose(ref)

    def _explain(self, gone: list[LastSeen]) -> dict[str, str]:
        """Find out why tasks are gone, if that is to be had: the message alone needs it."""
        try:
            return self._disappearances.explain(gone) if gone else {}
        except (HostError, NoHostAnswered):
            return {}

    def _scope(self) -> WatchScope:
        is_awaiting = bool(self.set.missing) and self.rules.on_missing == "wait"
        if not (is_awaiting or self._is_admitting):
            return WatchScope(tuple(self.set.running))
        option = self.selection.object
        if option is None or not self._is_admitting:
            return WatchScope(None)
        return WatchScope(None, (option.type, self._cached_context.context.object_ref))

    def _admit(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            if task.ref not in self._finished_before:
                self._see(task)
        self.needs_refresh = True

    def _see(self, task: Task) -> bool:
        is_telling = self.set.see(task)
        if task.ref in self.set.running:
            self._last_seen[task.ref] = self._disappearances.remember(task)
        self.timeline.note(task, self.server_time)
        return is_telling

    def _is_awaited(self, task: Task) -> bool:
        is_missing = task.uuid in self.set.missing or task.ref in self.set.missing
        return is_missing and self.rules.on_missing == "wait"

    def _is_new(self, task: Task, context: SelectionContext) -> bool:
        return (
            task.ref not in self._finished_before
            and task.ref not in self.set.tasks
            and is_selected(task, self.selection, context)
        )
