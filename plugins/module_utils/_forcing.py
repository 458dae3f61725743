# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import re

from ._cancel_gate import Cancel, CancelGate
from ._errors import XapiFailure
from ._objects import Objects
from ._session import Session
from ._task import Task, seconds_of
from ._tasks import Tasks

_OLD_ENOUGH = 3600
_NAME_OF_A_METHOD = re.compile(r"Async\.|[A-Za-z_]+\.[A-Za-z0-9_]+\Z")


def why_not_forced(task: Task, objects: Objects, *, now: int | None) -> str:
    """What shows that a task is more than a record that its client left behind."""
    created, record = task.created, task.record
    if created is None or now is None or now - created < _OLD_ENOUGH:
        return "it is not known to be older than an hour"
    if _NAME_OF_A_METHOD.match(task.name_label):
        return "its label is the name of a method, so the server itself works on it"
    if task.is_cancellable:
        return "the server offers to cancel it"
    if record.get("subtasks"):
        return "it has subtasks"
    if record.get("result"):
        return "it has a result"
    if objects.to_dict(task)["objects"]:
        return "an object names it in its current_operations"
    return ""


def force(session: Session, gate: CancelGate) -> list[Cancel]:
    """Write off what no cancel has reached, where all that allows it is still the case.

    A task that a client made with task.create ends by that client's word alone (xapi_task.ml). If
    the client is gone, the record stays; this says in its place that the task was cancelled, which
    stops no work.
    """
    left = [cancel for cancel in gate.cancels.values() if cancel.action == "still_running"]
    if not left:
        return []
    objects, now = Objects(session), seconds_of(session.server_time())
    tasks = Tasks(session)
    forced = []
    for cancel in left:
        task = tasks.get_record(cancel.task.ref)
        if task is None:
            cancel.vanish(session.logins)
            continue
        cancel.see(task, session.logins)
        if task.is_finished or cancel.has_moved or why_not_forced(task, objects, now=now):
            continue
        try:
            is_there = tasks.set_status(task.ref, "cancelled")
        except XapiFailure as failure:
            cancel.refuse(failure)
            continue
        if is_there:
            cancel.action = "forced"
            forced.append(cancel)
        else:
            cancel.vanish(session.logins)
    return forced
