# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables of rows, each change numbered by a generation, as events need it (db_cache_types.ml)."""

from __future__ import annotations

import math
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

from .values import ApiError, Base64, Date, Value, is_storable, new_ref, storable

EMPTY_KEY = "Db_exn.Empty_key_in_map"
MAX_DELETIONS = 512
KEPT_DELETIONS = 256

Record = dict[str, Value]
Relations = Mapping[str, Mapping[str, tuple[str, str]]]
Listener = Callable[[str, str, str, Record], None]
"""Called with the operation (add, mod or del), the table, the reference and the fields."""


class Deletion(NamedTuple):
    created: int
    deleted: int
    ref: str


class Row:
    """One object: its fields, and the generations at which it came and last changed."""

    __slots__ = ("created", "fields", "hidden", "modified")

    def __init__(self, fields: Record, hidden: Record, generation: int) -> None:
        self.fields = fields
        self.hidden = hidden
        self.created = generation
        self.modified = generation


class Table:
    """The rows of one class, in the order of their last change, and its latest deletions."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: OrderedDict[str, Row] = OrderedDict()
        self.deletions: list[Deletion] = [Deletion(0, 0, "")]

    def __getitem__(self, ref: str) -> Row:
        try:
            return self.rows[ref]
        except KeyError:
            raise ApiError("HANDLE_INVALID", self.name, ref) from None

    def __contains__(self, ref: object) -> bool:
        return ref in self.rows

    def __iter__(self) -> Iterator[str]:
        """Iterate in the server's order, which does not depend on time: the greatest first."""
        return iter(sorted(self.rows, reverse=True))

    def changed_since(self, generation: int) -> list[tuple[str, Row]]:
        """Rows that changed after a generation, in the order of their references."""
        found = []
        for ref in reversed(self.rows):
            row = self.rows[ref]
            if row.modified <= generation:
                break
            found.append((ref, row))
        return sorted(found, key=lambda item: item[0])

    def deleted_since(self, generation: int) -> list[Deletion]:
        """Remembered deletions after a generation, newest first; the rest is forgotten."""
        found = []
        for deletion in self.deletions:
            if deletion.deleted <= generation:
                break
            found.append(deletion)
        return found

    def forget(self, ref: str, generation: int) -> None:
        row = self.rows.pop(ref)
        if len(self.deletions) + 1 >= MAX_DELETIONS:
            del self.deletions[KEPT_DELETIONS:]
        self.deletions.insert(0, Deletion(row.created, generation, ref))


class Database:
    """All tables. Every write takes the next generation and calls the listeners. Sets of
    those that refer to a row are kept up to date by themselves.

    Records handed out are the live rows: change one only through this class. A field is
    replaced, never changed in place, so that a record read before a write can still be encoded.
    """

    def __init__(
        self,
        classes: Mapping[str, object],
        relations: Relations,
        absent: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """`absent` names fields that the classes of an older release do not have."""
        self.lock = threading.RLock()
        self.generation = 1
        self.tables = {name: Table(name) for name in classes}
        self.listeners: list[Listener] = []
        self._relations = relations
        self._absent = absent or {}
        self._by_uuid: dict[str, tuple[str, str]] = {}

    def __getitem__(self, table: str) -> Table:
        return self.tables[table]

    def create(
        self, table: str, fields: Record, hidden: Record | None = None, *, ref: str | None = None
    ) -> str:
        """Add a row; a uuid is made where the fields have none. Returns its reference."""
        ref = ref or new_ref()
        absent = self._absent.get(table, ())
        kept = {name: _kept(value) for name, value in fields.items() if name not in absent}
        kept.setdefault("uuid", str(uuid.uuid4()))
        with self.lock:
            self.generation += 1
            self.tables[table].rows[ref] = Row(kept, hidden or {}, self.generation)
            self._by_uuid[kept["uuid"]] = (table, ref)
            for field, target in self._relations.get(table, {}).items():
                self._join(target, kept.get(field, ""), ref)
        self._tell("add", table, ref, kept)
        return ref

    def records(self, table: str) -> dict[str, Record]:
        with self.lock:
            return {ref: row.fields for ref, row in self.tables[table].rows.items()}

    def read(self, table: str, ref: str) -> Record:
        return self.tables[table][ref].fields

    def write(self, table: str, ref: str, field: str, value: Value) -> None:
        """Set one field; a write of the present value is not an event.

        A new row keeps a part of a bad text, a write refuses it.
        """
        if field in self._absent.get(table, ()):
            return
        if not _is_storable(value):
            raise ApiError("INTERNAL_ERROR", "Db_exn.Invalid_value")
        with self.lock:
            row = self.tables[table][ref]
            if isinstance(value, dict) and "" in value:
                raise ApiError("INTERNAL_ERROR", EMPTY_KEY)
            if _equal(row.fields[field], value):
                return
            target = self._relations.get(table, {}).get(field)
            if target:
                self._leave(target, row.fields[field], ref)
            row.fields = {**row.fields, field: value}
            self._touch(table, ref, row)
            if target:
                self._join(target, value, ref)
        self._tell("mod", table, ref, row.fields)

    def add_to_map(self, table: str, ref: str, field: str, key: str, value: str) -> None:
        key, value = storable(key), storable(value)
        with self.lock:
            present = self.read(table, ref)[field]
            if key in present:
                raise ApiError("MAP_DUPLICATE_KEY", table, field, ref, key)
            self.write(table, ref, field, {key: value, **present})

    def remove_from_map(self, table: str, ref: str, field: str, key: str) -> None:
        key = storable(key)
        with self.lock:
            present = self.read(table, ref)[field]
            self.write(table, ref, field, {k: v for k, v in present.items() if k != key})

    def add_to_set(self, table: str, ref: str, field: str, item: str) -> None:
        with self.lock:
            present = self.read(table, ref)[field]
            if item not in present:
                self.write(table, ref, field, [item, *present])

    def remove_from_set(self, table: str, ref: str, field: str, item: str) -> None:
        with self.lock:
            present = self.read(table, ref)[field]
            self.write(table, ref, field, [other for other in present if other != item])

    def touch(self, table: str, ref: str) -> int:
        """Mark a row as changed; the generation before the change."""
        with self.lock:
            before = self.generation
            row = self.tables[table][ref]
            self._touch(table, ref, row)
        self._tell("mod", table, ref, row.fields)
        return before

    def delete(self, table: str, ref: str) -> None:
        with self.lock:
            if ref not in self.tables[table]:
                raise ApiError("HANDLE_INVALID", table, ref)
            self.generation += 1
            fields = self.read(table, ref)
            self._by_uuid.pop(fields["uuid"], None)
            for field, target in self._relations.get(table, {}).items():
                self._leave(target, fields.get(field, ""), ref)
            self.tables[table].forget(ref, self.generation)
        self._tell("del", table, ref, fields)

    def find_by_uuid(self, table: str, wanted: str) -> str:
        found, ref = self._by_uuid.get(wanted, ("", ""))
        if found != table:
            raise ApiError("UUID_INVALID", table, wanted)
        return ref

    def find_by_name(self, table: str, label: str) -> list[str]:
        with self.lock:
            rows = self.tables[table].rows
            found = [ref for ref, row in rows.items() if row.fields["name_label"] == label]
        return sorted(found, reverse=True)

    def empty(self, table: str) -> None:
        """Drop a table without an event, as a restart does with unsaved tables."""
        with self.lock:
            for row in self.tables[table].rows.values():
                self._by_uuid.pop(row.fields["uuid"], None)
            self.tables[table] = Table(table)

    def lose(self, generations: int) -> None:
        """Go back in count, as a restart does that finds only the last flushed state."""
        with self.lock:
            self.generation = max(1, self.generation - generations)
            for table in self.tables.values():
                for row in table.rows.values():
                    row.created = min(row.created, self.generation)
                    row.modified = min(row.modified, self.generation)

    def _join(self, target: tuple[str, str], owner: str, ref: str) -> None:
        """Put a row into the set of the one that it refers to, if that is there."""
        table, field = target
        if owner in self.tables[table] and field not in self._absent.get(table, ()):
            self.add_to_set(table, owner, field, ref)

    def _leave(self, target: tuple[str, str], owner: str, ref: str) -> None:
        table, field = target
        if owner in self.tables[table] and field not in self._absent.get(table, ()):
            self.remove_from_set(table, owner, field, ref)

    def _touch(self, table: str, ref: str, row: Row) -> None:
        self.generation += 1
        row.modified = self.generation
        self.tables[table].rows.move_to_end(ref)

    def _tell(self, operation: str, table: str, ref: str, fields: Record) -> None:
        for listener in self.listeners:
            listener(operation, table, ref, fields)


def _equal(one: Value, other: Value) -> bool:
    """As texts are: in the database NaN is one."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other)


def _is_storable(value: Value) -> bool:
    if isinstance(value, str):
        return is_storable(value)
    if isinstance(value, list):
        return all(map(_is_storable, value))
    if isinstance(value, dict):
        return all(is_storable(key) and _is_storable(item) for key, item in value.items())
    return True


def _kept(value: Value) -> Value:
    if isinstance(value, str) and not isinstance(value, (Date, Base64)):
        return storable(value)
    if isinstance(value, list):
        return [_kept(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): _kept(item) for key, item in value.items()}
    return value
