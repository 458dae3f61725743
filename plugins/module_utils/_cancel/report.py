# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any

from .._client.session import Session
from .._error_codes import describe_error, format_error
from .._tasks.age_messages import SPARED, age_warnings
from .._tasks.messages import format_progress, format_task, join_few, join_sentences, shorten_word
from .._tasks.model import Task
from .._tasks.query import common_returns
from .._text import quote
from .._wait.messages import describe_transient_errors
from .._wait.waiter import Waiter
from .cancellation import Cancel, is_asked
from .operation import CancelOperation
from .options import CancelOptions
from .targets import Targets

ACTIONS = (
    "cancelled",
    "requested",
    "already_finished",
    "finished_first",
    "gone",
    "unknown",
    "not_cancellable",
    "still_running",
    "denied",
    "error",
    "not_sent",
    "skipped",
    "forced",
)
_BAD = ("unknown", "still_running", "denied", "error", "not_sent")
_OVER = {"gone": "gone", "unknown": "unknown", "forced": "cancelled", "cancelled": "cancelled"}
_OWNERS = (
    "a task of another account, or of a session that has logged out, can be cancelled by an "
    "account with the role pool-operator or above"
)


class CancelReport:
    """What task_cancel returns and says, in the middle of its work too."""

    def __init__(self, session: Session, targets: Targets, cancelling: CancelOptions) -> None:
        self._session = session
        self.cancelling = cancelling
        self.targets = targets
        self.not_cancellable: list[Task] = []
        self.disappeared: list[Cancel] = []
        """The tasks that disappeared while they were watched for being idle."""
        self.gate: CancelOperation | None = None
        self.waiters: list[Waiter] = []
        """What has waited so far: for idle tasks, and for the ends of those that were asked."""
        self.is_prediction = False

    def to_dict(self) -> dict[str, Any]:
        found, now = self.targets.found, self.targets.found.server_time
        rows = self._rows()
        by_action: dict[str, list[str]] = {action: [] for action in ACTIONS}
        for task, action, _extra in rows:
            by_action[action].append(task.uuid)
        return {
            "changed": self._is_changed(),
            "tasks": [
                {
                    **task.to_dict(now=now, clocks=found.context.clocks),
                    "action": action,
                    "reason": None,
                    **extra,
                }
                for task, action, extra in rows
            ],
            "by_action": by_action,
            "elapsed": round(sum(waiter.elapsed for waiter in self.waiters), 3),
            "diff": self._diff(),
            **common_returns(
                self._session,
                server_time=now,
                missing=found.missing,
                excluded=[
                    task.brief() for task, reason in self.targets.left_alone if reason == "excluded"
                ],
            ),
        }

    def leave_uncancellable(self) -> None:
        """Put aside what the server does not offer to cancel, where the options say so."""
        if self.cancelling.on_uncancellable == "skip":
            running = self.targets.running
            self.not_cancellable = [task for task in running if not task.is_cancellable]
            self.targets.running = [task for task in running if task.is_cancellable]

    def warnings(self) -> list[str]:
        """What the reader should know besides the result."""
        found = [
            warning
            for waiter in self.waiters
            for warning in describe_transient_errors(waiter.errors)
        ]
        undated = self.targets.found.undated
        found += age_warnings(undated, self.targets.found.context, consequence=SPARED)
        if self.targets.partial_matches:
            labels = join_few([quote(task.name_label) for task in self.targets.partial_matches])
            found.append(
                "name_regex must match the whole label here, so these running tasks were not "
                f"meant: {labels}."
            )
        return found

    def failure(self) -> dict[str, Any]:
        """What did not go as it was asked for; empty if all did."""
        sentences = [
            self._sentence(cancel)
            for cancel in self._cancels
            if cancel.outcome in _BAD or cancel.doubt
        ]
        return {"failed": True, "msg": join_sentences(sentences)} if sentences else {}

    def refusal(self, problems: list[str]) -> dict[str, Any]:
        """The end of a run that may not begin."""
        message = join_sentences(problems, before="Nothing was cancelled. ")
        return {**self.to_dict(), "failed": True, "msg": message}

    @property
    def _cancels(self) -> list[Cancel]:
        return self.disappeared if self.gate is None else list(self.gate.cancels.values())

    def _rows(self) -> list[tuple[Task, str, dict[str, Any]]]:
        targets = self.targets
        rows = [self._row(cancel) for cancel in self._cancels]
        if self.gate is None:
            expected = self._predicted if self.is_prediction else self._unsent
            rows += [(task, expected(task), {}) for task in targets.running]
        rows += [(task, "not_cancellable", {}) for task in self.not_cancellable]
        rows += [(task, "already_finished", {}) for task in targets.finished]
        rows += [(task, "skipped", {"reason": reason}) for task, reason in targets.left_alone]
        return rows

    def _row(self, cancel: Cancel) -> tuple[Task, str, dict[str, Any]]:
        error = cancel.error
        extra: dict[str, Any] = {"reason": cancel.reason or cancel.doubt or None}
        if error is not None:
            extra["error"] = format_error(error.code, error.params)
        return cancel.task, cancel.outcome, extra

    def _predicted(self, _task: Task) -> str:
        return "cancelled" if self.cancelling.waits else "requested"

    def _unsent(self, task: Task) -> str:
        is_refused = self.cancelling.on_uncancellable == "fail" and not task.is_cancellable
        return "not_cancellable" if is_refused else "not_sent"

    def _is_changed(self) -> bool:
        if self.gate is not None:
            return any(cancel.is_changed for cancel in self.gate.cancels.values())
        if not self.is_prediction:
            return False
        return any(self.cancelling.waits or not is_asked(task) for task in self.targets.running)

    def _diff(self) -> dict[str, str]:
        first = {task.ref: task.status for task in self.targets.running}
        before, after = [], []
        for task, action, _extra in self._rows():
            if task.ref in first:
                is_over = action in ("gone", "unknown", "forced") or (
                    self.is_prediction and action == "cancelled"
                )
                before.append(f"{format_task(task)}: {shorten_word(first[task.ref])}\n")
                status = _OVER[action] if is_over else shorten_word(task.status)
                after.append(f"{format_task(task)}: {status}\n")
        return {"before": "".join(before), "after": "".join(after)}

    def _sentence(self, cancel: Cancel) -> str:
        task = cancel.task
        if cancel.error is not None:
            words = describe_error(cancel.error.code, cancel.error.params).rstrip(".")
            if cancel.action == "denied":
                return f"The cancel of task {format_task(task)} was denied ({words}): {_OWNERS}."
            return f"The cancel of task {format_task(task)} failed ({words})."
        seconds = f"{self.cancelling.timeout:g} s"
        if cancel.outcome == "unknown":
            if cancel.may_be_marked:
                return f"The outcome of task {format_task(task)} is unknown: {cancel.reason}."
            when = " after it was asked to end" if cancel.is_sent else ""
            name = format_task(task)
            return f"Task {name} disappeared{when}; it may still be running: {cancel.reason}."
        if cancel.action == "not_sent":
            return f"Task {format_task(task)} was not asked to end within {seconds}."
        if cancel.action == "requested":
            return f"Task {format_task(task)} was asked to end; {cancel.doubt}."
        refused = f" force was refused: {cancel.reason}." if cancel.reason else ""
        doubt = f"; {cancel.doubt}" if cancel.doubt else ""
        when = f"{seconds} after it was to end{doubt}."
        return f"Task {format_progress(task)} is still running {when}{refused}"
