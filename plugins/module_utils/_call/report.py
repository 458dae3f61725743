# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any, Collection, Iterator

from .._client.credentials import find_secrets_in_args, is_secret_name
from .._client.session import Session
from .._error_codes import format_error
from .._errors import CallerGone, XapiError, XapiFailure, hide_texts
from .._tasks.api import Tasks
from .._tasks.messages import format_progress
from .._tasks.model import Task
from .._tasks.result import decode_result
from .._tasks.times import iso_time
from . import messages
from .candidates import Candidates
from .operation import FAILURE, NOT_STARTED, RUNNING, SUCCESS, UNKNOWN, Operation
from .options import CallOptions
from .references import describe_object, name_object
from .values import convert_result

# Calls that only read do not need the files of waits, and a module run should start quickly.
if TYPE_CHECKING:
    from .._wait.completion import CompletionCondition
    from .._wait.waiter import Waiter

_HIDDEN = "(hidden)"
_MAX_NESTED = 100
_REPEATING = ("name_description", "result", "backtrace")


class CallReport:
    """The result of call and its messages, at any moment of a run.

    Long because it returns the same values for reads, calls with and without a task, and
    check mode.
    """

    def __init__(self, session: Session, options: CallOptions) -> None:
        self._session = session
        self.options = options
        self._described = options.described
        self._secrets = find_secrets_in_args(options.args)
        self._object: dict[str, Any] | None = None
        self._read: Any = None
        self.operation: Operation | None = None
        self.task: Task | None = None
        """The record of the task, for a call that does not wait."""
        self.condition: CompletionCondition | None = None
        self.waiter: Waiter | None = None
        self._read_outcome = UNKNOWN
        self._is_predicted = False
        self._error: XapiError | None = None
        self._warnings: list[str] = []

    def read(self, args: list[Any]) -> None:
        """Call a method that only reads."""
        try:
            self._read = self._session.call(self.options.label, *args)
            self._read_outcome = SUCCESS
        except XapiFailure as error:
            self._read_outcome, self._error = FAILURE, error

    def predict(self) -> None:
        """Say which method would be called, after a read that checks the connection."""
        self._session.read_server_time()
        self._is_predicted = True
        self._warnings.append(messages.check_mode_message(self.options.label))

    def read_task(self) -> None:
        """Read the record of a task that is not waited for; it has been started without it."""
        if self.operation is not None:
            with self.interruptions():
                self.task = Tasks(self._session).get_record(self.operation.task_ref)

    @contextlib.contextmanager
    def interruptions(self) -> Iterator[None]:
        """Keep an error that ends a wait early, so that the result has the started task."""
        try:
            yield
        except CallerGone:
            raise
        except XapiError as error:
            self._error = error

    @property
    def outcome(self) -> str:
        """Return how the call ended, as far as it is known."""
        if self.operation is None:
            return self._read_outcome if self.options.is_read else NOT_STARTED
        if self.operation.outcome != RUNNING:
            return self.operation.outcome
        task = self._last_task
        if task is not None and task.is_finished:
            return task.status
        return UNKNOWN if self._is_gone else RUNNING

    @property
    def _last_task(self) -> Task | None:
        ref = self.operation.task_ref if self.operation is not None else ""
        task = self.task if self.condition is None else self.condition.set.tasks.get(ref)
        return task and hide_args(task, self._secrets)

    @property
    def _is_gone(self) -> bool:
        return self.condition is not None and bool(
            self.condition.set.gone | self.condition.set.missing
        )

    @property
    def _result_type(self) -> str:
        return "" if self._described is None else self._described.result

    @property
    def _result(self) -> Any:
        """Return the result as the server gave it; None if there is none."""
        if self.operation is None:
            return self._read
        task = self._last_task
        if self.operation.task_ref:
            return task.record.get("result") if task is not None else None
        return self.operation.answer

    @property
    def _result_value(self) -> Any:
        result = self._result
        if self.operation is not None and self.operation.task_ref:
            result = decode_result(result) if result else None
        return convert_result(result, self._result_type)

    def read_object(self) -> None:
        """Read the uuid and the name of a new object; the call has succeeded without them."""
        self._object = name_object(self._result_value, self._result_type)
        if self._object is not None and self.outcome == SUCCESS:
            try:
                self._object = describe_object(self._session, self._object)
            except CallerGone:
                raise
            except XapiError as error:
                self._warnings.append(messages.unread_object_message(error))

    def to_dict(self) -> dict[str, Any]:
        """Return the result of the module."""
        asked = {
            "changed": self._may_have_changed,
            "outcome": self.outcome,
            "method": self.options.label,
            "requests": self._session.requests,
        }
        if not self._session.pool.uuid:
            return asked
        condition, waiter, operation = self.condition, self.waiter, self.operation
        now = None if operation is None else operation.server_time
        return {
            **asked,
            "result": _HIDDEN if self._holds_secret else hide_secrets(self._result),
            "result_value": hide_secrets(self._result_value),
            "object": self._object or name_object(self._result_value, self._result_type),
            "task": self._task_dict(now),
            "candidates": [self._candidate(task) for task in self._candidates],
            "waited": waiter is not None and waiter.waited,
            "timed_out": waiter is not None and waiter.timed_out,
            "elapsed": 0.0 if operation is None else round(operation.elapsed, 3),
            "wait_method": None if waiter is None else waiter.method,
            "timeline": [] if condition is None else condition.timeline.to_list(),
            "pool": self._session.pool.to_dict(),
            "server_time": iso_time(now),
        }

    @property
    def _holds_secret(self) -> bool:
        """Return whether the text of a result has a secret in it, which is hidden when decoded."""
        result = self._result
        if not isinstance(result, str) or not result:
            return False
        value = decode_result(result)
        return bool(hide_secrets(value) != value)

    def failure(self) -> dict[str, Any]:
        """Return why the module fails; empty if it does not."""
        label, outcome = self.options.label, self.outcome
        if self._error is not None:
            message = messages.failure_message(label, self._error)
            if outcome == RUNNING:
                message += messages.still_running_message(label, self._last_task)
            return self._failed(message, self._error)
        error = None if self.operation is None else self.operation.error
        if error is None:
            return self._failed_wait()
        if outcome == NOT_STARTED:
            message = messages.not_started_message(label, error)
        elif outcome == UNKNOWN:
            message = self._unknown_start(error)
        else:
            message = messages.failure_message(label, error)
        return self._failed(message, error)

    def all_warnings(self) -> list[str]:
        """Return the warnings of the run."""
        if self.waiter is None:
            return self._warnings
        from .._wait.messages import describe_transient_errors

        return [*describe_transient_errors(self.waiter.errors), *self._warnings]

    @property
    def _may_have_changed(self) -> bool:
        if self.options.is_read:
            return False
        if self.operation is None:
            return self._is_predicted
        return self.operation.outcome != NOT_STARTED

    @property
    def _candidates(self) -> tuple[Task, ...]:
        return () if self.operation is None else self.operation.candidates.tasks

    def _candidate(self, task: Task) -> dict[str, Any]:
        return {**task.brief(), "created": task.to_dict(now=None)["created"]}

    def _task_dict(self, now: int | None) -> dict[str, Any] | None:
        if self.operation is None or not self.operation.task_ref:
            return None
        task = self._last_task or Task(self.operation.task_ref, {})
        shown = {**hide_secrets(task.to_dict(now=now)), "gone": self._is_gone}
        return {**shown, "result": _HIDDEN} if self._holds_secret else shown

    def _unknown_start(self, error: XapiError) -> str:
        found = self.operation.candidates if self.operation is not None else Candidates()
        message = messages.unknown_start_message(self.options.label, error, found.tasks)
        if found.tasks:
            return message
        return message + messages.no_candidates_message(
            is_forgotten=found.is_forgotten, error=found.error
        )

    def _failed(self, message: str, error: XapiError | None) -> dict[str, Any]:
        if isinstance(error, XapiFailure):
            return {"failed": True, "msg": message, "error": format_error(error.code, error.params)}
        return {"failed": True, "msg": message}

    def _failed_wait(self) -> dict[str, Any]:
        """Return why the wait for a task failed; empty if it did not."""
        condition, waiter, task = self.condition, self.waiter, self._last_task
        if condition is None and task is not None and task.is_finished:
            return {} if task.status in self.options.expect else self._failed_end(task)
        if condition is None or waiter is None:
            return {}
        from .._wait.report import timeout_message
        from .._wait.task_set import Decision

        if condition.decision is Decision.MET:
            return {}
        if condition.decision is Decision.PENDING:
            awaited = "" if task is None else f"waiting for {format_progress(task)}."
            message = timeout_message(waiter, awaited, was_reached=condition.was_reached)
            return self._failed(
                message + messages.still_running_message(self.options.label, task), None
            )
        if task is None:
            label, ref = self.options.label, self.operation.task_ref if self.operation else ""
            return self._failed(messages.never_seen_message(label, ref), None)
        if self._is_gone:
            reason = condition.set.gone_reasons.get(task.ref) or messages.ANY_REASON
            return self._failed(messages.disappeared_message(task, reason), None)
        return self._failed_end(task)

    def _failed_end(self, task: Task) -> dict[str, Any]:
        from .._wait.messages import describe_end

        failed = self._failed(f"{describe_end(task, self.options.expect)}.", None)
        error_info = task.to_dict(now=None)["error"]
        return {**failed, "error": error_info} if error_info else failed


def hide_args(task: Task, secrets: Collection[str]) -> Task:
    """Return a task without the secrets of its call, which the server may repeat in it.

    They are hidden before a message is cut: Ansible does not find a half of a secret.
    """
    if not secrets:
        return task
    hidden = dict(task.record)
    for field in _REPEATING:
        if isinstance(hidden.get(field), str):
            hidden[field] = hide_texts(hidden[field], secrets)
    if isinstance(hidden.get("error_info"), list):
        hidden["error_info"] = [hide_texts(str(part), secrets) for part in hidden["error_info"]]
    return Task(task.ref, hidden)


def hide_secrets(value: Any, *, depth: int = 0) -> Any:
    """Return a value with nothing under keys such as password; it may be a record of anything.

    A number that JSON cannot hold, such as NaN, becomes text.
    """
    if depth > _MAX_NESTED:
        return _HIDDEN
    if isinstance(value, dict):
        return {
            key: _HIDDEN if held and is_secret_name(key) else hide_secrets(held, depth=depth + 1)
            for key, held in value.items()
        }
    if isinstance(value, list):
        return [hide_secrets(item, depth=depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
