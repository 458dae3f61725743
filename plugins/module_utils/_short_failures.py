# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

"""Shortens the results of failures, which Ansible prints."""

from __future__ import annotations

from typing import Any, Mapping

from ._text import shorten

MAX_TASKS = 20
_MAX_BACKTRACE = 200
# The lists of uuids whose tasks say most about a failure.
_PROBLEM_LISTS = ("unexpected", "gone", "unmet")


def shorten_failure(
    message: str, returned: Mapping[str, Any], *, is_verbose: bool
) -> dict[str, Any]:
    """Return the result of a failure with at most 20 tasks, and with short backtraces.

    Tasks that the message names come first, then those that did not end as expected. The lists of
    uuids stay complete. A verbose result keeps all backtraces.
    """
    task = returned.get("task")
    if isinstance(task, dict) and not is_verbose:
        returned = {**returned, "task": _without_long_backtrace(task)}
    tasks = returned.get("tasks")
    if not isinstance(tasks, list):
        return dict(returned)
    kept = tasks
    if len(tasks) > MAX_TASKS:
        problems = {uuid for name in _PROBLEM_LISTS for uuid in returned.get(name) or ()}
        kept = sorted(tasks, key=lambda task: _rank(task, message, problems))[:MAX_TASKS]
    if not is_verbose:
        kept = [_without_long_backtrace(task) for task in kept]
    shortened = {**returned, "tasks": kept}
    if len(tasks) > MAX_TASKS:
        shortened["tasks_omitted"] = len(tasks) - MAX_TASKS
    return shortened


def _rank(task: Mapping[str, Any], message: str, problems: set[str]) -> int:
    uuid = task.get("uuid")
    if uuid and uuid in message:
        return 0
    return 1 if uuid in problems or task.get("action") not in (None, "skipped") else 2


def _without_long_backtrace(task: dict[str, Any]) -> dict[str, Any]:
    backtrace = task.get("backtrace")
    if not isinstance(backtrace, str) or len(backtrace) <= _MAX_BACKTRACE:
        return task
    return {**task, "backtrace": shorten(backtrace, _MAX_BACKTRACE)}
