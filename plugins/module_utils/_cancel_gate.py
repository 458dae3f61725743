# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
import time
from typing import Any, Callable, Collection, Iterable

from ._errors import XapiError, XapiFailure
from ._session import Session
from ._task import Task
from ._task_set import Verdict
from ._tasks import Tasks
from ._trouble import is_of_the_pool
from ._vanishing import HOST_DISABLED, Disappearances, LastSeen
from ._watch import Scope, Sight, Watch

SEND_AGAIN_AFTER = 5.0
_KNOWN_FOR = 5.0
"""Seconds for which what was read of a task may be acted on."""
_MAY_HAVE_ARRIVED = frozenset({"HOST_OFFLINE", "INTERNAL_ERROR"})


class Cancel:
    """What becomes of one task that is to be cancelled."""

    def __init__(self, last: LastSeen) -> None:
        """The task, as it was seen in a session."""
        self.last = self.first = last
        self.action = ""
        """Empty while it is not decided."""
        self.reason = ""
        """Why the outcome is unknown, or why a forced end was refused."""
        self.error: XapiFailure | None = None
        self.was_asked_before = is_asked(last.task)
        """Whether somebody else had asked for the end of it already."""
        self.is_sent = False
        """Whether the server has our request, or may have it."""
        self.may_be_marked = False
        """Whether the server may have marked the record as cancelled for us."""
        self.sent_at = -math.inf
        self.has_changed = False
        """Whether anything but the requests to cancel was written to the record."""

    @property
    def task(self) -> Task:
        return self.last.task

    def see(self, last: LastSeen) -> None:
        """Take in a record, and in which session it was read; a final one decides."""
        if not self.first.hosts:
            self.first = self.first._replace(hosts=last.hosts)
        self.has_changed |= _written(last.task) != _written(self.task)
        self.last = last
        if last.task.is_finished:
            was_ours = last.task.status == "cancelled" and self.is_sent
            self.action = "cancelled" if was_ours else "finished_first"

    def send(self, at: float) -> None:
        """Note that the server has our request, or may have it."""
        self.is_sent, self.sent_at = True, at

    def refuse(self, failure: XapiFailure) -> None:
        self.error = failure
        self.action = "denied" if failure.code == "RBAC_PERMISSION_DENIED" else "error"

    def lose(self, reason: str) -> None:
        """Note that there is no such task any more, and why it may still be running."""
        self.action = "unknown" if reason else "gone"
        self.reason = reason

    @property
    def is_changed(self) -> bool:
        if self.action == "requested":
            return not self.was_asked_before
        is_over = self.action in ("cancelled", "gone", "forced")
        return (is_over and self.is_sent) or self.may_be_marked


def is_asked(task: Task) -> bool:
    """Whether somebody has asked the server for the end of a task, by its latest record."""
    return "cancel" in task.record.get("current_operations", {}).values()


def _written(task: Task) -> dict[str, Any]:
    return {**task.record, "current_operations": None}


class CancelGate:
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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The tasks are as they were read in the session of a login."""
        self._session = session
        self._tasks = Tasks(session)
        self._waits = waits
        self._deadline = deadline
        self._clock = clock
        self.disappearances = Disappearances(session)
        self.cancels = {task.ref: Cancel(LastSeen(task, login, {})) for task in tasks}
        self._open = dict(self.cancels)
        self._undecided: dict[str, Cancel] = {}
        """What disappeared, and its host does not tell yet whether it restarted."""
        self.needs_look = True

    @property
    def verdict(self) -> Verdict:
        return Verdict.UNDECIDED if self._open or self._undecided else Verdict.OPEN

    @property
    def look_in(self) -> float:
        due = min((one.sent_at for one in self._open.values()), default=math.inf)
        return due + SEND_AGAIN_AFTER - self._clock()

    def lose_touch(self) -> None:
        self.needs_look = True

    def look(self, watch: Watch) -> None:
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
            if cancel.task.ref in self._open:
                self._send(cancel)
        self.needs_look = False

    def take(self, sight: Sight) -> bool:
        before = len(self._open)
        self.disappearances.update_hosts(sight.hosts)
        self._see(sight.tasks)
        self.needs_look |= not self._open.keys().isdisjoint(sight.deleted)
        self.needs_look |= bool(sight.hosts and self._undecided)
        self.needs_look |= self.look_in <= 0
        return self.needs_look or len(self._open) < before

    def close(self) -> None:
        """Name what is left undecided: nothing more will be read or sent."""
        for cancel in self._open.values():
            cancel.action = "still_running" if cancel.is_sent else "not_sent"
        self.close_undecided()

    def _read(self, watch: Watch) -> None:
        sight = watch.look(Scope(tuple(self._open), hosts=True))
        self.disappearances.update_hosts(sight.hosts)
        self._see(sight.tasks)
        unseen = set(self._open).difference(task.ref for task in sight.tasks)
        present, gone = self._tasks.confirm(unseen)
        self._see(present)
        self._lose(gone)

    def _see(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            cancel = self._open.get(task.ref)
            if cancel is None:
                continue
            cancel.see(self.disappearances.remember(task))
            if task.is_finished:
                del self._open[task.ref]
            elif not self._waits and cancel.is_sent and is_asked(task):
                # The answer to our request was lost, but the record shows that it arrived.
                self._open.pop(task.ref).action = "requested"

    def _lose(self, gone: Collection[str]) -> None:
        """Find out what became of tasks that are gone, and of those that are undecided."""
        left = [self._open[ref].last for ref in gone]
        findings = self.disappearances.examine(left, expected_time=None)
        self._undecided.update((ref, self._open.pop(ref)) for ref in gone)
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
            if is_of_the_pool(failure):
                raise
            self._open.pop(ref)
            self._refuse(cancel, failure)
        except XapiError as error:
            # Whether it arrived is not known: the next look tells if the task is still running.
            if error.sent:
                cancel.send(self._clock())
            raise
        else:
            if not is_there:
                self._lose([ref])
                return
            cancel.send(self._clock())
            if not self._waits:
                self._open.pop(ref).action = "requested"

    def _refuse(self, cancel: Cancel, failure: XapiFailure) -> None:
        """Note the server's error, and read once more whether the task has ended all the same.

        A request that is passed on to another host may end in INTERNAL_ERROR after it arrived.
        """
        cancel.refuse(failure)
        if failure.code in _MAY_HAVE_ARRIVED:
            cancel.is_sent = True
        task = self._tasks.get_record(cancel.task.ref)
        if task is not None:
            cancel.see(self.disappearances.remember(task))
