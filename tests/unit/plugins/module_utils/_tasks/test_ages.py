# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._tasks.ages import (
    NO_CLOCKS,
    Bounds,
    Clocks,
    Creation,
    Doubt,
    estimate_creation,
    host_clock,
    is_within,
)

NOW = 1_800_000_000
START = NOW - 1000
HOST, MASTER = "OpaqueRef:host", "OpaqueRef:master"


def clocks(*, lead=(0.0, 0.0), started=START, master_started=START):
    starts = {"master_started": master_started}
    return Clocks(
        {
            HOST: host_clock("xcp2", lead=lead, started=started, **starts),
            MASTER: host_clock("xcp1", lead=(0.0, 0.0), started=master_started, **starts),
        },
        MASTER,
    )


def problem(created, host=HOST, now=NOW, **options):
    return estimate_creation(created, host, clocks=clocks(**options), now=now).problem


AHEAD, BEHIND = {"lead": (99.0, 101.0)}, {"lead": (-101.0, -99.0)}


@pytest.mark.parametrize(
    ("created", "options", "reason"),
    [
        (NOW, {}, ""),
        (NOW + 60, {}, ""),
        (NOW + 61, {}, "in the future"),
        (NOW + 161, AHEAD, ""),
        (NOW + 162, AHEAD, "in the future"),
        (NOW + 61, BEHIND, "in the future"),
        (START - 2, {}, ""),
        (START - 3, {}, "on its host"),
        (START - 103, {**AHEAD, "master_started": None}, ""),
        (START - 104, {**AHEAD, "master_started": None}, "on its host"),
        (START - 3, BEHIND, "on its host"),
        (START - 3, {"started": START - 500}, "on the pool's master"),
        (START - 103, {"started": START - 500, **BEHIND}, ""),
        (START - 104, {"started": START - 500, **BEHIND}, "on the pool's master"),
        (START - 3, {"started": START - 500, **AHEAD}, "on the pool's master"),
        (1104537600, {"started": None, "master_started": None}, ""),
        (1104537599, {"started": None, "master_started": None}, "before 2005"),
        (1104537599, {"started": 1.0, "master_started": 1.0}, "before 2005"),
        (NOW, {"lead": None}, "could not be read"),
        (NOW, {"host": "OpaqueRef:other"}, "could not be read"),
        (NOW, {"host": None}, "could not be read"),
        (None, {}, "no time that can be read"),
        (NOW, {"now": None}, "server's time cannot be read"),
    ],
)
def test_reports_why_creation_time_is_unusable(created, options, reason):
    found = problem(created, **options)
    assert found.endswith(reason) if reason else found == ""


@pytest.mark.parametrize(
    ("lead", "earliest", "latest"),
    [
        ((0.0, 0.0), NOW, NOW),
        ((99.0, 101.0), NOW - 101, NOW),
        ((-101.0, -99.0), NOW, NOW + 101),
    ],
)
def test_creation_range_spans_host_and_master_clocks(lead, earliest, latest):
    found = estimate_creation(NOW, HOST, clocks=clocks(lead=lead), now=NOW)
    assert found == Creation(earliest, latest)


@pytest.mark.parametrize("host", [HOST, "", None])
def test_single_known_clock_dates_tasks_of_any_host(host):
    alone = Clocks({MASTER: clocks().hosts[MASTER]}, MASTER)
    assert estimate_creation(NOW, host, clocks=alone, now=NOW) == Creation(NOW, NOW)
    assert estimate_creation(NOW, host, clocks=NO_CLOCKS, now=NOW) == Creation(NOW, NOW)


# Of a task that was created between 10 and 20: alone, counted, and as young as possible.
@pytest.mark.parametrize(
    ("bounds", "left", "counted", "young"),
    [
        ((10, 20), True, True, True),
        ((5, 15), False, True, False),
        ((15, 25), False, True, True),
        ((12, 18), False, True, False),
        ((21, 30), False, False, False),
        ((0, 9), False, False, False),
        ((20, 20), False, True, True),
        ((10, 10), False, True, False),
    ],
)
def test_uncertain_creation_time_matches_according_to_doubt_policy(bounds, left, counted, young):
    found = {doubt: is_within(Creation(10, 20), Bounds(*bounds), doubt) for doubt in Doubt}
    assert found == {Doubt.LEAVE: left, Doubt.COUNT: counted, Doubt.YOUNG: young}


def test_clock_that_starts_at_zero_dates_no_task():
    """XAPI started in 1970 then, by the same clock."""
    options = {"started": 10.0, "master_started": 10.0}
    assert problem(500, **options) == "that is before 2005"
    assert problem(NOW, **options) == ""
