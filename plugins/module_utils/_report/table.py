# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

"""Formats tasks as a table of text."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from .cells import COLUMNS, EMPTY, ReportError, find_tasks

DEFAULT_COLUMNS = ("age", "progress", "eta", "kind", "label", "object", "host")
# Only task_info returns these, with with_objects.
_OPTIONAL = ("object", "host")
_GAP = "  "


def format_table(value: Any, *, columns: Sequence[str] | None = None, limit: int = 100) -> str:
    """Return a table with a line for each task, below the names of the columns."""
    tasks = find_tasks(value)
    if not tasks:
        is_known = not isinstance(value, Mapping) or "tasks" in value or "task" in value
        return "No tasks." if is_known else "The tasks are not known."
    names = _check_columns(DEFAULT_COLUMNS if columns is None else columns)
    rows = [[COLUMNS[name](task) for name in names] for task in tasks[:limit]]
    shown = [
        place
        for place, name in enumerate(names)
        if columns is not None or name not in _OPTIONAL or any(row[place] != EMPTY for row in rows)
    ]
    lines = [[names[place] for place in shown], *([row[place] for place in shown] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    table = [
        _GAP.join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines
    ]
    more = max(len(tasks) - limit, 0) + _count_omitted(value)
    if more:
        table.append(f"… and {more} more")
    return "\n".join(table)


def _count_omitted(value: Any) -> int:
    """Return how many tasks a failure left out of its result."""
    omitted = value.get("tasks_omitted") if isinstance(value, Mapping) else None
    return omitted if isinstance(omitted, int) else 0


def _check_columns(columns: Any) -> list[str]:
    if isinstance(columns, str) or not isinstance(columns, Sequence) or not columns:
        raise ReportError("columns must be a list of names that is not empty")
    names = [str(name) for name in columns]
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        problem = f"unknown columns {', '.join(map(repr, unknown))}"
        raise ReportError(f"{problem}; the columns are {', '.join(COLUMNS)}"[:1000])
    return names
