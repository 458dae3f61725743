# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

# A schema is a function that returns a valid response and raises SchemaError for any other. Schemas
# are named by the response, since Session.read takes them in the place of a type:
# read(schema.task, "task.get_record", ref).

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
    # Some servers write numbers as strings; other text counts as unknown progress.
    "progress": (float, int, str),
}
_TASK_CONTAINERS = (*_TASK_LISTS, *_TASK_MAPS)

Record = Dict[str, Any]
T = TypeVar("T")


class SchemaError(Exception):
    """A response does not match XAPI's schema; field names the place, and not its value."""

    def __init__(self, field: str = "") -> None:
        super().__init__(field)
        self.field = field


class Event(NamedTuple):
    """An event of one object; the snapshot is None if the object was deleted."""

    kind: str
    operation: str
    ref: str
    snapshot: Any


class Batch(NamedTuple):
    """The answer of event.from."""

    events: list[Event]
    token: str


def validate(schema: Callable[[Any], T], answer: Any, *, url: str, method: str) -> T:
    """Return the answer to a method, validated by a schema; raises InvalidResponse."""
    try:
        return schema(answer)
    except SchemaError as error:
        raise InvalidResponse(url, method=method, field=error.field) from error


def text(answer: Any) -> str:
    """Validate a string."""
    if not isinstance(answer, str):
        raise SchemaError
    return answer


def name(answer: Any) -> str:
    """Validate a reference or a uuid: a string that is not empty."""
    if not isinstance(answer, str) or not answer:
        raise SchemaError
    return answer


def names(answer: Any) -> list[str]:
    """Validate a list of references or uuids."""
    if not isinstance(answer, list) or not all(isinstance(one, str) and one for one in answer):
        raise SchemaError
    return answer


def texts_by_key(answer: Any) -> dict[str, str]:
    """Validate a map of strings."""
    if not isinstance(answer, dict) or not _has_only_texts(answer):
        raise SchemaError
    return answer


def task(answer: Any) -> Record:
    """Validate the record of a task: its known fields have XAPI's types; any may be missing.

    Unknown fields of a newer server are left out.
    """
    if not isinstance(answer, dict):
        raise SchemaError
    record = answer
    # Check valid records in one pass: a pool can have thousands of tasks.
    kinds = map(_TASK_KINDS.get, answer, repeat(()))
    if not all(map(isinstance, answer.values(), kinds)):
        record = {field: answer[field] for field in _TASK_KINDS if field in answer}
        for field, value in record.items():
            if not isinstance(value, _TASK_KINDS[field]):
                raise SchemaError(field)
    for field in _TASK_CONTAINERS:
        held = record.get(field)
        if held and not _has_only_texts(held):
            raise SchemaError(field)
    return record


def tasks(answer: Any) -> dict[str, Record]:
    """Validate records of tasks by reference."""
    return {ref: task(record) for ref, record in _require_map(answer).items()}


def pool(answer: Any) -> Record:
    """Validate the records of class pool, and return the only one."""
    records = list(_require_map(answer).values())
    if len(records) != 1:
        raise SchemaError
    record = _require_texts(records[0], "uuid", "name_label", "master")
    for field in ("uuid", "master"):
        if not record[field]:
            raise SchemaError(field)
    return record


def host(answer: Any) -> Record:
    """Validate the fields of a host that show whether it is live and enabled, and its start."""
    record = _require_texts(answer, "metrics")
    if not isinstance(record.get("enabled"), bool):
        raise SchemaError("enabled")
    _read_map(record, "other_config", default={})
    return record


def hosts(answer: Any) -> dict[str, Record]:
    """Validate records of hosts by reference."""
    return {ref: host(record) for ref, record in _require_map(answer).items()}


def holders(answer: Any) -> dict[str, Record]:
    """Validate the names and current_operations of objects by reference."""
    records = _require_map(answer)
    for record in records.values():
        parse_operations(_require_texts(record, "uuid", "name_label"))
    return records


def holding(answer: Any) -> dict[str, dict[str, str]]:
    """Validate records of objects, and return their current_operations by object reference."""
    return {ref: parse_operations(record) for ref, record in _require_map(answer).items()}


def holding_on_new_servers(answer: Any) -> dict[str, dict[str, str]]:
    """Do the same as holding, for a class without current_operations on old servers."""
    return {
        ref: _read_map(record, "current_operations", default={})
        for ref, record in _require_map(answer).items()
    }


def pools(answer: Any) -> dict[str, Record]:
    """Do the same as holders, for the pool, which has no current_operations on old servers."""
    records = _require_map(answer)
    for record in records.values():
        if isinstance(record, dict):
            record.setdefault("current_operations", {})
    return holders(records)


def parse_operations(record: Any) -> dict[str, str]:
    """Return the current_operations of an object's record: operations by task reference."""
    return _read_map(record, "current_operations")


def batch(answer: Any) -> Batch:
    """Validate the answer of event.from, except for the snapshots, which depend on the class."""
    record = _require_texts(answer, "token")
    if not isinstance(record.get("events"), list):
        raise SchemaError("events")
    return Batch([_parse_event(one) for one in record["events"]], record["token"])


def _parse_event(answer: Any) -> Event:
    record = _require_texts(answer, "class", "operation", "ref")
    return Event(record["class"], record["operation"], record["ref"], record.get("snapshot"))


def _require_map(answer: Any) -> dict[str, Record]:
    if not isinstance(answer, dict):
        raise SchemaError
    return answer


def _require_texts(answer: Any, *fields: str) -> Record:
    """Return a record in which these fields are strings."""
    if not isinstance(answer, dict):
        raise SchemaError
    for field in fields:
        if not isinstance(answer.get(field), str):
            raise SchemaError(field)
    return answer


def _read_map(record: Any, field: str, *, default: Any = None) -> dict[str, str]:
    value = record.get(field, default) if isinstance(record, dict) else None
    if not isinstance(value, dict) or not _has_only_texts(value):
        raise SchemaError(field)
    return value


def _has_only_texts(container: Any) -> bool:
    values = container.values() if isinstance(container, dict) else container
    return all(map(isinstance, values, repeat(str)))
