# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
from enum import Enum
from typing import Any

from .._errors import XapiFailure
from .._tasks.model import Task
from .._wait.disappearance import HOST_DISABLED, LastSeen

DENIED = "RBAC_PERMISSION_DENIED"
LOST_ANSWER = "the answer to the request was lost, so the request may not have arrived"


class Action(Enum):
    """The outcome for one task, with the value that task_cancel returns."""

    CANCELLED = "cancelled"
    REQUESTED = "requested"
    ALREADY_FINISHED = "already_finished"
    FINISHED_FIRST = "finished_first"
    GONE = "gone"
    UNKNOWN = "unknown"
    NOT_CANCELLABLE = "not_cancellable"
    STILL_RUNNING = "still_running"
    DENIED = "denied"
    ERROR = "error"
    NOT_SENT = "not_sent"
    SKIPPED = "skipped"
    FORCED = "forced"

    @property
    def is_failure(self) -> bool:
        """Whether the module fails because of such a task."""
        return self in (
            Action.UNKNOWN,
            Action.STILL_RUNNING,
            Action.DENIED,
            Action.ERROR,
            Action.NOT_SENT,
        )

    @property
    def is_changed(self) -> bool:
        """Whether a request that was sent has, or may have, ended such a task."""
        return self in (Action.CANCELLED, Action.GONE, Action.FORCED)

    @property
    def final_status(self) -> str | None:
        """The status after the module, where it is not that of the last record."""
        return {
            Action.CANCELLED: "cancelled",
            Action.FORCED: "cancelled",
            Action.GONE: "gone",
            Action.UNKNOWN: "unknown",
        }.get(self)


class Cancel:
    """Tracks the cancellation of one task.

    Each request to cancel a task adds an entry of its own to the task's current_operations, which
    stays there (xapi_task.ml). So the record shows whether a request arrived if its answer was
    lost.
    """

    def __init__(self, last: LastSeen) -> None:
        """The task is as it was read in a session."""
        self.last = self.first = last
        self.action: Action | None = None
        """The outcome; None while it is not decided."""
        self.reason = ""
        """Why the outcome is unknown, or why force was refused."""
        self.error: XapiFailure | None = None
        self.was_asked_before = is_asked(last.task)
        """Whether another client had requested the cancellation before."""
        self.accepted_at = math.inf
        """The time since which the server is known to have our request."""
        self.may_be_marked = False
        """Whether the server may have marked the record as cancelled for us."""
        self.is_undecided = False
        """Whether the task is gone and its host may be restarting XAPI."""
        self.sent_at = -math.inf
        self.has_changed = False
        """Whether anything but requests to cancel was written to the record."""
        self._operations = _operations(last.task)
        """The current_operations of the task before our first request."""

    @property
    def task(self) -> Task:
        return self.last.task

    @property
    def outcome(self) -> Action:
        """The action, or the closest one for a task that is not decided."""
        if self.is_undecided:
            return Action.UNKNOWN
        return self.action or (Action.REQUESTED if self.is_sent else Action.NOT_SENT)

    @property
    def is_sent(self) -> bool:
        """Whether the server has our request, or may have it."""
        return self.sent_at > -math.inf

    @property
    def is_accepted(self) -> bool:
        """Whether an answer or a record has shown that the server has our request."""
        return self.accepted_at < math.inf

    @property
    def doubt(self) -> str:
        """A notice that our request may not have arrived, where that matters; else empty."""
        is_lost = self.is_sent and not self.is_accepted
        is_open = self.outcome in (Action.REQUESTED, Action.STILL_RUNNING)
        return LOST_ANSWER if is_lost and is_open else ""

    @property
    def is_changed(self) -> bool:
        """Whether our request has changed something, or may have."""
        if self.outcome is Action.REQUESTED:
            return not self.was_asked_before
        is_ended = self.action is not None and self.action.is_changed
        return (is_ended and self.is_sent) or self.may_be_marked

    @property
    def has_progressed(self) -> bool:
        """Whether the progress differs from that of the first record."""
        return self.task.progress != self.first.task.progress

    def update(self, last: LastSeen, at: float) -> None:
        """Apply a record that was read at some time; a final status decides."""
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
            self.action = Action.CANCELLED if was_ours else Action.FINISHED_FIRST
            self.error = None

    def record_request(self, at: float, *, is_accepted: bool) -> None:
        """Note that the server has our request, or may have it."""
        self.sent_at = at
        if is_accepted:
            self.accepted_at, self.error = min(self.accepted_at, at), None

    def leave(self) -> None:
        """Note that the server has our request and that the module does not wait."""
        self.action, self.error = Action.REQUESTED, None

    def fail(self, failure: XapiFailure) -> None:
        """Note the error that the server answered our request with."""
        self.error = failure
        self.action = Action.DENIED if failure.code == DENIED else Action.ERROR

    def skip(self, reason: str) -> None:
        """Note why the task is not cancelled."""
        self.action, self.reason = Action.SKIPPED, reason

    def suspend(self) -> None:
        """Note that the task is gone and that its host may be restarting XAPI."""
        self.is_undecided, self.reason = True, HOST_DISABLED

    def mark_gone(self, reason: str) -> None:
        """Note that the task is gone; a reason says why it may still be running."""
        self.is_undecided = False
        self.action = Action.UNKNOWN if reason else Action.GONE
        self.reason, self.error = reason, None

    def close(self, *, waits: bool) -> None:
        """Decide the action, since no request follows any more."""
        if self.error is not None:
            self.fail(self.error)
        elif self.is_sent:
            self.action = Action.STILL_RUNNING if waits else Action.REQUESTED
        else:
            self.action = Action.NOT_SENT


def is_asked(task: Task) -> bool:
    """Return whether, by the latest record, any client requested the cancellation of a task."""
    return "cancel" in _operations(task).values()


def _operations(task: Task) -> dict[str, str]:
    operations: dict[str, str] = task.record.get("current_operations", {})
    return operations


def _is_written(before: Task, after: Task) -> bool:
    """Return whether anything but requests to cancel a task was written to its record.

    Such a request replaces the former current_operations.
    """
    added = set(_operations(after).items()) - set(_operations(before).items())
    is_added = any(operation != "cancel" for _request, operation in added)
    return is_added or _fields(before) != _fields(after)


def _fields(task: Task) -> dict[str, Any]:
    sets = {name: sorted(task.record.get(name, ())) for name in ("allowed_operations", "subtasks")}
    return {**task.record, **sets, "current_operations": None}
