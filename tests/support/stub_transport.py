# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replaces a server with prepared answers, without a socket."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any, cast

from ansible_collections.xen.xapi.plugins.module_utils._client.endpoint import Endpoint
from ansible_collections.xen.xapi.plugins.module_utils._client.http_client import Answer
from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.module_utils._client.transport import Transport
from ansible_collections.xen.xapi.tests.support.samples import REF, UUID

ENDPOINT = Endpoint("https", "xcp1", 443)
POOL = {REF: {"uuid": UUID, "name_label": "", "master": REF}}


class StubTransport:
    """A transport that gives one answer to all requests and keeps their bodies."""

    def __init__(
        self, body: Any, *, status: int = 200, content_type: str = "application/json"
    ) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._answer = Answer(status, content_type, content)
        self.posted: list[tuple[Endpoint, str, Any]] = []
        self.repeatable: list[bool] = []

    def post(
        self, endpoint: Endpoint, path: str, body: bytes, *, repeatable: bool, **_limits: Any
    ) -> Answer:
        self.posted.append((endpoint, path, json.loads(body)))
        self.repeatable.append(repeatable)
        return self._answer


class CannedResponses:
    """A transport with prepared answers to some methods, and usual ones to those of a session."""

    time_limit = 30.0
    deadline: float | None = None
    requests = 0

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = {
            "session.login_with_password": REF,
            "session.logout": "",
            "pool.get_all_records": POOL,
            "host.get_name_label": "host-1",
            "host.get_servertime": "20261123T10:11:12Z",
            **answers,
        }
        self.hosts: list[str] = []

    def post(self, endpoint: Endpoint, _path: str, body: bytes, **_limits: Any) -> Answer:
        request = json.loads(body)
        self.hosts.append(endpoint.host)
        result = self._answers.get(request["method"])
        told = {"error": result} if isinstance(result, Refusal) else {"result": result}
        content = json.dumps({"jsonrpc": "2.0", "id": request["id"], **told})
        return Answer(200, "application/json", content.encode())

    def close(self) -> None:
        """Do not close anything: there is no connection."""


class Refusal(list[Any]):
    """An error in place of a result."""


@contextlib.contextmanager
def session_of(answers: CannedResponses) -> Iterator[Session]:
    secrets: list[str] = []
    with Session(
        cast(Transport, answers),
        endpoints=[ENDPOINT],
        username="root",
        password="secret",
        add_secret=secrets.append,
    ) as session:
        yield session
    assert all(isinstance(secret, str) and secret for secret in secrets)
