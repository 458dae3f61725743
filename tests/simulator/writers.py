# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What clients write to objects other than tasks: keys of their other_config."""

from __future__ import annotations

from .database import Database
from .messages import Context, Message
from .values import ref, text

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


def messages(database: Database) -> list[Message]:
    return [message for name in ROLES for message in _of_class(database, name)]


def _of_class(database: Database, name: str) -> list[Message]:
    def add(_context: Context, self: str, key: str, value: str) -> str:
        database.add_to_map(name, self, "other_config", key, value)
        return ""

    def remove(_context: Context, self: str, key: str) -> str:
        database.remove_from_map(name, self, "other_config", key)
        return ""

    role = ROLES[name]
    return [
        Message(f"{name}.add_to_other_config", (ref, text, text), add, role=role),
        Message(f"{name}.remove_from_other_config", (ref, text), remove, role=role),
    ]
