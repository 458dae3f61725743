# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import time
from typing import Any, Callable, Iterable, NamedTuple, Sequence, TypeVar

from .._errors import (
    GivenSessionLost,
    GivenSessionUnknown,
    HostError,
    InvalidResponse,
    NoHostAnswered,
    OtherPool,
    XapiError,
    XapiFailure,
)
from . import schema as records
from .endpoint import Endpoint
from .jsonrpc import Call, Rpc, ignore_call, is_read
from .left_sessions import LeftSessions
from .master import Members, refuses_account
from .retry import IS_SUPPORTER, SESSION_GONE, SESSION_UNKNOWN
from .transport import Interruptible, Transport

# The server counts and limits sessions by originator: a name that never changes.
_ORIGINATOR = "xen.xapi"
_API_VERSION = "1.0"
_MAX_CONSECUTIVE_FAILURES = 2
"""Requests in a row without an answer, after which the pool may have another master."""

T = TypeVar("T")


class Pool(NamedTuple):
    """Which pool a session belongs to; master is the name of the master host."""

    uuid: str
    name_label: str
    master: str
    master_ref: str

    def to_dict(self) -> dict[str, str]:
        """What modules return for the pool; a reference would mean nothing to a reader."""
        return {"uuid": self.uuid, "name_label": self.name_label, "master": self.master}


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
        self._username = username
        self._password = password or ""
        self._add_secret = add_secret
        self._given_ref = given_ref
        self._pool_uuid = pool_uuid
        self._rpc: Rpc | None = None
        self._ref = ""
        self._is_entered = False
        self._is_identified = False
        self._consecutive_failures = 0
        self._left = LeftSessions(clock)
        self.pool = Pool("", "", "", "")
        self.generation = 0
        """How often a session was opened: what was learnt in another one may hold no longer."""

    def __enter__(self) -> Session:
        self._is_entered = True
        return self

    def __exit__(self, *_details: object) -> None:
        self._is_entered = False
        self._close()

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
        return self._left.login_delay if self._rpc is None else 0.0

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

    def server_time(self) -> str:
        """The master's clock, as the server writes times."""
        method = "host.get_servertime"
        answer = self._call(method, lambda: [self.pool.master_ref])
        return self.validate(records.text, method, answer)

    def events_from(self, classes: Sequence[str], token: str, seconds: float) -> Any:
        """What event.from answers, which may take so many seconds more than another call.

        It is not made again in another session: a token means something to one master only, and
        one that lies in the future of the next would be answered with silence.
        """
        limit = self.time_limit + seconds
        # XAPI's own clients send the timeout as a number with a fraction.
        params = (list(classes), token, float(seconds))
        return self._attempt(lambda rpc: self._ask(rpc, "event.from", *params, time_limit=limit))

    def invalid_response(self, method: str, field: str = "") -> InvalidResponse:
        """The error for a result that is not of the shape that XAPI gives it."""
        url = "" if self._rpc is None else self._rpc.endpoint.url
        return InvalidResponse(url, method=method, field=field)

    def _call(self, method: str, params: Callable[[], Iterable[Any]]) -> Any:
        try:
            return self._attempt(lambda rpc: self._ask(rpc, method, *params()))
        except XapiFailure as failure:
            if failure.code not in SESSION_GONE or not is_read(method):
                raise
        return self._attempt(lambda rpc: self._ask(rpc, method, *params()))

    def _attempt(self, ask: Callable[[Rpc], Any]) -> Any:
        """Ask in the session that there is, or in a new one; the next ask notices a lost one."""
        if not self._is_entered:
            raise RuntimeError("a call outside of the session")
        try:
            answer = ask(self._open())
        except XapiFailure as failure:
            self._consecutive_failures = 0
            if failure.code not in SESSION_GONE:
                raise
            self._drop(failure)
            if self._given_ref is not None:
                raise GivenSessionLost(failure.url) from failure
            raise
        except HostError:
            self._consecutive_failures += 1
            raise
        self._consecutive_failures = 0
        return answer

    def _drop(self, failure: XapiFailure) -> None:
        """Use the session no more; a dead one needs no logout."""
        rpc, self._rpc = self._rpc, None
        if rpc is not None and failure.code == IS_SUPPORTER and self._given_ref is None:
            self._left.add(rpc, self._ref)

    def _ask(self, rpc: Rpc, method: str, *params: Any, time_limit: float | None = None) -> Any:
        return rpc.call(method, [self._ref, *params], secrets=[self._ref], time_limit=time_limit)

    def _open(self) -> Rpc:
        """Log in, or take the session that was given, and learn which pool it is; once."""
        rpc = self._rpc
        if rpc is None:
            rpc = self._enter()
        elif self._consecutive_failures >= _MAX_CONSECUTIVE_FAILURES:
            rpc = self._fail_over(rpc)
        if not self._is_identified:
            self.pool = self._identify(rpc)
            self._is_identified = True
            self.generation += 1
            # Not before it is known to be the same pool: a reference is a secret.
            self._left.log_out(rpc)
        return rpc

    def _enter(self, *, but: Endpoint | None = None) -> Rpc:
        enter = self._log_in if self._given_ref is None else self._take
        self._rpc = rpc = self._members.enter_at_master(enter, but=but)
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

    def _log_in(self, rpc: Rpc) -> Rpc:
        # Not left once it is sent: a session whose reference was never read stays for a day.
        method = "session.login_with_password"
        params = [self._username, self._password, _API_VERSION, _ORIGINATOR]
        try:
            answer = rpc.call(
                method, params, secrets=[self._password], interruptible=Interruptible.BEFORE_SEND
            )
            ref = _parse_ref(rpc, method, answer)
        except XapiFailure:
            raise
        except XapiError as error:
            if error.sent:
                self._left.record_unanswered_login()
            raise
        if self._rpc is not None:
            self._left.add(self._rpc, self._ref)
        self._rpc, self._ref = rpc, ref
        self._add_secret(ref)
        return rpc

    def _take(self, rpc: Rpc) -> Rpc:
        self._ref = self._given_ref or ""
        try:
            self._ask(rpc, "pool.get_all")
        except XapiFailure as failure:
            if failure.code == SESSION_UNKNOWN:
                raise GivenSessionUnknown(failure.url) from failure
            raise
        return rpc

    def _identify(self, rpc: Rpc) -> Pool:
        method = "pool.get_all_records"
        answer = self._ask(rpc, method)
        record = self.validate(records.pool, method, answer)
        uuid = record["uuid"]
        expected = self.pool.uuid or self._pool_uuid or uuid
        if uuid != expected:
            raise OtherPool(rpc.endpoint.url, expected=expected, found=uuid)
        master = record["master"]
        method = "host.get_name_label"
        answer = self._ask(rpc, method, master)
        name = self.validate(records.text, method, answer)
        return Pool(uuid, record["name_label"], name, master)

    def _close(self) -> None:
        """End what sessions there are; errors are kept, since the work is done by now."""
        rpc, self._rpc = self._rpc, None
        self._transport.deadline = None
        if rpc is not None and self._given_ref is None:
            self._left.add(rpc, self._ref)
        self._left.log_out_last(rpc if self._is_identified else None)
        self._transport.close()


def _parse_ref(rpc: Rpc, method: str, answer: Any) -> str:
    """Return the session's reference in the answer to a login."""
    try:
        return records.name(answer)
    except records.SchemaError as odd:
        raise InvalidResponse(rpc.endpoint.url, method=method, field=odd.field) from odd
