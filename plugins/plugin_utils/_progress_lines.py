# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, NamedTuple, Union

from ..module_utils._durations import spell_duration
from ..module_utils._text import escape

FIRST_AFTER = 5.0
MIN_INTERVAL = 5.0
MAX_INTERVAL = 55.0
"""Seconds; so that a line comes at least once a minute, even on a busy machine."""
_STALE_AFTER = 35.0
"""Seconds without a report after which a line says so; a wait takes a step every 30 seconds."""
_MAX_HOST = 100
_MAX_LINE = 600
_MAX_BUFFER = 65536


class Observed(NamedTuple):
    """A duration that the pool has to confirm again and again."""

    seconds: float


Part = Union[str, float, Observed]
"""A piece of a line; a number is a duration that grows even if the pool does not answer."""


@dataclass(frozen=True)
class Report:
    """A report of the module on the progress of its wait."""

    parts: tuple[Part, ...]
    mark: str
    """A value that differs if a new line is due."""
    left: str
    """The running tasks, for the line after an interruption."""
    hold: float = 0.0
    """Seconds in which a newer report may replace this one before it is shown."""

    def format(self, age: float) -> str:
        """Return the line as it is some seconds after the report."""
        is_stale = age >= _STALE_AFTER
        texts = [_format_part(part, age, is_stale=is_stale) for part in self.parts]
        is_dated = is_stale and not any(isinstance(part, float) for part in self.parts)
        return "".join(texts) + (f" ({spell_duration(age)} ago)" if is_dated else "")


class ReportDecoder:
    """Decodes the bytes from the pipe into reports, and drops invalid lines."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Report]:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) > _MAX_BUFFER:
            self._buffer = b""
        reports = [_parse_report(line) for line in lines if line]
        return [report for report in reports if report is not None]


class LinePacer:
    """Decides when a line is shown, and builds it.

    The first line comes after 5 seconds, then one for each change, at most one in 5 seconds and at
    least one a minute. All times are seconds of one monotonic clock.
    """

    def __init__(self, host: str, *, now: float) -> None:
        self._host = escape(host, limit=_MAX_HOST)
        self._not_before = now + FIRST_AFTER
        self._not_after = now + FIRST_AFTER
        self._report: Report | None = None
        self._reported_at = now
        self._shown_mark: str | None = None

    @property
    def left(self) -> str:
        """The tasks that were running at the latest report."""
        return "" if self._report is None else self._report.left

    def take(self, report: Report, now: float) -> None:
        """Store a report, which replaces the one before."""
        self._report, self._reported_at = report, now

    def next_in(self, now: float) -> float:
        """Return the seconds until a line is due; infinite before the first report."""
        if self._report is None:
            return math.inf
        is_new = self._report.mark != self._shown_mark
        due = self._not_before if is_new else self._not_after
        return max(max(due, self._reported_at + self._report.hold) - now, 0.0)

    def next_line(self, now: float) -> str:
        """Return the line that is due, or an empty one."""
        if self._report is None or self.next_in(now) > 0:
            return ""
        self._not_before, self._not_after = now + MIN_INTERVAL, now + MAX_INTERVAL
        self._shown_mark = self._report.mark
        return format_line(self._host, self._report.format(now - self._reported_at))

    def last_line(self) -> str:
        """Return the line after an interruption; empty if no task was running."""
        if not self.left:
            return ""
        text = f"stopped waiting; running in the pool when last seen: {self.left}"
        return format_line(self._host, text)


def format_line(host: str, text: str) -> str:
    """Return one line, in which control characters are escaped."""
    return escape(f"{host} | {text}", limit=_MAX_LINE + _MAX_HOST)


def _parse_report(line: bytes) -> Report | None:
    try:
        fields = json.loads(line)
        parts = tuple(_parse_part(part) for part in fields["line"])
        hold = min(FIRST_AFTER, max(0.0, float(fields.get("hold", 0.0))))
        return Report(parts, str(fields["mark"]), str(fields["left"]), hold)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        return None


def _format_part(part: Part, age: float, *, is_stale: bool) -> str:
    if isinstance(part, Observed):
        # Only an answer of the pool confirms that its state has not changed.
        return spell_duration(part.seconds if is_stale else part.seconds + age)
    return part if isinstance(part, str) else spell_duration(part + age)


def _parse_part(part: Any) -> Part:
    """Return text as it is, and a list as the number in it, which may be marked as observed."""
    if isinstance(part, str):
        return part
    seconds = float(part[0])
    if not math.isfinite(seconds):
        raise ValueError(part)
    return Observed(seconds) if part[1:] == ["observed"] else seconds
