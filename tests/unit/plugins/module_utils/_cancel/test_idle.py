# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._cancel.idle import IdleCondition
from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._wait.disappearance import Disappearances
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import Decision
from ansible_collections.xen.xapi.tests.support.virtual.wait import on


@pytest.fixture
def watch_for(virtual):
    """Watches tasks for 10 s, and returns the condition."""

    def run(*refs, timeout=20.0):
        def make_condition(session):
            return IdleCondition(
                session,
                [task(virtual, ref) for ref in refs],
                idle_for=10.0,
                server_time=lambda: int(virtual.now()),
                disappearances=Disappearances(session),
                clock=virtual.now,
            )

        with on(virtual, make_condition, timeout=timeout) as wait:
            wait.wait()
            return wait.condition

    return run


def task(pool, ref):
    return Task(ref, pool.record(ref))


def test_task_is_idle_after_all_of_idle_for(virtual, watch_for):
    ref, began = virtual.add_task("idle", progress=0.4), virtual.now()
    condition = watch_for(ref)
    assert condition.decision is Decision.MET
    assert virtual.now() - began >= 10
    assert condition.was_idle(task(virtual, ref))


def test_shorter_watch_does_not_meet_the_condition(virtual, watch_for):
    assert watch_for(virtual.add_task("idle"), timeout=9.0).decision is Decision.PENDING


def test_progress_after_the_watch_counts(virtual, watch_for):
    ref = virtual.add_task("moves late")
    condition = watch_for(ref)
    virtual.set_task(ref, progress=0.1)
    assert not condition.was_idle(task(virtual, ref))


def test_progress_during_the_watch_counts_even_if_it_goes_back(virtual, watch_for):
    ref = virtual.add_task("moves")
    virtual.at(3, lambda: virtual.set_task(ref, progress=0.1))
    virtual.at(6, lambda: virtual.set_task(ref, progress=0.0))
    assert not watch_for(ref).was_idle(task(virtual, ref))


def test_task_that_was_not_watched_is_not_idle(virtual, watch_for):
    condition = watch_for(virtual.add_task("idle"))
    assert not condition.was_idle(Task("OpaqueRef:other", {"progress": None}))
