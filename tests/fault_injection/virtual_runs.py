# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of the modules in virtual time under random faults, with the invariants of each."""

from __future__ import annotations

import json
import random
import traceback
from collections import Counter
from typing import Any, NamedTuple

from ansible_collections.xen.xapi.plugins.module_utils._cancel.force import FORCE_TIMEOUT
from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.module_utils._errors import XapiError
from ansible_collections.xen.xapi.plugins.module_utils._messages import error_message
from ansible_collections.xen.xapi.tests.fault_injection.faults import FAULTS, Campaign, MangledWire
from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.simulator.tasks import FINAL
from ansible_collections.xen.xapi.tests.simulator.values import Date
from ansible_collections.xen.xapi.tests.support.invariants import Checks
from ansible_collections.xen.xapi.tests.support.module_runner import ModuleRun
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool
from ansible_collections.xen.xapi.tests.support.virtual.transport import virtual_session

LABEL = "Async.VM.copy"
OTHER = "Async.SR.scan"
OTHERS = (OTHER, OTHER, "Async.VM." * 30000, LABEL + "\u202e" * 1100)
"""Labels of tasks that are not meant, some of them of any size."""
FINAL_REFRESH = 5.0
LOGOUT = 2.0
REQUEST = 30.0
ROUNDING = 0.1
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "task_info": [{}, {"with_objects": True}, {"name_label": LABEL}, {"min_age": 30}],
    "task_wait": [
        {"name_label": LABEL},
        {"name_label": LABEL, "wait_for": "any"},
        {"name_label": LABEL, "method": "poll"},
        {"ref": "all"},
        {"ref": "all", "wait_for": "any"},
        {"ref": "all", "fail_fast": False, "method": "poll"},
        {"wait_for": "none", "quiet_for": 5},
        {"wait_for": "none", "quiet_for": 0, "name_label": LABEL},
        {"wait_for": "none", "quiet_for": 5, "method": "poll"},
        {"wait_for": "none", "quiet_for": 5, "name_regex": "copy$"},
        {"name_regex": "VM.copy$"},
    ],
    "task_cancel": [
        {"ref": "all"},
        {"ref": "all", "wait": False},
        {"ref": "all", "force": True},
        {"name_label": LABEL, "min_age": 0, "max_tasks": 50},
        {"name_label": LABEL, "min_age": 0, "max_tasks": 50, "idle_for": 10},
        {"name_label": LABEL, "min_age": 60, "max_tasks": 2},
        {"name_regex": r"Async\.VM\.copy", "min_age": 60, "max_tasks": 50},
    ],
}
CALLS: list[dict[str, Any]] = [{}, {}, {"wait": False}, {"wait_method": "poll"}]
SNAPSHOT = "Async.VM.snapshot"
STATUS_FAULTS = {"missing field", "unknown status"}
TIMEOUTS = ("1", "10", "60", "200")


class Outcome(NamedTuple):
    faults: list[str]
    ending: str
    checks: Counter[str]
    violations: list[str]


class Play:
    """One run of one module on a pool of its own, all of it drawn from a seed."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.pool = VirtualPool()
        self.wire = MangledWire(self.pool)
        self.wire.deadline = None
        self.ages: dict[str, float] = {}
        self.offset = self.chance.choice([0.0, 0.0, 0.0, -180.0, 180.0, 7200.0])
        self.pool.inventory.set_clock(self.pool.supporter.ref, self.offset)
        self.meant = [self._task(LABEL) for _number in range(self.chance.randint(1, 4))]
        others = self.chance.choices(OTHERS, k=self.chance.randint(0, 2))
        self.others = [self._task(label) for label in others]
        self.vm = self.pool.inventory.add_vm("web-1")
        self.module = self.chance.choice(
            ["task_wait", "task_wait", "task_cancel", "task_info", "call"]
        )
        self.options = self._options()
        self.faults = self.chance.choices(list(FAULTS), k=self.chance.randint(1, 4))
        self.began = self.pool.now()
        self.checks = Checks()
        self.result: dict[str, Any] | None = None
        self.text = ""
        self.session: Session | None = None

    def _life(self) -> Life:
        chance = self.chance
        return Life(
            duration=chance.choice([None, 0.2, 3.0, 12.0, 45.0, 90.0]),
            steps=chance.choice([1, 10]),
            outcome=chance.choice(["success", "success", "success", "failure", "cancelled"]),
            gap=chance.choice([0.0, 0.004]),
            cancel_after=chance.choice([None, 0.0, 2.0]),
            deleted_after=chance.choice([None, None, None, 30.0]),
        )

    def _task(self, label: str) -> str:
        chance = self.chance
        life = self._life()
        age = chance.choice([0, 5, 7200])
        host = chance.choice([self.pool.master, self.pool.master, self.pool.supporter])
        created = Date.at(self.pool.inventory.now(host.ref) - age)
        ref = self.pool.add_task(label, life=life, created=created, resident_on=host.ref)
        self.ages[ref] = age
        return ref

    def _options(self) -> dict[str, Any]:
        if self.module == "call":
            self.pool.operations.lives["VM.snapshot"] = self._life()
            options = {"method": "VM.snapshot", "args": [self.vm, "x"], **self.chance.choice(CALLS)}
        else:
            options = dict(self.chance.choice(OPTIONS[self.module]))
        if "ref" in options:
            options["ref"] = list(self.meant)
        if self.module != "task_info":
            options["timeout"] = "300" if "force" in options else self.chance.choice(TIMEOUTS)
        return options

    def _connect(self) -> Session:
        self.session = virtual_session(self.wire, self.pool)
        return self.session

    def run(self) -> Outcome:
        run = ModuleRun(
            self.module,
            self.options,
            self._connect,
            clock=self.wire.client_now,
            sleep=self.pool.solo.advance,
        )
        # The pauses of the waiter are by chance too.
        random.seed(self.seed)
        run.check_mode = self.module != "task_info" and self.chance.random() < 0.15
        campaign = Campaign(self.pool, self.wire, self.chance)
        for name in self.faults:
            moment = self.chance.choice([0.0, self.chance.random() * 2, self.chance.random() * 90])
            self.pool.at(moment, lambda name=name: FAULTS[name](campaign))
        try:
            self.result = run.work()
            sentence = str(self.result.get("msg", "")) if self.result.get("failed") else None
            self.text = json.dumps([self.result, run.warnings])
        except XapiError as error:
            sentence = error_message(error)
            self.text = json.dumps([sentence, run.partial_result(), run.warnings])
        except Exception:
            sentence = None
            self.text = traceback.format_exc()
            self.checks.violations.append(f"an error of ours alone: {self.text}")
        self.checks.counts["an error of ours alone"] += 1
        if sentence is not None:
            self.checks.check("one clear sentence", is_clear(sentence))
        self._judge(run.check_mode)
        ending = "error" if self.result is None else "failed" if sentence is not None else "ok"
        return Outcome(
            self.faults, f"{self.module} {ending}", self.checks.counts, self.checks.violations
        )

    def _judge(self, is_check: bool) -> None:
        self._judge_time(is_check)
        left = set(self.pool.sessions()) & self.wire.used_sessions - self.wire.ended_sessions
        self.checks.check("no session left", not left)
        session = self.session
        warned_of = session.unanswered_logins + len(session.logout_errors) if session else 0
        # A host that refuses a login has opened no session, but where its answer was replaced.
        if "error as array with id 0" not in self.faults:
            is_warned_of = len(self.pool.sessions()) <= warned_of
            self.checks.check("no session left without a warning", is_warned_of)
        secrets = {self.pool.password, *self.wire.used_sessions}
        self.checks.check("no secret in the output", not any(one in self.text for one in secrets))
        self._judge_cancels(is_check)
        if self.module == "call":
            self._judge_call(is_check)
        result = self.result or {"failed": True}
        if self.module == "task_wait" and not is_check and not result.get("failed"):
            self.checks.check("no false open", self._is_open_rightly())

    def _judge_call(self, is_check: bool) -> None:
        """The tasks that the pool made show which operations started."""
        made = [ref for ref, label in self.pool.labels.items() if label == SNAPSHOT]
        self.checks.check("no second start", len(made) <= (0 if is_check else 1))
        result = self.result
        if result is None or is_check:
            return
        outcome = result["outcome"]
        # A starting server has not started an operation, unless a fault only pretends to start.
        if outcome == "not_started" and "error as array with id 0" not in self.faults:
            self.checks.check("no false word about a call", not made)
        if outcome in FINAL and not STATUS_FAULTS & set(self.faults):
            ends = {status for ref in made for _at, status in self.pool.ends(ref)}
            self.checks.check("no false word about a call", outcome in ends)
        if not result.get("failed"):
            is_known = outcome not in ("not_started", "unknown") and len(made) == 1
            self.checks.check("no false success", is_known)

    def _judge_time(self, is_check: bool) -> None:
        elapsed = self.pool.now() - self.began
        limit = REQUEST * self.wire.requests
        if self.module == "task_wait" and not is_check:
            limit = float(self.options["timeout"]) + FINAL_REFRESH
        if self.module == "call":
            limit += float(self.options["timeout"]) + FINAL_REFRESH
        cancels = self.pool.log.of("task.cancel")
        if cancels:
            elapsed = self.pool.now() - cancels[0].at
            limit = float(self.options["timeout"]) + FINAL_REFRESH
            limit += FORCE_TIMEOUT * bool(self.options.get("force"))
        self.checks.check("an end by the deadline", elapsed <= limit + LOGOUT + ROUNDING)

    def _judge_cancels(self, is_check: bool) -> None:
        sent = self.pool.log.of("task.cancel")
        if self.module != "task_cancel" or is_check:
            self.checks.check("no unexpected cancel", not sent)
            return
        for call in sent:
            self.checks.check("no unexpected cancel", self._is_meant(call.params[0], call.at))
            # A missing or unknown status counts as running.
            if not STATUS_FAULTS & set(self.faults):
                status = self.pool.status_at(call.params[0], call.at - FINAL_REFRESH - ROUNDING)
                self.checks.check("no cancel of what had ended", status not in FINAL)
        asked = {call.params[0] for call in sent}
        most = self.options.get("max_tasks", len(self.meant))
        self.checks.check("no more than max_tasks", len(asked) <= most)
        if self.result is None:
            return
        for task in self.result.get("tasks", []):
            if task.get("action") == "cancelled":
                self.checks.check("cancelled by us alone", task["ref"] in asked)
        if not self.result.get("failed") and self.options.get("wait", True):
            ended = [ref for ref in asked if self._has_ended(ref)]
            self.checks.check("no false success", len(ended) == len(asked))

    def _has_ended(self, ref: str) -> bool:
        """Whether a task has ended, or its record went for no other reason than its end."""
        is_gone = self.pool.gone_at(ref) is not None and ref not in self.pool.dropped
        return bool(self.pool.ends(ref)) or is_gone

    def _is_meant(self, ref: str, moment: float) -> bool:
        """Whether a task may be asked to end then."""
        if ref not in self.meant:
            return False
        # If a wrong clock has been corrected since, its former error is unknown.
        if "server clock jumps" in self.faults:
            return True
        if "member clock jumps" in self.faults and self.offset:
            return True
        # The date of a task has no fractions of a second.
        age = self.ages[ref] + moment - self.began + 1
        return age >= self.options.get("min_age", 0)

    def _is_open_rightly(self) -> bool:
        good = {
            ref
            for ref in self.meant
            if any(status == "success" for _at, status in self.pool.ends(ref))
        }
        rule = self.options.get("wait_for", "all")
        if rule == "none":
            is_named = not self.options.keys().isdisjoint(("name_label", "name_regex"))
            watched = self.meant if is_named else self.meant + self.others
            seen = set().union(*(delivery.running for delivery in self.wire.deliveries))
            is_over = all(self.pool.status(ref) in (None, *FINAL) for ref in watched)
            return is_over and not seen.intersection(watched) & self.pool.dropped
        if rule == "any":
            return bool(good)
        if "ref" in self.options:
            return good == set(self.meant)
        listed = self.wire.deliveries[0].running
        return bool(good) and listed & set(self.meant) <= good


def is_clear(sentence: str) -> bool:
    """Return whether it is a sentence for people: one line, without a repr or traceback."""
    wrong = ("Traceback", "Error(", "object at 0x", "\x1b", "\n")
    return 10 < len(sentence) < 3000 and not any(part in sentence for part in wrong)
