# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pool that only changes by the steps of a schedule, when a client talks to it."""

from __future__ import annotations

import functools
import itertools
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ansible_collections.xen.xapi.tests.simulator.tasks import FINAL
from ansible_collections.xen.xapi.tests.support.virtual.pool import Change, VirtualPool

LABEL = "Async.VM.copy"
MAX_POINTS = 400
"""A client that talks more often than this will never end."""
TASK_STEPS = ("begin", "half", "full", *FINAL, "deleted", "lost")
POOL_STEPS = ("collect", "restart", "failover", "logout", "cut", "cut-after")


class Step(NamedTuple):
    """Something that happens on the server: to a task, or to all of it where there is none."""

    kind: str
    task: int | None = None

    def __str__(self) -> str:
        return self.kind if self.task is None else f"{self.kind}/{self.task}"


class Timed(NamedTuple):
    """A step, and the number of the talk point at which it happens."""

    point: int
    step: Step

    def __str__(self) -> str:
        return f"{self.point}:{self.step}"


Schedule = tuple[Timed, ...]


def parse(text: str) -> Schedule:
    """A schedule as it is printed."""
    schedule = []
    for item in text.split():
        point, _colon, step = item.partition(":")
        kind, _slash, task = step.partition("/")
        if kind not in (*TASK_STEPS, *POOL_STEPS):
            raise ValueError(f"{item} is no step")
        schedule.append(Timed(int(point), Step(kind, int(task) if task else None)))
    return tuple(schedule)


class Merged(BaseException):
    """From here on this run is one that was made before; no error that a client may handle."""


class EndlessTalk(BaseException):
    """The client talks and talks."""


class Script:
    """Runs the steps of a schedule, and notes the other steps that were possible.

    The notes begin where the schedule ends, so that each schedule is noted exactly once: by the one
    that is a step shorter.
    """

    def __init__(self, schedule: Schedule) -> None:
        self._left = list(schedule)
        self.done = schedule
        self.point = 0
        self.branches: list[Schedule] = []
        self.is_over = False
        """Whether the schedule has ended, so that no step happens or is noted."""

    @property
    def is_played(self) -> bool:
        return not self._left

    def talk(self, possible: Callable[[Step | None], list[Step]]) -> Iterator[Step]:
        """The steps of the next talk point; `possible` tells which may follow the latest."""
        self.point += 1
        if self.point > MAX_POINTS:
            raise EndlessTalk
        latest = None
        while self._left and self._left[0].point == self.point:
            latest = self._left.pop(0).step
            yield latest
        if not self._left and not self.is_over:
            self.branches += [(*self.done, Timed(self.point, step)) for step in possible(latest)]


class SmallPool(VirtualPool):
    """A pool of a few tasks that are moved by steps, and the truth about them."""

    def __init__(self, tasks: int, born: int, *, fails_over: bool = False) -> None:
        super().__init__()
        self.fails_over = fails_over
        """Whether the other host may become the master, while the first one lives on."""
        self.refs: list[str] = []
        self.unborn = list(range(born, tasks))
        self.reached: dict[str, str] = {}
        """How each task ended in truth."""
        self.gone: set[str] = set()
        self.is_broken_off = False
        """Whether sessions were lost, by a restart or otherwise."""
        self.has_lost = False
        """Whether a record went without a word."""
        self.restarted_over: set[str] = set()
        """The tasks that a restart took while they were running."""
        for _number in range(born):
            self.refs.append(self.add_task(LABEL))
        # A client that asks it to end goes too far.
        self.add_task("Async.VM.start")

    def _note(self, operation: str, table: str, ref: str, fields: dict[str, Any]) -> None:
        super()._note(operation, table, ref, fields)
        if table == "task" and operation != "del" and fields["status"] in FINAL:
            self.reached.setdefault(ref, fields["status"])
        if table == "task" and operation == "del":
            self.gone.add(ref)

    def is_running(self, ref: str) -> bool:
        return self.status(ref) not in (None, *FINAL)

    @property
    def running(self) -> list[str]:
        return [ref for ref in self.refs if self.is_running(ref)]

    @property
    def settled_at(self) -> float | None:
        """When the last task came to its end or went, if none is running or still to come."""
        if self.unborn or self.running:
            return None
        over = (None, *FINAL)
        moments = [c.at for c in self.history if c.ref in self.refs and c.status in over]
        return max(moments, default=0.0)

    def task_steps(self, number: int) -> list[Step]:
        """Return the steps that a task can take now and that make a difference."""
        if number in self.unborn:
            return [Step("begin", number)] if number == self.unborn[0] else []
        record = self.record(self.refs[number])
        if record is None:
            return []
        kinds = ["deleted", "lost"]
        if record["status"] not in FINAL:
            kinds += FINAL
            kinds += ["half", "full"][int(record["progress"] / 0.5) :]
        return [Step(kind, number) for kind in kinds]

    def happen(self, step: Step) -> None:
        if step.task is None:
            self._happen_to_all(step.kind)
            return
        if step.kind == "begin":
            self.unborn.remove(step.task)
            self.refs.append(self.add_task(LABEL))
            return
        ref = self.refs[step.task]
        if step.kind in ("half", "full"):
            self.set_task(ref, progress={"half": 0.5, "full": 1.0}[step.kind])
        elif step.kind == "deleted":
            self.destroy_task(ref)
        elif step.kind == "lost":
            self._lose(ref)
        else:
            self._tasks.end(ref, self._writes(step.kind))

    def _happen_to_all(self, kind: str) -> None:
        if kind == "collect":
            self._collect_finished()
            return
        self.is_broken_off = True
        if kind == "logout":
            self.logout_all()
            return
        self.restarted_over.update(self.running)
        self.gone.update(ref for ref in self.refs if self.record(ref))
        if kind == "failover":
            self.promote_other()
        else:
            self.restart_master(generations_lost=1000)

    def _writes(self, end: str) -> list[tuple[str, Any]]:
        if end == "success":
            return self._tasks.success_writes("")
        if end == "failure":
            return self._tasks.failure_writes(["INTERNAL_ERROR", "by schedule"])
        return self._tasks.cancelled_writes()

    def _lose(self, ref: str) -> None:
        """Delete a record without an event, at once or later."""
        with self.database.lock:
            row = self.database["task"].rows.pop(ref)
            self.database._by_uuid.pop(row.fields["uuid"], None)
        self.gone.add(ref)
        self.has_lost = True
        self.history.append(Change(self.now(), ref, None))

    def _collect_finished(self) -> None:
        """As the server does where there are too many: all that has finished goes at once."""
        for ref in self.refs:
            if self.status(ref) in FINAL:
                self.destroy_task(ref)


@functools.cache
def _numbered(number: int) -> uuid.UUID:
    return uuid.UUID(int=number)


def uuids() -> Callable[[], uuid.UUID]:
    """Replaces uuid.uuid4, so that a schedule has the same names each time."""
    count = itertools.count(1)
    return lambda: _numbered(next(count))
