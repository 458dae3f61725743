# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What clients write to objects other than tasks: their other_config."""

from __future__ import annotations

from .database import Database
from .messages import Context, Message
from .other_config_roles import KeyRoles, require_changes
from .values import ref, text, text_map

ROLES = {
    "session": "pool-admin",
    "pool": "pool-operator",
    "host": "pool-operator",
    "network": "pool-operator",
    "SR": "pool-operator",
    "VM": "vm-admin",
    "VDI": "vm-admin",
}
"""The least role that may, by class."""

_FOLDERS = {"folder": "vm-operator", "XenCenter.CustomFields.*": "vm-operator"}
KEY_ROLES: dict[str, KeyRoles] = {
    "session": {},
    "pool": {**_FOLDERS, "EMPTY_FOLDERS": "vm-operator"},
    "host": _FOLDERS,
    "network": {**_FOLDERS, "XenCenterCreateInProgress": "vm-operator"},
    "SR": _FOLDERS,
    "VM": {**_FOLDERS, "pci": "pool-admin", "hvm_serial": "pool-admin"},
    "VDI": _FOLDERS,
}
"""Keys with a role of their own (datamodel.ml and its kin, map_keys_roles)."""


def messages(database: Database) -> list[Message]:
    return [message for name in ROLES for message in _of_class(database, name)]


def _of_class(database: Database, name: str) -> list[Message]:
    def add(_context: Context, self: str, key: str, value: str) -> str:
        database.add_to_map(name, self, "other_config", key, value)
        return ""

    def remove(_context: Context, self: str, key: str) -> str:
        database.remove_from_map(name, self, "other_config", key)
        return ""

    def set_all(context: Context, self: str, value: dict[str, str]) -> str:
        present = database.read(name, self)["other_config"]
        require_changes(context.account, own, name, present, value)
        database.write(name, self, "other_config", value)
        return ""

    role, own = ROLES[name], KEY_ROLES[name]
    return [
        Message(f"{name}.add_to_other_config", (ref, text, text), add, role=role, key_roles=own),
        Message(f"{name}.remove_from_other_config", (ref, text), remove, role=role, key_roles=own),
        Message(f"{name}.set_other_config", (ref, text_map), set_all, role=role),
    ]
