# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clocks of the hosts, which tests set ahead and behind."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.simulator import Life, Simulator, VirtualClock
from ansible_collections.xen.xapi.tests.simulator.inventory import UP_FOR
from ansible_collections.xen.xapi.tests.simulator.values import Date
from ansible_collections.xen.xapi.tests.unit.simulator.client import Connect, Start

HOUR = 3600.0


@pytest.fixture
def still(start: Start) -> Simulator:
    """A pool of two hosts whose time stands still."""
    return start(clock=VirtualClock(), supporters=1)


def read(pool: Simulator, ref: str, field: str) -> str:
    return str((pool.record(ref) or {})[field])


def test_new_pool_starts_with_uptime_of_one_month(still: Simulator) -> None:
    for host in still.hosts:
        config = still.database.read("host", host.ref)["other_config"]
        assert config["agent_start_time"] == f"{still.clock.now() - UP_FOR:.0f}."
        assert float(config["boot_time"]) < float(config["agent_start_time"])


@pytest.mark.parametrize("offset", [-120.0, 120.0])
def test_servertime_uses_clock_of_its_host(
    still: Simulator, connect: Connect, offset: float
) -> None:
    still.set_clock(1, offset)
    client, now = connect(still), still.clock.now()
    times = [client("host.get_servertime", host.ref) for host in still.hosts]
    assert times == [Date.at(now), Date.at(now + offset)]


def test_created_date_uses_clock_of_resident_host(still: Simulator) -> None:
    still.set_clock(1, -120)
    now, supporter = still.clock.now(), still.hosts[1].ref
    assert read(still, still.add_task("x"), "created") == Date.at(now)
    ref = still.add_task("x", resident_on=supporter)
    assert read(still, ref, "created") == Date.at(now - 120)
    given = still.add_task("x", resident_on=supporter, created=Date.at(7))
    assert read(still, given, "created") == Date.at(7)


def test_master_clock_sets_task_dates_and_collection_age(
    still: Simulator, connect: Connect
) -> None:
    client = connect(still)
    hung = still.add_task("x")
    still.set_clock(0, 25 * HOUR)
    ended = still.add_task("y", life=Life(duration=1))
    called = client("Async.VM.clone", still.find("VM", "db-1"), "copy")
    still.advance(5)
    now = still.clock.now() + 25 * HOUR
    assert read(still, ended, "created") == Date.at(now - 5)
    assert read(still, ended, "finished") == Date.at(now - 4)
    assert read(still, called, "created") == Date.at(now - 5)
    still.collect()
    still.collect()
    assert still.record(hung) is None
    assert still.record(ended) is not None


def test_promoted_host_uses_its_clock(still: Simulator) -> None:
    still.set_clock(1, -HOUR)
    still.promote(1)
    now = still.clock.now() - HOUR
    assert read(still, still.add_task("x"), "created") == Date.at(now)
    config = still.database.read("host", still.hosts[1].ref)["other_config"]
    assert config["agent_start_time"] == f"{now:.0f}."


def test_supporter_restart_records_start_time_by_host_clock(still: Simulator) -> None:
    def start() -> float:
        host = still.database.read("host", still.hosts[1].ref)
        return float(host["other_config"]["agent_start_time"])

    still.set_clock(1, -60 * 86400)
    still.restart_supporter(1)
    assert start() == still.clock.now() - 60 * 86400
    still.restart_supporter(1)
    assert start() == still.clock.now() - 60 * 86400 + 1
