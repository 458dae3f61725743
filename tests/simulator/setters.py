# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages that write one field of an object, made from the declarations of all classes."""

from __future__ import annotations

from collections.abc import Container, Iterator

from .api import CLASSES, Declaration
from .classes import TABLES
from .database import Database
from .generated import message
from .messages import Context, Handler, Message
from .other_config_roles import KeyRoles, require_changes
from .types import entry_kinds
from .values import Value

NOT_HERE = ("session", "task")
"""Classes whose messages have rules of their own."""
PREFIXES = ("add_to_", "remove_from_", "set_", "add_", "remove_")
_FOLDERS = {"folder": "vm-operator", "XenCenter.CustomFields.*": "vm-operator"}
KEY_ROLES: dict[str, KeyRoles] = {
    "session": {},
    "pool": {**_FOLDERS, "EMPTY_FOLDERS": "vm-operator"},
    "network": {**_FOLDERS, "XenCenterCreateInProgress": "vm-operator"},
    "VM": {**_FOLDERS, "pci": "pool-admin", "hvm_serial": "pool-admin"},
}
"""Keys of other_config with a role of their own (datamodel*.ml, map_keys_roles)."""


def key_roles(name: str) -> KeyRoles:
    """Return the keys of a class's other_config that have a role of their own."""
    return KEY_ROLES.get(name, _FOLDERS)


def messages(database: Database, works: Container[str]) -> Iterator[Message]:
    """Yield the setters of all classes that have no work of their own.

    Those of the session write its other_config alone.
    """
    for name in TABLES:
        if name == "task":
            continue
        for declaration in CLASSES[name].messages.values():
            verb, field = _split(name, declaration)
            if declaration.name in works:
                continue
            if field and (name not in NOT_HERE or field == "other_config"):
                made = message(declaration, _handler(database, name, field, verb))
                if field == "other_config" and verb != "set_":
                    made = made._replace(key_roles=key_roles(name))
                yield made


def _split(name: str, declaration: Declaration) -> tuple[str, str]:
    """Return the verb and the field of a message that writes one field; else empty texts."""
    fields = CLASSES[name].fields
    label = declaration.name.partition(".")[2]
    for verb in PREFIXES:
        field = label.removeprefix(verb)
        kind = fields.get(field, "")
        if label.startswith(verb) and declaration.params[1:] == _arguments(verb, kind):
            return verb, field
    return "", ""


def _arguments(verb: str, kind: str) -> tuple[str, ...] | None:
    if kind and verb == "set_":
        return (kind,)
    if kind.endswith(" map") and verb in ("add_to_", "remove_from_"):
        return entry_kinds(kind)[: 2 if verb == "add_to_" else 1]
    if kind == "string set" and verb in ("add_", "remove_"):
        return ("string",)
    return None


def _handler(database: Database, name: str, field: str, verb: str) -> Handler:
    def set_field(context: Context, self: str, value: Value) -> str:
        present = database.read(name, self)
        if field == "other_config":
            require_changes(context.account, key_roles(name), name, present[field], value)
        database.write(name, self, field, value)
        return ""

    def add_entry(_context: Context, self: str, key: str, value: Value) -> str:
        database.add_to_map(name, self, field, key, value)
        return ""

    def remove_entry(_context: Context, self: str, key: str) -> str:
        database.remove_from_map(name, self, field, key)
        return ""

    def add_item(_context: Context, self: str, item: str) -> str:
        database.add_to_set(name, self, field, item)
        return ""

    def remove_item(_context: Context, self: str, item: str) -> str:
        database.remove_from_set(name, self, field, item)
        return ""

    handlers: dict[str, Handler] = {
        "set_": set_field,
        "add_to_": add_entry,
        "remove_from_": remove_entry,
        "add_": add_item,
        "remove_": remove_item,
    }
    return handlers[verb]
