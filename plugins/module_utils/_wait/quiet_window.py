# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
from typing import Callable

from .intervals import RESYNC_INTERVAL

_MAX_GAP = RESYNC_INTERVAL + 2.0
"""Seconds between two answers; after a longer gap the quiet time starts again."""


class QuietWindow:
    """Measures for how long a pool is known to have been quiet, without a gap between answers."""

    def __init__(self, quiet_for: float, *, clock: Callable[[], float]) -> None:
        """Times are in seconds, of a monotonic clock."""
        self.quiet_for = quiet_for
        self._clock = clock
        self._since: float | None = None
        self._answered_at = self._known_at = -math.inf
        self._session_generation = 0

    @property
    def was_answered(self) -> bool:
        return self._answered_at > -math.inf

    @property
    def quiet(self) -> float:
        """The seconds for which the pool is known to have been quiet."""
        return 0.0 if self._since is None else max(self._known_at - self._since, 0.0)

    @property
    def is_full(self) -> bool:
        return self._since is not None and self.quiet >= self.quiet_for

    @property
    def full_in(self) -> float:
        """The seconds until the quiet time may be full; infinite if busy or full."""
        if self._since is None or self.is_full:
            return math.inf
        return self._since + self.quiet_for - self._clock()

    def restart(self) -> None:
        """Start the quiet time again with the next answer."""
        self._since = None

    def count(self, *, is_busy: bool, known_at: float, session_generation: int) -> None:
        """Apply an answer, which shows the state of the pool at the time known_at."""
        now = self._clock()
        is_without_gap = (
            session_generation == self._session_generation and now - self._answered_at <= _MAX_GAP
        )
        self._answered_at, self._known_at = now, known_at
        self._session_generation = session_generation
        if is_busy:
            self._since = None
        elif self._since is None or not is_without_gap:
            self._since = now
