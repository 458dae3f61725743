# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An event source in virtual time under faults, judged by the history of the pool."""

from __future__ import annotations

import json
import random
import traceback
from collections import Counter
from typing import Any

from ansible_collections.xen.xapi.plugins.module_utils._errors import XapiError
from ansible_collections.xen.xapi.plugins.module_utils._messages import error_message
from ansible_collections.xen.xapi.tests.fault_injection.faults import FAULTS, Campaign, MangledWire
from ansible_collections.xen.xapi.tests.fault_injection.virtual_runs import (
    STATUS_FAULTS,
    Outcome,
    is_clear,
)
from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.invariants import Checks
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool
from ansible_collections.xen.xapi.tests.support.virtual.source import (
    ENDS,
    VirtualSource,
    source_on,
)

LABELS = ("Async.VM.copy", "Async.VM.migrate_send", "{{ x }}\x1b[2J" + "y" * 2000)
SECONDS = 500
FAULTS_UNTIL = 90
CALM = 200.0
"""Seconds without a fault, after which the source must have reported every end that is listed."""
OPTIONS: list[dict[str, Any]] = [
    {},
    {"method": "poll", "poll_interval": "10"},
    {"method": "events"},
    {"name_regex": "VM|x"},
    {"stalled_after": "1m", "long_running_after": "2m"},
]


class SourcePlay:
    """One run of the event source on a pool of its own, all of it drawn from a seed."""

    module = "task_events"

    def __init__(self, seed: str) -> None:
        self.chance = random.Random(f"source {seed}")
        self.pool = VirtualPool()
        self.wire = MangledWire(self.pool)
        self.options = self.chance.choice(OPTIONS)
        self.faults = self.chance.choices(list(FAULTS), k=self.chance.randint(1, 4))
        self.checks = Checks()
        self.text = ""
        for _number in range(self.chance.randint(2, 6)):
            self.pool.at(self.chance.choice([0.0, 1.0, self.chance.random() * 90]), self._add_task)

    def _add_task(self) -> None:
        chance = self.chance
        life = Life(
            duration=chance.choice([None, 0.2, 3.0, 12.0, 45.0, 90.0]),
            outcome=chance.choice(ENDS),
            gap=chance.choice([0.0, 0.004]),
            deleted_after=chance.choice([None, None, None, 30.0]),
        )
        host = chance.choice([self.pool.master, self.pool.supporter])
        self.pool.add_task(chance.choice(LABELS), life=life, resident_on=host.ref)

    def run(self) -> Outcome:
        campaign = Campaign(self.pool, self.wire, self.chance)
        for name in self.faults:
            moment = self.chance.random() * FAULTS_UNTIL
            self.pool.at(moment, lambda name=name: FAULTS[name](campaign))
        ending, session = "went on", None
        try:
            with source_on(self.pool, wire=self.wire, **self.options) as source:
                session = source.session
                source.run(SECONDS)
                self._judge_events(source)
        except XapiError as error:
            ending, self.text = "error", error_message(error)
            self.checks.check("one clear sentence", is_clear(self.text))
        except Exception:
            self.text = traceback.format_exc()
            self.checks.violations.append(f"an error of ours alone: {self.text}")
        self.text += json.dumps([source.events, source.warnings])
        secrets = {self.pool.password, *self.wire.used_sessions}
        self.checks.check("no secret in the output", not any(one in self.text for one in secrets))
        self.checks.check("no template in the output", "{{" not in self.text)
        left = set(self.pool.sessions()) & self.wire.used_sessions - self.wire.ended_sessions
        self.checks.check("no session left", session is not None and not left)
        return Outcome(
            self.faults, f"task_events {ending}", self.checks.counts, self.checks.violations
        )

    def _judge_events(self, source: VirtualSource) -> None:
        pool = self.pool
        ends = Counter(source.refs(*ENDS, "disappeared"))
        self.checks.check("each end once", max(ends.values(), default=1) == 1)
        if STATUS_FAULTS & set(self.faults):
            return
        for event in source.of(*ENDS):
            ref = event["task"]["ref"]
            is_true = event["type"] in {status for _at, status in pool.ends(ref)}
            self.checks.check("no false end", is_true)
        for event in source.of("disappeared"):
            is_true = event["outcome"] == "unknown" or event["task"]["ref"] not in pool.dropped
            self.checks.check("no false disappearance", is_true)
        self._judge_completeness(source, set(ends))

    def _judge_completeness(self, source: VirtualSource, told: set[str]) -> None:
        """In the calm at the end, a listing shows every task that ended and is still there."""
        # A proxy that rejects the events alone leaves nothing calm.
        calm_since = source.pool.now() - CALM
        if max(self.wire.troubled_at) > calm_since or not self.wire.deliveries:
            return
        baseline = self.wire.deliveries[0].finished
        ended = {ref for ref in self.pool.present() if self.pool.ends(ref)}
        first_answer = self.wire.deliveries[0].at
        late = {ref for ref in ended if self.pool.ends(ref)[0][0] > first_answer}
        self.checks.check("no missed end", late - baseline <= told)
