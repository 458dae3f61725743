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

_MAX_CONSECUTIVE_FAILURES = 2
"""Requests in a row without an answer, after which the pool may have another master."""


class MasterConnection:
    """A session on the master of one pool: opened when needed, moved if the master changes."""

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
        """How often a session was opened: what was learnt in another one may hold no longer."""

    @property
    def is_open(self) -> bool:
        """Whether there is a session that is not known to be lost."""
        return self._rpc is not None

    @property
    def url(self) -> str:
        """The URL of the host that the session is on; empty without a session."""
        return "" if self._rpc is None else self._rpc.endpoint.url

    def call(
        self, method: str, params: Callable[[], Iterable[Any]], *, time_limit: float | None = None
    ) -> Any:
        """Ask in the session that there is, or in a new one; the next ask notices a lost one."""
        try:
            rpc = self.open()
            answer = rpc.call(
                method, [self._ref, *params()], secrets=[self._ref], time_limit=time_limit
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
        """Log in, or take the session that was given, and learn which pool it is; once."""
        rpc = self._rpc
        if rpc is None:
            rpc = self._enter()
        elif self._consecutive_failures >= _MAX_CONSECUTIVE_FAILURES:
            rpc = self._fail_over(rpc)
        if not self._is_identified:
            self.pool = identify_pool(
                rpc, self._ref, expected_uuid=self.pool.uuid or self._pool_uuid
            )
            self._is_identified = True
            self.generation += 1
            # Not before it is known to be the same pool: a reference is a secret.
            self._left.log_out(rpc)
        return rpc

    def close(self) -> None:
        """End what sessions there are; errors are kept, since the work is done by now."""
        rpc, self._rpc = self._rpc, None
        if rpc is not None and self._login.owns_sessions:
            self._left.add(rpc, self._ref)
        self._left.log_out_last(rpc if self._is_identified else None)

    def _drop(self, failure: XapiFailure) -> None:
        """Use the session no more; a dead one needs no logout."""
        rpc, self._rpc = self._rpc, None
        if rpc is not None and failure.code == IS_SUPPORTER and self._login.owns_sessions:
            self._left.add(rpc, self._ref)

    def _enter(self, *, but: Endpoint | None = None) -> Rpc:
        rpc, ref = self._members.enter_at_master(lambda rpc: (rpc, self._login.open(rpc)), but=but)
        if self._rpc is not None and self._login.owns_sessions:
            self._left.add(self._rpc, self._ref)
        self._rpc, self._ref = rpc, ref
        self._is_identified = False
        self._consecutive_failures = 0
        return rpc

    def _fail_over(self, silent: Rpc) -> Rpc:
        """Go on at another master, if the pool has one by now; else stay and ask again.

        When a master dies, another host may be made the master: by high availability, or by hand.
        Nothing tells us but the other members.
        """
        if self._left.login_delay:
            return silent
        try:
            return self._enter(but=silent.endpoint)
        except GivenSessionUnknown as error:
            raise GivenSessionLost(error.url) from error
        except (HostError, NoHostAnswered) as error:
            if refuses_account(error):
                raise
            return silent
