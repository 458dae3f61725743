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
from .cancellation import DENIED, Cancel
from .evidence import Evidence, explain_refusal, read_evidence

FORCE_TIMEOUT = 60.0
"""Seconds for the reads and writes that follow a cancel that was ignored."""
_KNOWN_FOR = 5.0
"""Seconds for which what was read of the pool may be acted on."""
_ANSWER_LOST = "the answer to the request was lost, so that it may be marked as cancelled"
_CHANGED = "its record changed while it was watched"
_NOT_IGNORED = "it is not known to have ignored a request to cancel it for all of timeout"
_NOT_READ = "the pool did not answer in time to tell whether something works on it"


class ForceOperation:
    """A gate that opens when each of some tasks is marked as cancelled, or may not be.

    A task that a client made with task.create ends by that client's word alone (xapi_task.ml). If
    the client is gone, the record stays; this says in its place that the task was cancelled, which
    stops no work. It is for tasks that have ignored a request to cancel them for long enough. All
    that allows it is read again before the write. If the answer to the write is lost, the record
    tells whether it arrived.
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
        """Nothing is written after the deadline."""
        self._session = session
        self._tasks = Tasks(session)
        self._disappearances = disappearances
        self._ignored_for = ignored_for
        self._deadline = deadline
        self._clock = clock
        self._open: dict[str, Cancel] = {}
        for cancel in cancels:
            if self._due_at(cancel) <= deadline:
                self._open[cancel.task.ref] = cancel
            else:
                cancel.reason = _NOT_IGNORED
        self._evidence: Evidence | None = None
        self._read_at = -math.inf
        self.forced: list[Cancel] = []
        self.needs_refresh = True

    @property
    def decision(self) -> Decision:
        return Decision.PENDING if self._open else Decision.MET

    @property
    def next_refresh_in(self) -> float:
        due_at = min((self._due_at(cancel) for cancel in self._open.values()), default=math.inf)
        return due_at - self._clock()

    def invalidate(self) -> None:
        self.needs_refresh = True
        self._evidence = None

    def apply(self, update: Update) -> bool:
        self._see(update)
        self.needs_refresh |= self.next_refresh_in <= 0
        return self.needs_refresh

    def refresh(self, watch: Watch) -> None:
        """Mark what is due and may be marked, one task after the other."""
        self._see(watch.refresh(WatchScope(tuple(self._open))))
        for cancel in list(self._open.values()):
            if self._due_at(cancel) <= self._clock() <= self._deadline:
                self._decide(cancel)
            elif cancel.may_be_marked:
                self._read(cancel)
        self.needs_refresh = False

    def close(self) -> None:
        """Name what is left undecided: nothing more will be read or sent."""
        for cancel in self._open.values():
            if cancel.may_be_marked:
                cancel.action, cancel.reason = "unknown", _ANSWER_LOST
            else:
                cancel.reason = _NOT_READ

    def _due_at(self, cancel: Cancel) -> float:
        return cancel.accepted_at + self._ignored_for

    def _see(self, update: Update) -> None:
        for task in update.tasks:
            cancel = self._open.get(task.ref)
            # A final record is left for the next read, which tells how the task ended.
            if cancel is not None and not task.is_finished:
                cancel.see(self._disappearances.remember(task), self._clock())

    def _decide(self, cancel: Cancel) -> None:
        evidence = self._current_evidence()
        if not self._read(cancel):
            return
        reason = _CHANGED if cancel.has_changed else explain_refusal(cancel.task, evidence)
        if reason:
            del self._open[cancel.task.ref]
            cancel.reason, cancel.may_be_marked = reason, False
        else:
            self._mark(cancel)

    def _current_evidence(self) -> Evidence:
        """Return what the pool shows, read again if that was some time ago."""
        if self._evidence is None or self._clock() - self._read_at > _KNOWN_FOR:
            self._read_at = self._clock()
            seen = [cancel.first._replace(task=cancel.task) for cancel in self._open.values()]
            self._evidence = read_evidence(self._session, seen, clock=self._clock)
        return self._evidence

    def _read(self, cancel: Cancel) -> bool:
        """Read the record of a task; False if that has decided."""
        ref = cancel.task.ref
        task = self._tasks.get_record(ref)
        if task is None:
            self._lose(cancel)
            return False
        cancel.see(self._disappearances.remember(task), self._clock())
        if not task.is_finished:
            return True
        if cancel.may_be_marked and task.status == "cancelled":
            self._note_forced(cancel)
        cancel.may_be_marked = False
        del self._open[ref]
        return False

    def _mark(self, cancel: Cancel) -> None:
        ref = cancel.task.ref
        try:
            is_there = self._tasks.set_status(ref, "cancelled")
        except XapiFailure as failure:
            if is_pool_wide(failure):
                raise
            # The server may have written it all the same.
            cancel.may_be_marked = failure.code != DENIED
            if self._read(cancel):
                cancel.may_be_marked = False
                cancel.refuse(failure)
                del self._open[ref]
        except XapiError as error:
            cancel.may_be_marked |= error.sent
            raise
        else:
            if is_there:
                self._note_forced(cancel)
                del self._open[ref]
            else:
                self._lose(cancel)

    def _lose(self, cancel: Cancel) -> None:
        if cancel.may_be_marked:
            # The server deletes a marked record within a minute, so that this may be why.
            cancel.action, cancel.reason = "unknown", _ANSWER_LOST
            del self._open[cancel.task.ref]
            return
        now = None if self._evidence is None else self._evidence.now
        findings = self._disappearances.examine([cancel.last], expected_time=now)
        reasons = {last.task.ref: reason for last, reason in findings}
        ref = cancel.task.ref
        cancel.lose(reasons.get(ref, HOST_DISABLED))
        del self._open[ref]

    def _note_forced(self, cancel: Cancel) -> None:
        cancel.action, cancel.reason = "forced", ""
        self.forced.append(cancel)
