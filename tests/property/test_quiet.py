# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties of the quiet condition, checked against the pool's own history."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import Selection
from ansible_collections.xen.xapi.plugins.module_utils._wait.quiet import QuietCondition
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import Decision
from ansible_collections.xen.xapi.tests.property.strategies import (
    MOMENTS,
    THOROUGHLY,
    TROUBLES,
    lives,
    schedule,
)
from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.simulator.tasks import FINAL
from ansible_collections.xen.xapi.tests.simulator.values import Date
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool
from ansible_collections.xen.xapi.tests.support.virtual.wait import on

LABEL = "Async.VM.copy"
MAX_GAP = 32.1
SELECTIONS = st.sampled_from(
    [Selection(), Selection(name_label=LABEL), Selection(name_regex=re.compile("copy$"))]
)


def gate_on(pool, selection, *, quiet_for, on_gone="fail", **options):
    def make_condition(session):
        return QuietCondition(
            session, selection, quiet_for=quiet_for, on_gone=on_gone, clock=pool.now
        )

    return on(pool, make_condition, **options)


def add(pool, life, *, is_carried, age=0.0):
    carrier = {"resident_on": pool.supporter.ref} if is_carried else {}
    pool.add_task(LABEL, life=life, created=Date.at(pool.now() - age), **carrier)


@THOROUGHLY
@given(
    lived=st.lists(st.tuples(lives(), MOMENTS, st.booleans()), max_size=4),
    early=st.lists(
        st.tuples(lives(), st.booleans(), st.sampled_from([0.0, 0.0, 86350.0])), max_size=2
    ),
    selection=SELECTIONS,
    quiet_for=st.sampled_from([0.0, 1.0, 10.0, 45.0]),
    transient_errors=TROUBLES,
    timeout=st.sampled_from([50.0, 150.0, 400.0]),
    method=st.sampled_from(["auto", "auto", "events", "poll"]),
)
def test_quiet_decision_matches_pool_history(
    lived, early, selection, quiet_for, transient_errors, timeout, method
):
    pool = VirtualPool()
    for life, is_carried, age in early:
        add(pool, life, is_carried=is_carried, age=age)
    for life, moment, is_carried in lived:
        pool.at(moment, lambda life=life, c=is_carried: add(pool, life, is_carried=c))
    with gate_on(pool, selection, quiet_for=quiet_for, timeout=timeout, method=method) as run:
        schedule(pool, run.wire, transient_errors)
        run.wait()

        # Tasks that came and went unseen, as in a churn, are nobody's.
        ours = {ref for ref, label in pool.labels.items() if label == LABEL}
        seen = set().union(*(delivery.running for delivery in run.wire.deliveries))
        if run.decision is Decision.MET:
            judge_open(run, ours, quiet_for)
            assert not seen & ours & pool.dropped
        elif run.decision is Decision.FAILED:
            assert any(pool.record(ref) is None for ref in seen & ours)
        if not transient_errors and method != "poll":
            judge_promptness(run, ours, quiet_for)


def judge_open(run, ours, quiet_for):
    """In no answer during the quiet time was a match running, and the answers left no gap."""
    opened = run.wire.deliveries[-1].at
    moments = [one.at for one in run.wire.deliveries]
    began = max(at for at in moments if at <= opened - quiet_for + 0.001)
    moments = [at for at in moments if at >= began]
    window = [one for one in run.wire.deliveries if one.at >= began]
    assert not ours & set().union(*(one.running for one in window))
    assert all(b - a <= MAX_GAP for a, b in itertools.pairwise(moments))
    # Each interruption of the watch restarts the quiet time.
    assert not [at for at in run.wire.troubled_at if began < at < opened]
    # A task that an answer shows finished, and that ran in the quiet time, starts it again.
    shown = set().union(*(one.finished for one in window)) & ours
    for ref in shown:
        assert all(end <= began + 0.01 for _begin, end in running_times(run.pool, ref)), ref
    # A task that was running all the time between two answers must be in one of them.
    for ref in ours:
        for begin, end in running_times(run.pool, ref):
            overlap = min(end, opened) - max(begin, opened - quiet_for)
            assert overlap <= MAX_GAP, ref
            # The last answer cannot have a task that began while it was on its way.
            assert end < opened or begin > opened - 0.01, ref


def judge_promptness(run, ours, quiet_for):
    """Without any trouble, a pool that has become quiet is seen at once."""
    times = [time for ref in ours for time in running_times(run.pool, ref)]
    ends = [end for _begin, end in times if end < run.ended + 1]
    if len(ends) == len(times):
        since = max([run.began, *ends])
        assert run.ended <= max(since + quiet_for + 1.0, run.began + 1.0)


def running_times(pool, ref):
    """From when until when a task was running, once or more often."""
    times, begin = [], None
    for change in pool.history:
        if change.ref == ref:
            is_running = change.status is not None and change.status not in FINAL
            if is_running and begin is None:
                begin = change.at
            elif not is_running and begin is not None:
                times.append((begin, change.at))
                begin = None
    return [*times, *([(begin, float("inf"))] if begin is not None else [])]


@pytest.mark.parametrize("method", ["events", "poll"])
def test_quiet_wait_is_correct_through_day_of_restarts(method):
    """24 hours in which something begins every four minutes, and the master restarts 50 times."""
    pool = VirtualPool()
    day, happenings = 86400, itertools.cycle(pool.interruptions())
    for number, happening in zip(range(50), happenings, strict=False):
        pool.at(600 + number * 1700, happening)
    for number in range(day // 240):
        pool.at(
            number * 240,
            lambda: pool.add_task(LABEL, life=Life(duration=100, deleted_after=130)),
        )
    with gate_on(
        pool, Selection(), quiet_for=300, on_gone="ok", timeout=2 * day, method=method
    ) as run:
        run.wait()
        assert run.decision is Decision.MET
        judge_open(run, set(pool.labels), 300)
        assert day - 240 + 100 + 300 <= run.ended - run.began < day + 600
        assert len(run.condition.matches.ended.tasks) <= 200
        if method == "events":
            # Two requests for each slice, and a few for each change.
            assert run.wire.requests < 2 * day / 30 + 20 * day / 240
    assert pool.sessions() == []
