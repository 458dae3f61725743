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

MIB = 1024 * 1024
USUAL_LIMIT = 128 * MIB
"""Bytes; a call with few parameters takes about 700."""
CALL_SIZE = 600
"""Bytes that a call takes without its parameters."""
VALUE_SIZE = 60
"""Bytes that a parameter takes beside its text."""


@dataclasses.dataclass(slots=True)
class Call:
    """One call as it came in, and its outcome."""

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
    """The latest calls, oldest first, up to a limit in bytes; a limit of 0 keeps none."""

    def __init__(self, limit: int = USUAL_LIMIT) -> None:
        self.limit = limit
        self._calls: collections.deque[tuple[int, Call]] = collections.deque()
        self._size = 0
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Return the bytes that the calls take, estimated from their texts."""
        return self._size

    def add(self, call: Call) -> None:
        """Keep a call; the oldest ones make room for it."""
        if not self.limit:
            return
        size = CALL_SIZE + _size(call.params)
        with self._lock:
            self._calls.append((size, call))
            self._size += size
            while self._size > self.limit:
                self._size -= self._calls.popleft()[0]

    def __iter__(self) -> Iterator[Call]:
        with self._lock:
            return iter([call for _size, call in self._calls])

    def __len__(self) -> int:
        return len(self._calls)

    def of(self, method: str) -> list[Call]:
        return [call for call in self if call.method == method]

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()
            self._size = 0


def _size(value: Value) -> int:
    if isinstance(value, str):
        return VALUE_SIZE + len(value)
    if isinstance(value, list):
        return VALUE_SIZE + sum(map(_size, value))
    if isinstance(value, dict):
        return VALUE_SIZE + sum(_size(key) + _size(item) for key, item in value.items())
    return VALUE_SIZE
