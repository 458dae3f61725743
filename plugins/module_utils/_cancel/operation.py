# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import time
from typing import Callable, Iterable

from .._client.retry import is_pool_wide
from .._client.session import Session
from .._errors import XapiError, XapiFailure
from .._tasks.api import Tasks
from .._tasks.model import Task
from .._wait.disappearance import Disappearances
from .._wait.task_set import Decision
from .._wait.watcher import Update, Watch
from .cancellation import DENIED, Cancel
from .tracker import CancelTracker

SEND_AGAIN_AFTER = 5.0
_KNOWN_FOR = 5.0
"""Seconds for which a record that was read of a task may be acted on."""


class CancelOperation:
    """Requests the cancellation of tasks; is met when each has ended or needs no more requests.

    The server accepts every request without a guarantee (xapi_task.ml). So the request is repeated
    while a task runs, and only the task's status shows the outcome. No request is sent for a task
    that was not read within the last seconds, or after the deadline. A task that disappears counts
    as ended only without a sign that its work may continue.
    """

    def __init__(
        self,
        session: Session,
        tasks: Iterable[Task],
        *,
        session_generation: int,
        waits: bool,
        deadline: float,
        only_idle: bool = False,
        server_time: Callable[[], int | None] = lambda: None,
        disappearances: Disappearances | None = None,
        disappeared: Iterable[Cancel] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The tasks are as they were read in the session of the given generation.

        Tasks that disappeared before are reported with them, and decided if they are not yet. With
        only_idle, no request is sent for a task that has progressed since it was read.
        """
        self._tasks = Tasks(session)
        self._waits = waits
        self._only_idle = only_idle
        self._deadline = deadline
        self._clock = clock
        self._tracker = CancelTracker(
            session,
            tasks,
            session_generation=session_generation,
            waits=waits,
            server_time=server_time,
            disappearances=disappearances or Disappearances(session),
            disappeared=disappeared,
            clock=clock,
        )
        self.needs_refresh = True

    @property
    def cancels(self) -> dict[str, Cancel]:
        """All tasks by reference, with those that disappeared before."""
        return self._tracker.cancels

    @property
    def disappearances(self) -> Disappearances:
        return self._tracker.disappearances

    @property
    def decision(self) -> Decision:
        is_pending = self._tracker.pending or self._tracker.undecided
        return Decision.PENDING if is_pending else Decision.MET

    @property
    def next_refresh_in(self) -> float:
        return self._tracker.first_sent_at + SEND_AGAIN_AFTER - self._clock()

    def invalidate(self) -> None:
        self.needs_refresh = True
        self._tracker.is_watched = False

    def refresh(self, watch: Watch) -> None:
        """Read the pending tasks, and request the cancellation of those that are due."""
        read_at = self._clock()
        self._tracker.read(watch)
        for cancel in list(self._tracker.pending.values()):
            now = self._clock()
            is_due = now - cancel.sent_at >= SEND_AGAIN_AFTER
            if now >= self._deadline or not is_due:
                continue
            if now - read_at > _KNOWN_FOR:
                read_at = self._clock()
                self._tracker.read(watch)
            if cancel.task.ref not in self._tracker.pending:
                continue
            if self._only_idle and not cancel.is_sent and cancel.has_progressed:
                self._tracker.pending.pop(cancel.task.ref).skip("not idle")
            else:
                self._send(cancel)
        self.needs_refresh = False

    def apply(self, update: Update) -> bool:
        """Apply changes; return whether a task ended or a refresh is needed."""
        pending = self._tracker.pending
        before = len(pending)
        self.disappearances.update_hosts(update.hosts)
        self._tracker.update(update.tasks)
        self.needs_refresh |= not pending.keys().isdisjoint(update.deleted)
        self.needs_refresh |= bool(update.hosts and self._tracker.undecided)
        self.needs_refresh |= self.next_refresh_in <= 0
        return self.needs_refresh or len(pending) < before

    def close(self) -> None:
        """Decide the action of each task, since no more requests follow."""
        self._tracker.close()

    def _send(self, cancel: Cancel) -> None:
        ref = cancel.task.ref
        try:
            is_present = self._tasks.cancel(ref)
        except XapiFailure as failure:
            if is_pool_wide(failure):
                raise
            self._read_after(failure, cancel)
        except XapiError as error:
            # A later read shows whether the request arrived. If not, it is sent again.
            if error.sent:
                cancel.record_request(self._clock(), is_accepted=False)
            raise
        else:
            if not is_present:
                self._tracker.examine([ref])
                return
            cancel.record_request(self._clock(), is_accepted=True)
            if not self._waits:
                self._tracker.pending.pop(ref).leave()

    def _read_after(self, failure: XapiFailure, cancel: Cancel) -> None:
        """Interpret an error response, since the server may have accepted the request.

        A request that is forwarded to another host may end in INTERNAL_ERROR after it arrived.
        """
        ref, cancel.error = cancel.task.ref, failure
        if failure.code != DENIED:
            cancel.record_request(self._clock(), is_accepted=False)
        task = self._tasks.get_record(ref)
        if task is None:
            self._tracker.examine([ref])
            return
        self._tracker.update([task])
        if ref in self._tracker.pending and not cancel.is_accepted:
            self._tracker.pending.pop(ref).fail(failure)
