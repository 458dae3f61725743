# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Mapping

from .._client.session import Session
from .._messages import error_message
from .._tasks.age_messages import COUNTED, age_warnings
from .completion import CompletionCondition
from .messages import describe_transient_errors, format_selection
from .quiet import QuietCondition
from .task_set import Decision
from .waiter import Waiter


class WaitReport(ABC):
    """The results and messages of task_wait, also of an interrupted wait."""

    def __init__(
        self,
        session: Session,
        condition: CompletionCondition | QuietCondition,
        waiter: Waiter,
        *,
        params: Mapping[str, Any],
    ) -> None:
        self._session = session
        self._condition = condition
        self._waiter = waiter
        self._selected = format_selection(params)

    def to_dict(self) -> dict[str, Any]:
        result = {
            "changed": False,
            "waited": self._waiter.waited,
            "elapsed": round(self._waiter.elapsed, 3),
            "timed_out": self._waiter.timed_out,
            "method": self._waiter.method,
            "requests": self._session.requests,
        }
        if not self._condition.was_reached:
            return result
        return {**result, "timeline": self._condition.timeline.to_list(), **self._results()}

    def failure(self) -> dict[str, Any]:
        """Return the result of a failure; empty if the condition is met."""
        decision = self._condition.decision
        if decision is Decision.MET:
            return {}
        if decision is Decision.FAILED:
            message = self._failure_message()
        else:
            message = timeout_message(
                self._waiter, self._pending_message(), was_reached=self._condition.was_reached
            )
        return {"failed": True, "msg": message}

    def warnings(self) -> list[str]:
        """Return the warnings of a finished wait."""
        warnings = describe_transient_errors(self._waiter.errors) + self.age_warnings()
        if self._condition.decision is Decision.MET:
            warnings += self._met_warnings()
        return warnings

    def age_warnings(self) -> list[str]:
        """Return the warnings about uncertain or unknown ages."""
        condition = self._condition
        return age_warnings(condition.undated, condition.context, consequence=COUNTED)

    def check_mode_warning(self) -> str:
        """Return the warning of check mode, which refreshes once and does not wait."""
        return f"Check mode: did not wait. {self._check_mode_message()}"

    @abstractmethod
    def _results(self) -> dict[str, Any]:
        """Return the results of a pool that was reached."""

    @abstractmethod
    def _failure_message(self) -> str:
        """Return why the condition failed."""

    @abstractmethod
    def _pending_message(self) -> str:
        """Return the tasks that the condition still waits for, as the rest of a sentence."""

    @abstractmethod
    def _met_warnings(self) -> list[str]:
        """Return the warnings of a condition that is met."""

    @abstractmethod
    def _check_mode_message(self) -> str:
        """Return what the module would do without check mode."""


def timeout_message(waiter: Waiter, pending: str, *, was_reached: bool) -> str:
    """Return the message of a timeout; pending names the tasks that are missing."""
    how_long = f"{waiter.timeout:g} s" if waiter.timeout else "one check, since timeout is 0,"
    message, last = f"Timed out after {how_long}", waiter.errors.latest
    if last is not None and not was_reached:
        return f"{message} without an answer from the pool. {error_message(last)}"
    message += f" {pending}"
    if last is not None and waiter.errors.is_disconnected:
        message += (
            f" The pool did not answer, so this state may be out of date. {error_message(last)}"
        )
    return message
