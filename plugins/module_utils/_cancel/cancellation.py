# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
from typing import Any

from .._errors import XapiFailure
from .._tasks.model import Task
from .._wait.disappearance import HOST_DISABLED, LastSeen

DENIED = "RBAC_PERMISSION_DENIED"
LOST_ANSWER = "the answer to the request was lost, so the request may not have arrived"


class Cancel:
    """What becomes of one task that is to be cancelled.

    Each request to cancel a task writes an entry of its own to the task's current_operations, which
    stays there (xapi_task.ml). So a record tells whether a request arrived whose answer was lost.
    """

    def __init__(self, last: LastSeen) -> None:
        """The task, as it was seen in a session."""
        self.last = self.first = last
        self.action = ""
        """Empty while it is not decided."""
        self.reason = ""
        """Why the outcome is unknown, or why a forced end was refused."""
        self.error: XapiFailure | None = None
        self.was_asked_before = is_asked(last.task)
        """Whether somebody else had asked for the end of it already."""
        self.is_sent = False
        """Whether the server has our request, or may have it."""
        self.accepted_at = math.inf
        """Since when the server is known to have our request."""
        self.may_be_marked = False
        """Whether the server may have marked the record as cancelled for us."""
        self.is_undecided = False
        """Whether its record is gone, and its host does not tell yet whether XAPI restarted."""
        self.sent_at = -math.inf
        self.has_changed = False
        """Whether anything but the requests to cancel was written to the record."""
        self._operations = _operations(last.task)
        """What was being done with the task before our first request."""

    @property
    def task(self) -> Task:
        return self.last.task

    @property
    def outcome(self) -> str:
        """The action, or what can be said of a task that is not decided."""
        if self.is_undecided:
            return "unknown"
        return self.action or ("requested" if self.is_sent else "not_sent")

    @property
    def is_accepted(self) -> bool:
        """Whether an answer or a record has shown that the server has our request."""
        return self.accepted_at < math.inf

    @property
    def doubt(self) -> str:
        """That our request may not have arrived, where that matters; else empty."""
        is_lost = self.is_sent and not self.is_accepted
        return LOST_ANSWER if is_lost and self.outcome in ("requested", "still_running") else ""

    @property
    def is_changed(self) -> bool:
        """Whether our request has changed something, or may have."""
        if self.outcome == "requested":
            return not self.was_asked_before
        is_over = self.action in ("cancelled", "gone", "forced")
        return (is_over and self.is_sent) or self.may_be_marked

    def see(self, last: LastSeen, at: float) -> None:
        """Take in a record, which session it was read in, and when; a final one decides."""
        if not self.first.hosts:
            self.first = self.first._replace(hosts=last.hosts)
        self.has_changed |= _is_written(self.task, last.task)
        self.last = last
        operations = _operations(last.task)
        if not self.is_sent:
            self._operations, self.was_asked_before = operations, is_asked(last.task)
        elif is_asked(last.task) and operations != self._operations:
            self.accepted_at = min(self.accepted_at, at)
        if last.task.is_finished:
            was_ours = last.task.status == "cancelled" and self.is_accepted
            self.action = "cancelled" if was_ours else "finished_first"
            self.error = None

    def send(self, at: float, *, is_accepted: bool) -> None:
        """Note that the server has our request, or may have it."""
        self.is_sent, self.sent_at = True, at
        if is_accepted:
            self.accepted_at, self.error = min(self.accepted_at, at), None

    def leave(self) -> None:
        """Note that the server has our request, and that the module does not wait for the end."""
        self.action, self.error = "requested", None

    def refuse(self, failure: XapiFailure) -> None:
        self.error = failure
        self.action = "denied" if failure.code == DENIED else "error"

    @property
    def has_progressed(self) -> bool:
        """Whether the progress is another one than at first."""
        return self.task.progress != self.first.task.progress

    def skip(self, reason: str) -> None:
        """Note why the task is left alone."""
        self.action, self.reason = "skipped", reason

    def suspend(self) -> None:
        """Note that there is no such task any more, and that its host may be restarting XAPI."""
        self.is_undecided, self.reason = True, HOST_DISABLED

    def lose(self, reason: str) -> None:
        """Note that there is no such task any more, and why it may still be running."""
        self.is_undecided = False
        self.action = "unknown" if reason else "gone"
        self.reason, self.error = reason, None

    def close(self, *, waits: bool) -> None:
        """Name what is left undecided: nothing more will be read or sent."""
        if self.error is not None:
            self.refuse(self.error)
        elif self.is_sent:
            self.action = "still_running" if waits else "requested"
        else:
            self.action = "not_sent"


def is_asked(task: Task) -> bool:
    """Whether somebody has asked the server for the end of a task, by its latest record."""
    return "cancel" in _operations(task).values()


def _operations(task: Task) -> dict[str, str]:
    operations: dict[str, str] = task.record.get("current_operations", {})
    return operations


def _is_written(before: Task, after: Task) -> bool:
    """Tell whether anything but requests to cancel a task was written to its record.

    Such a request replaces what stood in current_operations.
    """
    added = set(_operations(after).items()) - set(_operations(before).items())
    is_added = any(operation != "cancel" for _request, operation in added)
    return is_added or _fields(before) != _fields(after)


def _fields(task: Task) -> dict[str, Any]:
    sets = {name: sorted(task.record.get(name, ())) for name in ("allowed_operations", "subtasks")}
    return {**task.record, **sets, "current_operations": None}
