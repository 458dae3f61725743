# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from .._tasks.model import Task
from .._tasks.times import iso_time

_MAX_ROWS = 200
_STEPS = 10


class _Row(NamedTuple):
    number: int
    at: int | None
    uuid: str
    status: str
    progress: float | None


class Timeline:
    """Records changes of status and steps of progress of the watched tasks.

    Of more than 200 rows, it keeps those of a changed status first, then the latest.
    """

    def __init__(self) -> None:
        self._changes: deque[_Row] = deque(maxlen=_MAX_ROWS)
        self._steps: deque[_Row] = deque(maxlen=_MAX_ROWS)
        self._latest: dict[str, tuple[str, int]] = {}
        self._number = 0

    def note(self, task: Task, at: int | None, *, status: str = "") -> None:
        """Add a row if the status or step of a task changed; at is the server's time."""
        status, progress = status or task.status, task.progress
        step = int((progress or 0) * _STEPS)
        before = self._latest.get(task.ref)
        if before == (status, step):
            return
        self._latest[task.ref] = (status, step)
        self._number += 1
        row = _Row(self._number, at, task.uuid, status, progress)
        is_step = before is not None and before[0] == status
        (self._steps if is_step else self._changes).append(row)

    def to_list(self) -> list[dict[str, Any]]:
        """Return the rows in order, as modules return them."""
        free = _MAX_ROWS - len(self._changes)
        steps = (
            list(self._steps)[len(self._steps) - free :] if free < len(self._steps) else self._steps
        )
        return [
            {
                "at": iso_time(row.at),
                "uuid": row.uuid,
                "status": row.status,
                "progress": row.progress,
            }
            for row in sorted([*self._changes, *steps])
        ]
