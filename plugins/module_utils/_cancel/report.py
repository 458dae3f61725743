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
from .cancellation import Action, Cancel, is_asked
from .operation import CancelOperation
from .options import CancelOptions
from .targets import Targets

_OWNERS = (
    "a task of another account, or of a session that has logged out, can be cancelled by an "
    "account with the role pool-operator or above"
)


class CancelReport:
    """The results and messages of task_cancel, also of an interrupted run."""

    def __init__(self, session: Session, targets: Targets, options: CancelOptions) -> None:
        self._session = session
        self.options = options
        self.targets = targets
        self.not_cancellable: list[Task] = []
        self.disappeared: list[Cancel] = []
        """The tasks that disappeared while idle_for was measured."""
        self.operation: CancelOperation | None = None
        self.waiters: list[Waiter] = []
        """The waits so far: for idle tasks, for the cancelled tasks, and for force."""
        self.is_prediction = False

    def to_dict(self) -> dict[str, Any]:
        found, now = self.targets.found, self.targets.found.server_time
        rows = self._rows()
        by_action: dict[str, list[str]] = {action.value: [] for action in Action}
        for task, action, _extra in rows:
            by_action[action.value].append(task.uuid)
        return {
            "changed": self._is_changed(),
            "tasks": [
                {
                    **task.to_dict(now=now, clocks=found.context.clocks),
                    "action": action.value,
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
                    task.brief() for task, reason in self.targets.skipped if reason == "excluded"
                ],
            ),
        }

    def skip_uncancellable(self) -> None:
        """Skip tasks that the server does not offer to cancel, if the options say so."""
        if self.options.on_uncancellable == "skip":
            running = self.targets.running
            self.not_cancellable = [task for task in running if not task.is_cancellable]
            self.targets.running = [task for task in running if task.is_cancellable]

    def warnings(self) -> list[str]:
        """Return the warnings."""
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
                f"selected: {labels}."
            )
        return found

    def failure(self) -> dict[str, Any]:
        """Return the result of a failure; empty if no task failed."""
        sentences = [
            _failure_message(cancel, self.options.timeout)
            for cancel in self._cancels
            if cancel.outcome.is_failure or cancel.doubt
        ]
        return {"failed": True, "msg": join_sentences(sentences)} if sentences else {}

    def refusal(self, problems: list[str]) -> dict[str, Any]:
        """Return the result of a run in which no request may be sent."""
        message = join_sentences(problems, before="Nothing was cancelled. ")
        return {**self.to_dict(), "failed": True, "msg": message}

    @property
    def _cancels(self) -> list[Cancel]:
        return self.disappeared if self.operation is None else list(self.operation.cancels.values())

    def _rows(self) -> list[tuple[Task, Action, dict[str, Any]]]:
        targets = self.targets
        rows = [self._row(cancel) for cancel in self._cancels]
        if self.operation is None:
            expected = self._predicted if self.is_prediction else self._unsent
            rows += [(task, expected(task), {}) for task in targets.running]
        rows += [(task, Action.NOT_CANCELLABLE, {}) for task in self.not_cancellable]
        rows += [(task, Action.ALREADY_FINISHED, {}) for task in targets.finished]
        rows += [(task, Action.SKIPPED, {"reason": reason}) for task, reason in targets.skipped]
        return rows

    def _row(self, cancel: Cancel) -> tuple[Task, Action, dict[str, Any]]:
        error = cancel.error
        extra: dict[str, Any] = {"reason": cancel.reason or cancel.doubt or None}
        if error is not None:
            extra["error"] = format_error(error.code, error.params)
        return cancel.task, cancel.outcome, extra

    def _predicted(self, _task: Task) -> Action:
        return Action.CANCELLED if self.options.waits else Action.REQUESTED

    def _unsent(self, task: Task) -> Action:
        is_refused = self.options.on_uncancellable == "fail" and not task.is_cancellable
        return Action.NOT_CANCELLABLE if is_refused else Action.NOT_SENT

    def _is_changed(self) -> bool:
        if self.operation is not None:
            return any(cancel.is_changed for cancel in self.operation.cancels.values())
        if not self.is_prediction:
            return False
        return any(self.options.waits or not is_asked(task) for task in self.targets.running)

    def _diff(self) -> dict[str, str]:
        first = {task.ref: task.status for task in self.targets.running}
        before, after = [], []
        for task, action, _extra in self._rows():
            if task.ref in first:
                before.append(f"{format_task(task)}: {shorten_word(first[task.ref])}\n")
                status = action.final_status or shorten_word(task.status)
                after.append(f"{format_task(task)}: {status}\n")
        return {"before": "".join(before), "after": "".join(after)}


def _failure_message(cancel: Cancel, timeout: float) -> str:
    """Return why the cancellation of a task failed, or may have failed."""
    task, name, seconds = cancel.task, format_task(cancel.task), f"{timeout:g} s"
    if cancel.error is not None:
        words = describe_error(cancel.error.code, cancel.error.params).rstrip(".")
        if cancel.action is Action.DENIED:
            return f"The cancel of task {name} was denied ({words}): {_OWNERS}."
        return f"The cancel of task {name} failed ({words})."
    if cancel.outcome is Action.UNKNOWN:
        if cancel.may_be_marked:
            return f"The outcome of task {name} is unknown: {cancel.reason}."
        when = " after cancellation was requested" if cancel.is_sent else ""
        return f"Task {name} disappeared{when}; it may still be running: {cancel.reason}."
    if cancel.action is Action.NOT_SENT:
        return f"No cancel request was sent for task {name} within {seconds}."
    if cancel.action is Action.REQUESTED:
        return f"Cancellation of task {name} was requested; {cancel.doubt}."
    refused = f" force was refused: {cancel.reason}." if cancel.reason else ""
    doubt = f"; {cancel.doubt}" if cancel.doubt else ""
    when = f"{seconds} after cancellation was requested{doubt}."
    return f"Task {format_progress(task)} is still running {when}{refused}"
