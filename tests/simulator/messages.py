# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages of the API: name, parameters, role and handler."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .other_config_roles import KeyRoles, guarding
from .roles import LOCAL_ROOT, Account, require
from .values import Reader, Value

INTERNAL = "InternalAsync."
"""Before its name, a method makes a task of its own, whatever its class and headers (context.ml,
of_http_req)."""


@dataclasses.dataclass(frozen=True)
class Context:
    """One call as its handler sees it."""

    label: str
    """The method as sent, with `Async.` where it was there."""
    session: str
    account: Account
    host: str
    """Reference of the host that was asked."""
    master_address: str | None = None
    """Where the master is, when the host that was asked is not the master itself."""
    forwarded: str = ""
    """Reference in the request's task-id header: the task that the call runs under, so that it
    makes none of its own and ends none."""
    parent: str = ""
    """Reference in the request's subtask-of header: the parent of the task that the call makes."""
    task: str = ""
    """Reference of the task that the call runs as; a call that makes none has that of no row."""
    other_config: dict[str, str] = dataclasses.field(default_factory=dict)
    """Entries that the request's x-http-other-config headers add to a task made by the call."""

    def require(self, least: str, permission: str) -> None:
        """Raise RBAC_PERMISSION_DENIED unless the account has the permission.

        A method of the other spelling, such as task_get_all, is a permission that no role has
        (gen_server.ml has Rbac.check look for the name as it was sent).
        """
        if "." in self.label.rpartition("Async.")[2]:
            require(self.account, least, permission)
        else:
            require(self.account, LOCAL_ROOT, permission.replace(".", "_", 1))


Handler = Callable[..., Value]


class Message(NamedTuple):
    name: str
    params: tuple[Reader, ...]
    handler: Handler
    """Called with the context and the parameters as read; the session is not among them."""
    role: str = "read-only"
    defaults: tuple[tuple[Reader, Value], ...] = ()
    """Trailing parameters that may be left out."""
    has_session: bool = True
    start: Handler | None = None
    """Handler of `Async.`: returns the reference of a task, which the check of the role fails too.
    None: the message has no Async form."""
    has_async: bool = False
    """Whether a message that is done at once has an Async form, which Background gives it.
    """
    is_missing: bool = False
    """Whether the server does it and the simulator only says that it does not."""
    key_roles: KeyRoles | None = None
    """Keys of a map with a role of their own; `key` is then the second parameter."""

    def require(self, context: Context, params: Sequence[Value]) -> None:
        """Raise RBAC_PERMISSION_DENIED unless the account may; who logs in has none yet."""
        least, permission = self.role, self.name
        if self.key_roles:
            least, permission = guarding(self.key_roles, least, permission, params[1])
        if self.has_session:
            context.require(least, permission)
