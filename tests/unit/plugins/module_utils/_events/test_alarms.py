# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._events.alarms import Alarm, Alarms
from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def task(progress=0.0, status="pending"):
    return Task("ref", {"status": status, "progress": progress})


def due(alarms, *tasks):
    return [alarm.type for alarm in alarms.take_due(tasks or [task()])]


def test_no_limit_means_no_alarm(clock):
    alarms = Alarms(stalled_after=None, long_running_after=None, clock=clock)
    alarms.update(task(), min_age=1e9)
    assert due(alarms) == []
    assert alarms.next_in == math.inf
    assert alarms.options == ()


def test_stall_is_reported_once_for_each_state(clock):
    alarms = Alarms(stalled_after=60, long_running_after=None, clock=clock)
    alarms.update(task(0.1), min_age=0)
    assert alarms.next_in == 60
    clock.now += 60
    assert alarms.take_due([task(0.1)]) == [Alarm("stalled", "ref", 60)]
    alarms.update(task(0.1), min_age=0)
    clock.now += 600
    assert due(alarms, task(0.1)) == []
    assert alarms.next_in == math.inf
    alarms.update(task(0.2), min_age=0)
    assert alarms.next_in == 60
    clock.now += 60
    assert due(alarms, task(0.2)) == ["stalled"]


def test_interruption_does_not_repeat_reported_stall(clock):
    alarms = Alarms(stalled_after=60, long_running_after=None, clock=clock)
    alarms.update(task(0.1), min_age=0)
    clock.now += 60
    assert due(alarms, task(0.1)) == ["stalled"]
    alarms.interrupt()
    alarms.update(task(0.1), min_age=0)
    clock.now += 60
    assert due(alarms, task(0.1)) == []


def test_interruption_starts_time_without_progress_again(clock):
    alarms = Alarms(stalled_after=60, long_running_after=None, clock=clock)
    alarms.update(task(0.1), min_age=0)
    clock.now += 59
    alarms.interrupt()
    clock.now += 59
    assert due(alarms, task(0.1)) == []
    clock.now += 1
    assert due(alarms, task(0.1)) == ["stalled"]


def test_long_run_is_reported_once_by_age_at_first_record(clock):
    alarms = Alarms(stalled_after=None, long_running_after=100, clock=clock)
    alarms.update(task(), min_age=90)
    assert due(alarms) == []
    assert alarms.next_in == 10
    clock.now += 10
    # The server's clock was set back meanwhile.
    alarms.update(task(0.5), min_age=0)
    assert due(alarms, task(0.5)) == ["long_running"]
    assert due(alarms, task(0.5)) == []
    assert alarms.next_in == math.inf


def test_ended_task_is_forgotten(clock):
    alarms = Alarms(stalled_after=60, long_running_after=60, clock=clock)
    alarms.update(task(), min_age=0)
    alarms.forget("ref")
    assert alarms.next_in == math.inf
    alarms.update(task(), min_age=60)
    assert due(alarms) == ["stalled", "long_running"]
