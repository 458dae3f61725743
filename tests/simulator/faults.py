# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults as data: which calls they hit, how often, and how those fail."""

from __future__ import annotations

import dataclasses
import fnmatch
import threading

from .values import Value


@dataclasses.dataclass(frozen=True)
class Fault:
    """One rule. Of the calls that match, it hits `count` beginning with the `nth`.

    The first rule that hits a call decides; a call that no rule hits is answered as usual.
    """

    method: str = "*"
    """The message, or a pattern such as `task.*`; `Async.` is part of the name."""
    ref: str = ""
    """Only calls with this among their parameters."""
    nth: int = 1
    count: int | None = 1
    """None: all from the nth on."""
    delay: float = 0.0
    """Seconds of the client's time before anything else."""
    error: tuple[str, ...] = ()
    """Answered instead: code and parameters."""
    http: tuple[int, str] | None = None
    """Answered instead: status and an HTML page."""
    body: str | None = None
    """Answered instead: this text, status 200."""
    late: bool = False
    """Whether the call is carried out before the delay, and before the error, page or text."""
    cut: str = ""
    """`before`: the connection breaks before the call is carried out. `after`: done, but no answer
    comes. `half`: done, and half of the answer comes."""

    @property
    def share(self) -> float:
        """How much of the answer is sent."""
        return {"after": 0.0, "half": 0.5}.get(self.cut, 1.0)

    def matches(self, method: str, params: list[Value]) -> bool:
        return fnmatch.fnmatchcase(method, self.method) and (not self.ref or self.ref in params)


class Cut(Exception):
    """The connection ends here, without an answer."""


class OtherAnswer(Exception):
    """Something else than an answer of the API."""

    def __init__(self, status: int, content_type: str, body: str) -> None:
        super().__init__()
        self.status = status
        self.content_type = content_type
        self.body = body


class Faults:
    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self._seen: dict[int, int] = {}
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._rules.append(fault)
            self._seen[id(fault)] = 0

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()
            self._seen.clear()

    def hit(self, method: str, params: list[Value]) -> Fault | None:
        """The rule that hits this call, if any. Every rule counts every call that it matches."""
        hit = None
        with self._lock:
            for rule in self._rules:
                if rule.matches(method, params):
                    self._seen[id(rule)] += 1
                    past = self._seen[id(rule)] - rule.nth
                    if hit is None and past >= 0 and (rule.count is None or past < rule.count):
                        hit = rule
        return hit
