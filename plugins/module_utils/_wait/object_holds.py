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
    """Tracks the current_operations of a selected object.

    An operation can outlive its task, so an entry of current_operations counts by itself.
    """

    def __init__(self, session: Session, selection: Selection) -> None:
        self._session = session
        self._selection = selection
        self._tasks = Tasks(session)
        self._session_generation: int | None = None
        self._is_deleted = False
        self.held: dict[str, str] = {}
        """The operations by the reference of their task, if the task matches or cannot be read."""

    def refresh(
        self,
        operations: Mapping[str, str] | None,
        present: Mapping[str, Task],
        context: SelectionContext,
    ) -> dict[str, str]:
        """Apply the object's current_operations, or None if the object is deleted.

        Return descriptions, by reference, of operations that a new session no longer shows: the new
        master may have forgotten an operation that continues.
        """
        held: dict[str, str] = {}
        for ref, operation in (operations or {}).items():
            task = present.get(ref) or self._tasks.get_record(ref)
            if task is None or is_selected(task, self._selection, context):
                held[ref] = operation
        unknown: dict[str, str] = {}
        generation = self._session.generation
        if self._session_generation not in (None, generation):
            unknown = {ref: f"{name} on the object" for ref, name in self.held.items()}
            if operations is None and not self._is_deleted:
                unknown[context.object_ref] = "The object"
        self._is_deleted = operations is None
        self.held, self._session_generation = held, generation
        return {ref: description for ref, description in unknown.items() if ref not in held}
