# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages that only make or delete a row, made from their declarations."""

from __future__ import annotations

from collections.abc import Callable

from .api import Declaration, declared
from .inventory import Inventory
from .messages import Context
from .values import NULL_REF, ApiError, Value

MAKE = (
    "GPU_group.create", "USB_group.create", "VUSB.create", "VGPU.create", "Observer.create",
    "Caller.create", "Rate_limit.create", "PVS_site.introduce", "PVS_server.introduce",
    "PVS_proxy.create", "PVS_cache_storage.create", "SDN_controller.introduce",
    "Repository.introduce", "Repository.introduce_bundle", "Repository.introduce_remote_pool",
    "subject.create", "blob.create",
)  # fmt: skip
"""Messages whose parameters are fields of the object that they make, or its record."""
DELETE = (
    "GPU_group.destroy", "USB_group.destroy", "VUSB.destroy", "VGPU.destroy", "Observer.destroy",
    "Caller.destroy", "Rate_limit.destroy", "PVS_site.forget", "PVS_server.forget",
    "PVS_proxy.destroy", "PVS_cache_storage.destroy", "SDN_controller.forget",
    "Repository.forget", "subject.destroy", "blob.destroy", "crashdump.destroy",
    "host_crashdump.destroy", "host_patch.destroy",
)  # fmt: skip
"""Messages that delete the object that they name."""
UNIQUE = {"subject": ("subject_identifier", "SUBJECT_ALREADY_EXISTS")}
"""Class -> a field that no two objects may share, and the error for that."""
ORIGINS = {"Repository.introduce_bundle": "bundle",
           "Repository.introduce_remote_pool": "remote_pool"}  # fmt: skip


def _make(declaration: Declaration) -> Callable[..., Value]:
    kind = declaration.name.partition(".")[0]

    def handler(inventory: Inventory, _context: Context, *args: Value) -> Value:
        fields = dict(zip(declaration.labels, args, strict=True))
        if list(fields) == ["args"]:
            fields = {key: value for key, value in fields["args"].items() if key != "uuid"}
        if declaration.name in ORIGINS:
            fields["origin"] = ORIGINS[declaration.name]
        types = dict(zip(declaration.labels, declaration.params, strict=False))
        for label, value in fields.items():
            target = types.get(label, "").removesuffix(" ref")
            if types.get(label, "").endswith(" ref") and value != NULL_REF:
                inventory.database.read(target, value)
        if kind in UNIQUE:
            field, code = UNIQUE[kind]
            records = inventory.database.records(kind).values()
            if any(record[field] == fields.get(field, "") for record in records):
                raise ApiError(code)
        return inventory.add(kind, **fields)

    return handler


def _delete(kind: str) -> Callable[..., Value]:
    def handler(inventory: Inventory, _context: Context, reference: str) -> None:
        inventory.database.delete(kind, reference)

    return handler


def _add_role(inventory: Inventory, _context: Context, subject: str, role: str) -> None:
    present = inventory.database.read("subject", subject)["roles"]
    if role not in inventory.database["role"]:
        raise ApiError("ROLE_NOT_FOUND")
    if role in present:
        raise ApiError("ROLE_ALREADY_EXISTS")
    inventory.database.write("subject", subject, "roles", [role, *present])


def _remove_role(inventory: Inventory, _context: Context, subject: str, role: str) -> None:
    if role not in inventory.database.read("subject", subject)["roles"]:
        raise ApiError("ROLE_NOT_FOUND")
    inventory.database.remove_from_set("subject", subject, "roles", role)


WORKS: dict[str, Callable[..., Value]] = {
    **{name: _make(declared(name)) for name in MAKE},
    **{name: _delete(name.partition(".")[0]) for name in DELETE},
    "subject.add_to_roles": _add_role,
    "subject.remove_from_roles": _remove_role,
}
