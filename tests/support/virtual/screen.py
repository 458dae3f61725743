# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of progress that a wait in virtual time would show."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ansible_collections.xen.xapi.plugins.module_utils._progress import (
    MAX_MESSAGE,
    ProgressWriter,
)
from ansible_collections.xen.xapi.plugins.plugin_utils._progress_lines import (
    LinePacer,
    Report,
    ReportDecoder,
)

_TINY = 1e-6


def _mask(value: Any) -> Any:
    """Mask one secret in texts, as Ansible does."""
    return value.replace("secret", "********") if isinstance(value, str) else value


class Line(NamedTuple):
    at: float
    text: str


class Screen(ProgressWriter):
    """Takes reports as the action plugin does, and keeps the lines with their time."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        cpu_clock: Callable[[], float] = lambda: 0.0,
        host: str = "xcp1",
    ) -> None:
        super().__init__(None, mask=_mask, cpu_clock=cpu_clock)
        self.is_on = True
        self._clock = clock
        self._began = self._now = clock()
        self.pacer = LinePacer(host, now=self._began)
        self._decoder = ReportDecoder()
        self.lines: list[Line] = []
        self.reports: list[Report] = []

    @property
    def is_open(self) -> bool:
        return self.is_on

    def send(self, report: Mapping[str, Any]) -> None:
        if not self.is_on:
            return
        self.advance()
        message = json.dumps(report, ensure_ascii=False).encode() + b"\n"
        assert len(message) <= MAX_MESSAGE
        (decoded,) = self._decoder.feed(message)
        self.pacer.take(decoded, self._now)
        self.reports.append(decoded)

    def advance(self) -> None:
        """Show what has become due by now."""
        now = self._clock()
        while self._now + self.pacer.next_in(self._now) <= now:
            self._now += self.pacer.next_in(self._now) + _TINY
            self.lines.append(Line(self._now - self._began, self.pacer.next_line(self._now)))
        self._now = now

    @property
    def texts(self) -> list[str]:
        self.advance()
        return [line.text for line in self.lines]
