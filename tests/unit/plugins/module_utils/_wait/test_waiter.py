# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import Selection
from ansible_collections.xen.xapi.plugins.module_utils._wait.completion import CompletionCondition
from ansible_collections.xen.xapi.plugins.module_utils._wait.quiet import QuietCondition
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import (
    CompletionRules,
    Decision,
)
from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.virtual.wait import on


def waiting(pool, refs, **options):
    selection = Selection(refs=tuple(refs))
    return on(
        pool,
        lambda session: CompletionCondition(session, selection, CompletionRules(), clock=pool.now),
        **options,
    )


@pytest.mark.parametrize("count", [1, 1000])
def test_idle_wait_sends_at_most_five_requests_per_minute(virtual, count):
    refs = [virtual.add_task("idle") for _number in range(count)]
    with waiting(virtual, refs, timeout=600) as run:
        run.wait()
    assert run.wire.requests <= 5 * 10


def test_idle_quiet_wait_sends_at_most_five_requests_per_minute(virtual):
    def make_condition(session):
        return QuietCondition(session, Selection(), quiet_for=600, clock=virtual.now)

    with on(virtual, make_condition, timeout=900) as run:
        run.wait()
        assert run.decision is Decision.MET
    assert run.wire.requests <= 5 * 10


def test_response_latency_does_not_count_as_quiet_time(virtual):
    def make_condition(session):
        return QuietCondition(session, Selection(), quiet_for=35, clock=virtual.now)

    with on(virtual, make_condition, timeout=300, latency=6) as run:
        run.wait()
        assert run.decision is Decision.MET
    last = virtual.log.of("event.from")[-1]
    assert last.at - run.wire.deliveries[0].at >= 35


def test_completion_is_detected_immediately(virtual):
    """Its writes are looked at without a pause: the first of them tells that the last is near."""
    ref = virtual.add_task("ends", life=Life(duration=5, steps=1, gap=0.005))
    with waiting(virtual, [ref], timeout=60) as run:
        run.wait()
        assert run.decision is Decision.MET
    ((at, _status),) = virtual.ends(ref)
    assert virtual.now() - at < 0.01


def test_successive_completions_are_batched_into_fewer_requests(virtual):
    refs = [virtual.add_task(f"ends {number}") for number in range(500)]
    for number, ref in enumerate(refs):
        virtual.at(1 + number / 100, lambda ref=ref: virtual.set_task(ref, status="success"))
    with waiting(virtual, refs, timeout=60) as run:
        run.wait()
        assert run.decision is Decision.MET
    assert run.wire.requests < 300


def test_slow_pool_is_not_polled_continuously(virtual):
    ref = virtual.add_task("idle")
    virtual.fail("task.get_record", delay=3.0, count=None)
    with waiting(virtual, [ref], timeout=60, method="poll") as run:
        run.wait()
    methods = [method for _at, method in run.wire.asked_at]
    assert methods.count("task.get_record") <= 60 / 4 + 2
