# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from itertools import repeat
from typing import Any, Callable, Dict, NamedTuple, TypeVar

from .._errors import InvalidResponse

_TASK_TEXTS = (
    "uuid",
    "name_label",
    "name_description",
    "created",
    "finished",
    "status",
    "resident_on",
    "type",
    "result",
    "subtask_of",
    "backtrace",
)
_TASK_LISTS = ("allowed_operations", "error_info", "subtasks")
_TASK_MAPS = ("current_operations", "other_config")
_TASK_KINDS: dict[str, Any] = {
    **dict.fromkeys(_TASK_TEXTS, str),
    **dict.fromkeys(_TASK_LISTS, list),
    **dict.fromkeys(_TASK_MAPS, dict),
    # Servers have written numbers as texts; what is no fraction counts as unknown.
    "progress": (float, int, str),
}
_TASK_CONTAINERS = (*_TASK_LISTS, *_TASK_MAPS)

Record = Dict[str, Any]
T = TypeVar("T")


class SchemaError(Exception):
    """An answer is not of the shape that XAPI gives it; the field says where, never what it had."""

    def __init__(self, field: str = "") -> None:
        super().__init__(field)
        self.field = field


class Event(NamedTuple):
    """What became of one object; the snapshot is None for one that was deleted."""

    kind: str
    operation: str
    ref: str
    snapshot: Any


class Batch(NamedTuple):
    """The answer of event.from."""

    events: list[Event]
    token: str


def validate(schema: Callable[[Any], T], answer: Any, *, url: str, method: str) -> T:
    """Return what a schema makes of the answer to a method; raises InvalidResponse."""
    try:
        return schema(answer)
    except SchemaError as error:
        raise InvalidResponse(url, method=method, field=error.field) from error


def text(answer: Any) -> str:
    if not isinstance(answer, str):
        raise SchemaError
    return answer


def name(answer: Any) -> str:
    """A reference or a uuid: a text that is not empty."""
    if not isinstance(answer, str) or not answer:
        raise SchemaError
    return answer


def names(answer: Any) -> list[str]:
    if not isinstance(answer, list) or not all(isinstance(one, str) and one for one in answer):
        raise SchemaError
    return answer


def texts_by_key(answer: Any) -> dict[str, str]:
    if not isinstance(answer, dict) or not _are_texts(answer):
        raise SchemaError
    return answer


def task(answer: Any) -> Record:
    """The record of a task: its known fields, with XAPI's types; any may be missing.

    Fields that a newer server has besides are left out: nobody here knows what they mean.
    """
    if not isinstance(answer, dict):
        raise SchemaError
    record = answer
    # In one go for what is as it should be: a pool has thousands of these.
    kinds = map(_TASK_KINDS.get, answer, repeat(()))
    if not all(map(isinstance, answer.values(), kinds)):
        record = {field: answer[field] for field in _TASK_KINDS if field in answer}
        for field, value in record.items():
            if not isinstance(value, _TASK_KINDS[field]):
                raise SchemaError(field)
    for field in _TASK_CONTAINERS:
        held = record.get(field)
        if held and not _are_texts(held):
            raise SchemaError(field)
    return record


def tasks(answer: Any) -> dict[str, Record]:
    """The records of tasks by reference."""
    return {ref: task(record) for ref, record in _records(answer).items()}


def pool(answer: Any) -> Record:
    """The record of the one pool that there is."""
    records = list(_records(answer).values())
    if len(records) != 1:
        raise SchemaError
    record = _with_texts(records[0], "uuid", "name_label", "master")
    for field in ("uuid", "master"):
        if not record[field]:
            raise SchemaError(field)
    return record


def host(answer: Any) -> Record:
    """The record of a host: what tells whether it is live and enabled, and since when it runs."""
    record = _with_texts(answer, "metrics")
    if not isinstance(record.get("enabled"), bool):
        raise SchemaError("enabled")
    _read_map(record, "other_config", default={})
    return record


def hosts(answer: Any) -> dict[str, Record]:
    """The records of hosts by reference."""
    return {ref: host(record) for ref, record in _records(answer).items()}


def holders(answer: Any) -> dict[str, Record]:
    """The records of objects by reference: how they are called, and which tasks hold them."""
    records = _records(answer)
    for record in records.values():
        parse_operations(_with_texts(record, "uuid", "name_label"))
    return records


def holding(answer: Any) -> dict[str, dict[str, str]]:
    """The current_operations of objects, by the reference of the object."""
    return {ref: parse_operations(record) for ref, record in _records(answer).items()}


def holding_on_new_servers(answer: Any) -> dict[str, dict[str, str]]:
    """The same for a class whose objects have no current_operations on old servers."""
    return {
        ref: _read_map(record, "current_operations", default={})
        for ref, record in _records(answer).items()
    }


def pools(answer: Any) -> dict[str, Record]:
    """Return the same of the pool, which names no tasks on old servers."""
    records = _records(answer)
    for record in records.values():
        if isinstance(record, dict):
            record.setdefault("current_operations", {})
    return holders(records)


def parse_operations(record: Any) -> dict[str, str]:
    """What is being done with an object, by the reference of the task."""
    return _read_map(record, "current_operations")


def batch(answer: Any) -> Batch:
    """What event.from says; the snapshots are looked at by whoever knows the class."""
    record = _with_texts(answer, "token")
    if not isinstance(record.get("events"), list):
        raise SchemaError("events")
    return Batch([_event(one) for one in record["events"]], record["token"])


def _event(answer: Any) -> Event:
    record = _with_texts(answer, "class", "operation", "ref")
    return Event(record["class"], record["operation"], record["ref"], record.get("snapshot"))


def _records(answer: Any) -> dict[str, Record]:
    if not isinstance(answer, dict):
        raise SchemaError
    return answer


def _with_texts(answer: Any, *fields: str) -> Record:
    """A record in which some texts must not be missing."""
    if not isinstance(answer, dict):
        raise SchemaError
    for field in fields:
        if not isinstance(answer.get(field), str):
            raise SchemaError(field)
    return answer


def _read_map(record: Any, field: str, *, default: Any = None) -> dict[str, str]:
    value = record.get(field, default) if isinstance(record, dict) else None
    if not isinstance(value, dict) or not _are_texts(value):
        raise SchemaError(field)
    return value


def _are_texts(container: Any) -> bool:
    values = container.values() if isinstance(container, dict) else container
    return all(map(isinstance, values, repeat(str)))
