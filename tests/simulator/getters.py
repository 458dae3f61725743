# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The messages that every class has: get_record, get_all, get_by_uuid and the like."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from . import filter as filters
from .api import CLASSES
from .classes import BLANKS, TABLES
from .database import Database, Record, Row
from .messages import Context, Handler, Message
from .values import ApiError, Date, Reader, Value, ref, text

NAMES = {"name__label": "name_label", "name__description": "name_description"}
"""Columns whose name in the database differs from the field's, of the classes with names."""
NAMED = tuple(name for name in TABLES if "get_by_name_label" in CLASSES[name].messages)
"""Classes that can be asked by name: a pool's name_label is a field like any other."""

HIDDEN = ("get_all_where", "get_all_records_where")
"""Messages that no declaration has (datamodel_utils.ml)."""
READABLE = tuple(name for name in TABLES if name != "session")


def messages(database: Database) -> list[Message]:
    """All reading messages of all classes but the session, whose few are its own."""
    return [message for name in READABLE for message in _Readers(database, name).messages()]


class _Readers:
    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name

    def messages(self) -> list[Message]:
        """Return the reading messages that the class declares, and the two hidden ones."""
        name, declared = self._name, CLASSES[self._name].messages
        found = [
            Message(f"{name}.{label}", params, handler)
            for label, params, handler in self._of_objects()
            if label in declared or (label in HIDDEN and "get_all" in declared)
        ]
        found += [
            Message(f"{name}.get_{field}", (ref,), self._getter(field))
            for field in self._fields()
            if f"get_{field}" in declared
        ]
        return found

    def _of_objects(self) -> list[tuple[str, tuple[Reader, ...], Handler]]:
        database, name = self._database, self._name
        return [
            ("get_record", (ref,), lambda context, self: database.read(name, self)),
            ("get_by_uuid", (text,), lambda context, uuid: database.find_by_uuid(name, uuid)),
            ("get_all", (), lambda context: list(database[name])),
            ("get_all_records", (), lambda context: database.records(name)),
            ("get_all_where", (text,), lambda context, where: list(self._where(where))),
            ("get_all_records_where", (text,), lambda context, where: self._where(where)),
            (
                "get_by_name_label",
                (text,),
                lambda context, label: database.find_by_name(name, label),
            ),
        ]

    def _fields(self) -> list[str]:
        return ["uuid", *BLANKS[self._name]]

    def _getter(self, field: str) -> Callable[[Context, str], Value]:
        return lambda context, ref: self._database.read(self._name, ref)[field]

    def _where(self, expression: str) -> dict[str, Record]:
        predicate = filters.parse(expression)
        names = NAMES if self._name in NAMED else {}
        with self._database.lock:
            rows = dict(self._database[self._name].rows)
        found = {}
        for reference, row in sorted(rows.items(), reverse=True, key=lambda item: item[0]):
            if predicate(functools.partial(_column, names, reference, row)):
                found[reference] = row.fields
        return found


def _column(names: dict[str, str], ref: str, row: Row, column: str) -> str:
    """The text that the database keeps in a column of a row."""
    fields, hidden = row.fields, row.hidden
    if column == "_ref":
        return ref
    if column in names:
        return _stored(fields[names[column]])
    if column in fields and column not in names.values():
        return _stored(fields[column])
    if column in hidden:
        return _stored(hidden[column])
    raise ApiError("INTERNAL_ERROR", "missing field", column, "")


def _stored(value: Value) -> str:
    """A value as the database writes it: s-expressions for sets and maps, %0.18g for floats."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.18g}"
    if isinstance(value, list):
        return "(" + " ".join(_atom(item) for item in value) + ")"
    if isinstance(value, dict):
        return "(" + " ".join(f"({_atom(key)} {_atom(item)})" for key, item in value.items()) + ")"
    return value if isinstance(value, (str, Date)) else str(value)


def _atom(value: Value) -> str:
    escaped = re.sub(r"""[\\"']""", r"\\\g<0>", str(value))
    return f"'{escaped}'"
