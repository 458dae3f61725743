# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts, their roles, and the refusal of other calls (rbac.ml)."""

from __future__ import annotations

from typing import NamedTuple

from .values import ApiError

BY_PRIVILEGE = (
    "pool-admin",
    "pool-operator",
    "vm-power-admin",
    "vm-admin",
    "vm-operator",
    "client-cert",
    "read-only",
)
"""From the most to the least; each role may do all that those after it may."""

AS_TOLD = (
    "vm-power-admin",
    "vm-admin",
    "vm-operator",
    "read-only",
    "client-cert",
    "pool-admin",
    "pool-operator",
)
"""In the order of the generated table, where each permission moves the roles that have it to the
front (gen_rbac.ml, `concat`; xapi_role.ml, `get_by_permission_common`).
"""

CERTIFIED = frozenset(
    {
        "VM.shutdown",
        "VM.suspend",
        "VM.pool_migrate",
        "host.disable",
        "host.enable",
        "host.evacuate",
        "host.apply_updates",
    }
)
"""Messages that client-cert may send too, though it is less than the least role (datamodel_vm.ml,
datamodel_host.ml, _R_CLIENT_CERT).
"""

LOCAL_ROOT = "local-root"
"""Only root has it, and no role does (datamodel_roles.ml, _R_LOCAL_ROOT_ONLY)."""

PERSONAL = tuple(role for role in BY_PRIVILEGE if role != "client-cert")


class Account(NamedTuple):
    """Who may log in. Root has no sid: all its sessions share one owner and pass every check."""

    name: str
    role: str
    sid: str
    is_root: bool = False


NOBODY = Account("", "read-only", "")
"""Who has not logged in."""


def accounts(root: str) -> dict[str, Account]:
    """Root, and two accounts for each role: `vm-admin` and `vm-admin-2`."""
    found = {root: Account(root, "pool-admin", "", is_root=True)}
    for role in PERSONAL:
        for name in (role, f"{role}-2"):
            found[name] = Account(name, role, f"u:{name}")
    return found


def holders(least: str) -> tuple[str, ...]:
    """Return the roles that include this one."""
    return () if least == LOCAL_ROOT else BY_PRIVILEGE[: BY_PRIVILEGE.index(least) + 1]


def require(account: Account, least: str, permission: str) -> None:
    """Raise RBAC_PERMISSION_DENIED unless the account's role is `least` or more."""
    if not account.is_root and account.role not in holders(least):
        besides = ("client-cert",) if permission in CERTIFIED else ()
        allowed = ", ".join(role for role in AS_TOLD if role in holders(least) + besides)
        text = f"No permission in user session. (Roles with this permission: {allowed})"
        raise ApiError("RBAC_PERMISSION_DENIED", permission.lower(), text)
