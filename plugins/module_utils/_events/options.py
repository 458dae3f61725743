# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import AnsibleValidationError, UnsupportedError

from .._client.options import ConnectionOptions, connection_spec, parse_connection_options
from .._errors import OptionError
from .._tasks.options import (
    housekeeping_spec,
    parse_selection,
    selector_spec,
    with_default_exclude,
)
from .._tasks.selection import Selection
from .._validators import parse_duration, refuse_booleans, refuse_nulls
from .._wait.intervals import RESYNC_INTERVAL
from .secrets import SECRET_OPTIONS

_MIN_POLL = 0.1
_MAX_BUFFER = 1_000_000
_KNOWN_TASKS = "names tasks that exist already; wait for them with xen.xapi.task_wait"
_CHANGING = "would select a task at some times only; use long_running_after or a rule's condition"
_UNSUPPORTED = {
    "uuid": _KNOWN_TASKS,
    "ref": _KNOWN_TASKS,
    "subtask_of": _KNOWN_TASKS,
    "min_age": _CHANGING,
    "max_age": _CHANGING,
    "cancellable": _CHANGING,
    "status": "is not needed: each event has the status of its task, for the conditions of rules",
}
_EXCLUSIVE = (("name_label", "name_regex"),)


class InvalidOptions(ValueError):
    """The checks of ansible-core rejected options; messages says why."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__(len(messages))
        self.messages = tuple(messages)


def source_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of the event source."""
    selector = {name: spec for name, spec in selector_spec().items() if name not in _UNSUPPORTED}
    return {
        **connection_spec(),
        **selector,
        **housekeeping_spec(),
        "stalled_after": {"type": "str"},
        "long_running_after": {"type": "str"},
        "method": {"type": "str", "choices": ["auto", "events", "poll"], "default": "auto"},
        "poll_interval": {"type": "str", "default": "2"},
        "buffer_size": {"type": "int", "default": 10000},
    }


@dataclass(frozen=True)
class SourceOptions:
    """The checked options of the event source; times are in seconds."""

    connection: ConnectionOptions
    selection: Selection
    stalled_after: float | None
    long_running_after: float | None
    method: str
    poll_interval: float
    buffer_size: int


def parse_source_options(raw_params: Mapping[str, Any]) -> SourceOptions:
    """Check and parse the options as the rulebook has them.

    Raises InvalidOptions or OptionError.
    """
    spec = source_spec()
    for option, problem in _UNSUPPORTED.items():
        if option in raw_params:
            raise OptionError(option, problem=problem)
    refuse_nulls(raw_params, spec)
    refuse_booleans(raw_params, spec)
    _check_secrets(raw_params)
    checked = ArgumentSpecValidator(spec, mutually_exclusive=_EXCLUSIVE).validate(dict(raw_params))
    if checked.error_messages:
        raise InvalidOptions([_describe(error) for error in checked.errors])
    params = checked.validated_parameters
    selection = parse_selection(params, given=raw_params)
    return SourceOptions(
        connection=parse_connection_options(params, raw_params=raw_params),
        selection=with_default_exclude(selection, params),
        stalled_after=_limit(params, "stalled_after"),
        long_running_after=_limit(params, "long_running_after"),
        method=params["method"],
        poll_interval=_poll_interval(params["poll_interval"]),
        buffer_size=_buffer_size(params["buffer_size"]),
    )


def _describe(error: AnsibleValidationError) -> str:
    """Return the message of an error; only AnsibleModule completes the one for unknown options."""
    is_incomplete = isinstance(error, UnsupportedError)
    return f"Unsupported options: {error.msg}" if is_incomplete else str(error.msg)


def _check_secrets(raw_params: Mapping[str, Any]) -> None:
    """Reject a secret that is not a string: a template of 1e5 in a rulebook returns a number."""
    for option in SECRET_OPTIONS:
        if option in raw_params and not isinstance(raw_params[option], str):
            problem = (
                "is not a string; templates in rulebooks turn strings that look like numbers into "
                "numbers: put quotes around it, or use the environment variable XAPI_PASSWORD"
            )
            raise OptionError(option, problem=problem)


def _limit(params: Mapping[str, Any], option: str) -> float | None:
    if params[option] is None:
        return None
    seconds = parse_duration(option, params[option])
    if not seconds:
        problem = "is zero, so every task would be reported; write a duration such as 30m"
        raise OptionError(option, value=params[option], problem=problem)
    return seconds


def _poll_interval(text: str) -> float:
    option = "poll_interval"
    seconds = parse_duration(option, text)
    if not _MIN_POLL <= seconds <= RESYNC_INTERVAL:
        problem = f"is not from {_MIN_POLL} to {RESYNC_INTERVAL:g} s"
        raise OptionError(option, value=text, problem=problem)
    return seconds


def _buffer_size(size: int) -> int:
    if not 1 <= size <= _MAX_BUFFER:
        problem = f"is not from 1 to {_MAX_BUFFER} events"
        raise OptionError("buffer_size", value=size, problem=problem)
    return size
