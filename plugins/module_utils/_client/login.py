# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Callable, Protocol

from .._errors import GivenSessionUnknown, XapiError, XapiFailure
from . import schema
from .jsonrpc import Rpc
from .left_sessions import LeftSessions
from .retry import SESSION_UNKNOWN
from .transport import Interruptible

# Never change this name: the server counts and limits sessions by originator.
_ORIGINATOR = "xen.xapi"
_API_VERSION = "1.0"


class Login(Protocol):
    """How to get a session on a host."""

    owns_sessions: bool
    """Whether this run must log the sessions out."""

    def open(self, rpc: Rpc) -> str:
        """Return the reference of a session on the host of rpc."""


class PasswordLogin:
    """Opens a session with a user name and a password."""

    owns_sessions = True

    def __init__(
        self,
        username: str,
        password: str,
        *,
        add_secret: Callable[[str], None],
        left: LeftSessions,
    ) -> None:
        """Pass each new session reference to add_secret; count unanswered logins in left."""
        self._username = username
        self._password = password
        self._add_secret = add_secret
        self._left = left

    def open(self, rpc: Rpc) -> str:
        """Log in, and return the reference of the new session."""
        # Once it is sent, wait for the answer: without its reference a session cannot be logged
        # out, and stays for a day.
        method = "session.login_with_password"
        params = [self._username, self._password, _API_VERSION, _ORIGINATOR]
        try:
            answer = rpc.call(
                method, params, secrets=[self._password], interruptible=Interruptible.BEFORE_SEND
            )
            ref = schema.validate(schema.name, answer, url=rpc.endpoint.url, method=method)
        except XapiFailure:
            raise
        except XapiError as error:
            if error.sent:
                self._left.record_unanswered_login()
            raise
        self._add_secret(ref)
        return ref


class GivenSession:
    """Uses a session that the user opened."""

    owns_sessions = False

    def __init__(self, ref: str) -> None:
        self._given_ref = ref

    def open(self, rpc: Rpc) -> str:
        """Return the given reference; raise GivenSessionUnknown if the host does not know it."""
        ref = self._given_ref
        try:
            rpc.call("pool.get_all", [ref], secrets=[ref])
        except XapiFailure as failure:
            if failure.code == SESSION_UNKNOWN:
                raise GivenSessionUnknown(failure.url) from failure
            raise
        return ref
