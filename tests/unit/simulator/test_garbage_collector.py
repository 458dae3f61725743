# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Garbage collection: which tasks and sessions the server deletes by itself, and when."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ansible_collections.xen.xapi.tests.simulator import Life, Simulator, VirtualClock
from ansible_collections.xen.xapi.tests.simulator.values import Date
from ansible_collections.xen.xapi.tests.unit.simulator.client import Client, Connect, Start

DAY = 86400


def finished(simulator: Simulator, count: int) -> list[str]:
    """Tasks that finished a second after another, the oldest first."""
    now = simulator.clock.now()
    dates = [Date.at(now - count + place) for place in range(count)]
    return [simulator.add_task("x", status="success", finished=date) for date in dates]


def pending(simulator: Simulator, count: int) -> list[str]:
    return [simulator.add_task("x") for _unused in range(count)]


def left(simulator: Simulator, tasks: Iterable[str]) -> list[str]:
    return [task for task in tasks if simulator.record(task) is not None]


def test_runs_every_30_seconds(still: Simulator) -> None:
    still.advance(20)
    task = still.add_task("x", status="success", finished=Date.at(0))
    still.advance(9)
    assert still.record(task)
    still.advance(1)
    assert still.record(task) is None
    again = still.add_task("x", status="success", finished=Date.at(0))
    still.advance(29)
    assert still.record(again)
    still.advance(1)
    assert still.record(again) is None


def test_automatic_collection_can_be_disabled(start: Start) -> None:
    simulator = start(clock=VirtualClock(), collects=False)
    task = simulator.add_task("x", status="success", finished=Date.at(0))
    simulator.advance(DAY)
    assert simulator.record(task)
    simulator.collect()
    assert simulator.record(task) is None


@pytest.mark.parametrize("status", ["success", "failure", "cancelled"])
@pytest.mark.parametrize(("age", "stays"), [(3900, True), (3901, False)])
def test_finished_tasks_are_kept_for_65_minutes(
    still: Simulator, status: str, age: int, stays: bool
) -> None:
    now = still.clock.now()
    old = Date.at(now - DAY)
    task = still.add_task("x", status=status, created=old, finished=Date.at(now - age))
    still.collect()
    assert bool(still.record(task)) is stays


@pytest.mark.parametrize("status", ["pending", "cancelling"])
def test_finished_date_of_unfinished_task_is_ignored(still: Simulator, status: str) -> None:
    task = still.add_task("x", status=status, finished=Date.at(0))
    still.collect()
    assert still.record(task)


def test_task_finished_by_set_status_is_deleted_on_next_pass(
    root: Client, still: Simulator
) -> None:
    task = root.task()
    root("task.set_status", task, "success")
    assert root("task.get_finished", task) == "19700101T00:00:00Z"
    still.collect()
    assert still.record(task) is None


def test_task_marked_for_destruction_is_deleted_once_finished(
    root: Client, still: Simulator
) -> None:
    task = still.add_task("x", life=Life(duration=40))
    root("task.destroy", task)
    still.advance(30)
    assert still.record(task)
    still.advance(29)
    assert root("task.get_status", task) == "success"
    still.advance(1)
    assert still.record(task) is None


@pytest.mark.parametrize(("age", "stays"), [(DAY, True), (DAY + 1, False)])
def test_pending_tasks_are_kept_for_one_day(still: Simulator, age: int, stays: bool) -> None:
    task = still.add_task("x", created=Date.at(still.clock.now() - age))
    still.collect()
    assert still.record(task), "the first pass only looks"
    still.collect()
    assert bool(still.record(task)) is stays


def test_progress_increase_keeps_old_pending_task(still: Simulator) -> None:
    task = still.add_task("x", created=Date.at(still.clock.now() - 2 * DAY))
    for progress in (0.1, 0.2, 0.3):
        still.set_task(task, progress=progress)
        still.collect()
        assert still.record(task)
    still.set_task(task, progress=0.2)
    still.collect()
    assert still.record(task) is None


def test_work_continues_after_its_task_is_deleted(still: Simulator, root: Client) -> None:
    still.operations.lives["VM.snapshot"] = Life(duration=2 * DAY, steps=1)
    task = root("Async.VM.snapshot", still.find("VM", "web-1"), "x")
    still.advance(DAY + 60)
    assert still.record(task) is None
    still.advance(DAY)
    assert still.find("VM", "x")


@pytest.mark.parametrize(
    ("ended", "at_work", "kept"),
    [(200, 0, 200), (201, 0, 0), (199, 1, 199), (199, 2, 1), (150, 60, 50), (0, 300, 0)],
)
def test_task_limit_since_25_37_subtracts_finished_from_200(
    still: Simulator, ended: int, at_work: int, kept: int
) -> None:
    waiting, done = pending(still, at_work), finished(still, ended)
    still.collect()
    assert left(still, waiting) == waiting
    assert left(still, done) == done[ended - kept :]


@pytest.mark.parametrize(
    ("ended", "at_work", "kept"),
    [(200, 0, 200), (201, 0, 200), (199, 2, 198), (150, 60, 140), (10, 300, 0)],
)
def test_task_limit_before_25_37_subtracts_pending_from_200(
    start: Start, ended: int, at_work: int, kept: int
) -> None:
    simulator = start(clock=VirtualClock(), culls_like="25.36")
    waiting, done = pending(simulator, at_work), finished(simulator, ended)
    simulator.collect()
    assert left(simulator, waiting) == waiting
    assert left(simulator, done) == done[ended - kept :]


def test_expired_tasks_do_not_count_towards_task_limit(still: Simulator) -> None:
    for _unused in range(100):
        still.add_task("x", status="success", finished=Date.at(0))
    done = finished(still, 150)
    still.collect()
    assert left(still, done) == done


def test_deletion_sends_event(root: Client, still: Simulator) -> None:
    task = root.task()
    root("task.set_status", task, "success")
    token = root.events(["task"])["token"]
    still.collect()
    (event,) = root.events(["task"], token)["events"]
    assert (event["operation"], event["ref"]) == ("del", task)


def test_idle_sessions_end_after_one_day(start: Start, connect: Connect) -> None:
    simulator = start(clock=VirtualClock(), collects=False)
    idle, used = connect(simulator), connect(simulator)
    simulator.advance(DAY - 1)
    simulator.collect()
    assert len(simulator.sessions()) == 2
    used("task.get_all")
    simulator.advance(1)
    simulator.collect()
    assert simulator.sessions() == [used.session]
    assert idle.error("task.get_all") == ["SESSION_INVALID", idle.session]


def test_session_with_pending_task_is_not_idle(start: Start, connect: Connect) -> None:
    simulator = start(clock=VirtualClock(), collects=False)
    client = connect(simulator)
    task = client.task()
    simulator.advance(DAY + 1)
    simulator.collect()
    assert simulator.sessions() == [client.session]
    simulator.set_task(task, status="success")
    simulator.collect()
    assert simulator.sessions() == []


@pytest.mark.parametrize(
    ("name", "originator", "most"),
    [("root", "mine", 500), ("root", "", 400), ("vm-admin", "mine", 500), ("vm-admin", "", 500)],
)
def test_oldest_sessions_over_group_limit_are_deleted(
    still: Simulator, name: str, originator: str, most: int
) -> None:
    made = []
    for _unused in range(most + 2):
        made.append(still.call("session.login_with_password", name, "xapi-secret", "", originator))
        still.advance(0.01)
    still.collect()
    assert sorted(still.sessions()) == sorted(made[2:])
    for session in still.sessions():
        still.logout(session)


def test_session_groups_are_limited_separately(still: Simulator) -> None:
    groups = [("root", "a"), ("root", "b"), ("root", ""), ("vm-admin", "a"), ("vm-admin-2", "a")]
    for name, originator in groups:
        for _unused in range(400):
            still.call("session.login_with_password", name, "xapi-secret", "", originator)
    still.collect()
    assert len(still.sessions()) == 5 * 400
    for session in still.sessions():
        still.logout(session)


def test_sessions_of_one_user_share_limit_across_originators(still: Simulator) -> None:
    for place in range(502):
        still.call("session.login_with_password", "vm-admin", "xapi-secret", "", str(place))
    still.collect()
    assert len(still.sessions()) == 500
    for session in still.sessions():
        still.logout(session)
