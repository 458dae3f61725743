# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Mapping

from .._client.session import Session
from .._tasks.api import Tasks
from .._tasks.model import Task
from .._tasks.selection import Selection, SelectionContext, is_selected


class ObjectHolds:
    """Knows what a selected object itself says is being done with it.

    An operation can outlive its task, so that an entry of current_operations counts by itself.
    """

    def __init__(self, session: Session, selection: Selection) -> None:
        self._session = session
        self._selection = selection
        self._tasks = Tasks(session)
        self._session_generation: int | None = None
        self._is_deleted = False
        self.held: dict[str, str] = {}
        """Operation by the reference of its task, if the task matches or cannot be read."""

    def refresh(
        self,
        operations: Mapping[str, str] | None,
        present: Mapping[str, Task],
        context: SelectionContext,
    ) -> dict[str, str]:
        """Take in the object's current_operations; None if the object is deleted.

        Returns what a new session has taken from sight, in words by reference: the new master may
        have forgotten an operation that continues.
        """
        held: dict[str, str] = {}
        for ref, operation in (operations or {}).items():
            task = present.get(ref) or self._tasks.get_record(ref)
            if task is None or is_selected(task, self._selection, context):
                held[ref] = operation
        lost: dict[str, str] = {}
        generation = self._session.generation
        if self._session_generation not in (None, generation):
            lost = {ref: f"{name} on the object" for ref, name in self.held.items()}
            if operations is None and not self._is_deleted:
                lost[context.object_ref] = "The object"
        self._is_deleted = operations is None
        self.held, self._session_generation = held, generation
        return {ref: what for ref, what in lost.items() if ref not in held}
