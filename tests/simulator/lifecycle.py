# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of a task as data, and the player that makes a task live it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

from .clock import TICK, Clock, Timer
from .tasks import Tasks, Writes, unfinished
from .values import ApiError, Value


@dataclasses.dataclass(frozen=True)
class Life:
    """The life of a task. Times are seconds of the server's clock after its start."""

    queued: float = 0.0
    """How long an operation queues for its objects: only then do they name it."""
    duration: float | None = 2.0
    """When the work ends by itself; None: never."""
    steps: int = 4
    """Progress grows in this many even steps up to the end."""
    outcome: str = "success"
    """How the work ends: success, failure or cancelled."""
    result: Value = ""
    """Its result; the task keeps it as XML-RPC text. Operations with a result of their own
    win."""
    error: tuple[str, ...] = ("INTERNAL_ERROR", "Simulated failure")
    """Code and parameters of a failure."""
    cancellable: bool | tuple[tuple[float, bool], ...] = True
    """Whether allowed_operations holds `cancel`; or pairs of a time and that, for one that
    flickers."""
    cancel_after: float | None = 0.0
    """How long a cancel takes to end the task; None: it is ignored. If the work ends first, it
    wins."""
    cancel_error: bool = False
    """Whether a cancelled task carries error_info TASK_CANCELLED, as exports and imports do."""
    gap: float = 0.0
    """The time between the separate writes of an end, for a look in between."""
    writes: tuple[tuple[float, str, Value], ...] = ()
    """Further writes: time, field and value."""
    deleted_after: float | None = None
    """When a client deletes the record, in any status."""

    @classmethod
    def from_data(cls, data: dict[str, Value]) -> Life:
        """A life from JSON, where tuples are lists."""
        unknown = set(data) - {field.name for field in dataclasses.fields(cls)}
        if unknown:
            raise ValueError(f"a life has no {sorted(unknown)}")
        return cls(**{name: _tuples(value) for name, value in data.items()})


Ended = Callable[[list[str]], None]


class Player:
    """Makes one task live its life.

    `work` is called when the work succeeds and returns the task's result, or raises ApiError to
    fail it after all; `ended` is called last, once, with the error, empty for a success. Work that
    was handed over with a task that is somebody else's does not end it: `completes` is False.
    """

    def __init__(
        self,
        tasks: Tasks,
        clock: Clock,
        task: str,
        life: Life,
        *,
        work: Callable[[], Value] | None = None,
        ended: Ended = lambda _error: None,
        completes: bool = True,
    ) -> None:
        self._tasks = tasks
        self._clock = clock
        self._task = task
        self._life = life
        self._work = work or (lambda: life.result)
        self._ended = ended
        self._completes = completes
        self._plan: list[tuple[float, Callable[[], None]]] = []
        self._began = 0.0
        self._timers: list[Timer] = []
        self._over = False

    def start(self) -> None:
        life = self._life
        self._began = self._clock.now()
        self._tasks.cancel_hooks[self._task] = self._cancel
        self._plan = sorted(self._planned(), key=lambda item: item[0])
        self._follow_plan()
        if life.deleted_after is not None:
            self._clock.after(life.deleted_after, self._delete)

    def stop(self) -> None:
        """Leave the task as it is: the process that did the work is gone."""
        self._over = True
        for timer in self._timers:
            timer.cancel()

    def _planned(self) -> Iterator[tuple[float, Callable[[], None]]]:
        life = self._life
        when = life.cancellable
        for moment, possible in ((0.0, when),) if isinstance(when, bool) else when:
            yield moment, self._writer("allowed_operations", ["cancel"] if possible else [])
        for moment, field, value in life.writes:
            yield moment, self._writer(field, value)
        if life.duration is not None:
            for step in range(1, life.steps):
                share = step / life.steps
                yield share * life.duration, self._writer("progress", round(share, 4))
            yield life.duration, self._finish

    def _writer(self, field: str, value: Value) -> Callable[[], None]:
        return lambda: self._tasks.write(self._task, field, value)

    def _follow_plan(self) -> None:
        """Carry out due steps and set one timer: a pool may have thousands of lives."""
        while self._plan and not self._over:
            wait = self._began + self._plan[0][0] - self._clock.now()
            if wait > TICK:
                self._timers = [self._clock.after(wait, self._follow_plan)]
                return
            # Where the record is gone the work goes on without a trace.
            with contextlib.suppress(ApiError):
                self._plan.pop(0)[1]()

    def _cancel(self) -> None:
        if self._life.cancel_after is not None and not self._over:
            self._clock.after(self._life.cancel_after, self._finish_cancelled)

    def _finish(self) -> None:
        if self._life.outcome == "cancelled":
            self._finish_cancelled()
        elif self._life.outcome == "failure":
            self._fail(list(self._life.error))
        else:
            try:
                result = self._work()
            except ApiError as error:
                self._fail(error.description)
            else:
                self._end(self._tasks.success_writes(result), [])

    def _finish_cancelled(self) -> None:
        if self._over:
            return
        error = ["TASK_CANCELLED", self._task]
        if self._life.cancel_error:
            self._fail(error)
        else:
            self._end(self._tasks.cancelled_writes(), error)

    def _fail(self, error: list[str]) -> None:
        self._end(self._tasks.failure_writes(error), error)

    def _end(self, writes: Writes, error: list[str]) -> None:
        self.stop()
        if not self._completes:
            writes = unfinished(writes)
        if not self._life.gap:
            self._tasks.end(self._task, writes)
            self._ended(error)
            return
        if not self._tasks.is_pending(self._task):
            writes = []
        for count, (field, value) in enumerate(writes):
            self._clock.after(count * self._life.gap, self._late_write(field, value))
        self._clock.after(len(writes) * self._life.gap, lambda: self._ended(error))

    def _late_write(self, field: str, value: Value) -> Callable[[], None]:
        def write() -> None:
            with contextlib.suppress(ApiError):
                self._tasks.write(self._task, field, value)

        return write

    def _delete(self) -> None:
        with contextlib.suppress(ApiError):
            self._tasks.delete(self._task)


def _tuples(value: Value) -> Value:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
