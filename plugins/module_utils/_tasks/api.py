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
    """The messages of XAPI's class task that the collection sends, under the names of XAPI.

    A task that does not exist is None where one is asked for.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_record(self, ref: str) -> Task | None:
        record = none_if_gone(lambda: self._session.read(records.task, "task.get_record", ref))
        return None if record is None else Task(ref, record)

    def get_by_uuid(self, uuid: str) -> str | None:
        """The reference of the task with a uuid."""
        return none_if_gone(lambda: self._session.read(records.name, "task.get_by_uuid", uuid))

    def get_all_records(self) -> list[Task]:
        found = self._session.read(records.tasks, "task.get_all_records")
        return [Task(ref, record) for ref, record in found.items()]

    def present(self, refs: Collection[str]) -> list[Task]:
        """Those of some tasks that exist, by the smallest number of calls."""
        if len(refs) == 1:
            return [task for task in map(self.get_record, refs) if task is not None]
        return [task for task in self.get_all_records() if task.ref in refs] if refs else []

    def confirm(self, unseen: Collection[str]) -> tuple[list[Task], list[str]]:
        """Read once more what a look did not show: the tasks that are there, and what is gone."""
        present = self.present(unseen)
        there = {task.ref for task in present}
        return present, [ref for ref in unseen if ref not in there]

    def cancel(self, ref: str) -> bool:
        """Ask for the end of a task; False where there is none.

        The server accepts this whatever the task's status is and promises nothing (xapi_task.ml):
        only the status tells what became of it.
        """
        return none_if_gone(lambda: self._send("task.cancel", ref)) is not None

    def set_status(self, ref: str, status: str) -> bool:
        """Write a status, and nothing but that; False where there is no such task."""
        return none_if_gone(lambda: self._send("task.set_status", ref, status)) is not None

    def _send(self, method: str, *params: str) -> bool:
        """Do what returns nothing; it was done, whatever the server writes for nothing."""
        self._session.call(method, *params)
        return True
