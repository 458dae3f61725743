# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Callable, NamedTuple

from .._wait.disappearance import SESSION_LOST
from .._wait.intervals import RESYNC_INTERVAL

_MAX_SILENCE = 2 * RESYNC_INTERVAL + 5.0
"""Seconds between two answers; more means that the process was suspended."""
_SUSPENDED = "the source was not running"
_CLOCK_AHEAD = (
    "the pool's clock is ahead of the expected time: the system of the source was suspended, or "
    "the clock was set"
)


class Gap(NamedTuple):
    """A time in which changes may have been missed."""

    seconds: float
    """From the latest moment whose state is certainly known until the next answer."""
    reason: str


class Answer(NamedTuple):
    """The answer to a refresh: when it was asked and answered, and in which session."""

    asked_at: float
    answered_at: float
    generation: int


class GapDetector:
    """Determines from the sequence of answers when the source could not see the pool.

    Times are in seconds, of a monotonic clock.
    """

    def __init__(self, describe_error: Callable[[], str]) -> None:
        """The callable returns the reason of the latest interruption."""
        self._describe_error = describe_error
        self._known_at: float | None = None
        self._answered_at = 0.0
        self._generation = 0
        self._is_interrupted = False
        self._ahead = 0.0

    def interrupt(self) -> None:
        """Note that a request failed, so that changes may be missed until the next refresh."""
        self._is_interrupted = True

    def record_clock(self, ahead: float) -> None:
        """Note by how many seconds the pool's clock is ahead of the expected time.

        The difference may be a time in which the system of the source was suspended.
        """
        if ahead > _MAX_SILENCE:
            self._ahead += ahead

    def record_refresh(self, answer: Answer) -> Gap | None:
        """Apply the answer to a refresh; return the gap that it ends, if there is one.

        Another session generation means that the session was lost in between, and with it perhaps
        all tasks of the pool.
        """
        gap = None
        if self._known_at is not None:
            reason = self._find_reason(answer)
            if reason:
                gap = Gap(answer.answered_at - self._known_at + self._ahead, reason)
        self._known_at, self._answered_at, self._generation = answer
        self._is_interrupted = False
        self._ahead = 0.0
        return gap

    def record_update(self, answered_at: float) -> None:
        """Apply the answer to a wait for events.

        It shows the state at a moment after it was asked, which was after the answer before.
        """
        self._known_at, self._answered_at = self._answered_at, answered_at

    def _find_reason(self, answer: Answer) -> str:
        if self._is_interrupted:
            return self._describe_error()
        if answer.generation != self._generation:
            return SESSION_LOST
        if answer.answered_at - self._answered_at > _MAX_SILENCE:
            return _SUSPENDED
        if self._ahead:
            return _CLOCK_AHEAD
        return ""
