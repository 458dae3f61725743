# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log of calls, which tests judge by."""

from __future__ import annotations

import collections
import dataclasses
import threading
from collections.abc import Iterator

from .values import Value

LONGEST = 200_000


@dataclasses.dataclass
class Call:
    """One call as it came in, and what became of it."""

    at: float
    """POSIX time of the server's clock."""
    host: str
    method: str
    params: list[Value]
    """As sent, without the session; a password is blotted out."""
    session: str = ""
    user: str = ""
    error: list[str] = dataclasses.field(default_factory=list)
    """Code and parameters of the answer; empty where it succeeded or has not come yet."""
    answered: bool = False
    fault: bool = False
    """Whether a fault rule hit it."""


class CallLog:
    """The latest calls, oldest first."""

    def __init__(self) -> None:
        self._calls: collections.deque[Call] = collections.deque(maxlen=LONGEST)
        self._lock = threading.Lock()

    def add(self, call: Call) -> None:
        with self._lock:
            self._calls.append(call)

    def __iter__(self) -> Iterator[Call]:
        with self._lock:
            return iter(list(self._calls))

    def __len__(self) -> int:
        return len(self._calls)

    def of(self, method: str) -> list[Call]:
        return [call for call in self if call.method == method]

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()
