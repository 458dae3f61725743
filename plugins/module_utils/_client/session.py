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
from .transport import Transport

T = TypeVar("T")


class Session:
    """A session of one account on the master of one pool: logs in when needed, out on exit.

    A session that is given by its reference is used in place of a login, and never logged out.
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
        """The callable add_secret is given the session's reference as soon as there is one."""
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
        """How often a session was opened: what was learnt in another one may hold no longer."""
        return self._connection.generation

    @property
    def skipped_errors(self) -> tuple[HostError, ...]:
        """What was wrong with the members that were tried before the one that is used."""
        return self._members.skipped_errors

    @property
    def unanswered_logins(self) -> int:
        """How many logins were sent and got no usable answer: each may have left a session."""
        return self._left.unanswered_logins

    @property
    def logout_errors(self) -> list[XapiError]:
        """What was wrong with logouts: one for each session that stays."""
        return self._left.logout_errors

    @property
    def login_retry_delay(self) -> float:
        """Seconds to wait before the next call, so that lost logins do not pile up.

        It is 0 while a session is open, and where no login was lost so far.
        """
        return 0.0 if self._connection.is_open else self._left.login_delay

    @property
    def requests(self) -> int:
        """How many requests were sent so far, the login and the logout included."""
        return self._transport.requests

    @property
    def time_limit(self) -> float:
        """Seconds that one request may take."""
        return self._transport.time_limit

    def read(self, schema: Callable[[Any], T], method: str, *params: Any) -> T:
        """Return the result of a call, validated by a function of _client/schema.

        Raises InvalidResponse, which names the field and withholds its value.
        """
        return self.validate(schema, method, self.call(method, *params))

    def validate(self, schema: Callable[[Any], T], method: str, answer: Any) -> T:
        """Return what a schema makes of the answer to a method; raises InvalidResponse."""
        try:
            return schema(answer)
        except records.SchemaError as error:
            raise self.invalid_response(method, error.field) from error

    def set_deadline(self, deadline: float | None) -> None:
        """Let no request but the logout go on after a moment of the monotonic clock."""
        self._transport.deadline = deadline

    def call(self, method: str, *params: Any) -> Any:
        """The result of a call; a read is made once more when the server forgot our session."""
        return self._call(method, lambda: params)

    def read_server_time(self) -> str:
        """The master's clock, as the server writes times."""
        method = "host.get_servertime"
        answer = self._call(method, lambda: [self.pool.master_ref])
        return self.validate(records.text, method, answer)

    def read_events(self, classes: Sequence[str], token: str, seconds: float) -> Any:
        """What event.from answers, which may take so many seconds more than another call.

        It is not made again in another session: a token means something to one master only, and
        one that lies in the future of the next would be answered with silence.
        """
        limit = self.time_limit + seconds
        # XAPI's own clients send the timeout as a number with a fraction.
        params = (list(classes), token, float(seconds))
        return self._attempt("event.from", lambda: params, time_limit=limit)

    def invalid_response(self, method: str, field: str = "") -> InvalidResponse:
        """The error for a result that is not of the shape that XAPI gives it."""
        return InvalidResponse(self._connection.url, method=method, field=field)

    def _call(self, method: str, params: Callable[[], Iterable[Any]]) -> Any:
        try:
            return self._attempt(method, params)
        except XapiFailure as failure:
            if failure.code not in SESSION_GONE or not is_read(method):
                raise
        return self._attempt(method, params)

    def _attempt(
        self, method: str, params: Callable[[], Iterable[Any]], *, time_limit: float | None = None
    ) -> Any:
        if not self._is_entered:
            raise RuntimeError("a call outside of the session")
        return self._connection.call(method, params, time_limit=time_limit)
