# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bounded part of all schedules, and tests that the search notices a mistake."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import TaskSet
from ansible_collections.xen.xapi.tests.model_checking.explorer import (
    RULES,
    Left,
    Player,
    Start,
    search,
)
from ansible_collections.xen.xapi.tests.model_checking.model import parse

SMALL = [
    *((rule, 1, 1, 1) for rule in RULES),
    ("all", 1, 7, 0),
    ("any", 1, 7, 0),
    ("none", 1, 3, 0),
    ("cancel", 1, 2, 0),
    ("all", 2, 2, 0),
]


def play(start, text):
    return Player(start, bound=Left(0, 0), known=None).play(parse(text)).violations


@pytest.mark.parametrize(("rule", "tasks", "steps", "transient_errors"), SMALL)
def test_all_schedules_of_few_steps_have_no_violations(rule, tasks, steps, transient_errors):
    tally = search(rule, tasks=tasks, steps=steps, transient_errors=transient_errors)
    failed = [(*map(str, outcome.schedule), outcome.violations) for _start, outcome in tally.failed]
    assert not failed
    assert tally.is_complete
    assert tally.schedules > 90


def test_search_without_merging_finds_no_failures():
    """Without merging there are more schedules, and none of them fails either."""
    merged = search("all", tasks=1, steps=2, transient_errors=0)
    whole = search("all", tasks=1, steps=2, transient_errors=0, merges=False)
    assert whole.schedules > merged.schedules
    assert not whole.failed


def test_search_is_deterministic():
    first, second = (search("none", tasks=1, steps=1, transient_errors=1) for _number in range(2))
    assert first.by_steps == second.by_steps
    assert first.checks == second.checks
    assert first.states == second.states


def test_session_lost_during_resync_restarts_quiet_time():
    """What was watched from the old session's token on was watched by nobody in the new one."""
    assert play(Start("none", 1, 1), "6:lost/0 10:logout") == []


def test_failed_event_call_at_deadline_restarts_quiet_time():
    """The final refresh falls back to polling after the cut, and must not count the time before."""
    assert play(Start("none", 1, 1), "8:success/0 11:cut") == []


def test_detects_disappeared_task_counted_as_satisfied(monkeypatch):
    def mark_gone(self, ref):
        self.running.remove(ref)
        self.satisfied.add(ref)

    monkeypatch.setattr(TaskSet, "mark_gone", mark_gone)
    tally = search("all", tasks=1, steps=1)
    assert any("no false open" in outcome.violations for _start, outcome in tally.failed)
    start, outcome = tally.failed[0]
    assert play(start, " ".join(map(str, outcome.schedule))) == outcome.violations
