# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source in random schedules; the pool's history decides whether a run is right."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.xen.xapi.plugins.module_utils._errors import XapiError
from ansible_collections.xen.xapi.tests.property.strategies import (
    MOMENTS,
    THOROUGHLY,
    TROUBLES,
    lives,
    schedule,
)
from ansible_collections.xen.xapi.tests.simulator.values import Date
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool
from ansible_collections.xen.xapi.tests.support.virtual.source import ENDS, source_on

LABEL = "Async.VM.copy"


def add(pool, life, *, is_carried, age=0.0):
    carrier = {"resident_on": pool.supporter.ref} if is_carried else {}
    return pool.add_task(LABEL, life=life, created=Date.at(pool.now() - age), **carrier)


@settings(THOROUGHLY, max_examples=100)
@given(
    lived=st.lists(st.tuples(lives(), MOMENTS, st.booleans()), max_size=4),
    early=st.lists(st.tuples(lives(), st.booleans()), max_size=2),
    transient_errors=TROUBLES,
    method=st.sampled_from(["auto", "auto", "events", "poll"]),
    options=st.sampled_from([{}, {"name_label": LABEL}, {"name_regex": "copy$"}]),
)
def test_each_visible_end_is_one_event(lived, early, transient_errors, method, options):
    pool = VirtualPool()
    for life, is_carried in early:
        add(pool, life, is_carried=is_carried)
    for life, moment, is_carried in lived:
        pool.at(moment, lambda life=life, c=is_carried: add(pool, life, is_carried=c))
    with source_on(pool, method=method, **options) as source:
        schedule(pool, source.wire, transient_errors)
        try:
            source.run(400)
        except XapiError as error:
            # Errors that a source does not retry, such as a denied login.
            pytest.fail(f"the source ended: {error!r}")
        judge(source)


def judge(source):
    """Compare the events with the answers that came through, and with the pool's history."""
    pool = source.pool
    ours = {ref for ref, label in pool.labels.items() if label == LABEL}
    ends = source.refs(*ENDS)
    told = Counter([*ends, *source.refs("disappeared")])
    # Each task has one event at most, and only for what the pool knows.
    assert max(told.values(), default=1) == 1
    assert set(told) <= ours
    for event in source.of(*ENDS):
        assert event["type"] in {status for _at, status in pool.ends(event["task"]["ref"])}
    first = source.wire.deliveries[0] if source.wire.deliveries else None
    shown = {ref for ref in source.wire.delivered if ref in ours}
    baseline = first.finished if first else set()
    assert shown - set(baseline) - set(source.refs("disappeared")) == set(ends)
    judge_history(source, ours, set(baseline), told)
    judge_disappearances(source)


def judge_history(source, ours, baseline, told):
    """What was there in its final state for longer than the source was blind has an event."""
    pool, answers = source.pool, [one.at for one in source.wire.deliveries]
    for ref in ours - baseline - set(told):
        if not pool.ends(ref):
            continue
        ended, gone = pool.ends(ref)[0][0], pool.gone_at(ref) or pool.now()
        was_listed = [at for at in answers if ended + 0.1 < at < gone - 0.1]
        full = [at for at, method in source.wire.asked_at if method == "task.get_all_records"]
        assert not [at for at in was_listed if at in full], ref


def judge_disappearances(source):
    """A task is said to have ended only if its record was not dropped for another reason."""
    for event in source.of("disappeared"):
        ref = event["task"]["ref"]
        assert event["outcome"] == "unknown" or ref not in source.pool.dropped
        assert source.pool.record(ref) is None
