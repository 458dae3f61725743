# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from .._error_codes import describe_error
from .._tasks.messages import format_task, percent
from .._tasks.model import Task
from .alarms import LONG_RUNNING

_ENDS = {
    "success": "Task {task} has succeeded",
    "failure": "Task {task} has failed",
    "cancelled": "Task {task} was cancelled",
}


def describe_end(task: Task) -> str:
    """Return a sentence about the end of a task, with its error."""
    info = task.record.get("error_info") or []
    error = f": {describe_error(info[0], info[1:])}" if info else ""
    end = _ENDS[task.status].format(task=format_task(task))
    return f"{end}{error}".rstrip(".") + "."


def describe_disappearance(task: Task, reason: str) -> str:
    """Return a sentence about a task that disappeared; without a reason, it has ended."""
    if not reason:
        return (
            f"Task {format_task(task)} ended and its record was deleted, so it is not known "
            "whether it succeeded."
        )
    return f"Task {format_task(task)} disappeared; it may still be running: {reason}."


def describe_alarm(kind: str, task: Task, limit: float) -> str:
    """Return a sentence about a task that is stalled or runs for long."""
    progress = "" if task.progress is None else f" ({percent(task)})"
    if kind == LONG_RUNNING:
        return f"Task {format_task(task)} has been running for {limit:g} s or more{progress}."
    return f"Task {format_task(task)} has made no progress for {limit:g} s or more{progress}."


def gap_message(seconds: float, reason: str) -> str:
    """Return a sentence about a time in which changes may have been missed."""
    return (
        f"Tasks that came and went within {seconds:g} s may have been missed: {reason.rstrip('.')}."
    )


def loss_message(lost: int) -> str:
    """Return a sentence about lost events."""
    return f"Events were lost because the rules were too slow: {lost}."


def object_message(kind: str, name: str) -> str:
    """Return a warning about an object that does not exist any more."""
    return f"The selected object does not exist any more ({kind} {name}); no task can belong to it."


def literal_message(option: str, value: str, problem: str) -> str:
    """Return a warning about a regular expression that reads like the label of a task."""
    return f"The option {option} ({value}) {problem}."


def retry_message(error: str) -> str:
    """Return a warning about an error after which the source connects again."""
    return f"The pool cannot be watched at the moment; the source tries again. {error}"


def library_message(library: str) -> str:
    """Return an error about a missing Python library."""
    return (
        f"The Python library {library} is missing: install it for the Python that runs "
        "ansible-rulebook."
    )
