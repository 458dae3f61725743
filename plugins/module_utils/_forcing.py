# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from typing import Callable, Iterable

from . import _records as records
from ._ages import Bounds, Clocks, Doubt, creation_of, is_within
from ._api_classes import CLASSES, HOLDERS
from ._cancellation import Cancel
from ._clocks import read_time
from ._errors import XapiError, XapiFailure
from ._session import Session, read
from ._task import Task
from ._task_set import Verdict
from ._tasks import Tasks
from ._trouble import is_of_the_pool
from ._vanishing import HOST_DISABLED, Disappearances
from ._watch import Sight, Watch

FORCE_TIMEOUT = 60.0
"""Seconds for the reads and writes that follow a cancel that was ignored."""
_MIN_AGE = 3600
_METHOD = re.compile(r"(?:Async\.|InternalAsync\.)?([A-Za-z_]+)\.[A-Za-z0-9_]+\Z")
_APPLIES_TO = "applies_to"
_WITHOUT_ONCE = ("pool", "VTPM")
"""Classes that got current_operations later than others."""
_ANSWER_LOST = "the answer to the request was lost, so that it may be marked as cancelled"
_CHANGED = "its record changed while it was watched"


@dataclass
class Evidence:
    """What a pool shows about work behind a record, besides the record itself."""

    now: int | None
    clocks: Clocks
    held_by: frozenset[str]
    """The tasks that any object names in its current_operations."""
    running: frozenset[str]
    """The subtasks that are running."""


def read_evidence(
    session: Session, tasks: Iterable[Task], *, clock: Callable[[], float]
) -> Evidence:
    """Read what tells whether the server works on some tasks."""
    now, clocks = read_time(session, ["force"], clock=clock)
    held: set[str] = set()
    for name in HOLDERS:
        held.update(_read_holders(session, name))
    reader = Tasks(session)
    subtasks = {ref for task in tasks for ref in task.record.get("subtasks", ())}
    found = [task for task in map(reader.get_record, sorted(subtasks)) if task is not None]
    running = frozenset(task.ref for task in found if not task.is_finished)
    return Evidence(now, clocks, frozenset(held), running)


def why_not_forced(task: Task, evidence: Evidence) -> str:
    """Return what shows that a task is more than a record that its client left behind."""
    record = task.record
    created = creation_of(
        task.created, record.get("resident_on"), clocks=evidence.clocks, now=evidence.now
    )
    old_enough = Bounds(latest=(evidence.now or -math.inf) - _MIN_AGE)
    if created.problem or not is_within(created, old_enough, Doubt.LEAVE):
        return "it is not known to be older than an hour"
    method = _METHOD.match(task.name_label)
    if method is not None and method[1] in CLASSES:
        return "its label is the name of a method, so the server itself works on it"
    if record.get("result"):
        return "it has a result"
    if task.ref in evidence.held_by:
        return "an object names it in its current_operations"
    if record.get("other_config", {}).get(_APPLIES_TO):
        return "it names an object that it works on, in other_config: applies_to"
    if not evidence.running.isdisjoint(record.get("subtasks", ())):
        return "it has a subtask that is running"
    return ""


class ForceGate:
    """A gate that opens when each of some tasks is marked as cancelled, or may not be.

    A task that a client made with task.create ends by that client's word alone (xapi_task.ml). If
    the client is gone, the record stays; this says in its place that the task was cancelled, which
    stops no work. It is for tasks that a cancel did not reach, and all that allows it is read again
    before the write. If the answer to the write is lost, the record tells whether it arrived.
    """

    look_in = float("inf")

    def __init__(
        self,
        session: Session,
        cancels: Iterable[Cancel],
        disappearances: Disappearances,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._tasks = Tasks(session)
        self._disappearances = disappearances
        self._clock = clock
        self._open = {cancel.task.ref: cancel for cancel in cancels}
        self.forced: list[Cancel] = []
        self.needs_look = True

    @property
    def verdict(self) -> Verdict:
        return Verdict.UNDECIDED if self._open else Verdict.OPEN

    def lose_touch(self) -> None:
        """Nothing: each look reads everything."""

    def take(self, _sight: Sight) -> bool:
        return True

    def look(self, _watch: Watch) -> None:
        """Mark what may be marked, one task after the other."""
        evidence = read_evidence(
            self._session, [one.task for one in self._open.values()], clock=self._clock
        )
        for cancel in list(self._open.values()):
            self._decide(cancel, evidence)

    def close(self) -> None:
        """Name what is left undecided: nothing more will be read or sent."""
        for cancel in self._open.values():
            if cancel.may_be_marked:
                cancel.action, cancel.reason = "unknown", _ANSWER_LOST

    def _decide(self, cancel: Cancel, evidence: Evidence) -> None:
        ref = cancel.task.ref
        task = self._tasks.get_record(ref)
        if task is None:
            self._lose(cancel)
            return
        if task.is_finished:
            cancel.see(self._disappearances.remember(task), self._clock())
            del self._open[ref]
            if cancel.may_be_marked and task.status == "cancelled":
                self._note_forced(cancel)
            cancel.may_be_marked = False
            return
        cancel.may_be_marked = False
        cancel.see(self._disappearances.remember(task), self._clock())
        cancel.reason = self._why_not(cancel, evidence)
        if cancel.reason:
            del self._open[ref]
        else:
            self._mark(cancel)

    def _why_not(self, cancel: Cancel, evidence: Evidence) -> str:
        if cancel.has_changed:
            return _CHANGED
        hosts = self._disappearances.check_hosts([cancel.first])
        return hosts.get(cancel.task.ref) or why_not_forced(cancel.task, evidence)

    def _mark(self, cancel: Cancel) -> None:
        ref = cancel.task.ref
        try:
            is_there = self._tasks.set_status(ref, "cancelled")
        except XapiFailure as failure:
            if is_of_the_pool(failure):
                raise
            del self._open[ref]
            cancel.refuse(failure)
        except XapiError as error:
            cancel.may_be_marked = error.sent
            raise
        else:
            if is_there:
                del self._open[ref]
                self._note_forced(cancel)
            else:
                self._lose(cancel)

    def _note_forced(self, cancel: Cancel) -> None:
        cancel.action, cancel.reason = "forced", ""
        self.forced.append(cancel)

    def _lose(self, cancel: Cancel) -> None:
        findings = self._disappearances.examine([cancel.last], expected_time=None)
        cancel.lose(findings[0].reason if findings else HOST_DISABLED)
        del self._open[cancel.task.ref]


def _read_holders(session: Session, name: str) -> set[str]:
    """Read which tasks the objects of a class name; none if the server does not know the class."""
    shape = records.holding_on_new_servers if name in _WITHOUT_ONCE else records.holding
    try:
        found = read(session, shape, f"{name}.get_all_records")
    except XapiFailure as failure:
        if failure.code == "MESSAGE_METHOD_UNKNOWN":
            return set()
        raise
    return {ref for operations in found.values() for ref in operations}
