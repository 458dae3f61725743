# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A day of an event source with many interruptions, in virtual time."""

from __future__ import annotations

import functools
import itertools
import os

import pytest

from ansible_collections.xen.xapi.tests.property.test_task_events import LABEL, judge
from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool
from ansible_collections.xen.xapi.tests.support.virtual.source import ENDS, source_on

HOURS = int(os.environ.get("RELIABILITY_HOURS", "24"))
RESTARTS = HOURS * 50 // 24


def day_of_restarts(pool, *, hours, restarts):
    """A restart, a failover or an outage every half hour, and a task every four minutes."""
    lost = functools.partial(pool.fail, "event.from", error=["EVENTS_LOST"], count=1)
    happenings = itertools.cycle([*pool.interruptions(), lost])
    span = hours * 3600
    for number, happening in zip(range(restarts), happenings, strict=False):
        pool.at(600 + number * (span - 1200) / restarts, happening)
    for number, outcome in zip(range(span // 240), itertools.cycle(ENDS), strict=False):
        life = Life(duration=100, outcome=outcome, deleted_after=400)
        pool.at(number * 240, lambda life=life: pool.add_task(LABEL, life=life))
    return span


@pytest.mark.parametrize("method", ["events", "poll"])
def test_each_end_of_a_day_of_restarts_is_one_event(method):
    """24 hours with 50 interruptions, 240 with 500 in the long form; its state does not grow."""
    pool = VirtualPool()
    span = day_of_restarts(pool, hours=HOURS, restarts=RESTARTS)
    sizes = []
    with source_on(
        pool,
        method=method,
        poll_interval="15s",
        hostname=["10.0.0.1", "10.0.0.2"],
        stalled_after="1h",
        long_running_after="1h",
    ) as source:
        for hour in range(1, HOURS + 1):
            pool.at(hour * 3600, lambda: sizes.append(state_size(source.source)))
        source.run(span + 1)
        judge(source)
        missed = missing_ends(source)
    assert missed == set()
    assert len(source.of(*ENDS)) > 12 * HOURS
    assert len(source.of("gap")) >= RESTARTS / 2
    assert len(sizes) == HOURS
    # The number of present tasks varies.
    assert max(sizes[HOURS // 2 :]) <= 1.5 * max(sizes[: HOURS // 2])
    assert pool.sessions() == []


def missing_ends(source):
    """The tasks that ended and stayed for two minutes of answers, but have no event."""
    pool = source.pool
    told = set(source.refs(*ENDS, "disappeared"))
    found = set()
    for ref, label in pool.labels.items():
        if label == LABEL and pool.ends(ref) and ref not in told:
            ended, gone = pool.ends(ref)[0][0], pool.gone_at(ref) or pool.now()
            if gone - ended > 120:
                found.add(ref)
    return found


def state_size(source):
    """How many objects the condition of a source and its parts hold."""
    waiting, seen, count = [source], set(), 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, (str, int, float, bool, type(None))):
            continue
        seen.add(id(one))
        if isinstance(one, dict):
            count += len(one)
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, (list, tuple, set, frozenset)) or type(one).__name__ == "deque":
            count += len(one)
            waiting += one
        elif "._events." in type(one).__module__ or "._wait." in type(one).__module__:
            waiting.append(vars(one) if hasattr(one, "__dict__") else [])
    return count
