# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from typing import Any, Callable, Mapping

from ._client.options import read_environment

PIPE_VARIABLE = "_XEN_XAPI_PROGRESS_PIPE"
"""The environment variable in which the action plugin names its pipe to the module."""
SWITCH_VARIABLE = "XAPI_PROGRESS"
_HOLD = 5.0
"""Seconds after which a line says that the module still waits for an answer."""
MAX_MESSAGE = 4096
"""Bytes; a write of this size to a pipe is all or nothing on Linux."""


def progress_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of the doc fragment progress."""
    return {
        "progress": {
            "type": "bool",
            "default": True,
            "fallback": (read_environment, [SWITCH_VARIABLE]),
        }
    }


class ProgressWriter:
    """Writes reports on the progress to the action plugin, if there is one.

    A write never blocks. A report that does not fit into the pipe is dropped, and a later one
    replaces it.
    """

    def __init__(
        self,
        path: str | None,
        *,
        mask: Callable[[Any], Any] = lambda value: value,
        cpu_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        """The path names a pipe, and mask replaces the secret values in a report."""
        self._mask = mask
        self._cpu_clock = cpu_clock
        self._pipe = -1
        if path:
            with contextlib.suppress(OSError, ValueError):
                self._pipe = _open_pipe(path)

    @property
    def is_open(self) -> bool:
        return self._pipe >= 0

    def begin(self) -> None:
        """Report that the pool has yet to answer."""
        self.announce("waiting for the first answer of the pool")

    def announce(self, activity: str, *, left: str = "") -> None:
        """Report what the module is doing from now on, and what an interruption would leave."""
        line = [f"{activity} for ", [0.0]]
        self.send({"line": line, "mark": activity, "left": left, "hold": _HOLD})

    def cpu_clock(self) -> float:
        """Return the processor time of this thread in seconds."""
        return self._cpu_clock()

    def mask(self, text: str) -> str:
        """Return text without the secrets in it."""
        return str(self._mask(text))

    def send(self, report: Mapping[str, Any]) -> None:
        """Write one report as a line of JSON; a report that is too long is left out."""
        if not self.is_open:
            return
        text = json.dumps(self._mask(dict(report)), ensure_ascii=False)
        message = f"\n{text}\n".encode(errors="replace")
        if len(message) > MAX_MESSAGE:
            return
        try:
            os.write(self._pipe, message)
        except BlockingIOError:
            # The next report begins on a new line, so that a partial one spoils no other.
            return
        except OSError:
            self.close()

    def close(self) -> None:
        if self.is_open:
            os.close(self._pipe)
            self._pipe = -1


def _open_pipe(path: str) -> int:
    """Open a pipe for writing; raise OSError if it is something else or has no reader."""
    pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY)
    if not stat.S_ISFIFO(os.fstat(pipe).st_mode):
        os.close(pipe)
        raise OSError(path)
    return pipe
