# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties of ages, with any clocks of the hosts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.xapi.plugins.module_utils._tasks.ages import (
    Bounds,
    Doubt,
    estimate_creation,
    is_within,
)
from ansible_collections.xen.xapi.plugins.module_utils._tasks.clocks import read_time
from ansible_collections.xen.xapi.tests.property.strategies import THOROUGHLY
from ansible_collections.xen.xapi.tests.simulator.garbage_collector import moment
from ansible_collections.xen.xapi.tests.simulator.values import Date
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool
from ansible_collections.xen.xapi.tests.support.virtual.transport import (
    VirtualWire,
    virtual_session,
)

ROUNDING = 1.0
"""Times of the server are whole seconds."""
OFFSETS = st.one_of(
    st.just(0.0), st.floats(-10, 10), st.floats(-300, 300), st.floats(-(10.0**8), 10.0**8)
)
AGES = st.one_of(st.floats(0, 10), st.floats(0, 600), st.floats(0, 40 * 86400))
LATENCIES = st.sampled_from([0.001, 0.3, 4.0])


def seconds(moment_):
    return int(moment(Date.at(moment_)))


class Case:
    """A task of a supporter, and the known facts about it."""

    def __init__(self, offset, age, latency, by_master, set_right):
        """The clock of the supporter is off; it made the task, unless the master handed it on.

        Where the clock was set right or wrong since, the record was written by a right one.
        """
        pool = VirtualPool()
        pool.inventory.set_clock(pool.supporter.ref, offset)
        self.created = pool.now() - age
        written = self.created + (0.0 if by_master or set_right else offset)
        with virtual_session(VirtualWire(pool, latency=latency), pool) as session:
            self.now, clocks = read_time(session, ["min_age"], clock=pool.now)
        self.age = self.now - self.created
        # Both clocks were read to the second while a request was on its way.
        self.tolerance = 2 * ROUNDING + 4 * latency
        self.creation = estimate_creation(
            seconds(written), pool.supporter.ref, clocks=clocks, now=self.now
        )


CASES = st.builds(Case, OFFSETS, AGES, LATENCIES, st.booleans(), st.booleans())
BOUNDS = st.one_of(st.floats(0, 10), st.floats(0, 600), st.floats(0, 40 * 86400))


@THOROUGHLY
@given(case=CASES, min_age=BOUNDS)
def test_cleanup_and_listing_never_select_too_young_tasks(case, min_age):
    bounds = Bounds(latest=case.now - min_age)
    for doubt in (Doubt.LEAVE, Doubt.YOUNG):
        if is_within(case.creation, bounds, doubt):
            assert case.age >= min_age - case.tolerance


@THOROUGHLY
@given(case=CASES, before=BOUNDS)
def test_wait_and_listing_never_omit_tasks_created_after_bound(case, before):
    bounds = Bounds(earliest=case.now - before)
    if case.age <= before - case.tolerance:
        for doubt in (Doubt.COUNT, Doubt.YOUNG):
            assert is_within(case.creation, bounds, doubt)


@THOROUGHLY
@given(case=CASES, low=BOUNDS, high=BOUNDS)
def test_cleanup_selects_subset_and_wait_superset_of_age_range(case, low, high):
    oldest, youngest = max(low, high), min(low, high)
    bounds = Bounds(earliest=case.now - oldest, latest=case.now - youngest)
    if is_within(case.creation, bounds, Doubt.LEAVE):
        assert youngest - case.tolerance <= case.age <= oldest + case.tolerance
    if youngest + case.tolerance <= case.age <= oldest - case.tolerance:
        assert is_within(case.creation, bounds, Doubt.COUNT)
