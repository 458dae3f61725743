# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Callable

DEADLINE_MARGIN = 0.25
"""Seconds before the deadline by which a blocking call must be answered."""
_MIN_POLL_INTERVAL = 0.1
"""Seconds from one wait for events to the next if only progress changes."""
_MAX_REFRESHES = 4
"""Refreshes in a row without a pause, since short tasks may come and go between them."""
_MAX_WAITS = 10
"""Waits in a row without a pause: the server writes the end of a task in several steps."""


class Pacer:
    """Schedules the steps of a wait: its deadline, the resyncs, and pauses between requests."""

    def __init__(self, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        """Times are in seconds, of a monotonic clock."""
        self._clock = clock
        self._sleep = sleep
        self._began = self._deadline = clock()
        self._refresh_due = self._began
        self._refreshes = self._waits = 0

    def start(self, timeout: float) -> float:
        """Start the timeout now, and return the deadline."""
        self._began = self._clock()
        self._deadline = self._began + timeout
        return self._deadline

    def now(self) -> float:
        """Return the time of the clock."""
        return self._clock()

    @property
    def elapsed(self) -> float:
        return self._clock() - self._began

    @property
    def remaining(self) -> float:
        """Seconds until the deadline."""
        return self._deadline - self._clock()

    @property
    def is_refresh_due(self) -> bool:
        return self._clock() >= self._refresh_due

    def pause(self, seconds: float) -> None:
        """Sleep, but not beyond the deadline."""
        self._sleep(max(min(seconds, self.remaining), 0))

    def begin_refresh(self) -> None:
        """Pause if there were many refreshes in a row."""
        if self._refreshes >= _MAX_REFRESHES:
            self.pause(_MIN_POLL_INTERVAL)
        self._refreshes += 1

    def schedule_refresh(self, began: float, interval: float) -> None:
        """Set the time of the next resync; a slow pool is left alone for half an interval."""
        self._refresh_due = max(began + interval, self._clock() + interval / 2)

    def begin_wait(self, next_refresh_in: float) -> float:
        """Return for how many seconds to wait for events."""
        self._refreshes = 0
        until_refresh = min(self._refresh_due - self._clock(), next_refresh_in)
        return max(min(until_refresh, self.remaining - DEADLINE_MARGIN), 0.0)

    def end_wait(self, began: float, *, is_significant: bool) -> None:
        """Pause after changes of progress only, and after many waits in a row."""
        self._waits = self._waits + 1 if is_significant else _MAX_WAITS
        if self._waits >= _MAX_WAITS:
            self._waits = 0
            self.pause(began + _MIN_POLL_INTERVAL - self._clock())
