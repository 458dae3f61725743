# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way to that pool: each request on it is a talk point, and so is each call that blocks."""

from __future__ import annotations

import json
import threading
from typing import Any

from ansible_collections.xen.xapi.plugins.module_utils._client.endpoint import Endpoint
from ansible_collections.xen.xapi.plugins.module_utils._client.transport import Answer
from ansible_collections.xen.xapi.plugins.module_utils._errors import ConnectionCut
from ansible_collections.xen.xapi.tests.model_checking.model import Merged, Script, SmallPool, Step
from ansible_collections.xen.xapi.tests.simulator import json_codec
from ansible_collections.xen.xapi.tests.simulator.clock import START
from ansible_collections.xen.xapi.tests.simulator.faults import Cut
from ansible_collections.xen.xapi.tests.simulator.tasks import FINAL
from ansible_collections.xen.xapi.tests.support.virtual.pool import Member
from ansible_collections.xen.xapi.tests.support.virtual.transport import VirtualWire

WRITING = frozenset({"session.login_with_password", "task.cancel"})
"""Methods that change the server, so that a lost answer matters."""
BLOCKED_FOR = 0.0
"""Seconds for which a call has been blocked when a step comes upon it."""


class ScriptedWire(VirtualWire):
    """A wire without latency on which each request is a talk point, and so is each blocked call."""

    def __init__(self, pool: SmallPool, script: Script) -> None:
        super().__init__(pool, latency=0.0)
        self._small = pool
        self._script = script
        self._method = ""
        self._params: list[Any] = []
        self.is_merged = False
        self.told_end: dict[str, str] = {}
        """The first final status of each task that the client was told of."""
        self.told_running_at: dict[str, float] = {}
        """When each task was last told to be running."""
        self.told_running_in: dict[str, str] = {}
        """In which session that was."""
        self.told_sessions: set[str] = set()
        self.logouts_cut: set[str] = set()
        self.cancels: list[str] = []
        """What was sent a cancel; of a request that was cut off nobody knows how far it came."""
        self.taken: set[str] = set()
        """Those whose cancel the server took, or may have taken for all that the client knows."""
        self.unexpected: list[str] = []
        """Errors of cancels at the moment when they were sent."""
        self.quiet_since: float | None = None
        """Since when, by the truth at each answer that tells of all tasks, nothing was running;
        and the answers were without a gap."""
        self.answered_at = 0.0
        self.conversation: list[str] = []
        self._wait = pool.solo.wait
        # The clock of a pool is its own; what it does while a call blocks is for us to say.
        pool.solo.wait = self._wait_blocked

    def post(self, endpoint: Endpoint, *arguments: Any, **options: Any) -> Answer:
        if self.is_merged:
            raise Merged
        try:
            return super().post(endpoint, *arguments, **options)
        except ConnectionCut as error:
            error.sent = True
            raise

    def _answer(self, member: Member, body: bytes) -> Answer:
        call = json_codec.read(body)
        self._method, self._params = call.method, call.params
        self.conversation.append(f"{self._pool.now() - START:7.2f}  {call.method}")
        if call.method == "task.cancel":
            self._judge_cancel(call.params[1])
        is_cut_after = False
        for step in self._script.talk(self._possible):
            self._tell(step)
            if step.kind == "cut":
                self._break_off()
                raise Cut
            is_cut_after |= step.kind == "cut-after"
            if not is_cut_after:
                self._small.happen(step)
        answer = super()._answer(member, body)
        if is_cut_after:
            self._break_off()
            raise Cut
        return answer

    def _tell(self, step: Step) -> None:
        self.conversation.append(f"         {self._script.point}:{step}")

    def _break_off(self) -> None:
        self.quiet_since = None
        if self._method == "task.cancel":
            self.taken.add(self._params[1])
        if self._method == "session.logout":
            self.logouts_cut.add(self._params[0])

    def _possible(self, latest: Step | None) -> list[Step]:
        """The steps that may follow at the same point: each task once, in order, then the pool."""
        if latest is not None and latest.task is None:
            return []
        after = -1 if latest is None or latest.task is None else latest.task
        found = []
        if self._method.startswith("task.") or self._method == "event.from":
            total = len(self._small.refs) + len(self._small.unborn)
            for number in range(after + 1, total):
                found += self._small.task_steps(number)
        return found + self._pool_steps()

    def _pool_steps(self) -> list[Step]:
        small = self._small
        is_alive = bool(self._params) and self._params[0] in small.database["session"]
        found = [Step("cut")]
        if self._method in WRITING:
            found.append(Step("cut-after"))
        if is_alive:
            found.append(Step("logout"))
        if is_alive or any(small.record(ref) for ref in small.refs):
            found.append(Step("restart"))
            found += [Step("failover")] * small.fails_over
        if sum(small.status(ref) in FINAL for ref in small.refs) > 1:
            found.append(Step("collect"))
        return found

    def _wait_blocked(self, event: threading.Event) -> None:
        self._while_blocked(event)
        self._wait(event)

    def _while_blocked(self, event: threading.Event) -> None:
        clock = self._pool.solo
        while not event.is_set():
            before = self._script.point
            happened = False
            for step in self._script.talk(self._possible):
                if not happened:
                    clock.advance(min(BLOCKED_FOR, max(clock.patience - clock.now(), 0)))
                happened = True
                self._tell(step)
                if step.kind == "cut":
                    self._break_off()
                    self._small.drop_blocked()
                else:
                    self._small.happen(step)
            assert self._script.point == before + 1
            if not happened:
                return

    def _judge_cancel(self, ref: str) -> None:
        now = self._pool.now()
        self.cancels.append(ref)
        if ref not in self._small.refs:
            self.unexpected.append("a task outside of the set was sent a cancel")
        if ref in self.told_end:
            self.unexpected.append("a cancel went to a task whose end the client had read")
        if now - self.told_running_at.get(ref, -1e9) > 5.0 + 1e-6:
            self.unexpected.append("a cancel went to a task that was not read within 5 s")

    def _deliver(self, answer: Answer, *, method: str) -> None:
        super()._deliver(answer, method=method)
        envelope = json.loads(answer.body)
        result = envelope.get("result")
        if result is None:
            if envelope["error"]["message"] != "HANDLE_INVALID":
                self.quiet_since = None
            return
        if method == "session.login_with_password":
            self.told_sessions.add(result)
            self.quiet_since = None
        if method == "task.cancel":
            self.taken.add(self._params[1])
        for ref, record in told(method, self._params, result):
            if record["status"] in FINAL:
                self.told_end.setdefault(ref, record["status"])
            else:
                self.told_running_at[ref] = self._pool.now()
                self.told_running_in[ref] = self._params[0]
        if method == "event.from" or method == "task.get_all_records":
            self._reckon()

    def _reckon(self) -> None:
        now = self._pool.now()
        if self._small.running:
            self.quiet_since = None
        elif self.quiet_since is None or now - self.answered_at > 32.0:
            self.quiet_since = now
        self.answered_at = now


def told(method: str, params: list[Any], result: Any) -> list[tuple[str, dict[str, Any]]]:
    """The tasks that an answer tells of, with their records."""
    if method == "task.get_record":
        return [(params[1], result)]
    if method == "task.get_all_records":
        return list(result.items())
    if method == "event.from":
        return [
            (event["ref"], event["snapshot"])
            for event in result["events"]
            if event["class"] == "task" and "snapshot" in event
        ]
    return []
