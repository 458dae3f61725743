# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Mapping, TypeVar

from .._errors import OptionError
from .._validators import (
    check_elements,
    parse_duration,
    parse_ref,
    parse_regex,
    parse_text,
    parse_time,
    parse_uuid,
    refuse_nulls,
)
from .kinds import CHOICES
from .model import STATUSES
from .selection import OBJECT_TYPES, ObjectOption, Selection

_Value = TypeVar("_Value")

SELECTOR_EXCLUSIVE = (
    ("uuid", "name_label", "name_regex"),
    ("ref", "name_label", "name_regex"),
)


def selector_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of the doc fragment selector."""
    # Options for a single text are raw: core would convert a list to the text "['a', 'b']", which
    # would then match nothing.
    return {
        "uuid": {"type": "list", "elements": "str"},
        "ref": {"type": "list", "elements": "str"},
        "name_label": {"type": "raw"},
        "name_regex": {"type": "raw"},
        "name_description": {"type": "raw"},
        "kind": {"type": "list", "elements": "str", "choices": list(CHOICES)},
        "min_age": {"type": "str"},
        "max_age": {"type": "str"},
        "created_after": {"type": "str"},
        "created_before": {"type": "str"},
        "cancellable": {"type": "bool"},
        "object": {
            "type": "dict",
            "options": {
                "type": {"type": "str", "required": True, "choices": list(OBJECT_TYPES)},
                "uuid": {"type": "str"},
                "name_label": {"type": "raw"},
            },
            "mutually_exclusive": [("uuid", "name_label")],
            "required_one_of": [("uuid", "name_label")],
        },
        "subtask_of": {"type": "raw"},
        "resident_on": {"type": "raw"},
        "other_config": {"type": "dict"},
        "exclude": {"type": "raw"},
    }


def status_spec() -> dict[str, dict[str, Any]]:
    """Return the filter by status, which only some modules have."""
    return {"status": {"type": "list", "elements": "str", "choices": list(STATUSES)}}


def parse_selection(params: Mapping[str, Any], *, given: Mapping[str, Any]) -> Selection:
    """Return the checked options; given has the values before core converted them."""
    for option in ("uuid", "ref", "kind", "status"):
        check_elements(option, given.get(option))
    if isinstance(given.get("object"), dict):
        refuse_nulls(given["object"], ("uuid", "name_label"), inside="object.")

    def one(option: str, read: Callable[[str, Any], _Value]) -> _Value | None:
        return None if params.get(option) is None else read(option, params[option])

    selection = Selection(
        uuids=_each(params, "uuid", parse_uuid),
        refs=_each(params, "ref", parse_ref),
        name_label=one("name_label", parse_text),
        name_regex=one("name_regex", parse_regex),
        name_description=one("name_description", parse_text),
        kind=_choices(params, "kind"),
        status=_choices(params, "status"),
        min_age=one("min_age", parse_duration),
        max_age=one("max_age", parse_duration),
        created_after=one("created_after", parse_time),
        created_before=one("created_before", parse_time),
        cancellable=params.get("cancellable"),
        object=one("object", _object),
        subtask_of=one("subtask_of", _uuid_or_ref),
        resident_on=one("resident_on", parse_text),
        other_config=one("other_config", _texts_by_key) or {},
        exclude=one("exclude", _regexes) or (),
    )
    _check_order(params, "min_age", selection.min_age, "max_age", selection.max_age)
    _check_order(
        params,
        "created_after",
        selection.created_after,
        "created_before",
        selection.created_before,
    )
    return selection


def housekeeping_spec() -> dict[str, dict[str, Any]]:
    """Return the option that turns the default exclusion off, for the modules that have one."""
    return {"include_housekeeping": {"type": "bool", "default": False}}


def with_default_exclude(selection: Selection, params: Mapping[str, Any]) -> Selection:
    """Return the selection with the default exclusion where it applies.

    In a gate it is for the whole pool alone: tasks that are asked for must not be left out. In a
    clean-up, sparing a task is the safe side, so that only their exact label includes them.
    """
    is_open = selection.is_whole_pool
    if selection.is_destructive:
        is_open = not selection.by_id and selection.name_label is None
    is_excluding = is_open and not params["include_housekeeping"]
    return replace(selection, excludes_housekeeping=is_excluding)


def _each(
    params: Mapping[str, Any], option: str, read: Callable[[str, Any], str]
) -> tuple[str, ...] | None:
    """Return the values of a list in their order, each once."""
    if params.get(option) is None:
        return None
    return tuple(dict.fromkeys(read(option, value) for value in params[option]))


def _choices(params: Mapping[str, Any], option: str) -> frozenset[str] | None:
    if params.get(option) is None:
        return None
    if not params[option]:
        raise OptionError(option, value=[], problem="is empty: no task could have it")
    return frozenset(params[option])


def _object(option: str, value: Mapping[str, Any]) -> ObjectOption:
    kind, uuid, name = value["type"], value.get("uuid"), value.get("name_label")
    if uuid is not None:
        return ObjectOption(kind, uuid=parse_uuid(f"{option}.uuid", uuid))
    # There is only one pool, and many have no name.
    if (kind, name) != ("pool", ""):
        parse_text(f"{option}.name_label", name)
    return ObjectOption(kind, name_label=name)


def _uuid_or_ref(option: str, value: Any) -> str:
    if isinstance(value, str) and value.startswith("OpaqueRef:"):
        return parse_ref(option, value)
    return parse_uuid(option, value)


def _texts_by_key(option: str, value: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys and values as texts, as XAPI keeps them, with true and false."""
    if not value:
        raise OptionError(option, value={}, problem="is empty: every task would match")
    texts = {}
    for key, item in value.items():
        if item is None:
            problem = "is null; write the text that the key has to have"
            raise OptionError(f"{option}.{key}", problem=problem)
        if isinstance(item, (list, dict)):
            problem = "is a list or dict, where one text is meant"
            raise OptionError(f"{option}.{key}", value=item, problem=problem)
        texts[str(key)] = str(item).lower() if isinstance(item, bool) else str(item)
    return texts


def _regexes(option: str, value: Any) -> tuple[Any, ...]:
    """Return one regular expression, or a list of them that may be empty."""
    check_elements(option, value)
    written = value if isinstance(value, list) else [value]
    return tuple(parse_regex(option, item) for item in written)


def _check_order(
    params: Mapping[str, Any],
    low_option: str,
    low: float | None,
    high_option: str,
    high: float | None,
) -> None:
    if low is not None and high is not None and low > high:
        problem = f"is above {high_option} ({params[high_option]}): no task could match"
        raise OptionError(low_option, value=params[low_option], problem=problem)
