# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import time
from typing import Any, Callable, Iterable, Sequence, TypeVar

from .._errors import HostError, InvalidResponse, XapiError, XapiFailure
from . import schema as records
from .endpoint import Endpoint
from .jsonrpc import Call, Rpc, ignore_call, is_read
from .left_sessions import LeftSessions
from .login import GivenSession, Login, PasswordLogin
from .master import Members
from .master_connection import MasterConnection
from .pool import Pool
from .retry import SESSION_GONE
from .transport import Interruptible, Transport

T = TypeVar("T")


class Session:
    """Makes calls in one session on a pool: logs in at the first call, and out on exit.

    With given_ref, it uses that session instead of logging in, and never logs it out. Long because
    it is the one interface of the client to other packages.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        endpoints: Sequence[Endpoint],
        username: str,
        password: str | None,
        add_secret: Callable[[str], None],
        given_ref: str | None = None,
        pool_uuid: str | None = None,
        follow_master: bool = True,
        record: Callable[[Call], None] = ignore_call,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Pass each session reference to add_secret as soon as it is known, and calls to record."""
        self._transport = transport
        self._members = Members(
            endpoints,
            call=lambda endpoint: Rpc(transport, endpoint, record=record),
            follow_master=follow_master,
        )
        self._left = LeftSessions(clock)
        login: Login = PasswordLogin(
            username, password or "", add_secret=add_secret, left=self._left
        )
        if given_ref is not None:
            login = GivenSession(given_ref)
        self._connection = MasterConnection(self._members, login, self._left, pool_uuid=pool_uuid)
        self._is_entered = False

    def __enter__(self) -> Session:
        self._is_entered = True
        return self

    def __exit__(self, *_details: object) -> None:
        self._is_entered = False
        self._transport.deadline = None
        self._connection.close()
        self._transport.close()

    @property
    def pool(self) -> Pool:
        """The pool of the session; its fields are empty before the first call."""
        return self._connection.pool

    @property
    def generation(self) -> int:
        """The number of sessions opened so far.

        Facts that were read in an earlier session may not hold any more.
        """
        return self._connection.generation

    @property
    def skipped_errors(self) -> tuple[HostError, ...]:
        """The errors of the members that were tried before the current one."""
        return self._members.skipped_errors

    @property
    def unanswered_logins(self) -> int:
        """The number of logins without a usable answer; each may have left a session."""
        return self._left.unanswered_logins

    @property
    def logout_errors(self) -> list[XapiError]:
        """The errors of failed logouts, one for each session that stays."""
        return self._left.logout_errors

    @property
    def login_retry_delay(self) -> float:
        """The seconds to wait before the next call, to limit the number of unanswered logins.

        It is 0 while a session is open, and as long as every login was answered.
        """
        return 0.0 if self._connection.is_open else self._left.login_delay

    @property
    def requests(self) -> int:
        """The number of requests sent so far, including login and logout."""
        return self._transport.requests

    @property
    def time_limit(self) -> float:
        """The seconds that one request may take."""
        return self._transport.time_limit

    def read(self, schema: Callable[[Any], T], method: str, *params: Any) -> T:
        """Return the result of a call, validated by a schema, which is a function of schema.py.

        Raises InvalidResponse, which names the field but not its value.
        """
        return self.validate(schema, method, self.call(method, *params))

    def validate(self, schema: Callable[[Any], T], method: str, answer: Any) -> T:
        """Return the answer to a method, validated by a schema; raises InvalidResponse."""
        try:
            return schema(answer)
        except records.SchemaError as error:
            raise self.invalid_response(method, error.field) from error

    def set_deadline(self, deadline: float | None) -> None:
        """End every request but the logout at a time of the monotonic clock."""
        self._transport.deadline = deadline

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of a call; repeat a read once if the server lost the session."""
        return self._call(method, lambda: params)

    def send(self, method: str, *params: Any) -> Any:
        """Return the result of a call that changes the pool; it is sent once.

        A signal does not interrupt it once it is sent, because its answer names the task.
        """
        return self._attempt(method, lambda: params, interruptible=Interruptible.BEFORE_SEND)

    def read_server_time(self) -> str:
        """Return the time of the master's clock, as the server writes it."""
        method = "host.get_servertime"
        answer = self._call(method, lambda: [self.pool.master_ref])
        return self.validate(records.text, method, answer)

    def read_events(self, classes: Sequence[str], token: str, seconds: float) -> Any:
        """Return the answer of event.from, which may take these seconds longer than other calls.

        It is not repeated in another session, since a token is valid at one master only. If it
        is in the future for the next master, that one answers no events.
        """
        limit = self.time_limit + seconds
        # XAPI's own clients send the timeout as a number with a fraction.
        params = (list(classes), token, float(seconds))
        return self._attempt("event.from", lambda: params, time_limit=limit)

    def invalid_response(self, method: str, field: str = "") -> InvalidResponse:
        """Return the error for a result that does not match XAPI's schema."""
        return InvalidResponse(self._connection.url, method=method, field=field)

    def _call(self, method: str, params: Callable[[], Iterable[Any]]) -> Any:
        try:
            return self._attempt(method, params)
        except XapiFailure as failure:
            if failure.code not in SESSION_GONE or not is_read(method):
                raise
        return self._attempt(method, params)

    def _attempt(
        self,
        method: str,
        params: Callable[[], Iterable[Any]],
        *,
        time_limit: float | None = None,
        interruptible: Interruptible = Interruptible.ALWAYS,
    ) -> Any:
        if not self._is_entered:
            raise RuntimeError("a call outside of the session")
        return self._connection.call(
            method, params, time_limit=time_limit, interruptible=interruptible
        )
