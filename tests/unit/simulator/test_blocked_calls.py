# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""event.from while nothing has happened yet: what wakes it, and when it gives up."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.patience import happens
from ansible_collections.xen.xapi.tests.simulator import Simulator, VirtualClock
from ansible_collections.xen.xapi.tests.unit.simulator.client import (
    Background,
    Client,
    Connect,
    Start,
    kinds,
)

DAY = 86400


@pytest.mark.parametrize("timeout", [0, 0.0, "0", -1e-10, 4e-10])
def test_a_poll(root: Client, timeout: Any) -> None:
    assert root("event.from", ["task"], "", timeout)["events"] == []


def test_a_timeout_is_an_empty_answer(
    root: Client, still: Simulator, background: Background
) -> None:
    token = root.events(["task"])["token"]
    waiting = background(root.events, ["task"], token, 30.0)
    assert happens(lambda: still.events.blocked == 1)
    still.advance(29.9)
    assert not waiting.done()
    still.advance(0.2)
    assert (waiting.result()["events"], waiting.result()["token"]) == ([], token)


@pytest.mark.parametrize("timeout", [-1, -1e300, float("nan"), float("inf"), 2**53 / 1e9, "nan"])
def test_a_timeout_that_is_none_is_a_day(
    start: Start, connect: Connect, background: Background, timeout: Any
) -> None:
    simulator = start(clock=VirtualClock(), collects=False)
    waiting = background(connect(simulator), "event.from", ["task"], "", timeout)
    assert happens(lambda: simulator.events.blocked == 1)
    simulator.advance(DAY - 1)
    assert not waiting.done()
    simulator.advance(1)
    assert waiting.result()["events"] == []


def test_a_timeout_may_be_longer_than_a_day(
    start: Start, connect: Connect, background: Background
) -> None:
    simulator = start(clock=VirtualClock(), collects=False)
    longest = 2**53 / 1e9 - 1
    waiting = background(connect(simulator).events, ["task"], "", longest)
    assert happens(lambda: simulator.events.blocked == 1)
    simulator.advance(longest - 1)
    assert not waiting.done()
    simulator.advance(2)
    assert waiting.result()["events"] == []


def test_a_change_wakes_a_blocked_call(
    root: Client, still: Simulator, background: Background
) -> None:
    one, two = root.task(), root.task()
    token = root.events(["task"])["token"]
    waiting = background(root.events, [f"task/{one}"], token, 60.0)
    assert happens(lambda: still.events.blocked == 1)
    root("task.set_progress", two, 0.5)
    assert not waiting.done()
    root("task.set_progress", one, 0.5)
    assert kinds(waiting.result()) == [("mod", one)]


def test_a_deletion_wakes_a_blocked_call(
    root: Client, still: Simulator, background: Background
) -> None:
    task = root.task()
    token = root.events(["task"])["token"]
    waiting = background(root.events, [f"task/{task}"], token, 60.0)
    assert happens(lambda: still.events.blocked == 1)
    still.destroy_task(task)
    assert kinds(waiting.result()) == [("del", task)]


def test_200_calls_may_be_blocked_at_once(
    simulator: Simulator, client: Client, background: Background
) -> None:
    tasks = [client.task() for _unused in range(200)]
    token = client.events(["task"])["token"]
    waiting = [background(client.events, [f"task/{task}"], token, 60.0) for task in tasks]
    assert happens(lambda: simulator.events.blocked == 200)
    assert client("task.get_status", tasks[0]) == "pending"
    for task in tasks:
        simulator.set_task(task, progress=0.5)
    for task, call in zip(tasks, waiting, strict=True):
        assert kinds(call.result()) == [("mod", task)]
    assert simulator.events.blocked == 0


def test_other_classes_wait_before_they_look(
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
