# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tasks task_cancel selects: doubt spares a task."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.samples import ENDLESS, LONG_AGO


@pytest.fixture
def old(pool):
    """Adds a task that has been running for years."""

    def add(label, **fields):
        return pool.add_task(label, created=LONG_AGO, life=ENDLESS, **fields)

    return add


def actions(result):
    return {action: len(uuids) for action, uuids in result["by_action"].items() if uuids}


@pytest.mark.parametrize("exclude", [{}, {"exclude": []}, {"exclude": "plugin"}], ids=str)
def test_housekeeping_is_spared_whatever_exclude_says(cancel, old, exclude):
    old("SR.scan")
    result = cancel(name_regex=r"SR\..*", **exclude)
    assert (actions(result), len(result["excluded"])) == ({"skipped": 1}, 1)


def test_housekeeping_is_cancelled_if_it_is_included(cancel, old):
    old("SR.scan")
    assert actions(cancel(name_regex=r"SR\..*", include_housekeeping=True)) == {"cancelled": 1}


def test_exclude_spares_tasks_besides_housekeeping(cancel, old):
    for label in ("SR.scan", "SR.probe", "SR.update"):
        old(label)
    result = cancel(name_regex=r"SR\..*", exclude="probe", max_tasks=3)
    assert actions(result) == {"cancelled": 1, "skipped": 2}
