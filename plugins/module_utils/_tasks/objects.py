# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any

from .._client import schema as records
from .._client.session import Session
from .model import Task
from .selection import OBJECT_TYPES, applied_objects


class Objects:
    """The objects of a pool at one moment: which tasks work on them, and the names of hosts."""

    def __init__(self, session: Session) -> None:
        self._held: dict[str, list[dict[str, str | None]]] = {}
        self._by_name: dict[str, dict[str, str | None]] = {}
        self._host_names: dict[str, str] = {}
        for kind in OBJECT_TYPES:
            shape = records.pools if kind == "pool" else records.holders
            found = session.read(shape, f"{kind}.get_all_records")
            for ref, record in found.items():
                self._note(kind, ref, record)
            if kind == "host":
                self._host_names = {ref: record["name_label"] for ref, record in found.items()}

    def _note(self, kind: str, ref: str, record: dict[str, Any]) -> None:
        names = {"type": kind, "uuid": record["uuid"], "name_label": record["name_label"]}
        self._by_name[ref] = self._by_name[record["uuid"]] = {**names, "operation": None}
        for task_ref, operation in record["current_operations"].items():
            self._held.setdefault(task_ref, []).append({**names, "operation": operation})

    def of(self, task: Task) -> list[dict[str, str | None]]:
        """Return the objects that name a task, and then those that only the task itself names."""
        found = list(self._held.get(task.ref, []))
        for name in sorted(applied_objects(task)):
            named = self._by_name.get(name)
            if named is not None and named["uuid"] not in [one["uuid"] for one in found]:
                found.append(named)
        return found

    def to_dict(self, task: Task) -> dict[str, Any]:
        """Return the values that task_info adds to a task; the name is null if the host is gone."""
        return {
            "objects": self.of(task),
            "resident_on_name": self._host_names.get(task.record.get("resident_on", "")),
        }
