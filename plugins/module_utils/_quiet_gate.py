# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
import time
from typing import Any, Callable, Iterable, Mapping, NamedTuple

from ._scene import Scene
from ._selection import Selection, Surroundings, is_meant
from ._selector import select
from ._session import Session, unless_gone
from ._task import Task
from ._task_set import Verdict
from ._tasks import Tasks
from ._timeline import Timeline
from ._vanishing import (
    HOST_UNKNOWN,
    SESSION_LOST,
    LastSeen,
    host_start,
    why_host_unknown,
    why_unknown,
)
from ._watch import SLICE, Scope, Sight, Watch

_LONGEST_GAP = SLICE + 2.0
"""Seconds between two answers; after more the quiet time starts again."""
_MOST_ENDED = 200
_WATCHED_FOR = 600.0
"""Seconds for which the host of what vanished is watched; by then its restart would be known."""
_SHUT_FOR = 30.0
"""Seconds for which the gate stays shut after a task of another host than the master vanished."""


class Lost(NamedTuple):
    """What kept the gate shut, and has gone in a way that leaves its work open."""

    what: Task | str
    """The task, or in words what was being done with the object."""
    reason: str


class Vanished(NamedTuple):
    last: LastSeen
    at: float


class QuietGate:
    """A gate that opens when no running task has matched for a while.

    What matched while it was running counts until it is final or gone, whatever filter it falls out
    of. With an object, what the object itself says is being done with it counts as well, since an
    operation can outlive its task.
    """

    def __init__(
        self,
        session: Session,
        selection: Selection,
        *,
        quiet_for: float,
        on_gone: str = "fail",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._selection = selection
        self._on_gone = on_gone
        self._clock = clock
        self._tasks = Tasks(session)
        self._scene = Scene(session, selection, clock=clock)
        self._object_login: int | None = None
        self._object_is_gone = False
        self._hosts: dict[str, Mapping[str, Any]] = {}
        self._answered_at = self._known_at = -math.inf
        self._answered_login = 0
        self._quiet_since: float | None = None
        self._is_open = False
        self._vanished: dict[str, Vanished] = {}
        self.quiet_for = quiet_for
        self.running: dict[str, LastSeen] = {}
        """The matches that keep the gate shut, as they were last seen."""
        self.held: dict[str, str] = {}
        """What is being done with the object by tasks that cannot be read: operation by ref."""
        self.ended: dict[str, Task] = {}
        """The latest matches that have ended since they were seen running."""
        self.lost: dict[str, Lost] = {}
        self.excluded: list[dict[str, str]] = []
        """The running tasks that only exclude leaves out, at the latest look."""
        self.timeline = Timeline()
        self.needs_look = True

    @property
    def verdict(self) -> Verdict:
        if self.lost and self._on_gone == "fail":
            return Verdict.CLOSED
        return Verdict.OPEN if self._is_open else Verdict.UNDECIDED

    @property
    def was_reached(self) -> bool:
        return self._answered_at > -math.inf

    @property
    def quiet(self) -> float:
        """For how many seconds it is known to have been quiet."""
        return 0.0 if self._quiet_since is None else max(self._known_at - self._quiet_since, 0.0)

    @property
    def look_in(self) -> float:
        if self._quiet_since is None:
            return math.inf
        return max(self._quiet_since + self.quiet_for, self._shut_until) - self._clock()

    @property
    def unsettled(self) -> list[Task]:
        """What vanished so lately that its host may yet tell of a restart."""
        known_at = self._known_at
        return [last.task for last, at in self._on_supporters if at + _SHUT_FOR > known_at]

    @property
    def server_time(self) -> int | None:
        return self._scene.server_time

    def lose_touch(self) -> None:
        self.needs_look = True
        self._quiet_since = None

    def look(self, watch: Watch) -> None:
        """Read all tasks of the pool, the hosts, and the object if one is meant."""
        self._scene.read()
        asked_at = self._clock()
        sight = watch.look(self._scope())
        login = self._session.logins
        present = {task.ref: task for task in sight.tasks}
        self._hosts = dict(sight.hosts)
        self._scene.learn(sight.operations)
        around = self._scene.around
        self._see_all(sight.tasks, around)
        self.excluded = select(sight.tasks, self._selection, around).excluded_briefly
        self._look_for([ref for ref in self.running if ref not in present])
        self._check_vanished()
        if self._selection.object is not None:
            self._see_object(sight.operations, present, around)
        # In another session, what goes on from here would be watched from another one's past.
        self.needs_look = login != self._session.logins
        # The answer tells how it was at some moment after the asking, however long it took.
        self._reckon(known_at=asked_at)
        if self.needs_look:
            self._quiet_since = None
        self._is_open = self._is_quiet_enough

    def take(self, sight: Sight) -> bool:
        """Take in what changed; a match that ended may have been the last one."""
        before = set(self.running)
        self._hosts.update(sight.hosts)
        around = self._scene.around
        self._see_all(sight.tasks, around)
        # Only a look tells what became of them, and which task it is that holds the object now.
        self.needs_look |= not self.running.keys().isdisjoint(sight.deleted)
        self.needs_look |= sight.operations is not None and (
            not sight.operations or around.object_tasks != frozenset(sight.operations)
        )
        self._reckon(known_at=self._clock())
        self.needs_look |= self._is_quiet_enough
        return self.needs_look or before != set(self.running)

    def _scope(self) -> Scope:
        option = self._selection.object
        watched = None if option is None else (option.type, self._scene.around.object_ref)
        return Scope(None, watched, hosts=True)

    @property
    def _is_quiet_enough(self) -> bool:
        is_long_enough = self._quiet_since is not None and self.quiet >= self.quiet_for
        return is_long_enough and not self.unsettled

    @property
    def _on_supporters(self) -> list[Vanished]:
        master = self._session.pool.master_ref
        return [one for one in self._vanished.values() if one.last.host != master]

    @property
    def _shut_until(self) -> float:
        """By when the hosts of all that vanished would have told of a restart."""
        return max((at for _last, at in self._on_supporters), default=-math.inf) + _SHUT_FOR

    def _reckon(self, *, known_at: float) -> None:
        """Count the quiet time, as far as what was watched is without a gap."""
        now, login = self._clock(), self._session.logins
        is_without_gap = login == self._answered_login and now - self._answered_at <= _LONGEST_GAP
        self._answered_at, self._answered_login, self._known_at = now, login, known_at
        if self.running or self.held:
            self._quiet_since = None
        elif self._quiet_since is None or not is_without_gap:
            self._quiet_since = now

    def _see_all(self, tasks: Iterable[Task], around: Surroundings) -> None:
        for task in tasks:
            is_match = not task.is_finished and is_meant(task, self._selection, around)
            if task.ref in self.running or is_match:
                self._see(task)

    def _see(self, task: Task) -> None:
        self.timeline.note(task, self.server_time)
        if task.is_finished:
            self._end(task)
            return
        host = self._hosts.get(task.record.get("resident_on", ""))
        self.running[task.ref] = LastSeen(task, self._session.logins, host_start(host))

    def _end(self, task: Task) -> None:
        self.running.pop(task.ref, None)
        self.ended[task.ref] = task
        if len(self.ended) > _MOST_ENDED:
            del self.ended[next(iter(self.ended))]

    def _look_for(self, unseen: list[str]) -> None:
        present, gone = self._tasks.confirm(unseen)
        for task in present:
            self._see(task)
        for ref in gone:
            last = self.running.pop(ref)
            self.timeline.note(last.task, self.server_time, status="gone")
            reason = why_unknown(last, login=self._session.logins, now=self.server_time)
            if not reason and not self._is_live(last.host):
                reason = HOST_UNKNOWN
            if reason:
                self.lost[ref] = Lost(last.task, reason)
            else:
                self._vanished[ref] = Vanished(last, self._clock())

    def _check_vanished(self) -> None:
        """Whether the hosts of what vanished go on as they did when it was last seen.

        A host that restarts has its tasks deleted first, and tells of the restart some seconds
        later (dbsync_slave.ml).
        """
        for ref, (last, at) in list(self._vanished.items()):
            reason = why_host_unknown(last, self._hosts.get(last.host))
            if reason:
                self.lost[ref] = Lost(last.task, reason)
            if reason or self._clock() - at > _WATCHED_FOR:
                del self._vanished[ref]

    def _is_live(self, ref: str) -> bool:
        host = self._hosts.get(ref)
        if host is None:
            return False
        live, metrics = "host_metrics.get_live", host["metrics"]
        return unless_gone(lambda: self._session.call(live, metrics)) is True

    def _see_object(
        self,
        operations: Mapping[str, str] | None,
        present: Mapping[str, Task],
        around: Surroundings,
    ) -> None:
        """What holds the object: entries whose tasks match in all else, or cannot be read."""
        held: dict[str, str] = {}
        for ref, operation in (operations or {}).items():
            task = present.get(ref) or self._tasks.get_record(ref)
            if task is None or is_meant(task, self._selection, around):
                held[ref] = operation
        login = self._session.logins
        if login != self._object_login and self._object_login is not None:
            for ref, operation in self.held.items():
                if ref not in held and ref not in self.ended and ref not in self.lost:
                    self.lost[ref] = Lost(f"{operation} on the object", SESSION_LOST)
            if operations is None and not self._object_is_gone:
                self.lost[around.object_ref] = Lost("The object", SESSION_LOST)
        self._object_is_gone = operations is None
        self.held, self._object_login = held, login
