# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping

from .._errors import OptionError
from .._validators import parse_text, parse_timeout
from .datamodel import Method, find_method
from .refusals import explain_refusal
from .values import convert, convert_untyped

_METHOD = re.compile(r"[A-Za-z][A-Za-z0-9_]*\.[A-Za-z][A-Za-z0-9_]*\Z", re.ASCII)
_ASYNC = "Async."
_READS = ("get_", "assert_")
# Their asynchronous forms create no task (datamodel.ml, no_task_id_for).
_WITHOUT_TASKS = ("task",)


def call_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of call without the options of the connection."""
    return {
        "method": {"type": "str", "required": True},
        "args": {"type": "list", "elements": "raw", "default": []},
        "task": {"type": "str", "choices": ["auto", "true", "false"], "default": "auto"},
        "wait": {"type": "bool", "default": True},
        "timeout": {"type": "str", "default": "3600"},
        "expect": {
            "type": "list",
            "elements": "str",
            "choices": ["success", "failure", "cancelled"],
            "default": ["success"],
        },
        "wait_method": {"type": "str", "choices": ["auto", "events", "poll"], "default": "auto"},
    }


@dataclass(frozen=True)
class CallOptions:
    """The checked options: the call, and how to wait for its task; times in seconds."""

    method: str
    """The method without `Async.`."""
    described: Method | None
    """The description in the datamodel, if there is one."""
    args: tuple[Any, ...]
    """The arguments, with an ObjectArgument for each object whose reference must be read first."""
    is_async: bool
    waits: bool
    timeout: float
    """Infinite where the wait has no end."""
    expect: frozenset[str]
    wait_method: str

    @property
    def is_read(self) -> bool:
        """Return whether the method changes nothing."""
        return self.method.partition(".")[2].startswith(_READS)

    @property
    def label(self) -> str:
        """Return the method as it is called, which is also the label of its task."""
        return _ASYNC + self.method if self.is_async else self.method


def parse_call_options(params: Mapping[str, Any], *, given: Mapping[str, Any]) -> CallOptions:
    """Return the checked options; given has the options of the task, without defaults."""
    method = _parse_method(params["method"])
    if not isinstance(given.get("args", []), list):
        raise OptionError("args", value=None, problem="is not a list")
    args, described = params["args"], find_method(method)
    reason = explain_refusal(method, described, count=len(args))
    if reason is not None:
        raise OptionError("method", value=method, problem=reason)
    if not params["expect"]:
        raise OptionError("expect", value=[], problem="is empty, so no status would be accepted")
    return CallOptions(
        method=method,
        described=described,
        args=_convert_args(args, described),
        is_async=_creates_task(params["task"], method, described),
        waits=params["wait"],
        timeout=parse_timeout("timeout", params["timeout"]),
        expect=frozenset(params["expect"]),
        wait_method=params["wait_method"],
    )


def _parse_method(value: Any) -> str:
    method = parse_text("method", value)
    if method.startswith((_ASYNC, "InternalAsync.")):
        problem = "names the asynchronous form; leave out Async., since task chooses the form"
        raise OptionError("method", value=method, problem=problem)
    if not _METHOD.match(method):
        problem = "is not a method of XAPI, such as VM.snapshot"
        raise OptionError("method", value=method, problem=problem)
    return method


def _convert_args(args: list[Any], described: Method | None) -> tuple[Any, ...]:
    """Return the arguments with the types of the parameters, as far as these are known.

    A newer server may have more parameters. Arguments for these are not checked.
    """
    params = () if described is None else described.params
    if described is not None and len(args) < described.required:
        given = "1 argument" if len(args) == 1 else f"{len(args)} arguments"
        problem = f"has {given}, and {described.required} are needed: {described.signature}"
        raise OptionError("args", problem=problem)
    return tuple(
        convert(value, params[place].type, f"args[{place}]")
        if place < len(params)
        else convert_untyped(value, f"args[{place}]")
        for place, value in enumerate(args)
    )


def _creates_task(choice: str, method: str, described: Method | None) -> bool:
    kind, _dot, name = method.partition(".")
    if kind in _WITHOUT_TASKS and choice == "true":
        problem = f"is not possible with {method}, for which XAPI creates no task"
        raise OptionError("task", value=choice, problem=problem)
    if choice == "auto":
        may_be_async = described is None or described.has_async
        return may_be_async and kind not in _WITHOUT_TASKS and not name.startswith(_READS)
    return choice == "true"
