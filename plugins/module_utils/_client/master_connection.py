# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Callable, Iterable

from .._errors import (
    GivenSessionLost,
    GivenSessionUnknown,
    HostError,
    NoHostAnswered,
    XapiFailure,
)
from .endpoint import Endpoint
from .jsonrpc import Rpc
from .left_sessions import LeftSessions
from .login import Login
from .master import Members, refuses_account
from .pool import Pool, identify_pool
from .retry import IS_SUPPORTER, SESSION_GONE
from .transport import Interruptible

_MAX_CONSECUTIVE_FAILURES = 2
"""After this number of unanswered requests in a row, look for another master."""


class MasterConnection:
    """Keeps a session on the master of a pool: opens one if needed, and moves with the master."""

    def __init__(
        self, members: Members, login: Login, left: LeftSessions, *, pool_uuid: str | None
    ) -> None:
        self._members = members
        self._login = login
        self._left = left
        self._pool_uuid = pool_uuid
        self._rpc: Rpc | None = None
        self._ref = ""
        self._is_identified = False
        self._consecutive_failures = 0
        self.pool = Pool("", "", "", "")
        self.generation = 0
        """The number of sessions opened so far."""

    @property
    def is_open(self) -> bool:
        """Whether there is a session, as far as is known."""
        return self._rpc is not None

    @property
    def url(self) -> str:
        """The URL of the session's host; empty without a session."""
        return "" if self._rpc is None else self._rpc.endpoint.url

    def call(
        self,
        method: str,
        params: Callable[[], Iterable[Any]],
        *,
        time_limit: float | None = None,
        interruptible: Interruptible = Interruptible.ALWAYS,
    ) -> Any:
        """Return the result of a call in the current session, or in a new one.

        If the session is lost, raise the server's error, or GivenSessionLost. Unless the session
        was given, the next call opens another one.
        The callable params is called when the session is open.
        """
        try:
            rpc = self.open()
            answer = rpc.call(
                method,
                [self._ref, *params()],
                secrets=[self._ref],
                time_limit=time_limit,
                interruptible=interruptible,
            )
        except XapiFailure as failure:
            self._consecutive_failures = 0
            if failure.code not in SESSION_GONE:
                raise
            self._drop(failure)
            if not self._login.owns_sessions:
                raise GivenSessionLost(failure.url) from failure
            raise
        except HostError:
            self._consecutive_failures += 1
            raise
        self._consecutive_failures = 0
        return answer

    def open(self) -> Rpc:
        """Ensure that a session is open and its pool identified; return the Rpc of its host."""
        rpc = self._rpc
        if rpc is None:
            rpc = self._replace_session()
        elif self._consecutive_failures >= _MAX_CONSECUTIVE_FAILURES:
            rpc = self._fail_over(rpc)
        if not self._is_identified:
            self.pool = identify_pool(
                rpc, self._ref, expected_uuid=self.pool.uuid or self._pool_uuid
            )
            self._is_identified = True
            self.generation += 1
            # Only now: the old reference is a secret, and this is known to be the same pool.
            self._left.log_out(rpc)
        return rpc

    def close(self) -> None:
        """Log out all sessions; LeftSessions keeps the errors, since the work is done by now."""
        rpc, self._rpc = self._rpc, None
        if rpc is not None and self._login.owns_sessions:
            self._left.add(rpc, self._ref)
        self._left.log_out_last(rpc if self._is_identified else None)

    def _drop(self, failure: XapiFailure) -> None:
        """Stop using the session; log it out later if it still exists on its host."""
        rpc, self._rpc = self._rpc, None
        if rpc is not None and failure.code == IS_SUPPORTER and self._login.owns_sessions:
            self._left.add(rpc, self._ref)

    def _replace_session(self, *, exclude: Endpoint | None = None) -> Rpc:
        rpc, ref = self._members.open_at_master(
            lambda rpc: (rpc, self._login.open(rpc)), exclude=exclude
        )
        if self._rpc is not None and self._login.owns_sessions:
            self._left.add(self._rpc, self._ref)
        self._rpc, self._ref = rpc, ref
        self._is_identified = False
        self._consecutive_failures = 0
        return rpc

    def _fail_over(self, current: Rpc) -> Rpc:
        """Open a session at another master if the pool has one by now; else keep the current one.

        When a master dies, high availability or an administrator may make another host the
        master. Only the other members know that.
        """
        if self._left.login_delay:
            return current
        try:
            return self._replace_session(exclude=current.endpoint)
        except GivenSessionUnknown as error:
            raise GivenSessionLost(error.url) from error
        except (HostError, NoHostAnswered) as error:
            if refuses_account(error):
                raise
            return current
