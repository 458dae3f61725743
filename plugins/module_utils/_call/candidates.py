# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from .._client.retry import is_transient
from .._client.session import Session
from .._errors import XapiError
from .._tasks.api import Tasks
from .._tasks.model import Task

_PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds between the attempts to list the tasks, since connection problems often end soon."""
_TOLERANCE = 1
"""Seconds by which a task may seem older than the call: the server writes whole seconds."""
_NULL_REF = "OpaqueRef:NULL"


@dataclass(frozen=True)
class Candidates:
    """The tasks that a call may have started, after its answer was lost."""

    tasks: tuple[Task, ...] = ()
    error: XapiError | None = None
    """Why the tasks could not be read; None if they were."""
    is_forgotten: bool = False
    """Whether another session had to be opened: the server may have forgotten all tasks."""


def find_candidates(
    session: Session,
    label: str,
    *,
    began: int | None,
    generation: int,
    sleep: Callable[[float], None],
) -> Candidates:
    """Return the tasks of a label that were created since a call began, by the server's clock.

    They have no parent, since the call gives none. Connection problems are retried for some
    seconds. Another client may have started one of them.
    """
    for pause in (*_PAUSES, None):
        try:
            listed = Tasks(session).get_all_records()
        except XapiError as error:
            if pause is None or not is_transient(error, was_connected=True):
                return Candidates(error=error)
            sleep(max(pause, session.login_retry_delay))
        else:
            found = tuple(task for task in listed if _may_be(task, label, began))
            return Candidates(found, is_forgotten=session.generation != generation)
    raise AssertionError("unreachable")


def _may_be(task: Task, label: str, began: int | None) -> bool:
    is_young = began is None or task.created is None or task.created >= began - _TOLERANCE
    parent = task.record.get("subtask_of", _NULL_REF)
    return task.name_label == label and parent == _NULL_REF and is_young
