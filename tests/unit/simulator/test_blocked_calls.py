# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""event.from without an event yet: causes to wake up, and the timeout."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.simulator.clock import SoloClock
from ansible_collections.xen.xapi.tests.support.polling import wait_until
from ansible_collections.xen.xapi.tests.unit.simulator.client import (
    Background,
    Client,
    Connect,
    Start,
    kinds,
)

DAY = 86400


@pytest.fixture
def alone(start: Start) -> Simulator:
    """One whose time moves on where a call waits, to the moment at which the wait ends."""
    return start(clock=SoloClock(), collects=False)


def parse_seconds(simulator: Simulator, client: Client, timeout: Any) -> float:
    """Return how long a call waits without an event."""
    began = simulator.clock.now()
    assert client("event.from", ["task"], "", timeout)["events"] == []
    return simulator.clock.now() - began


@pytest.mark.parametrize("timeout", [0, 0.0, "0", -1e-10, 4e-10])
def test_zero_or_negligible_timeout_returns_immediately(root: Client, timeout: Any) -> None:
    assert root("event.from", ["task"], "", timeout)["events"] == []


def test_timeout_returns_no_events_and_same_token(alone: Simulator, connect: Connect) -> None:
    client = connect(alone)
    token = client.events(["task"])["token"]
    began = alone.clock.now()
    answer = client.events(["task"], token, 30.0)
    assert (answer["events"], answer["token"]) == ([], token)
    assert alone.clock.now() - began == 30


@pytest.mark.parametrize("timeout", [-1, -1e300, float("nan"), float("inf"), 2**53 / 1e9, "nan"])
def test_invalid_timeout_counts_as_one_day(
    alone: Simulator, connect: Connect, timeout: Any
) -> None:
    assert parse_seconds(alone, connect(alone), timeout) == DAY


def test_timeout_may_exceed_one_day(alone: Simulator, connect: Connect) -> None:
    longest = 2**53 / 1e9 - 1
    assert parse_seconds(alone, connect(alone), longest) == pytest.approx(longest, abs=0.001, rel=0)


def test_change_wakes_blocked_call(root: Client, still: Simulator, background: Background) -> None:
    one, two = root.task(), root.task()
    token = root.events(["task"])["token"]
    waiting = background(root.events, [f"task/{one}"], token, 60.0)
    assert wait_until(lambda: still.events.blocked == 1)
    root("task.set_progress", two, 0.5)
    root("task.set_progress", one, 0.5)
    assert kinds(waiting.result()) == [("mod", one)]


def test_deletion_wakes_blocked_call(
    root: Client, still: Simulator, background: Background
) -> None:
    task = root.task()
    token = root.events(["task"])["token"]
    waiting = background(root.events, [f"task/{task}"], token, 60.0)
    assert wait_until(lambda: still.events.blocked == 1)
    still.destroy_task(task)
    assert kinds(waiting.result()) == [("del", task)]


def test_200_calls_can_be_blocked_at_once(
    simulator: Simulator, client: Client, background: Background
) -> None:
    tasks = [client.task() for _unused in range(200)]
    token = client.events(["task"])["token"]
    waiting = [background(client.events, [f"task/{task}"], token, 60.0) for task in tasks]
    assert wait_until(lambda: simulator.events.blocked == 200)
    assert client("task.get_status", tasks[0]) == "pending"
    for task in tasks:
        simulator.set_task(task, progress=0.5)
    for task, call in zip(tasks, waiting, strict=True):
        assert kinds(call.result()) == [("mod", task)]
    assert simulator.events.blocked == 0


def test_subscriptions_to_classes_other_than_task_pause_first(
    simulator: Simulator, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[float] = []
    monkeypatch.setattr(simulator.clock, "pause", paused.append)
    client.events(["task"])
    client.events([])
    assert paused == []
    client.events(["task", "vm"])
    client.events(["*"])
    assert paused == [0.05, 0.05]
