# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of a few lines that shows all data of an answer."""

from __future__ import annotations

import http.client
import json
import socket
import urllib.parse
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.support.polling import TIMEOUT, wait_until

PASSWORD = "xapi-secret"
MISSING = "OpaqueRef:00000000-0000-4000-8000-000000000001"
NULL = "OpaqueRef:NULL"


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Refused(Exception):
    """An error of the API: its code and parameters."""

    def __init__(self, error: list[str]) -> None:
        super().__init__(*error)
        self.error = error


class Client:
    """JSON-RPC 2.0, a connection for each call, as one user of the simulator."""

    def __init__(self, url: str, name: str = "", originator: str = "unit") -> None:
        self.url = url
        self.name = name
        self.session = ""
        if name:
            self.session = self.call("session.login_with_password", name, PASSWORD, "", originator)

    def post(
        self,
        body: bytes | str,
        path: str = "/jsonrpc",
        headers: dict[str, str] | None = None,
        method: str = "POST",
    ) -> Answer:
        where = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT)
        try:
            data = body.encode() if isinstance(body, str) else body
            connection.request(method, path, data, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.headers.items()), answer.read())
        finally:
            connection.close()

    def document(self, method: str, *params: Any, headers: dict[str, str] | None = None) -> Any:
        """The whole JSON answer to a call; the session is not added."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return self.post(json.dumps(call), headers=headers).json

    def call(self, method: str, *params: Any, headers: dict[str, str] | None = None) -> Any:
        """The result of a call; the session is not added."""
        answer = self.document(method, *params, headers=headers)
        if "error" not in answer:
            return answer["result"]
        error = answer["error"]
        raise Refused(error if isinstance(error, list) else [error["message"], *error["data"]])

    def __call__(self, method: str, *params: Any, headers: dict[str, str] | None = None) -> Any:
        """The result of a call of the user's session."""
        return self.call(method, self.session, *params, headers=headers)

    def error(self, method: str, *params: Any, headers: dict[str, str] | None = None) -> list[str]:
        """Return the error of a call of the user's session."""
        try:
            result = self(method, *params, headers=headers)
        except Refused as refused:
            return refused.error
        raise AssertionError(f"{method} was not refused: {result}")

    def task(self, label: str = "a task") -> str:
        ref: str = self("task.create", label, "")
        return ref

    def events(self, classes: list[str], token: str = "", timeout: float = 0.0) -> Any:
        return self("event.from", classes, token, timeout)

    def logout(self) -> None:
        if self.session:
            try:
                self("session.logout")
            except Refused as refused:
                if refused.error[0] != "SESSION_INVALID":
                    raise


def exchange(url: str, sent: bytes) -> bytes:
    """All that comes back when these bytes are all that is sent."""
    where = urllib.parse.urlsplit(url)
    with socket.create_connection((where.hostname, where.port), timeout=TIMEOUT) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while more := connection.recv(65536):
            received += more
        return received


def kinds(answer: Any) -> list[tuple[str, str]]:
    """Return operation and reference of each event in an answer of event.from."""
    return [(event["operation"], event["ref"]) for event in answer["events"]]


def now(simulator: Simulator, task: str, *fields: str) -> Any:
    """Return the present values of a task's fields: one value, or a tuple for several fields."""
    record = simulator.record(task)
    assert record is not None
    values = tuple(record[field] for field in fields)
    return values if len(fields) > 1 else values[0]


def at_work(simulator: Simulator) -> list[str]:
    """The tasks whose work has begun: from then on they offer a cancel, and hold their objects."""
    records = simulator.database.records("task")
    return [task for task, record in records.items() if record["allowed_operations"]]


def outlasted(simulator: Simulator, call: Future[Any]) -> Any:
    """Return the result of a call whose work takes virtual time."""

    def has_ended() -> bool:
        simulator.advance(1)
        return call.done()

    assert wait_until(has_ended)
    return call.result()


Start = Callable[..., Simulator]
"""Starts a simulator with options."""
Connect = Callable[..., Client]
"""Logs a user in, root where no name is given."""
Background = Callable[..., Future[Any]]
"""Runs a function beside the test."""
