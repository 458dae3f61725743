# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from ._canceller import CancelGate, Request
from ._errors import XapiFailure
from ._objects import Objects
from ._session import Session
from ._targets import why_not_forced
from ._task import seconds_of
from ._tasks import Tasks


def force(session: Session, gate: CancelGate) -> list[Request]:
    """Write off what no cancel has reached, where all that allows it is still the case.

    A task that a client made with task.create ends by that client's word alone (xapi_task.ml). If
    the client is gone, the record stays; this says in its place that the task was cancelled, which
    stops no work.
    """
    left = [one for one in gate.requests.values() if one.action == "still_running"]
    if not left:
        return []
    objects, now = Objects(session), seconds_of(session.server_time())
    tasks = Tasks(session)
    forced = []
    for request in left:
        task = tasks.get_record(request.task.ref)
        if task is None or task.is_finished:
            request.end(task)
            continue
        request.see(task)
        if request.has_moved or why_not_forced(task, objects, now=now):
            continue
        try:
            is_there = tasks.set_status(task.ref, "cancelled")
        except XapiFailure as failure:
            request.error = failure
            request.action = "denied" if failure.code == "RBAC_PERMISSION_DENIED" else "error"
        else:
            request.action = "forced" if is_there else "gone"
            forced.append(request)
    return forced
