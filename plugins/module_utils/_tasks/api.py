# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Collection

from .._client import schema as records
from .._client.retry import none_if_gone
from .._client.session import Session
from .model import Task


class Tasks:
    """The messages of XAPI's class task that the collection sends, named as in XAPI.

    A method that reads one task returns None if it does not exist.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_record(self, ref: str) -> Task | None:
        record = none_if_gone(lambda: self._session.read(records.task, "task.get_record", ref))
        return None if record is None else Task(ref, record)

    def get_by_uuid(self, uuid: str) -> str | None:
        """Return the reference of the task with a uuid."""
        return none_if_gone(lambda: self._session.read(records.name, "task.get_by_uuid", uuid))

    def get_all_records(self) -> list[Task]:
        found = self._session.read(records.tasks, "task.get_all_records")
        return [Task(ref, record) for ref, record in found.items()]

    def present(self, refs: Collection[str]) -> list[Task]:
        """Return those of some tasks that exist, with as few calls as possible."""
        if len(refs) == 1:
            return [task for task in map(self.get_record, refs) if task is not None]
        return [task for task in self.get_all_records() if task.ref in refs] if refs else []

    def confirm(self, unseen: Collection[str]) -> tuple[list[Task], list[str]]:
        """Read tasks that a listing did not have: those that exist, and the refs of the others."""
        present = self.present(unseen)
        there = {task.ref for task in present}
        return present, [ref for ref in unseen if ref not in there]

    def cancel(self, ref: str) -> bool:
        """Request that a task is cancelled; return False if it does not exist.

        The server accepts this in every status of the task and promises nothing (xapi_task.ml).
        Only the status shows the outcome.
        """
        return none_if_gone(lambda: self._send("task.cancel", ref)) is not None

    def set_status(self, ref: str, status: str) -> bool:
        """Write the status of a task and nothing else; return False if it does not exist."""
        return none_if_gone(lambda: self._send("task.set_status", ref, status)) is not None

    def _send(self, method: str, *params: str) -> bool:
        """Call a method without a result, and ignore a value that the server returns."""
        self._session.call(method, *params)
        return True
