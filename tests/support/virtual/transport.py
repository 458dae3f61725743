# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection to a virtual pool: a replacement for Transport, and a session on it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, cast

from ansible_collections.xen.xapi.plugins.module_utils._client.endpoint import Endpoint
from ansible_collections.xen.xapi.plugins.module_utils._client.http_client import Answer
from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.module_utils._client.transport import (
    Interruptible,
    Transport,
)
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    ConnectionCut,
    ConnectionRefused,
    RequestTimedOut,
)
from ansible_collections.xen.xapi.tests.simulator import json_codec
from ansible_collections.xen.xapi.tests.simulator.clock import OutOfPatience
from ansible_collections.xen.xapi.tests.simulator.dispatch import Request, Undispatched
from ansible_collections.xen.xapi.tests.simulator.faults import Cut, OtherAnswer
from ansible_collections.xen.xapi.tests.simulator.tasks import FINAL
from ansible_collections.xen.xapi.tests.simulator.values import ApiError
from ansible_collections.xen.xapi.tests.support.virtual.pool import Member, VirtualPool

REQUEST_TIMEOUT = 30.0
TELLING = frozenset({"event.from", "task.get_all_records", "task.get_record"})


class Delivery(NamedTuple):
    """An answer that came through whole: when it came, and the tasks that it has."""

    at: float
    running: frozenset[str]
    finished: frozenset[str] = frozenset()


class VirtualWire:
    """Replaces Transport: the same methods, and a log of the answers that arrived complete."""

    def __init__(self, pool: VirtualPool, *, latency: float = 0.001) -> None:
        self._pool = pool
        self._latency = latency
        self.time_limit = REQUEST_TIMEOUT
        self.deadline: float | None = None
        self.requests = 0
        self.hangs = 0
        """How many of the next requests are never answered."""
        self.delivered: dict[str, str] = {}
        """The first final status of each task that was in an answer which came through whole."""
        self.deliveries: list[Delivery] = []
        self.troubled_at = [0.0]
        """When requests failed."""
        self.asked_at: list[tuple[float, str]] = []

    def post(
        self,
        endpoint: Endpoint,
        path: str,
        body: bytes,
        *,
        time_limit: float | None = None,
        interruptible: Interruptible = Interruptible.ALWAYS,
        repeatable: bool = False,
    ) -> Answer:
        assert path == "/jsonrpc"
        now = self._pool.now()
        end = now + (self.time_limit if time_limit is None else time_limit)
        if self.deadline is not None:
            end = min(end, self.deadline)
        self.requests += 1
        try:
            return self._post(endpoint, body, end)
        except (ConnectionCut, ConnectionRefused, RequestTimedOut) as error:
            error.sent = not isinstance(error, ConnectionRefused)
            self.troubled_at.append(self._pool.now())
            raise
        finally:
            self._pool.solo.patience = float("inf")

    def close(self) -> None:
        """Do not close anything: there is no connection."""

    def _post(self, endpoint: Endpoint, body: bytes, end: float) -> Answer:
        url = endpoint.url
        clock = self._pool.solo
        clock.advance(min(self._latency, max(end - clock.now(), 0)))
        member = next(one for one in self._pool.members if one.address == endpoint.host)
        if clock.now() >= end:
            raise RequestTimedOut(url, seconds=0)
        if not member.is_up:
            raise ConnectionRefused(url)
        if self.hangs:
            self.hangs -= 1
            clock.advance(end - clock.now())
            raise RequestTimedOut(url, seconds=0)
        clock.patience = end
        try:
            answer = self._answer(member, body)
        except Cut:
            raise ConnectionCut(url) from None
        except OutOfPatience:
            raise RequestTimedOut(url, seconds=0) from None
        if clock.now() + self._latency > end:
            clock.advance(max(end - clock.now(), 0))
            raise RequestTimedOut(url, seconds=0)
        clock.advance(self._latency)
        self._deliver(answer, method=self.asked_at[-1][1])
        return answer

    def _answer(self, member: Member, body: bytes) -> Answer:
        call = json_codec.read(body)
        self.asked_at.append((self._pool.now(), call.method))
        try:
            answer = self._pool.dispatcher.call(member, Request(call.method, call.params))
        except Undispatched as refused:
            self.troubled_at.append(self._pool.now())
            return _json(json_codec.write_irregular_error(refused.error))
        except ApiError as error:
            if error.code not in ("HANDLE_INVALID", "UUID_INVALID"):
                self.troubled_at.append(self._pool.now())
            return _json(json_codec.write_error(call, error))
        except OtherAnswer as other:
            self.troubled_at.append(self._pool.now())
            return Answer(other.status, other.content_type, other.body.encode())
        if answer.share < 1:
            raise Cut
        return _json(json_codec.write_result(call, answer.result))

    def _deliver(self, answer: Answer, *, method: str) -> None:
        """Note the tasks in the answers to the client."""
        if method not in TELLING or answer.status != 200:
            return
        running, finished = set(), set()
        envelope = json.loads(answer.body)
        if "error" in envelope:
            return
        for ref, record in _records(envelope["result"]):
            if record.get("status") in FINAL:
                self.delivered.setdefault(ref or record["uuid"], record["status"])
                finished.add(ref)
            else:
                running.add(ref or record["uuid"])
        delivery = Delivery(self._pool.now(), frozenset(running), frozenset(finished))
        self.deliveries.append(delivery)


def _records(result: Any) -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(result, dict):
        return []
    if "events" in result:
        return [
            (event["ref"], event["snapshot"])
            for event in result["events"]
            if event["class"] == "task" and "snapshot" in event
        ]
    if "status" in result:
        return [("", result)]
    return [(ref, record) for ref, record in result.items() if isinstance(record, dict)]


def _json(body: bytes) -> Answer:
    return Answer(200, "application/json", body)


def virtual_session(wire: VirtualWire, pool: VirtualPool, **options: Any) -> Session:
    """A session that knows both hosts."""
    return Session(
        cast(Transport, wire),
        endpoints=[Endpoint("https", member.address, 443) for member in pool.members],
        username=pool.username,
        password=pool.password,
        add_secret=lambda _ref: None,
        clock=pool.now,
        **options,
    )
