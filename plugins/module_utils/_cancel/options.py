# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Mapping

from .._errors import NothingSelected, OptionError
from .._tasks.options import housekeeping_spec, parse_selection, with_default_exclude
from .._tasks.selection import IDENTITIES, Selection
from .._validators import parse_duration

_MIN_AGE = 60.0
_MIN_FORCE_TIMEOUT = 300.0


def cancelling_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of the options of task_cancel about cancelling."""
    return {
        **housekeeping_spec(),
        "max_tasks": {"type": "int"},
        "idle_for": {"type": "str", "default": "0"},
        "wait": {"type": "bool", "default": True},
        "timeout": {"type": "str", "default": "60"},
        "on_uncancellable": {"type": "str", "choices": ["try", "fail", "skip"], "default": "try"},
        "on_missing": {"type": "str", "choices": ["ok", "fail"], "default": "ok"},
        "fail_if_not_running": {"type": "bool", "default": False},
        "force": {"type": "bool", "default": False},
    }


@dataclass(frozen=True)
class CancelOptions:
    """The checked options of task_cancel; times are in seconds."""

    selection: Selection
    max_tasks: int | None
    idle_for: float
    waits: bool
    timeout: float
    on_uncancellable: str
    on_missing: str
    fail_if_not_running: bool
    force: bool


def parse_cancel_options(params: Mapping[str, Any], *, given: Mapping[str, Any]) -> CancelOptions:
    """Check and parse the options; given has those that the task sets, without defaults."""
    selection = replace(parse_selection(params, given=given), is_destructive=True)
    if not selection.by_id:
        _check_selector(selection)
        selection = with_default_exclude(selection, params)
        _check_housekeeping(selection)
        if selection.min_age is None:
            selection = replace(selection, min_age=_MIN_AGE)
    elif params["include_housekeeping"]:
        problem = "has no effect with uuid or ref, which exclude no tasks by default"
        raise OptionError("include_housekeeping", value=True, problem=problem)
    timeout = parse_duration("timeout", params["timeout"])
    if params["force"] and "timeout" not in given:
        timeout = _MIN_FORCE_TIMEOUT
    if not timeout:
        problem = "leaves no time for a request; to send one without waiting, use wait: false"
        raise OptionError("timeout", value=params["timeout"], problem=problem)
    if params["force"]:
        _check_force(params, selection, timeout)
    return CancelOptions(
        selection=selection,
        max_tasks=_max_tasks(params["max_tasks"], selection),
        idle_for=parse_duration("idle_for", params["idle_for"]),
        waits=params["wait"],
        timeout=timeout,
        on_uncancellable=params["on_uncancellable"],
        on_missing=params["on_missing"],
        fail_if_not_running=params["fail_if_not_running"],
        force=params["force"],
    )


def _check_selector(selection: Selection) -> None:
    if not selection.by_label and selection.object is None and selection.kind is None:
        problem = "; the other options only narrow the selection"
        raise NothingSelected(*IDENTITIES, "object", "kind", problem=problem)


def _check_housekeeping(selection: Selection) -> None:
    if selection.excludes_housekeeping and "housekeeping" in (selection.kind or ()):
        problem = "needs include_housekeeping: true, without which such tasks are spared"
        raise OptionError("kind", value="housekeeping", problem=problem)


def _max_tasks(number: int | None, selection: Selection) -> int | None:
    option = "max_tasks"
    if number is None:
        return None if selection.by_id else 1
    if number < 1:
        raise OptionError(option, value=number, problem="is below 1, so nothing could be cancelled")
    return number


def _check_force(params: Mapping[str, Any], selection: Selection, timeout: float) -> None:
    if not selection.by_id:
        problem = "is only for tasks that are named by uuid or ref"
        raise OptionError("force", value=True, problem=problem)
    if not params["wait"]:
        problem = "needs wait: true, to see first whether the task can be cancelled"
        raise OptionError("force", value=True, problem=problem)
    if timeout < _MIN_FORCE_TIMEOUT:
        problem = (
            "is too short for force, which first sees a cancel request ignored: give 5m or more"
        )
        raise OptionError("timeout", value=params["timeout"], problem=problem)
