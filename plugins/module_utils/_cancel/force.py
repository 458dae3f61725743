# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
import time
from typing import Callable, Iterable

from .._client.retry import is_pool_wide
from .._client.session import Session
from .._errors import XapiError, XapiFailure
from .._tasks.api import Tasks
from .._wait.disappearance import HOST_DISABLED, Disappearances
from .._wait.task_set import Decision
from .._wait.watcher import Update, Watch, WatchScope
from .cancellation import DENIED, Action, Cancel
from .evidence import EvidenceCache, explain_refusal

FORCE_TIMEOUT = 60.0
"""Seconds for the reads and writes that follow a cancel that was ignored."""
_ANSWER_LOST = "the answer to the request was lost, so it may be marked as cancelled"
_CHANGED = "its record changed while it was watched"
_NOT_IGNORED = "it is not known to have ignored a cancel request for the whole timeout"
_NOT_READ = "the pool did not answer in time to show whether work on it continues"


class ForceOperation:
    """Marks tasks as cancelled; is met when each is marked, or may not be.

    A task that a client made with task.create ends only when that client sets its status
    (xapi_task.ml). If the client is gone, the record stays. This operation then sets the status to
    cancelled, which stops no work. It is for tasks that have ignored cancel requests for some time.
    The evidence is read again before the write. The record shows later whether the write arrived.
    """

    def __init__(
        self,
        session: Session,
        cancels: Iterable[Cancel],
        disappearances: Disappearances,
        *,
        ignored_for: float,
        deadline: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """No status is written after the deadline."""
        self._tasks = Tasks(session)
        self._disappearances = disappearances
        self._ignored_for = ignored_for
        self._deadline = deadline
        self._clock = clock
        self.pending: dict[str, Cancel] = {}
        for cancel in cancels:
            if self._due_at(cancel) <= deadline:
                self.pending[cancel.task.ref] = cancel
            else:
                cancel.reason = _NOT_IGNORED
        self._evidence = EvidenceCache(session, clock=clock)
        self.forced: list[Cancel] = []
        self.needs_refresh = True

    @property
    def decision(self) -> Decision:
        return Decision.PENDING if self.pending else Decision.MET

    @property
    def next_refresh_in(self) -> float:
        due_at = min((self._due_at(cancel) for cancel in self.pending.values()), default=math.inf)
        return due_at - self._clock()

    def invalidate(self) -> None:
        self.needs_refresh = True
        self._evidence.clear()

    def apply(self, update: Update) -> bool:
        """Apply changes; return whether a refresh is needed."""
        self._update(update)
        self.needs_refresh |= self.next_refresh_in <= 0
        return self.needs_refresh

    def refresh(self, watch: Watch) -> None:
        """Mark the tasks that are due and may be marked, one after the other."""
        self._update(watch.refresh(WatchScope(tuple(self.pending))))
        for cancel in list(self.pending.values()):
            if self._due_at(cancel) <= self._clock() <= self._deadline:
                self._decide(cancel)
            elif cancel.may_be_marked:
                self._read(cancel)
        self.needs_refresh = False

    def close(self) -> None:
        """Give a reason for each pending task, since no more requests follow."""
        for cancel in self.pending.values():
            if cancel.may_be_marked:
                cancel.action, cancel.reason = Action.UNKNOWN, _ANSWER_LOST
            else:
                cancel.reason = _NOT_READ

    def _due_at(self, cancel: Cancel) -> float:
        return cancel.accepted_at + self._ignored_for

    def _update(self, update: Update) -> None:
        for task in update.tasks:
            cancel = self.pending.get(task.ref)
            # The next read handles a final record.
            if cancel is not None and not task.is_finished:
                cancel.update(self._disappearances.remember(task), self._clock())

    def _decide(self, cancel: Cancel) -> None:
        pending = self.pending.values()
        evidence = self._evidence.read([one.first._replace(task=one.task) for one in pending])
        if not self._read(cancel):
            return
        reason = _CHANGED if cancel.has_changed else explain_refusal(cancel.task, evidence)
        if reason:
            del self.pending[cancel.task.ref]
            cancel.reason, cancel.may_be_marked = reason, False
        else:
            self._mark(cancel)

    def _read(self, cancel: Cancel) -> bool:
        """Read the record of a task; return whether the task is still running."""
        ref = cancel.task.ref
        task = self._tasks.get_record(ref)
        if task is None:
            self._examine(cancel)
            return False
        cancel.update(self._disappearances.remember(task), self._clock())
        if not task.is_finished:
            return True
        if cancel.may_be_marked and task.status == "cancelled":
            self._record_forced(cancel)
        cancel.may_be_marked = False
        del self.pending[ref]
        return False

    def _mark(self, cancel: Cancel) -> None:
        ref = cancel.task.ref
        try:
            is_present = self._tasks.set_status(ref, "cancelled")
        except XapiFailure as failure:
            if is_pool_wide(failure):
                raise
            # The server may have written the status nevertheless.
            cancel.may_be_marked = failure.code != DENIED
            if self._read(cancel):
                cancel.may_be_marked = False
                cancel.fail(failure)
                del self.pending[ref]
        except XapiError as error:
            cancel.may_be_marked |= error.sent
            raise
        else:
            if is_present:
                self._record_forced(cancel)
                del self.pending[ref]
            else:
                self._examine(cancel)

    def _examine(self, cancel: Cancel) -> None:
        """Decide the action for a task that is gone."""
        ref = cancel.task.ref
        if cancel.may_be_marked:
            # The server deletes a marked record within a minute.
            cancel.action, cancel.reason = Action.UNKNOWN, _ANSWER_LOST
        else:
            findings = self._disappearances.examine(
                [cancel.last], expected_time=self._evidence.server_time
            )
            reasons = {last.task.ref: reason for last, reason in findings}
            cancel.mark_gone(reasons.get(ref, HOST_DISABLED))
        del self.pending[ref]

    def _record_forced(self, cancel: Cancel) -> None:
        cancel.action, cancel.reason = Action.FORCED, ""
        self.forced.append(cancel)
