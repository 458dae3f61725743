# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

from ._errors import OptionError
from ._selection import Selection
from ._task_set import Rules
from ._values import seconds_of_duration

_SHORTEST_POLL = 0.1


def waiting_spec() -> dict[str, dict[str, Any]]:
    """The argument spec of what task_wait has besides connection and selector."""
    return {
        "wait_for": {"type": "str", "choices": ["all", "any"], "default": "all"},
        "expect": {
            "type": "list",
            "elements": "str",
            "choices": ["success", "failure", "cancelled"],
            "default": ["success"],
        },
        "fail_fast": {"type": "bool", "default": True},
        "timeout": {"type": "str", "default": "3600"},
        "method": {"type": "str", "choices": ["auto", "events", "poll"], "default": "auto"},
        "poll_interval": {"type": "str", "default": "2"},
        "on_missing": {"type": "str", "choices": ["fail", "ok", "wait"], "default": "fail"},
        "on_gone": {"type": "str", "choices": ["fail", "ok"], "default": "fail"},
    }


@dataclass(frozen=True)
class Waiting:
    """How to wait, as the options say; times in seconds."""

    rules: Rules
    timeout: float
    method: str
    poll_interval: float


def waiting_of(params: Mapping[str, Any], selection: Selection) -> Waiting:
    """The checked options, those of the selection too as far as waiting makes more of them."""
    _check_selection(selection)
    if not params["expect"]:
        raise OptionError("expect", value=[], problem="is empty: no end would be the right one")
    poll_interval = seconds_of_duration("poll_interval", params["poll_interval"])
    if poll_interval < _SHORTEST_POLL:
        problem = f"is too short: give {_SHORTEST_POLL} s or more"
        raise OptionError("poll_interval", value=params["poll_interval"], problem=problem)
    return Waiting(
        rules=Rules(
            wait_for=params["wait_for"],
            expect=frozenset(params["expect"]),
            fail_fast=params["fail_fast"],
            on_missing=params["on_missing"],
            on_gone=params["on_gone"],
        ),
        timeout=seconds_of_duration("timeout", params["timeout"]),
        method=params["method"],
        poll_interval=poll_interval,
    )


def _check_selection(selection: Selection) -> None:
    is_by_label = selection.name_label is not None or selection.name_regex is not None
    if selection.by_identity:
        for option in (*selection.filters, *(["exclude"] if selection.exclude else [])):
            problem = "does not go with uuid or ref: they name the tasks, and all of them count"
            raise OptionError(option, problem=problem)
    elif not is_by_label and not selection.filters:
        problem = (
            "is missing, and so is all else that says which tasks to wait for: "
            "give uuid, ref, name_label, name_regex, or a filter such as created_after"
        )
        raise OptionError("uuid", problem=problem)
