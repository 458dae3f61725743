# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that a simulator that serves for hours does not grow."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Life, Simulator, VirtualClock, database
from ansible_collections.xen.xapi.tests.unit.simulator.client import PASSWORD, Client

ROUNDS = int(os.environ.get("RELIABILITY_CHURN", "300"))
"""Rounds of the churn; each makes and deletes five tasks and a snapshot within 60 s."""
GROWTH = 200
"""Blocks of memory by which the second half may grow: caches of the interpreter."""
HTTP_EVERY = 30
EXPORT = Life(duration=0.0, steps=1)


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    # Fewer remembered deletions reach their limit within a short run.
    monkeypatch.setattr(database, "MAX_DELETIONS", 40)
    monkeypatch.setattr(database, "KEPT_DELETIONS", 20)
    with Simulator(clock=VirtualClock(), product="xcp-ng-8.3", supporters=1) as simulator:
        simulator.log.limit = 200_000
        simulator.operations.lives["VM.export"] = EXPORT
        yield simulator


def churn(simulator: Simulator, number: int) -> None:
    """Do what clients do in a minute: sessions, tasks, events, snapshots, faults, a restart."""

    def call(method: str, *params: Any) -> Any:
        return simulator.call(method, session, *params)

    session = simulator.call("session.login_with_password", "root", PASSWORD, "", f"n{number % 7}")
    token = call("event.from", ["task", "vm"], "", 0.0)["token"]
    vm = simulator.find("VM", "web-1")
    tasks = [call("task.create", f"task {number}", "") for _unused in range(3)]
    tasks += [call("Async.VM.snapshot", vm, f"snapshot {number}"), call("Async.SR.scan", "x")]
    call("task.cancel", tasks[0])
    simulator.fail("task.get_record", ref=tasks[1], error=["X"])
    simulator.advance(30)
    call("event.from", ["task", "vm"], token, 0.0)
    (snapshot,) = simulator.database.find_by_name("VM", f"snapshot {number}")
    call("task.set_status", tasks[0], "success")
    devices = [call("VBD.get_record", vbd) for vbd in call("VM.get_VBDs", snapshot)]
    call("Async.VM.destroy", snapshot)
    # A VM that is deleted leaves its disks.
    for device in devices:
        if not device["empty"]:
            call("Async.VDI.destroy", device["VDI"])
    simulator.advance(30)
    for task in call("task.get_all"):
        call("task.set_status", task, "success")
        call("task.destroy", task)
    simulator.heal()
    if number % 10 == 0:
        simulator.restart_supporter(1)
        simulator.set_clock(1, number)
    if number % HTTP_EVERY == 0:
        client = Client(simulator.url, "root")
        target = f"/export?session_id={client.session}&ref={simulator.find('VM', 'db-1')}"
        assert client.post(b"", target, method="GET").status == 200
        client.logout()
    call("session.logout")


def blocks() -> int:
    gc.collect()
    return sys.getallocatedblocks()


def test_memory_does_not_grow_with_the_number_of_calls(simulator: Simulator) -> None:
    sizes = []
    for number in range(2 * ROUNDS):
        churn(simulator, number)
        if (number + 1) % (ROUNDS // 4) == 0:
            sizes.append(blocks())
    print(f"{2 * ROUNDS} rounds of churn: blocks of memory {sizes}")
    assert max(sizes[4:]) - max(sizes[1:4]) < GROWTH, sizes
    assert simulator.sessions() == []
    assert len(simulator.database["task"].deletions) <= 40
