# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

"""Formats the fields of tasks, any of which may be missing or of a wrong type."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from .._text import break_templates, escape

EMPTY = "-"
MAX_CELL = 60
_MAX_OBJECTS = 3
_MAX_SECONDS = 10 * 365 * 86400
_UNITS = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_RUNNING = ("pending", "cancelling")


class ReportError(Exception):
    """A value that a filter cannot format."""


def find_tasks(value: Any) -> list[Mapping[str, Any]]:
    """Return the tasks of a list, or those of the result of a module."""
    tasks = value
    if isinstance(value, Mapping):
        task = value.get("task")
        tasks = value.get("tasks", [] if task is None else [task])
    if not isinstance(tasks, (list, tuple)):
        problem = f"not {type(tasks).__name__}"
        raise ReportError(f"give the result of a module of xen.xapi, or its tasks, {problem}")
    for task in tasks:
        if not isinstance(task, Mapping):
            raise ReportError(f"each task must be a dictionary, not {type(task).__name__}")
    return list(tasks)


def format_duration(seconds: Any) -> str:
    """Return seconds in their two largest units, such as 1h30m."""
    number = read_number(seconds)
    if number is None:
        return EMPTY
    sign, left = ("-" if number < 0 else ""), int(abs(number))
    if left > _MAX_SECONDS:
        return EMPTY
    for place, (unit, size) in enumerate(_UNITS):
        if left >= size or size == 1:
            count, rest = divmod(left, size)
            smaller = _UNITS[place + 1] if place + 1 < len(_UNITS) else ("", 0)
            more = rest // smaller[1] if smaller[1] else 0
            return f"{sign}{count}{unit}" + (f"{more}{smaller[0]}" if more else "")
    return EMPTY


def read_number(value: Any) -> float | None:
    """Return a finite number, or None; texts are read too, since Jinja may make some of numbers."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (OverflowError, TypeError, ValueError):
        return None
    return number if abs(number) < 1e15 else None


def format_text(value: Any, *, limit: int = MAX_CELL) -> str:
    """Return a value as one printable line, without templates and control characters."""
    if value is None or value == "":
        return EMPTY
    text = escape(value if isinstance(value, str) else str(value), limit=limit)
    # A playbook may store it in a variable, which Ansible evaluates as a template.
    return break_templates(text)


def is_running(task: Mapping[str, Any]) -> bool:
    """Return whether a task is known to be running; a task that disappeared may have ended."""
    return not task.get("gone") and _is_unfinished(task)


def format_status(task: Mapping[str, Any]) -> str:
    """Return the status of a task, which is gone if the task disappeared while running."""
    return "gone" if task.get("gone") else format_text(task.get("status"))


def _is_unfinished(task: Mapping[str, Any]) -> bool:
    return task.get("is_finished") is False or task.get("status") in _RUNNING


def format_progress(task: Mapping[str, Any]) -> str:
    """Return the progress of a running task in percent, or the status of one that ended."""
    progress = read_number(task.get("progress"))
    if not is_running(task) or progress is None:
        return format_status(task)
    # Not 100 before all of it is done.
    done = min(max(progress, 0.0), 1.0) * 100
    return f"{min(done, 99) if done < 100 else done:.0f} %"


def format_objects(task: Mapping[str, Any]) -> str:
    objects = task.get("objects")
    if not isinstance(objects, (list, tuple)):
        return EMPTY
    found = [one for one in objects if isinstance(one, Mapping)]
    names = [
        f"{format_text(one.get('type'))} {format_text(one.get('name_label') or one.get('uuid'))}"
        for one in found[:_MAX_OBJECTS]
    ]
    if len(found) > _MAX_OBJECTS:
        names.append(f"{len(found) - _MAX_OBJECTS} more")
    return ", ".join(names) or EMPTY


def format_error(task: Mapping[str, Any]) -> str:
    error = task.get("error")
    message = error.get("message") if isinstance(error, Mapping) else None
    return format_text(message, limit=300)


def _field(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda task: format_text(task.get(name))


def _seconds(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda task: format_duration(task.get(name))


COLUMNS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "action": lambda task: format_text(task.get("reason") or task.get("action")),
    "age": _seconds("age"),
    "client": _field("client"),
    "created": _field("created"),
    "description": _field("name_description"),
    "duration": _seconds("duration"),
    "error": format_error,
    "eta": _seconds("eta"),
    "finished": _field("finished"),
    "host": lambda task: format_text(task.get("resident_on_name")),
    "kind": _field("kind"),
    "label": _field("name_label"),
    "object": format_objects,
    "progress": format_progress,
    "ref": _field("ref"),
    "status": format_status,
    "uuid": _field("uuid"),
}
"""The columns of a table by their names, with the functions that format a task."""
