# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import json
import time
from itertools import count
from typing import Any, Callable, Iterable, Mapping, NamedTuple, NoReturn, Sequence

from .._errors import UnexpectedAnswer, XapiError, XapiFailure, redact
from .credentials import find_secrets_in_args
from .endpoint import Endpoint
from .gc_pause import pause_gc
from .http_client import Answer
from .transport import Interruptible, Transport

_PATH = "/jsonrpc"
_MISSING = object()
# If a logout is sent twice, the second one finds no session, which is the goal.
_REPEATABLE = frozenset({"session.logout"})


class Call(NamedTuple):
    """A record of one call: method and host, but no parameters and no result."""

    method: str
    host: str
    seconds: float
    error: str | None


def is_read(method: str) -> bool:
    """Return whether a call only reads, so that it can be repeated.

    event.from is not among them: it may block.
    """
    return method.rpartition(".")[2].startswith("get_") and not method.startswith("Async.")


def ignore_call(_call: Call) -> None:
    """Do not record the call: the default of record."""


def _is_answer(envelope: Mapping[str, Any], number: int) -> bool:
    """Return whether an envelope answers the request with this number.

    XAPI before 1.47, which is XenServer 7.0 to 7.2, only knows version 1.0 and answers each
    request with an id of 0.
    """
    identity = envelope.get("id")
    return identity == number or (identity == 0 and "jsonrpc" not in envelope)


class Rpc:
    """Makes calls of XAPI on one host."""

    def __init__(
        self,
        transport: Transport,
        endpoint: Endpoint,
        *,
        record: Callable[[Call], None] = ignore_call,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self.endpoint = endpoint
        self._record = record
        self._clock = clock
        self._ids = count(1)

    def call(
        self,
        method: str,
        params: Sequence[Any],
        *,
        secrets: Iterable[str] = (),
        time_limit: float | None = None,
        interruptible: Interruptible = Interruptible.ALWAYS,
    ) -> Any:
        """Return the result of a call.

        If it raises an error of the server, hide the secrets in it, and those that params name.
        """
        began, problem = self._clock(), None
        try:
            return self._call(method, params, tuple(secrets), time_limit, interruptible)
        except XapiError as error:
            problem = error.code if isinstance(error, XapiFailure) else type(error).__name__
            raise
        finally:
            seconds = round(self._clock() - began, 3)
            self._record(Call(method, self.endpoint.url, seconds, problem))

    def _call(
        self,
        method: str,
        params: Sequence[Any],
        secrets: Sequence[str],
        time_limit: float | None,
        interruptible: Interruptible,
    ) -> Any:
        number = next(self._ids)
        request = {"jsonrpc": "2.0", "method": method, "params": list(params), "id": number}
        answer = self._transport.post(
            self.endpoint,
            _PATH,
            json.dumps(request).encode(),
            time_limit=time_limit,
            interruptible=interruptible,
            repeatable=is_read(method) or method in _REPEATABLE,
        )
        envelope = self._envelope(answer)
        error = envelope.get("error")
        if error is not None:
            secrets = [*secrets, *find_secrets_in_args(params)]
            self._fail(error, answer, method=method, secrets=secrets)
        result = envelope.get("result", _MISSING)
        if result is _MISSING or not _is_answer(envelope, number):
            raise self._unexpected(answer)
        return result

    def _envelope(self, answer: Answer) -> dict[str, Any]:
        try:
            with pause_gc():
                envelope = json.loads(answer.body) if answer.status == 200 else None
        except (ValueError, RecursionError):
            envelope = None
        if not isinstance(envelope, dict):
            raise self._unexpected(answer)
        return envelope

    def _fail(self, error: Any, answer: Answer, *, method: str, secrets: Sequence[str]) -> NoReturn:
        # An error is an object in version 2 and an array in version 1. A host that is not ready
        # sends the array in an envelope of version 2, with an id of 0.
        if isinstance(error, dict):
            data = error.get("data") or []
            error = [error.get("message"), *data] if isinstance(data, list) else None
        if not isinstance(error, list) or not error or not isinstance(error[0], str):
            raise self._unexpected(answer)
        code, *params = error
        if any(isinstance(param, (list, dict)) for param in params):
            raise self._unexpected(answer)
        raise XapiFailure(
            self.endpoint.url,
            method=method,
            code=code,
            params=redact(code, [str(param) for param in params], secrets=secrets),
        )

    def _unexpected(self, answer: Answer) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            self.endpoint.url, status=answer.status, content_type=answer.content_type
        )
