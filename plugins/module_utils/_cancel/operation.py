# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
import time
from typing import Callable, Collection, Iterable

from .._client.retry import is_pool_wide
from .._client.session import Session
from .._errors import XapiError, XapiFailure
from .._tasks.api import Tasks
from .._tasks.model import Task
from .._wait.disappearance import HOST_DISABLED, MAX_LATENCY, Disappearances
from .._wait.task_set import Decision
from .._wait.watcher import Update, Watch, WatchScope
from .cancellation import DENIED, Cancel

SEND_AGAIN_AFTER = 5.0
_KNOWN_FOR = 5.0
"""Seconds for which what was read of a task may be acted on."""


class CancelOperation:
    """A gate that opens when each of some tasks has ended, or need not be asked any more.

    The server takes every request and promises nothing (xapi_task.ml), so a task that goes on is
    asked again, and only its status tells what came of it. Nothing is sent to a task that was not
    read within the last seconds, and nothing after the deadline. A task that disappears has ended
    only if nothing speaks against it.
    """

    def __init__(
        self,
        session: Session,
        tasks: Iterable[Task],
        *,
        login: int,
        waits: bool,
        deadline: float,
        only_idle: bool = False,
        server_time: Callable[[], int | None] = lambda: None,
        disappearances: Disappearances | None = None,
        disappeared: Iterable[Cancel] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The tasks are as they were read in the session of a login.

        Those that disappeared before are reported with them, and decided if they are not yet. With
        only_idle, nothing is sent to a task whose progress has moved since it was read.
        """
        self._session = session
        self._tasks = Tasks(session)
        self._waits = waits
        self._only_idle = only_idle
        self._deadline = deadline
        self._clock = clock
        self._server_time = server_time
        self.disappearances = disappearances or Disappearances(session)
        self._open = {
            task.ref: Cancel(self.disappearances.remember(task)._replace(session_generation=login))
            for task in tasks
        }
        before = {cancel.task.ref: cancel for cancel in disappeared}
        self._undecided = {ref: cancel for ref, cancel in before.items() if cancel.is_undecided}
        """What disappeared, and its host does not tell yet whether it restarted."""
        self.cancels = {**self._open, **before}
        self.needs_refresh = True
        self._is_watched = False
        """Whether every change since the latest look was told."""

    @property
    def decision(self) -> Decision:
        return Decision.PENDING if self._open or self._undecided else Decision.MET

    @property
    def next_refresh_in(self) -> float:
        due = min((one.sent_at for one in self._open.values()), default=math.inf)
        return due + SEND_AGAIN_AFTER - self._clock()

    def invalidate(self) -> None:
        self.needs_refresh = True
        self._is_watched = False

    def refresh(self, watch: Watch) -> None:
        """Read what is still to end, and ask for the end of what goes on."""
        read_at = self._clock()
        self._read(watch)
        for cancel in list(self._open.values()):
            now = self._clock()
            is_due = now - cancel.sent_at >= SEND_AGAIN_AFTER
            if now >= self._deadline or not is_due:
                continue
            if now - read_at > _KNOWN_FOR:
                read_at = self._clock()
                self._read(watch)
            if cancel.task.ref not in self._open:
                continue
            if self._only_idle and not cancel.is_sent and cancel.has_progressed:
                self._open.pop(cancel.task.ref).skip("not idle")
            else:
                self._send(cancel)
        self.needs_refresh = False

    def apply(self, update: Update) -> bool:
        before = len(self._open)
        self.disappearances.update_hosts(update.hosts)
        self._see(update.tasks)
        self.needs_refresh |= not self._open.keys().isdisjoint(update.deleted)
        self.needs_refresh |= bool(update.hosts and self._undecided)
        self.needs_refresh |= self.next_refresh_in <= 0
        return self.needs_refresh or len(self._open) < before

    def close(self) -> None:
        """Name what is left undecided: nothing more will be read or sent."""
        for cancel in self._open.values():
            cancel.close(waits=self._waits)
        self.close_undecided()

    def _read(self, watch: Watch) -> None:
        asked_at = self._clock()
        update = watch.refresh(WatchScope(tuple(self._open), hosts=True))
        is_prompt = watch.method == "events" and self._clock() - asked_at < MAX_LATENCY
        self.disappearances.update_hosts(update.hosts)
        self._see(update.tasks)
        unseen = set(self._open).difference(task.ref for task in update.tasks)
        present, gone = self._tasks.confirm(unseen)
        self._see(present)
        self._lose(gone)
        self._is_watched = is_prompt

    def _see(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            cancel = self._open.get(task.ref)
            if cancel is None:
                continue
            cancel.see(self.disappearances.remember(task), self._clock())
            if not self._waits and not cancel.action and cancel.is_accepted:
                cancel.leave()
            if cancel.action:
                del self._open[task.ref]

    def _lose(self, gone: Collection[str]) -> None:
        """Find out what became of tasks that are gone, and of those that are undecided."""
        left = [self._open[ref].last for ref in gone]
        findings = self.disappearances.examine(
            left, expected_time=self._server_time(), was_watched=self._is_watched
        )
        for ref in gone:
            self._undecided[ref] = self._open.pop(ref)
            self._undecided[ref].suspend()
        for last, reason in findings:
            self._undecided.pop(last.task.ref).lose(reason)
        if not self._waits:
            self.close_undecided()

    def close_undecided(self) -> None:
        """Do not wait for hosts that do not tell yet whether they restarted."""
        for cancel in self._undecided.values():
            cancel.lose(HOST_DISABLED)
        self._undecided.clear()

    def _send(self, cancel: Cancel) -> None:
        ref = cancel.task.ref
        try:
            is_there = self._tasks.cancel(ref)
        except XapiFailure as failure:
            if is_pool_wide(failure):
                raise
            self._read_after(failure, cancel)
        except XapiError as error:
            # A later read tells whether it arrived. If it did not, it is sent again.
            if error.sent:
                cancel.send(self._clock(), is_accepted=False)
            raise
        else:
            if not is_there:
                self._lose([ref])
                return
            cancel.send(self._clock(), is_accepted=True)
            if not self._waits:
                self._open.pop(ref).leave()

    def _read_after(self, failure: XapiFailure, cancel: Cancel) -> None:
        """Find out what an error answer means, since the server may have done what it was asked.

        A request that is passed on to another host may end in INTERNAL_ERROR after it arrived.
        """
        ref, cancel.error = cancel.task.ref, failure
        if failure.code != DENIED:
            cancel.send(self._clock(), is_accepted=False)
        task = self._tasks.get_record(ref)
        if task is None:
            self._lose([ref])
            return
        self._see([task])
        if ref in self._open and not cancel.is_accepted:
            self._open.pop(ref).refuse(failure)
