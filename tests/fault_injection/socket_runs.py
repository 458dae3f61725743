# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of the modules as processes, over sockets on which things go wrong, in shortened time."""

from __future__ import annotations

import json
import random
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from ansible_collections.xen.xapi.tests.fault_injection.faulty_proxy import (
    FAULTS,
    Fault,
    HostileWay,
)
from ansible_collections.xen.xapi.tests.fault_injection.virtual_runs import (
    LABEL,
    OTHER,
    SNAPSHOT,
    Outcome,
    is_clear,
)
from ansible_collections.xen.xapi.tests.simulator import Life, Simulator
from ansible_collections.xen.xapi.tests.simulator.tasks import FINAL
from ansible_collections.xen.xapi.tests.support.fixtures import secrets_of
from ansible_collections.xen.xapi.tests.support.invariants import Checks
from ansible_collections.xen.xapi.tests.support.module_runner import start_module_process

TIMEOUT = 3.0
REQUEST = 1.0
BY_THE_DEADLINE = TIMEOUT + 5.0 + 2.0
STARTUP = 8.0
"""Seconds until a process has begun its work, on a machine that has little else to do."""
FOR_EVER = 10**6
_OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("task_info", {}),
    ("task_wait", {"ref": "all"}),
    ("task_wait", {"ref": "all", "wait_for": "any"}),
    ("task_wait", {"ref": "all", "method": "poll", "poll_interval": "0.5"}),
    ("task_wait", {"wait_for": "none", "name_label": LABEL, "quiet_for": "0.5"}),
    ("task_cancel", {"ref": "all"}),
    ("task_cancel", {"name_label": LABEL, "min_age": "0", "max_tasks": 9}),
    ("call", {"method": "VM.snapshot", "args": [{"class": "VM", "name_label": "web-1"}, "x"]}),
]


class RealPlay:
    """One run of one module, drawn from a seed."""

    def __init__(self, seed: str, *, fault: str | None = None, startup: float = STARTUP) -> None:
        chance = random.Random(seed)
        self.chance = chance
        self.longest = BY_THE_DEADLINE + startup
        self.module, options = chance.choice(_OPTIONS)
        self.options = {**options, "request_timeout": str(REQUEST)}
        if self.module != "task_info":
            self.options["timeout"] = str(TIMEOUT)
        names = [fault] if fault else chance.choices(list(FAULTS), k=chance.choice((1, 1, 2)))
        self.faults = [
            Fault(name, chance.randint(1, 8), chance.choice((1, 2, FOR_EVER))) for name in names
        ]
        self.checks = Checks()
        self.text = ""

    def run(self, folder: Path) -> Outcome:
        """Run it in a process, with a folder of its own."""
        folder.mkdir()
        with Simulator(collects=False) as pool, HostileWay(pool, self.faults) as way:
            pool.operations.lives["VM.snapshot"] = Life(duration=0.3)
            meant = [self._task(pool, LABEL) for _number in range(3)]
            self._task(pool, OTHER)
            if "ref" in self.options:
                self.options["ref"] = meant
            began = time.monotonic()
            process = start_module_process(
                folder, self.module, pool, {**self.options, "hostname": way.url}
            )
            try:
                self.text, errors = process.communicate(timeout=self.longest + 1.0)
            except subprocess.TimeoutExpired:
                process.kill()
                self.text, errors = process.communicate()
            result = self._result(errors)
            is_told = any(secret in self.text + errors for secret in secrets_of(pool))
            self.checks.check("no secret in the output", not is_told)
            failed = bool(result.get("failed"))
            elapsed = time.monotonic() - began
            self.checks.check("an end by the deadline", elapsed <= self.longest)
            if failed:
                self.checks.check("one clear sentence", is_clear(str(result.get("msg", ""))))
            self._judge(pool, way, meant, result)
        ending = f"{self.module} {'failed' if failed else 'ok'}"
        return Outcome(
            [name for name, _method in way.hits], ending, self.checks.counts, self.checks.violations
        )

    def _task(self, pool: Simulator, label: str) -> str:
        chance = self.chance
        life = Life(
            duration=chance.choice([None, 0.3, 1.0]),
            outcome=chance.choice(["success", "success", "failure"]),
            cancel_after=chance.choice([None, 0.0, 0.3]),
        )
        return pool.add_task(label, life=life)

    def _result(self, errors: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        try:
            found = json.loads(self.text)
        except ValueError:
            self.checks.violations.append(f"no result: {self.text[-2000:]} {errors[-2000:]}")
        self.checks.check("no traceback", not errors and "Traceback" not in self.text)
        return found

    def _judge(
        self, pool: Simulator, way: HostileWay, meant: list[str], result: dict[str, Any]
    ) -> None:
        self.checks.check("no redirect followed", not way.is_followed())
        told = _told_of_sessions(result)
        self.checks.check("no session left", len(pool.sessions()) <= told)
        sent = [call.params[0] for call in pool.log.of("task.cancel")]
        may_cancel = self.module == "task_cancel"
        self.checks.check("no unexpected cancel", all(may_cancel and ref in meant for ref in sent))
        if self.module == "task_wait" and result and not result.get("failed"):
            statuses = [pool.record(ref)["status"] for ref in meant]
            rule = self.options.get("wait_for", "all")
            is_right = {
                "all": all(status == "success" for status in statuses),
                "any": "success" in statuses,
                "none": "pending" not in statuses,
            }
            self.checks.check("no false open", is_right[str(rule)])
        if self.module == "call":
            self._judge_call(pool, result)
        for task in result.get("tasks", []):
            if task.get("action") == "cancelled":
                record = pool.record(task["ref"])
                is_true = task["ref"] in sent and record["status"] == "cancelled"
                self.checks.check("cancelled by us alone", is_true)

    def _judge_call(self, pool: Simulator, result: dict[str, Any]) -> None:
        tasks = pool.database.records("task").values()
        made = [task["status"] for task in tasks if task["name_label"] == SNAPSHOT]
        self.checks.check("no second start", len(made) <= 1)
        outcome = result.get("outcome")
        if outcome == "not_started":
            self.checks.check("no false word about a call", not made)
        if outcome in FINAL:
            self.checks.check("no false word about a call", made == [outcome])


def _told_of_sessions(result: dict[str, Any]) -> int:
    """How many sessions the warnings explain: a request can take too long by itself."""
    warnings = json.dumps(result.get("warnings", []))
    lost = re.findall(r"Logins without a usable answer: (\d+)", warnings)
    stay = re.findall(r"The logout failed, so the session stays .*? it(?: \((\d+))?:", warnings)
    return sum(map(int, lost)) + sum(int(count or 1) for count in stay)
