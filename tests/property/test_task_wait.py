# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties of task_wait, checked against the pool's own history.

The module's verdict is compared with what the pool did and with what came through the wire whole,
never with what the module says of the tasks.
"""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import Selection
from ansible_collections.xen.xapi.plugins.module_utils._wait.completion import CompletionCondition
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import (
    CompletionRules,
    Decision,
)
from ansible_collections.xen.xapi.tests.property.strategies import (
    MOMENTS,
    THOROUGHLY,
    TROUBLES,
    lives,
    schedule,
)
from ansible_collections.xen.xapi.tests.simulator.tasks import FINAL
from ansible_collections.xen.xapi.tests.support.samples import NO_REF
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool
from ansible_collections.xen.xapi.tests.support.virtual.wait import on

# After a trouble it may take the longest pause, and then the time between two looks.
TO_NOTICE = 10.0 + 30.0 + 2.0

RULES = st.builds(
    CompletionRules,
    wait_for=st.sampled_from(["all", "any"]),
    expect=st.sampled_from(
        [frozenset({"success"}), frozenset({"success", "cancelled"}), frozenset(FINAL)]
    ),
    fail_fast=st.booleans(),
    on_missing=st.sampled_from(["fail", "ok", "wait"]),
    on_gone=st.sampled_from(["fail", "ok"]),
)
TIMEOUTS = st.sampled_from([0.2, 5.0, 31.0, 100.0, 300.0])
METHODS = st.sampled_from(["auto", "auto", "events", "poll"])


def gate_on(pool, selection, rules, **options):
    return on(
        pool,
        lambda session: CompletionCondition(session, selection, rules, clock=pool.now),
        **options,
    )


@THOROUGHLY
@given(
    lived=st.lists(st.tuples(lives(), st.booleans()), min_size=1, max_size=4),
    has_missing=st.sampled_from([False, False, True]),
    rules=RULES,
    transient_errors=TROUBLES,
    timeout=TIMEOUTS,
    method=METHODS,
)
def test_wait_by_uuid_or_ref_matches_pool_history(
    lived, has_missing, rules, transient_errors, timeout, method
):
    pool = VirtualPool()
    refs = [pool.add_task("Async.VM.copy", life=life) for life, _by_uuid in lived]
    uuids = {ref: pool.record(ref)["uuid"] for ref in refs if pool.record(ref)}
    by_uuid = {ref for (_life, is_by_uuid), ref in zip(lived, refs, strict=True) if is_by_uuid}
    selection = Selection(
        uuids=tuple(uuids[ref] for ref in refs if ref in by_uuid),
        refs=tuple(ref for ref in refs if ref not in by_uuid) + (NO_REF,) * has_missing,
    )
    with gate_on(pool, selection, rules, timeout=timeout, method=method) as run:
        schedule(pool, run.wire, transient_errors)
        run.wait()

    ends = {ref: pool.ends(ref) for ref in refs}
    gone = {ref: pool.gone_at(ref) for ref in refs}
    told = {ref: run.wire.delivered.get(ref) or run.wire.delivered.get(uuids[ref]) for ref in refs}
    met = {ref for ref in refs if any(status in rules.expect for _at, status in ends[ref])}
    spoilt = {ref for ref in refs if any(status not in rules.expect for _at, status in ends[ref])}
    reported_met = {ref for ref in refs if told[ref] in rules.expect}
    disappeared = {ref for ref in refs if gone[ref] is not None}
    if rules.wait_for == "any":
        judge_any(run, refs, met, spoilt, reported_met, disappeared, has_missing)
    else:
        judge_all(run, refs, met, spoilt, reported_met, disappeared, has_missing)

    # The wait learns the actual state in time, even if events are lost.
    statuses = {ref: pool.status(ref) for ref in refs}
    settled = [ends[ref][-1][0] if statuses[ref] in FINAL else gone[ref] for ref in refs]
    may_be_awaited = rules.on_missing == "wait" and (has_missing or disappeared)
    if None not in settled and not may_be_awaited:
        settled_at, deadline = max(run.began, *settled), run.began + timeout
        calm_since = max(settled_at, *run.wire.troubled_at, *pool.restarts)
        assert run.ended <= max(calm_since + TO_NOTICE, run.began + 1)
        if not transient_errors and settled_at < deadline:
            assert run.decision is not Decision.PENDING


def judge_all(run, refs, met, spoilt, reported_met, disappeared, has_missing):
    rules = run.condition.rules
    if run.decision is Decision.MET:
        may_be_left_out = disappeared if "ok" in (rules.on_gone, rules.on_missing) else set()
        assert met | may_be_left_out >= set(refs)
        assert not has_missing or rules.on_missing == "ok"
    elif run.decision is Decision.FAILED:
        lost = disappeared if "fail" in (rules.on_gone, rules.on_missing) else set()
        assert spoilt or lost or (has_missing and rules.on_missing == "fail")
    if reported_met == set(refs) and not (has_missing and rules.on_missing != "ok"):
        assert run.decision is Decision.MET


def judge_any(run, refs, met, spoilt, reported_met, disappeared, has_missing):
    if run.decision is Decision.MET:
        assert met
    elif run.decision is Decision.FAILED:
        assert spoilt | disappeared >= set(refs)
        assert not (has_missing and run.condition.rules.on_missing == "wait")
    if reported_met:
        assert run.decision is Decision.MET


@THOROUGHLY
@given(
    lived=st.lists(st.tuples(lives(), MOMENTS), max_size=3),
    early=st.lists(lives(), max_size=2),
    old=st.lists(st.sampled_from(["success", "failure"]), max_size=2),
    rules=RULES.filter(lambda rules: rules.wait_for == "all"),
    transient_errors=TROUBLES,
    timeout=TIMEOUTS,
    method=METHODS,
    by_regex=st.booleans(),
)
def test_wait_by_label_or_regex_matches_pool_history(
    lived, early, old, rules, transient_errors, timeout, method, by_regex
):
    label = "Async.VM.copy"
    pool = VirtualPool()
    for status in old:
        pool.add_task(label, status=status)
    for life in early:
        pool.add_task(label, life=life)
    for life, moment in lived:
        pool.at(moment, lambda life=life: pool.add_task(label, life=life))
    selection = (
        Selection(name_regex=re.compile("VM.copy")) if by_regex else Selection(name_label=label)
    )
    with gate_on(pool, selection, rules, timeout=timeout, method=method) as run:
        schedule(pool, run.wire, transient_errors)
        run.wait()

    listed = [at for at, method in run.wire.asked_at if method == "task.get_all_records"]
    if run.decision is Decision.MET:
        first, last = listed[0], listed[-1]
        assert not running_at(pool, label, last)
        running = running_at(pool, label, first)
        if rules.on_gone == "fail":
            ends = [{status for _at, status in pool.ends(ref)} for ref in running]
            assert all(statuses & rules.expect for statuses in ends)
        if rules.on_missing != "ok":
            # An old success is none: something must have run, or come and ended, since.
            late = [c.ref for c in pool.history if c.at >= first and c.status is not None]
            assert running or late


def running_at(pool, label, moment):
    """The tasks with a label that were there and had not ended, not even for a while."""
    found = {}
    for change in pool.history:
        if change.at <= moment and found.get(change.ref) not in FINAL:
            found[change.ref] = change.status
    return {
        ref
        for ref, status in found.items()
        if status is not None and status not in FINAL and pool.labels[ref] == label
    }
