# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from typing import Any, Callable, Generic, Mapping, Protocol, TypeVar

from .._durations import spell_duration
from .._errors import HostError, NoHostAnswered, XapiError, XapiFailure
from .._tasks.messages import shorten_word
from .._tasks.model import Task
from .._text import escape, join_limited
from .speed import MAX_LABEL, SpeedTracker, mask_label, name_running

_MAX_COST = 0.02
"""The share of the time that the processor may work for reports."""
_MAX_PAUSE = 5.0
"""The longest pause between reports to save processor time; lines do not come more often."""
_ERROR_STEP = 20.0
"""Seconds after which a pool that still does not answer gets another line."""

Part = Any
"""A piece of a line: text, or a list with the seconds of a duration that continues to grow.

The list has the word observed as well if only an answer of the pool can confirm the growth.
"""


T = TypeVar("T")


class Sink(Protocol):
    """Receives reports, as long as there is a reader."""

    @property
    def is_open(self) -> bool:
        """Whether a report may reach a reader."""

    def cpu_clock(self) -> float:
        """Return the processor time of this thread in seconds."""

    def mask(self, text: str) -> str:
        """Return text without the secrets in it."""

    def send(self, report: Mapping[str, Any]) -> None:
        """Take a report."""


class Observer(ABC, Generic[T]):
    """Reports the progress of a wait after each of its steps; a subclass knows the condition."""

    def __init__(self, condition: T, sink: Sink, *, clock: Callable[[], float]) -> None:
        self._condition = condition
        self._sink = sink
        self._clock = clock
        self._answered_at = self._reported_at = clock()
        self._cost = 0.0
        self._reported_state: object = None
        self._tracker = SpeedTracker()
        self._seen: list[Part] = []
        """The line of the latest step that succeeded."""
        self._seen_mark = self._left = ""

    def __call__(self, error: XapiError | None) -> None:
        """Report a step that succeeded, or the transient error in which it ended."""
        if not self._sink.is_open:
            return
        # A report that fails must not end the wait.
        with contextlib.suppress(Exception):
            self._step(error)

    def _step(self, error: XapiError | None) -> None:
        now = self._clock()
        if error is None:
            self._answered_at = now
        state = self._state(error)
        is_paused = now - self._reported_at < min(self._cost / _MAX_COST, _MAX_PAUSE)
        if is_paused and state == self._reported_state:
            return
        began = self._sink.cpu_clock()
        report = self._report(error, now)
        if report["line"]:
            self._sink.send(report)
        self._reported_at, self._reported_state = now, state
        self._cost = self._sink.cpu_clock() - began

    def _state(self, error: XapiError | None) -> object:
        """Return a value that changes if a report is due at once, before the next step."""
        refs = frozenset(task.ref for task in self._running())
        return type(error), self._is_reached(), self._mark(), refs

    def _report(self, error: XapiError | None, now: float) -> dict[str, Any]:
        if error is None and self._is_reached():
            running = self._running()
            self._tracker.update(running, now)
            self._seen = self._line(running)
            self._seen_mark = f"{self._tracker.changes} {self._mark()}"
            self._left = name_running(running, self._sink.mask)
        line, mark = self._seen, self._seen_mark
        if error is not None:
            seconds = now - self._answered_at
            problem = _describe_error(error, seconds)
            line = [*problem, "; last seen: ", *map(_freeze, line)] if line else problem
            mark += f" {type(error).__name__} {seconds // _ERROR_STEP}"
        return {"line": line, "mark": mark, "left": self._left}

    def _describe(self, task: Task) -> str:
        """Return a task with its progress and the time left."""
        return self._tracker.describe(mask_label(task, self._sink.mask), age=self._age(task))

    def _is_reached(self) -> bool:
        """Return whether the pool has answered, so that there is a line."""
        return True

    def _age(self, task: Task) -> int | None:
        """Return the age of a task in seconds, as far as it is known."""
        return None

    def _mark(self) -> str:
        """Return a value that changes if a new line is due, apart from the running tasks."""
        return ""

    @abstractmethod
    def _running(self) -> list[Task]:
        """Return the running tasks that the wait depends on."""

    @abstractmethod
    def _line(self, running: list[Task]) -> list[Part]:
        """Return the line about the progress of the wait."""


def _describe_error(error: XapiError, seconds: float) -> list[Part]:
    """Return which hosts failed, how and for how long, and that the wait retries."""
    attempts = error.attempts if isinstance(error, NoHostAnswered) else (error,)
    hosts = [_host(one.url) for one in attempts if isinstance(one, HostError)]
    names = join_limited(list(dict.fromkeys(hosts)), max_parts=2) or "the pool"
    codes = [one.code for one in attempts if isinstance(one, XapiFailure)]
    text = f"no answer from {names}"
    if len(codes) == len(attempts):
        text = f"{names} answered {shorten_word(codes[0])}"
    return [f"{text}, retrying"] if seconds < 1 else [f"{text} for ", [seconds], ", retrying"]


def _freeze(part: Part) -> str:
    """Return a part with the duration as it was at the answer of the pool."""
    return part if isinstance(part, str) else spell_duration(part[0])


def _host(url: str) -> str:
    return escape(url.partition("://")[2] or url, limit=MAX_LABEL)
