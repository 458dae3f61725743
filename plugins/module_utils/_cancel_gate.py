# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
import time
from typing import Callable, Iterable

from ._errors import XapiError, XapiFailure
from ._session import Session
from ._task import Task
from ._task_set import Verdict
from ._tasks import Tasks
from ._trouble import is_of_the_pool
from ._watch import Scope, Sight, Watch

SEND_AGAIN_AFTER = 5.0
_KNOWN_FOR = 5.0
"""Seconds for which what was read of a task may be acted on."""


class Cancel:
    """What becomes of one task that is to be cancelled."""

    def __init__(self, task: Task, *, login: int) -> None:
        """The task, as it was seen in a session."""
        self.task = task
        self._seen_in = login
        self.action = ""
        """Empty while it is not decided."""
        self.error: XapiFailure | None = None
        self.was_asked_before = is_asked(task)
        """Whether somebody else had asked for the end of it already."""
        self.is_sent = False
        """Whether the server has our request, or may have it."""
        self.is_lost = False
        """Whether it vanished in another session, so that nobody knows what became of it."""
        self.sent_at = -math.inf
        self.has_moved = False
        """Whether its progress was seen to change."""

    def see(self, task: Task, login: int) -> None:
        """Take in a record, and in which session it was read; a final one decides."""
        self.has_moved |= task.progress != self.task.progress
        self.task, self._seen_in = task, login
        if task.is_finished:
            was_ours = task.status == "cancelled" and self.is_sent
            self.action = "cancelled" if was_ours else "finished_first"

    def send(self, at: float) -> None:
        """Note that the server has our request, or may have it."""
        self.is_sent, self.sent_at = True, at

    def refuse(self, failure: XapiFailure) -> None:
        self.error = failure
        self.action = "denied" if failure.code == "RBAC_PERMISSION_DENIED" else "error"

    def vanish(self, login: int) -> None:
        """Note in which session there was no such task any more."""
        self.action = "gone"
        self.is_lost = self._seen_in != login

    @property
    def is_changed(self) -> bool:
        if self.action == "requested":
            return not self.was_asked_before
        return self.action in ("cancelled", "gone", "forced") and self.is_sent


def is_asked(task: Task) -> bool:
    """Whether somebody has asked the server for the end of a task, by its latest record."""
    return "cancel" in task.record.get("current_operations", {}).values()


class CancelGate:
    """A gate that opens when each of some tasks has ended, or need not be asked any more.

    The server takes every request and promises nothing (xapi_task.ml), so a task that goes on is
    asked again, and only its status tells what came of it. Nothing is sent to a task that was not
    read within the last seconds, and nothing after the deadline.
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
        self.cancels = {task.ref: Cancel(task, login=login) for task in tasks}
        self._open = dict(self.cancels)
        self.needs_look = True

    @property
    def verdict(self) -> Verdict:
        return Verdict.UNDECIDED if self._open else Verdict.OPEN

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
        self._see(sight.tasks)
        self.needs_look |= not self._open.keys().isdisjoint(sight.deleted)
        self.needs_look |= self.look_in <= 0
        return self.needs_look or len(self._open) < before

    def close(self) -> None:
        """Name what is left undecided: nothing more will be read or sent."""
        for cancel in self._open.values():
            cancel.action = "still_running" if cancel.is_sent else "not_sent"

    def _read(self, watch: Watch) -> None:
        sight = watch.look(Scope(tuple(self._open)))
        self._see(sight.tasks)
        unseen = set(self._open).difference(task.ref for task in sight.tasks)
        present, gone = self._tasks.confirm(unseen)
        self._see(present)
        for ref in gone:
            self._open.pop(ref).vanish(self._session.logins)

    def _see(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            if task.ref in self._open:
                self._open[task.ref].see(task, self._session.logins)
                if task.is_finished:
                    del self._open[task.ref]

    def _send(self, cancel: Cancel) -> None:
        ref = cancel.task.ref
        try:
            is_there = self._tasks.cancel(ref)
        except XapiFailure as failure:
            if is_of_the_pool(failure):
                raise
            self._open.pop(ref).refuse(failure)
        except XapiError as error:
            # Whether it arrived is not known: it is sent again unless the task is seen to end.
            if error.sent:
                cancel.send(self._clock())
            raise
        else:
            if not is_there:
                self._open.pop(ref).vanish(self._session.logins)
                return
            cancel.send(self._clock())
            if not self._waits:
                self._open.pop(ref).action = "requested"
