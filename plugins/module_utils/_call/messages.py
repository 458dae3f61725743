# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Sequence

from .._error_codes import escape_parameter
from .._errors import XapiError, XapiFailure
from .._messages import error_message
from .._tasks.messages import format_progress, format_task, join_few
from .._tasks.model import Task
from .._text import escape, join_limited
from .datamodel import find_method, similar_methods
from .datamodel_text import SOURCE

_MAX_SIGNATURE = 600
_UNKNOWN_METHODS = frozenset({"MESSAGE_METHOD_UNKNOWN", "MESSAGE_REMOVED"})
# XAPI names it in the error about an unknown method, if the account may not call extensions.
_EXTENSION = "host.call_extension"
ANY_REASON = "its client or the server deleted it"


def not_started_message(label: str, error: XapiError) -> str:
    """Return the message for a call that was refused, or that never reached the pool."""
    return (
        f"The call of {label} started nothing. {error_message(error)}{_expectation(label, error)}"
    )


def failure_message(label: str, error: XapiError) -> str:
    """Return the message for a failed call without a task."""
    return f"{error_message(error)}{_expectation(label, error)}"


def unknown_start_message(label: str, error: XapiError, candidates: Sequence[Task]) -> str:
    """Return the message for a lost answer, with the tasks that the call may have started."""
    text = (
        f"It is not known whether {label} was started, and it was not called again. "
        f"{error_message(error)}{_expectation(label, error)}"
    )
    if candidates:
        found = join_few([format_progress(task) for task in candidates])
        text += f" Tasks that it may have started: {found}."
    return text


def no_candidates_message(*, is_forgotten: bool, error: XapiError | None) -> str:
    """Return why there are no tasks that a call may have started."""
    if error is not None:
        return f" The tasks of the pool could not be read. {error_message(error)}"
    if is_forgotten:
        return (
            " No task with this label exists; another session was needed to look for it, and a "
            "restart of XAPI on the master makes the pool forget all tasks."
        )
    return " No task with this label has been created since the call."


def disappeared_message(task: Task, reason: str) -> str:
    return f"Task {format_task(task)} disappeared, so the outcome of the call is unknown: {reason}."


def never_seen_message(label: str, ref: str) -> str:
    return (
        f"The task {escape_parameter(ref)} of {label} disappeared before it was read, so the "
        "outcome of the call is unknown: another client may have deleted it, or XAPI on the "
        "master restarted."
    )


def still_running_message(label: str, task: Task | None) -> str:
    """Return the addition to a message about a wait that ended before the operation."""
    named = "" if task is None else f" as task {format_task(task)}"
    return f" The operation {label} was started{named}, and it may still be running."


def unread_object_message(error: XapiError) -> str:
    return f"The object of the result could not be read: {error_message(error)}"


def check_mode_message(label: str) -> str:
    return f"Check mode: did not call {label}."


def _expectation(label: str, error: XapiError) -> str:
    """Return the description of a method that the server refused, if that may help."""
    if not isinstance(error, XapiFailure) or error.method != label:
        return ""
    method = label.rpartition("Async.")[2]
    described = find_method(method)
    if error.code == "Fault" and any("async mode" in param for param in error.params):
        return f" The method {method} has no asynchronous form: write task: false."
    is_unknown = error.code in _UNKNOWN_METHODS or _EXTENSION in error.params
    if is_unknown and described is None:
        similar = join_limited(similar_methods(method), separator=" or ", remainder=" or {} more")
        if similar:
            return f" Do you mean {similar}?"
        return f" The description of {SOURCE} does not have this method, either."
    if is_unknown:
        return f" The description of {SOURCE} has this method: the pool is older or newer."
    if described is None:
        return ""
    if error.code == "RBAC_PERMISSION_DENIED" and described.role:
        return f" The method needs the role {described.role}."
    if error.code in ("MESSAGE_PARAMETER_COUNT_MISMATCH", "INTERNAL_ERROR"):
        expected = escape(described.signature, limit=_MAX_SIGNATURE)
        return f" The description of {SOURCE} has {expected}."
    return ""
