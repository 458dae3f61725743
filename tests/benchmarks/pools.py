# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pools of a benchmark, in a process of their own; these functions are called in it."""

from __future__ import annotations

import random
import time
from typing import Any

from ansible_collections.xen.xapi.tests.simulator import Life, Simulator

USERNAME, PASSWORD = "root", "xapi-secret"
LABEL = "Async.VM.copy"
_pools: list[Simulator] = []


def start(count: int = 1, tasks: int = 0) -> list[str]:
    """The addresses of so many pools that were started now, in place of those before."""
    while _pools:
        _pools.pop().__exit__(None, None, None)
    for _number in range(count):
        _pools.append(Simulator(tasks=tasks, collects=False).__enter__())
    return [pool.url for pool in _pools]


def add_tasks(count: int, place: int = 0) -> list[str]:
    """The references of so many tasks that run on, and end at once when they are cancelled."""
    life = Life(duration=None, cancel_after=0.0)
    return [_pools[place].add_task(LABEL, life=life) for _number in range(count)]


def add_ended_task() -> list[str]:
    """The reference of a task that has succeeded."""
    return [_pools[0].add_task(LABEL, life=Life(duration=0.0))]


def add_moving_task(seconds: float, place: int) -> str:
    """The reference of a task that makes progress each second, and then succeeds."""
    return _pools[place].add_task(LABEL, life=Life(duration=seconds, steps=int(seconds)))


def end_one(ref: str, *, blocked: int, spread: float) -> float:
    """Let a task succeed at a moment by chance, once so many waits stand; and say when it did."""
    while _pools[0].events.blocked < blocked:
        time.sleep(0.002)
    time.sleep(0.05 + random.random() * spread)
    moment = time.monotonic()
    _pools[0].set_task(ref, status="success")
    return moment


def end_one_where_it_blocks(ref: str) -> float:
    return end_one(ref, blocked=1, spread=0.1)


def end_one_between_polls(ref: str) -> float:
    return end_one(ref, blocked=0, spread=2.0)


def end_one_on_the_wall_clock(ref: str) -> float:
    end_one(ref, blocked=1, spread=0.1)
    return time.time()


def revive(ref: str) -> None:
    _pools[0].set_task(ref, status="pending")


def calls(place: int = 0) -> int:
    return len(_pools[place].log)


def change(refs: list[str], seconds: float, rate: float, ends: int) -> dict[str, Any]:
    """Let tasks change so often a second each; some of them end on the way, the others at last."""
    pool, chance = _pools[0], random.Random(1)
    while not pool.events.blocked:
        time.sleep(0.002)
    moments: dict[str, float] = {}
    alive = list(refs)
    began = now = time.monotonic()
    due_ends = sorted(began + chance.random() * seconds for _number in range(ends))
    writes = 0
    while now < began + seconds:
        # As many as should have been by now, in the order of the list, again and again.
        while writes < (now - began) * rate * len(refs):
            pool.set_task(alive[writes % len(alive)], progress=chance.random())
            writes += 1
        while due_ends and due_ends[0] <= now:
            due_ends.pop(0)
            _end(alive.pop(chance.randrange(len(alive))), moments)
        time.sleep(0.002)
        now = time.monotonic()
    for ref in alive:
        _end(ref, moments)
    return {"moments": moments, "writes": writes}


def _end(ref: str, moments: dict[str, float]) -> None:
    moments[ref] = time.monotonic()
    _pools[0].set_task(ref, status="success")
