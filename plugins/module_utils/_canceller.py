# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
import time
from typing import Callable, Iterable

from ._errors import HostError, XapiFailure
from ._session import Session
from ._task import Task
from ._task_set import Verdict
from ._tasks import Tasks
from ._watch import Sight, Target, Watch

SEND_AGAIN_AFTER = 5.0
_KNOWN_FOR = 5.0
"""Seconds for which what was read of a task may be acted on."""
_NOT_ABOUT_THE_TASK = frozenset({"SESSION_INVALID", "HOST_IS_SLAVE", "HOST_STILL_BOOTING"})


class Request:
    """What became of one task that is to be cancelled."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.action = ""
        """Empty while it is not decided."""
        self.error: XapiFailure | None = None
        self.was_asked_before = "cancel" in task.record.get("current_operations", {}).values()
        """Whether somebody else had asked for the end of it already."""
        self.login: int | None = None
        """The session in which the server took our request; None if it has not."""
        self.is_lost = False
        """Whether it vanished in another session, so that nobody knows what became of it."""
        self.sent_at = -math.inf
        self.has_moved = False
        """Whether its progress was seen to change."""

    def see(self, task: Task) -> None:
        self.has_moved |= task.progress != self.task.progress
        self.task = task

    def end(self, task: Task | None) -> None:
        """Decide by the record of a task that has ended, or by its not being there."""
        if task is None:
            self.action = "gone"
            return
        self.see(task)
        was_ours = task.status == "cancelled" and self.is_sent
        self.action = "cancelled" if was_ours else "finished_first"

    @property
    def is_sent(self) -> bool:
        return self.login is not None

    @property
    def is_changed(self) -> bool:
        if self.action == "requested":
            return not self.was_asked_before
        return self.action in ("cancelled", "gone", "forced") and self.is_sent


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
        waits: bool,
        deadline: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._tasks = Tasks(session)
        self._waits = waits
        self._deadline = deadline
        self._clock = clock
        self.requests = {task.ref: Request(task) for task in tasks}
        self._open = dict(self.requests)
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
        self._read(watch)
        read_at = self._clock()
        for request in list(self._open.values()):
            now = self._clock()
            is_due = now - request.sent_at >= SEND_AGAIN_AFTER
            if now >= self._deadline or not is_due:
                continue
            if now - read_at > _KNOWN_FOR:
                self._read(watch)
                read_at = self._clock()
            if request.task.ref in self._open:
                self._send(request)
        self.needs_look = False

    def take(self, sight: Sight) -> bool:
        before = len(self._open)
        self._see(sight.tasks)
        self.needs_look |= not self._open.keys().isdisjoint(sight.deleted)
        self.needs_look |= self.look_in <= 0
        return self.needs_look or len(self._open) < before

    def close(self) -> None:
        """Name what is left undecided: nothing more will be read or sent."""
        for request in self._open.values():
            request.action = "still_running" if request.is_sent else "not_sent"

    def _read(self, watch: Watch) -> None:
        sight = watch.look(Target(tuple(self._open)))
        self._see(sight.tasks)
        unseen = set(self._open).difference(task.ref for task in sight.tasks)
        present = self._tasks.present(unseen)
        self._see(present)
        for ref in unseen.difference(task.ref for task in present):
            self._vanish(self._open[ref])

    def _see(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            request = self._open.get(task.ref)
            if request is None:
                continue
            request.see(task)
            if task.is_finished:
                request.end(task)
                del self._open[task.ref]

    def _vanish(self, request: Request) -> None:
        request.is_lost = request.login not in (None, self._session.logins)
        request.end(None)
        del self._open[request.task.ref]

    def _send(self, request: Request) -> None:
        try:
            is_there = self._tasks.cancel(request.task.ref)
        except XapiFailure as failure:
            if failure.code in _NOT_ABOUT_THE_TASK:
                raise
            request.error = failure
            is_denied = failure.code == "RBAC_PERMISSION_DENIED"
            self._decide(request, "denied" if is_denied else "error")
        except HostError as error:
            # Whether it arrived is not known: it is sent again unless the task is seen to end.
            if error.sent:
                request.login, request.sent_at = self._session.logins, self._clock()
            raise
        else:
            if not is_there:
                self._vanish(request)
                return
            request.login, request.sent_at = self._session.logins, self._clock()
            if not self._waits:
                self._decide(request, "requested")

    def _decide(self, request: Request, action: str) -> None:
        request.action = action
        del self._open[request.task.ref]
