# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The message class, and simple classes whose objects are only made and deleted."""

from __future__ import annotations

from collections.abc import Callable

from .classes import BLANKS
from .database import Record
from .inventory import Inventory
from .messages import Context
from .values import ApiError, Date, Value

KINDS = {"Host": "host", "Pool": "pool"}
"""Classes whose name a message writes in another way."""
SIMPLE = ("VM_appliance", "VMSS", "VM_group", "secret")
"""Classes with a constructor without checks."""


def _exists(inventory: Inventory, kind: str, uuid: str) -> bool:
    try:
        inventory.database.find_by_uuid(KINDS.get(kind, kind), uuid)
    except ApiError:
        return False
    return True


def _create(
    inventory: Inventory,
    _context: Context,
    name: str,
    priority: int,
    kind: str,
    obj: str,
    body: str,
) -> Value:
    """Refuse a message about an object that does not exist; one may outlive its object."""
    if not _exists(inventory, kind, obj):
        raise ApiError("UUID_INVALID", KINDS.get(kind, kind), obj)
    written = Date.at(inventory.now())
    return inventory.add(
        "message",
        name=name,
        priority=priority,
        cls=kind,
        obj_uuid=obj,
        body=body,
        timestamp=written,
    )


def _destroy(inventory: Inventory, _context: Context, message: str) -> None:
    inventory.database.delete("message", message)


def _destroy_many(inventory: Inventory, _context: Context, messages: list[str]) -> None:
    for message in messages:
        inventory.database.delete("message", message)


def _get(inventory: Inventory, context: Context, kind: str, obj: str, since: str) -> Value:
    if not _exists(inventory, kind, obj):
        raise ApiError("UUID_INVALID")
    records = _get_since(inventory, context, since)
    return {
        ref: one for ref, one in records.items() if (one["cls"], one["obj_uuid"]) == (kind, obj)
    }


def _get_since(inventory: Inventory, _context: Context, since: str) -> dict[str, Record]:
    records = inventory.database.records("message").items()
    return {ref: record for ref, record in records if record["timestamp"] > since}


def _make(name: str) -> Callable[..., Value]:
    def handler(inventory: Inventory, _context: Context, args: Record) -> Value:
        given = {field: value for field, value in args.items() if field in BLANKS[name]}
        return inventory.add(name, **given)

    return handler


def _delete(name: str) -> Callable[..., Value]:
    def handler(inventory: Inventory, _context: Context, ref: str) -> None:
        inventory.database.delete(name, ref)

    return handler


def _console_destroy(_inventory: Inventory, _context: Context, _console: str) -> Value:
    raise ApiError("NOT_IMPLEMENTED", "Console.destroy")


WORKS: dict[str, Callable[..., Value]] = {
    "message.create": _create,
    "message.destroy": _destroy,
    "message.destroy_many": _destroy_many,
    "message.get": _get,
    "message.get_since": _get_since,
    "console.destroy": _console_destroy,
    **{f"{name}.create": _make(name) for name in SIMPLE},
    **{f"{name}.destroy": _delete(name) for name in SIMPLE},
}
