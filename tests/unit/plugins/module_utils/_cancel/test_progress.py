# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._cancel.idle import IdleCondition
from ansible_collections.xen.xapi.plugins.module_utils._cancel.operation import CancelOperation
from ansible_collections.xen.xapi.plugins.module_utils._cancel.progress import observe
from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._wait.disappearance import Disappearances
from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.samples import ENDLESS, UNCANCELLABLE
from ansible_collections.xen.xapi.tests.support.virtual.screen import Screen
from ansible_collections.xen.xapi.tests.support.virtual.wait import on


@pytest.fixture
def lines(virtual):
    """Runs one part of a cancel, and returns the lines."""
    screen = Screen(virtual.now)

    def run_part(make_part, *, timeout):
        with on(
            virtual,
            make_part,
            timeout=timeout,
            make_observer=lambda part: observe(part, screen, clock=virtual.now),
        ) as run:
            run.wait()
        return screen.texts

    return run_part


def test_line_tells_which_tasks_have_ended(virtual, lines):
    refs = [virtual.add_task("deaf", life=UNCANCELLABLE, progress=0.43)]
    refs += [virtual.add_task(f"ends {number}", life=ENDLESS) for number in range(5)]
    tasks = [Task(ref, virtual.record(ref)) for ref in refs]

    def make_operation(session):
        return CancelOperation(
            session,
            tasks,
            session_generation=1,
            waits=True,
            deadline=virtual.now() + 20,
            clock=virtual.now,
        )

    line = lines(make_operation, timeout=20)[0]
    assert line.startswith("xcp1 | deaf 43 %")
    assert "; 1 of 6 tasks running; ended: " in line
    assert "(cancelled)" in line
    assert line.endswith("and 2 more")


def test_line_tells_how_long_tasks_are_watched_for(virtual, lines):
    refs = [virtual.add_task("moves", life=Life(duration=100, steps=100)), virtual.add_task("idle")]
    tasks = [Task(ref, virtual.record(ref)) for ref in refs]

    def make_condition(session):
        return IdleCondition(
            session,
            tasks,
            idle_for=60,
            server_time=lambda: int(virtual.now()),
            disappearances=Disappearances(session),
            clock=virtual.now,
        )

    texts = lines(make_condition, timeout=70)
    assert texts[0].startswith("xcp1 | 1 of 2 tasks made progress; watching for another 5")
