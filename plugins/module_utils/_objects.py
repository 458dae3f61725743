# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any

from . import _records as records
from ._selection import OBJECT_TYPES
from ._session import Session, read
from ._task import Task


class Objects:
    """The objects of a pool at one moment: which tasks hold them, and the names of hosts."""

    def __init__(self, session: Session) -> None:
        self._held: dict[str, list[dict[str, str]]] = {}
        self._host_names: dict[str, str] = {}
        for kind in OBJECT_TYPES:
            found = read(session, records.holders, f"{kind}.get_all_records")
            for record in found.values():
                self._note(kind, record)
            if kind == "host":
                self._host_names = {ref: record["name_label"] for ref, record in found.items()}

    def _note(self, kind: str, record: dict[str, Any]) -> None:
        for task_ref, operation in record["current_operations"].items():
            self._held.setdefault(task_ref, []).append(
                {
                    "type": kind,
                    "uuid": record["uuid"],
                    "name_label": record["name_label"],
                    "operation": operation,
                }
            )

    def to_dict(self, task: Task) -> dict[str, Any]:
        """What task_info adds to a task; the name is null for a host that is not there any more."""
        return {
            "objects": self._held.get(task.ref, []),
            "resident_on_name": self._host_names.get(task.record.get("resident_on", "")),
        }
