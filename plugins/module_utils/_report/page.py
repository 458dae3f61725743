# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

"""Formats the result of a module as an HTML page that needs no other file."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from .cells import COLUMNS, ReportError, find_tasks, format_duration
from .markup import escape_html, status_class
from .style import STYLE
from .timeline import MAX_BARS, draw_timeline, parse_time

MAX_TASKS = 500
_MAX_CHANGES = 100
_MAX_CHANGE = 120
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_MAX_WARNINGS = 10
_MAX_MESSAGE = 2000
_COLUMNS = {
    "kind": 20,
    "label": 120,
    "object": 200,
    "host": 60,
    "progress": 20,
    "age": 20,
    "eta": 20,
    "duration": 20,
    "error": 300,
    "uuid": 40,
}
"""The columns of the table, with the number of characters that a cell may have."""


def format_page(value: Any, *, title: str = "Tasks") -> str:
    """Return the page: the outcome of the run, a timeline, and a table of the tasks."""
    if not isinstance(title, str):
        raise ReportError(f"title must be a string, not {type(title).__name__}")
    tasks = find_tasks(value)
    result: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    heading = escape_html(title)
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{heading}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>",
        f"<h1>{heading}</h1>",
        *_summary(result),
        *_facts(result, tasks),
        *_timeline(result, tasks),
        *_table(tasks, omitted=result.get("tasks_omitted")),
        *_changes(result, tasks),
        "</main>\n</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _summary(result: Mapping[str, Any]) -> list[str]:
    if not result:
        return []
    is_failed = bool(result.get("failed"))
    state = "failed" if is_failed else "ok"
    lines = [f'<p class="state {state}">{"Failed" if is_failed else "Succeeded"}</p>']
    if result.get("msg"):
        lines.append(f'<p class="message">{escape_html(result["msg"], limit=_MAX_MESSAGE)}</p>')
    warnings = result.get("warnings")
    if isinstance(warnings, (list, tuple)):
        lines += [
            f'<p class="warning">Warning: {escape_html(text, limit=_MAX_MESSAGE)}</p>'
            for text in warnings[:_MAX_WARNINGS]
        ]
    return lines


def _facts(result: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> list[str]:
    pool = result.get("pool")
    pool = pool if isinstance(pool, Mapping) else {}
    elapsed = result.get("elapsed")
    facts = {
        "Pool": pool.get("name_label") or pool.get("uuid"),
        "Master": pool.get("master"),
        "Server time": result.get("server_time"),
        "Elapsed": None if elapsed is None else format_duration(elapsed),
    }
    counts: dict[str, int] = {}
    for task in tasks:
        status = status_class(task)
        counts[status] = counts.get(status, 0) + 1
    facts["Tasks"] = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
    items = [
        f"<div><dt>{name}</dt><dd>{escape_html(fact)}</dd></div>"
        for name, fact in facts.items()
        if fact
    ]
    return ["<dl>", *items, "</dl>"] if items else []


def _timeline(result: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> list[str]:
    image = draw_timeline(tasks, now=parse_time(result.get("server_time")))
    if not image:
        return []
    note = []
    if len(tasks) > MAX_BARS:
        note = [f"<p>{MAX_BARS} of {len(tasks)} tasks, those running or failed first.</p>"]
    return ["<h2>Timeline</h2>", *note, f'<div class="scroll image">{image}</div>']


def _table(tasks: Sequence[Mapping[str, Any]], *, omitted: Any) -> list[str]:
    if not tasks:
        return ["<h2>Tasks</h2>", "<p>No tasks.</p>"]
    heads = "".join(f'<th scope="col">{name}</th>' for name in _COLUMNS)
    lines = ["<h2>Tasks</h2>", f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>']
    for task in tasks[:MAX_TASKS]:
        cells = "".join(
            f"<td>{escape_html(COLUMNS[name](task), limit=limit)}</td>"
            for name, limit in _COLUMNS.items()
        )
        lines.append(f'<tr class="{status_class(task)}">{cells}</tr>')
    lines.append("</tbody></table></div>")
    more = max(len(tasks) - MAX_TASKS, 0)
    if isinstance(omitted, int) and omitted > 0:
        more += omitted
    return [*lines, f"<p>And {more} more tasks.</p>"] if more else lines


def _changes(result: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the latest changes that task_wait saw."""
    changes = result.get("timeline")
    if not isinstance(changes, (list, tuple)) or not changes:
        return []
    labels = {task["uuid"]: task for task in tasks if isinstance(task.get("uuid"), str)}
    heads = "".join(
        f'<th scope="col">{name}</th>' for name in ("at", "label", "status", "progress")
    )
    lines = [
        "<h2>Changes</h2>",
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>',
    ]
    for change in [one for one in changes if isinstance(one, Mapping)][-_MAX_CHANGES:]:
        uuid = change.get("uuid")
        task = labels.get(uuid) if isinstance(uuid, str) else None
        label = uuid if task is None else task.get("name_label")
        progress = COLUMNS["progress"]({**change, "is_finished": False})
        values = (change.get("at"), label, change.get("status"), progress)
        cells = "".join(f"<td>{escape_html(one, limit=_MAX_CHANGE)}</td>" for one in values)
        lines.append(f"<tr>{cells}</tr>")
    return [*lines, "</tbody></table></div>"]
