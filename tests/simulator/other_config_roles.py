# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of an other_config that need another role than the rest of the map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .roles import Account, require

KeyRoles = Mapping[str, str]
"""The least role by key; a `*` at a key's end stands for any rest."""


def guarding(roles: KeyRoles, least: str, permission: str, key: str) -> tuple[str, str]:
    """The least role and the permission to add or remove a key: where it has them, its own take
    the place of the message's (rbac.ml, permission_of_action)."""
    found = _find(roles, key)
    return (least, permission) if found is None else (roles[found], f"{permission}/key:{found}")


def require_changes(
    account: Account,
    roles: KeyRoles,
    name: str,
    before: Mapping[str, str],
    after: Mapping[str, str],
) -> None:
    """Raise RBAC_PERMISSION_DENIED unless the account may write a class's map anew: keys that stay
    as they are need no role (helpers.ml, set_map_with_rbac)."""
    written = _all(roles, (key for key in after if before.get(key) != after[key]))
    removed = _all(roles, (key for key in before if key not in after))
    for verb, touched in (("add_to", written), ("remove_from", removed)):
        for found in touched:
            require(account, roles[found], f"{name}.{verb}_other_config/key:{found}")


def _find(roles: KeyRoles, key: str) -> str | None:
    for entry in roles:
        if entry == key or (entry.endswith("*") and key.startswith(entry[:-1])):
            return entry
    return None


def _all(roles: KeyRoles, keys: Iterable[str]) -> list[str]:
    return sorted({found for key in keys if (found := _find(roles, key)) is not None})
