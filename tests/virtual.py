# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Client and simulated pool in one thread and in virtual time, without a socket between them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from ansible_collections.xen.xapi.plugins.module_utils._endpoints import Endpoint
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    ConnectionCut,
    ConnectionRefused,
    RequestTimedOut,
)
from ansible_collections.xen.xapi.plugins.module_utils._session import Session
from ansible_collections.xen.xapi.plugins.module_utils._transport import Answer, Leave
from ansible_collections.xen.xapi.tests.simulator import wire_json
from ansible_collections.xen.xapi.tests.simulator.clock import OutOfPatience, SoloClock
from ansible_collections.xen.xapi.tests.simulator.collector import PENDING_TASK_TIMEOUT, moment
from ansible_collections.xen.xapi.tests.simulator.dispatch import Request, Undispatched
from ansible_collections.xen.xapi.tests.simulator.faults import Cut, OtherAnswer
from ansible_collections.xen.xapi.tests.simulator.pool import Pool
from ansible_collections.xen.xapi.tests.simulator.tasks import FINAL
from ansible_collections.xen.xapi.tests.simulator.values import ApiError

REQUEST_TIMEOUT = 30.0
TELLING = frozenset({"event.from", "task.get_all_records", "task.get_record"})


class Change(NamedTuple):
    """One entry of the pool's history: what became of a task, and when."""

    at: float
    ref: str
    status: str | None
    """None: the record was deleted."""


class Member:
    """A host without a socket."""

    def __init__(self, pool: VirtualPool, ref: str, address: str) -> None:
        self.ref = ref
        self.address = address
        self.emergency: list[str] = []
        self.is_up = True
        self._pool = pool

    def master_address(self) -> str | None:
        master = self._pool.master.address
        return None if master == self.address else master


class VirtualPool(Pool):
    """A pool of two hosts whose time passes only where somebody waits."""

    def __init__(self) -> None:
        self.solo = SoloClock()
        super().__init__(clock=self.solo)
        self.members = [
            Member(self, self.inventory.add_host(f"host-{place}", f"10.0.0.{place}"), address)
            for place, address in ((1, "10.0.0.1"), (2, "10.0.0.2"))
        ]
        self.history: list[Change] = []
        self.labels: dict[str, str] = {}
        self.dropped: dict[str, float] = {}
        """The tasks that were deleted while running, for another reason than their end; and after
        how many seconds the pool gives that away."""
        self.restarts: list[float] = []
        """When the master's memory was lost."""
        self.database.listeners.append(self._note)
        self.collect_for_ever()

    @property
    def master(self) -> Member:
        return next(member for member in self.members if member.ref == self.master_ref)

    def now(self) -> float:
        return self.solo.now()

    def at(self, seconds: float, happen: Callable[[], object]) -> None:
        """Let something happen later."""
        self.solo.after(seconds, lambda: _without_error(happen))

    def restart_master(self, *, generations_lost: int = 0) -> None:
        self._lose_memory()
        self.database.lose(generations_lost)
        self.inventory.agent_started(self.master_ref)

    def promote_other(self) -> None:
        """The host that is not the master becomes it."""
        self._lose_memory()
        new = next(member for member in self.members if member.ref != self.master_ref)
        self.inventory.make_master(new.ref)
        self.inventory.agent_started(new.ref)

    @property
    def supporter(self) -> Member:
        return next(member for member in self.members if member.ref != self.master_ref)

    def restart_supporter(self, *, startup: float = 0.0) -> None:
        """Its tasks are deleted when it says hello, and some seconds later it tells its start."""
        supporter = self.supporter.ref
        before = set(self.present())
        self.delete_carried(supporter)
        self.dropped.update(dict.fromkeys(before.difference(self.present()), startup))
        self.at(startup, lambda: self.inventory.agent_started(supporter))

    def churn(self, count: int) -> None:
        """Tasks that come and go: the server forgets older deletions over them."""
        for _number in range(count):
            self.destroy_task(self.add_task("VM.get_boot_record"))

    def logout_all(self) -> None:
        for session in self.sessions():
            self.logout(session)

    def take_down_for(self, seconds: float, place: int = 0) -> None:
        member = self.members[place]
        member.is_up = False
        self.at(seconds, lambda: setattr(member, "is_up", True))

    def boot_for(self, seconds: float) -> None:
        master = self.master
        master.emergency = ["HOST_STILL_BOOTING"]
        self.at(seconds, master.emergency.clear)

    def _lose_memory(self) -> None:
        self.restarts.append(self.now())
        for ref, record in self.database.records("task").items():
            self.history.append(Change(self.now(), ref, None))
            if record["status"] not in FINAL:
                self.dropped[ref] = 0.0
        self.forget_running()

    def _note(self, operation: str, table: str, ref: str, fields: dict[str, Any]) -> None:
        if table == "task":
            self.labels[ref] = fields["name_label"]
            status = None if operation == "del" else fields["status"]
            is_old = self.now() - moment(fields["created"]) > PENDING_TASK_TIMEOUT
            if status is None and is_old and fields["status"] not in FINAL:
                self.dropped[ref] = 0.0
            self.history.append(Change(self.now(), ref, status))

    def present(self) -> list[str]:
        """The tasks that there are, in the order of their coming."""
        return [ref for ref in self.labels if ref in self.database["task"]]

    def ends(self, ref: str) -> list[tuple[float, str]]:
        """When a task came to be final, and how; more than once where a client wrote to it."""
        return [
            (change.at, change.status)
            for change in self.history
            if change.ref == ref and change.status in FINAL
        ]

    def status(self, ref: str) -> str | None:
        """The status that a task has now."""
        record = self.record(ref)
        return None if record is None else str(record["status"])

    def status_at(self, ref: str, moment: float) -> str | None:
        """The status that a task had then; None where it was not there."""
        found = None
        for change in self.history:
            if change.ref == ref and change.at <= moment:
                found = change.status
        return found

    def gone_at(self, ref: str) -> float | None:
        """When a task's record was deleted."""
        return next((c.at for c in self.history if c.ref == ref and c.status is None), None)


class Delivery(NamedTuple):
    """An answer that came through whole: when it came, and which tasks were running by it."""

    at: float
    running: frozenset[str]


class VirtualWire:
    """What stands in for Transport: the same methods, and a log of what came through whole."""

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
        """When requests came to nothing."""
        self.asked_at: list[tuple[float, str]] = []

    def post(
        self,
        endpoint: Endpoint,
        path: str,
        body: bytes,
        *,
        time_limit: float | None = None,
        leave: Leave = Leave.ANY_TIME,
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
        except (ConnectionCut, ConnectionRefused, RequestTimedOut):
            self.troubled_at.append(self._pool.now())
            raise
        finally:
            self._pool.solo.patience = float("inf")

    def close(self) -> None:
        """Nothing: there is no connection."""

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
        call = wire_json.read(body)
        self.asked_at.append((self._pool.now(), call.method))
        try:
            answer = self._pool.dispatcher.call(member, Request(call.method, call.params))
        except Undispatched as refused:
            self.troubled_at.append(self._pool.now())
            return _json(wire_json.write_irregular_error(refused.error))
        except ApiError as error:
            if error.code not in ("HANDLE_INVALID", "UUID_INVALID"):
                self.troubled_at.append(self._pool.now())
            return _json(wire_json.write_error(call, error))
        except OtherAnswer as other:
            self.troubled_at.append(self._pool.now())
            return Answer(other.status, other.content_type, other.body.encode())
        if answer.share < 1:
            raise Cut
        return _json(wire_json.write_result(call, answer.result))

    def _deliver(self, answer: Answer, *, method: str) -> None:
        """Note what the client has been told of; what it makes of it is its affair."""
        if method not in TELLING or answer.status != 200:
            return
        running = set()
        envelope = json.loads(answer.body)
        if "error" in envelope:
            return
        for ref, record in _records(envelope["result"]):
            if record.get("status") in FINAL:
                self.delivered.setdefault(ref or record["uuid"], record["status"])
            else:
                running.add(ref or record["uuid"])
        self.deliveries.append(Delivery(self._pool.now(), frozenset(running)))


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


def _without_error(happen: Callable[[], object]) -> None:
    try:
        happen()
    except ApiError:
        # What it was about is gone by now.
        return


def virtual_session(wire: VirtualWire, pool: VirtualPool, **options: Any) -> Session:
    """A session that knows both hosts."""
    return Session(
        wire,
        endpoints=[Endpoint("https", member.address, 443) for member in pool.members],
        username=pool.username,
        password=pool.password,
        keep_secret=lambda _ref: None,
        **options,
    )
