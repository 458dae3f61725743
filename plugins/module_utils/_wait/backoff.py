# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import random
from typing import Callable

_FIRST_PAUSE = 0.25
_MAX_PAUSE = 5.0
_MAX_DOUBLINGS = 10


class Backoff:
    """Computes the pause before each retry: it doubles, up to 5 seconds, with jitter."""

    def __init__(self, *, jitter: Callable[[], float] = random.random) -> None:
        """The callable jitter returns 0 to 1, for half of the pause to all of it."""
        self._jitter = jitter
        self._failures = 0

    def reset(self) -> None:
        self._failures = 0

    def next_pause(self) -> float:
        """Return the seconds to pause after one more failure."""
        pause: float = min(_MAX_PAUSE, _FIRST_PAUSE * 2 ** min(self._failures, _MAX_DOUBLINGS))
        self._failures += 1
        return pause * (1 + self._jitter()) / 2
