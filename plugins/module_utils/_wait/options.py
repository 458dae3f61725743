# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

from .._errors import NothingSelected, OptionError
from .._tasks.options import housekeeping_spec
from .._tasks.selection import IDENTITIES, Selection
from .._validators import parse_duration, parse_timeout
from .intervals import RESYNC_INTERVAL
from .task_set import CompletionRules

_MIN_POLL = 0.1
_QUIET_FOR = 10.0


def waiting_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of the options of task_wait about waiting."""
    return {
        "wait_for": {"type": "str", "choices": ["all", "any", "none"], "default": "all"},
        "quiet_for": {"type": "str"},
        **housekeeping_spec(),
        "ignore_stalled": {"type": "str"},
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
class WaitOptions:
    """The checked options about waiting; times are in seconds."""

    rules: CompletionRules
    quiet_for: float | None
    """None with wait_for: all and any."""
    ignore_stalled: float | None
    timeout: float
    """Infinite for a wait without a deadline."""
    method: str
    poll_interval: float


def parse_wait_options(params: Mapping[str, Any], selection: Selection) -> WaitOptions:
    """Check and parse the options about waiting, with the rules that waiting adds to selections."""
    waits_for_quiet = params["wait_for"] == "none"
    if waits_for_quiet:
        _check_quiet_selection(selection)
    else:
        _check_set_selection(selection)
        for option in ("quiet_for", "ignore_stalled", "include_housekeeping"):
            if params[option] not in (None, False):
                problem = "is only for wait_for: none"
                raise OptionError(option, value=params[option], problem=problem)
    if not params["expect"]:
        raise OptionError("expect", value=[], problem="is empty, so no status would be accepted")
    timeout = parse_timeout("timeout", params["timeout"])
    return WaitOptions(
        rules=CompletionRules(
            wait_for=params["wait_for"],
            expect=frozenset(params["expect"]),
            fail_fast=params["fail_fast"],
            on_missing=params["on_missing"],
            on_gone=params["on_gone"],
        ),
        quiet_for=_quiet_for(params, timeout) if waits_for_quiet else None,
        ignore_stalled=_ignore_stalled(params["ignore_stalled"]),
        timeout=timeout,
        method=params["method"],
        poll_interval=_poll_interval(params["poll_interval"], waits_for_quiet=waits_for_quiet),
    )


def _check_set_selection(selection: Selection) -> None:
    if selection.by_id:
        for option in (*selection.filters, *(["exclude"] if selection.exclude else [])):
            problem = "cannot be combined with uuid or ref, which already name the tasks"
            raise OptionError(option, problem=problem)
    elif not selection.by_label and not selection.filters:
        raise NothingSelected(*IDENTITIES, problem=", or a filter such as created_after")


def _check_quiet_selection(selection: Selection) -> None:
    for option, value in (("uuid", selection.uuids), ("ref", selection.refs)):
        if value is not None:
            problem = (
                "cannot be combined with wait_for: none, which waits for tasks that are not known "
                "yet; to wait until these tasks have ended, use wait_for: all with "
                "expect: [success, failure, cancelled]"
            )
            raise OptionError(option, problem=problem)
    for option in ("min_age", "max_age", "cancellable"):
        if option in selection.filters:
            problem = (
                "cannot be combined with wait_for: none, since running tasks may start or stop "
                "matching"
            )
            raise OptionError(option, problem=problem)


def _quiet_for(params: Mapping[str, Any], timeout: float) -> float:
    option, text = "quiet_for", params["quiet_for"]
    if text is None:
        seconds = _QUIET_FOR if timeout else 0.0
        if seconds >= timeout > 0:
            problem = f"must be more than quiet_for ({seconds:g} s); raise it, or set quiet_for"
            raise OptionError("timeout", value=params["timeout"], problem=problem)
        return seconds
    seconds = parse_duration(option, text)
    if seconds >= timeout and seconds:
        problem = (
            f"must be less than timeout ({params['timeout']}), or the wait could never succeed"
        )
        raise OptionError(option, value=text, problem=problem)
    return seconds


def _ignore_stalled(text: str | None) -> float | None:
    if text is None:
        return None
    seconds = parse_duration("ignore_stalled", text)
    if not seconds:
        problem = "would ignore every task; give the time without progress"
        raise OptionError("ignore_stalled", value=text, problem=problem)
    return seconds


def _poll_interval(text: str, *, waits_for_quiet: bool) -> float:
    option = "poll_interval"
    seconds = parse_duration(option, text)
    if seconds < _MIN_POLL:
        problem = f"is too short: give {_MIN_POLL} s or more"
        raise OptionError(option, value=text, problem=problem)
    if waits_for_quiet and seconds > RESYNC_INTERVAL:
        problem = (
            f"is too long for wait_for: none, which checks every {RESYNC_INTERVAL:g} s at least"
        )
        raise OptionError(option, value=text, problem=problem)
    return seconds
