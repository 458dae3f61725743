# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place through which every call passes.

In this order, which is the server's (api_server.ml, the generated dispatcher): emergency mode,
UTF-8 of the parameters, method and arity, types of the parameters, session, role; then the
simulator's own fault rules and delay; then the handler.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from . import roles
from .call_log import Call, CallLog
from .clock import Clock
from .database import Database
from .faults import Cut, Fault, Faults, OtherAnswer
from .messages import INTERNAL, Context, Message
from .sessions import Sessions
from .values import ApiError, Value, dummy_ref, internal_failure, is_dummy, ref, show

_SURROGATE = re.compile("[\ud800-\udfff]")
_ASYNC = re.compile("^(Async|InternalAsync)[.]")
_SECRET = re.compile("login|password", re.IGNORECASE)
"""Methods, of any spelling, whose parameters are not for the log."""
EMERGENCY_CALLS = ("session.slave_local_login_with_password", "session.local_logout")
"""Calls that a host answers even in emergency mode (datamodel.ml, emergency_calls)."""


class Undispatched(Exception):
    """Refused before dispatch; JSON-RPC answers such an error in its irregular form."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error)
        self.error = error


class Endpoint(Protocol):
    """The host that was asked, as the dispatcher sees it."""

    ref: str
    emergency: list[str]
    """Code and parameters of the emergency mode that the host is in, such as HOST_STILL_BOOTING."""

    def master_address(self) -> str | None:
        """Where the master is, on a host that is not the master itself."""


class Request:
    """One call as the protocols hand it over."""

    def __init__(
        self, method: str, params: list[Value], headers: dict[str, str] | None = None
    ) -> None:
        self.method = method
        self.params = params
        self.headers = headers or {}


class Answer(NamedTuple):
    """The result of a call, and how much of it a fault lets through."""

    result: Value
    share: float = 1.0


class Dispatcher:
    def __init__(self, database: Database, clock: Clock, sessions: Sessions) -> None:
        self.log = CallLog()
        self.faults = Faults()
        self._database = database
        self._clock = clock
        self._sessions = sessions
        self._messages: dict[str, Message] = {}

    def serve(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._messages[message.name] = message
            self._messages[message.name.replace(".", "_", 1)] = message

    def does(self, name: str) -> bool:
        """Return whether a message does its work, rather than answer that it is missing."""
        message = self._messages.get(name)
        return message is not None and not message.is_missing

    def withdraw(self, names: Iterable[str]) -> None:
        """Forget messages: they are unknown from now on."""
        for name in names:
            self._messages.pop(name, None)
            self._messages.pop(name.replace(".", "_", 1), None)

    @property
    def methods(self) -> list[str]:
        return [name for name in self._messages if "." in name]

    def call(self, endpoint: Endpoint, request: Request) -> Answer:
        """The answer to a call; raises ApiError, Undispatched, or a fault for the connection."""
        entry = self._enter(endpoint, request)
        try:
            answer = self._call(endpoint, request, entry)
        except (ApiError, Undispatched) as error:
            inner = error.error if isinstance(error, Undispatched) else error
            entry.error = inner.description
            entry.answered = True
            raise
        entry.answered = answer.share == 1.0
        return answer

    def enter(self, endpoint: Endpoint, name: str, params: list[Value], session: str) -> None:
        """Log a request that is not a call, and let a fault that is for it have its way."""
        entry = Call(self._clock.now(), endpoint.ref, name, params, session)
        self.log.add(entry)
        fault = self.faults.hit(name, params)
        if fault is not None:
            entry.fault = True
            self._apply(fault)

    def _enter(self, endpoint: Endpoint, request: Request) -> Call:
        params = list(request.params)
        session = ""
        if request.method.endswith("login_with_password"):
            params[1:2] = ["(password)"] * bool(params[1:2])
        elif _SECRET.search(request.method):
            params = ["(secret)" for _unused in params]
        elif params and isinstance(params[0], str):
            session = params.pop(0)
        entry = Call(self._clock.now(), endpoint.ref, request.method, params, session)
        self.log.add(entry)
        return entry

    def _call(self, endpoint: Endpoint, request: Request, entry: Call) -> Answer:
        if endpoint.emergency and request.method not in EMERGENCY_CALLS:
            raise Undispatched(ApiError(*endpoint.emergency))
        for param in request.params:
            shown = show(param)
            if _SURROGATE.search(shown):
                wrong = "Invalid UTF-8 string in parameter"
                raise Undispatched(ApiError("INVALID_VALUE", wrong, shown))
        name = _ASYNC.sub("", request.method)
        message = self._messages.get(name)
        if message is None:
            return Answer(self._answer_unknown(endpoint, name, request.params))
        params = _read_params(message, name, request.params)
        session, account = "", roles.NOBODY
        if message.has_session:
            session = ref(request.params[0])
            account = self._account(endpoint, session)
        entry.user = account.name
        if name != request.method and message.start is None:
            raise ApiError("Fault", f"No async mode for this operation (rpc: {name})")
        context = self._context(endpoint, request, session, account)
        # An Async form checks the role where its work begins: there it fails the task.
        if name == request.method:
            message.require(context, params)
        fault = self.faults.hit(request.method, request.params)
        if fault is not None:
            entry.fault = True
        if fault is not None and not fault.late:
            self._apply(fault)
        handler = message.handler
        if name != request.method and message.start is not None:
            handler = message.start
        result = handler(context, *params)
        if fault is not None and fault.late:
            self._apply(fault)
        return Answer(result, 1.0 if fault is None else fault.share)

    def _answer_unknown(self, endpoint: Endpoint, name: str, params: list[Value]) -> Value:
        """Answer a method that is not a message of a class. With a parameter the server takes it
        for an extension, and requires the right to call one."""
        if name == "system.listMethods":
            return self.methods
        if name.startswith("system.isAlive:"):
            if not params:
                raise internal_failure("hd")
            return params[0]
        if params:
            account = self._account(endpoint, ref(params[0]))
            if not account.is_root and account.role != "pool-admin":
                raise ApiError(
                    "RBAC_PERMISSION_DENIED", "host.call_extension", "no session in context"
                )
        raise ApiError("MESSAGE_METHOD_UNKNOWN", name)

    def _account(self, endpoint: Endpoint, session: str) -> roles.Account:
        if self._sessions.is_local(session, endpoint.ref):
            return self._sessions.root
        account = self._sessions.account(session)
        master = endpoint.master_address()
        if master is not None:
            raise ApiError("HOST_IS_SLAVE", master)
        return account

    def _context(
        self, endpoint: Endpoint, request: Request, session: str, account: roles.Account
    ) -> Context:
        headers = request.headers
        internal = request.method.startswith(INTERNAL)
        named = None if internal else headers.get("task-id")
        forwarded = ref(named or "")
        if named is not None and not is_dummy(forwarded):
            self._database.read("task", forwarded)
        prefix = "x-http-other-config-"
        return Context(
            label=request.method,
            session=session,
            account=account,
            host=endpoint.ref,
            master_address=endpoint.master_address(),
            forwarded=forwarded,
            task=forwarded or dummy_ref(request.method),
            parent=ref(headers.get("subtask-of", "")),
            other_config={
                name[len(prefix) :]: value
                for name, value in headers.items()
                if name.startswith(prefix)
            },
        )

    def _apply(self, fault: Fault) -> None:
        if fault.delay:
            self._clock.pause(fault.delay)
        if fault.error:
            raise ApiError(*fault.error)
        if fault.http is not None:
            raise OtherAnswer(fault.http[0], "text/html", fault.http[1])
        if fault.body is not None:
            raise OtherAnswer(200, "application/json", fault.body)
        if fault.cut == "before":
            raise Cut()


def _read_params(message: Message, name: str, sent: list[Value]) -> list[Value]:
    expected = len(message.params)
    received = len(sent) - message.has_session
    optional = len(message.defaults)
    if received < expected or (received > expected and not optional):
        raise ApiError("MESSAGE_PARAMETER_COUNT_MISMATCH", name, str(expected), str(received))
    if message.has_session:
        ref(sent[0])
        sent = sent[1:]
    read = [reader(value) for reader, value in zip(message.params, sent, strict=False)]
    for place, (reader, default) in enumerate(message.defaults, start=expected):
        read.append(reader(sent[place]) if place < len(sent) else default)
    return read
