# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events of hosts: restarts, a new master, emergency mode, death."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.simulator import Life, Simulator, VirtualClock
from ansible_collections.xen.xapi.tests.support.polling import wait_until
from ansible_collections.xen.xapi.tests.unit.simulator.client import (
    PASSWORD,
    Background,
    Client,
    Connect,
    Refused,
    Start,
    at_work,
)


@pytest.fixture
def pool(start: Start) -> Simulator:
    """A master and two supporters, in virtual time."""
    return start(clock=VirtualClock(), supporters=2)


def test_hosts_share_port_on_different_addresses(pool: Simulator) -> None:
    assert [host.address for host in pool.hosts] == ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    assert len({host.port for host in pool.hosts}) == 1
    assert pool.master is pool.hosts[0]
    assert pool.url == pool.hosts[0].url


def test_supporters_reject_calls_with_host_is_slave(pool: Simulator, connect: Connect) -> None:
    client = connect(pool)
    for host in pool.hosts[1:]:
        there = Client(host.url)
        for call in (
            ("session.login_with_password", "root", PASSWORD),
            ("session.login_with_password", "root", "wrong"),
            ("task.get_all", client.session),
            ("Async.VM.snapshot", client.session, "x", "y"),
            ("session.logout", client.session),
            ("a.b", client.session),
        ):
            with pytest.raises(Refused) as caught:
                there.call(*call)
            assert caught.value.error == ["HOST_IS_SLAVE", "127.0.0.1"]


def test_master_restart_drops_sessions_tasks_and_operations(
    pool: Simulator, connect: Connect
) -> None:
    client = connect(pool)
    task, vm = client.task(), pool.find("VM", "web-1")
    client("Async.VM.snapshot", vm, "x")
    pool.restart_master()
    assert pool.sessions() == []
    assert client.error("task.get_all") == ["SESSION_INVALID", client.session]
    again = connect(pool)
    assert again("task.get_all") == []
    assert again.error("task.get_record", task) == ["HANDLE_INVALID", "task", task]
    assert again("VM.get_current_operations", vm) == {}
    pool.advance(60)
    assert again("VM.get_by_name_label", "x") == []


def test_master_restart_sends_no_task_events(pool: Simulator, connect: Connect) -> None:
    client = connect(pool)
    task = client.task()
    token = client.events(["task"])["token"]
    pool.advance(5)
    pool.restart_master()
    again = connect(pool)
    assert again.events(["task", f"task/{task}"], token)["events"] == []
    started = again("host.get_other_config", pool.master_ref)["agent_start_time"]
    assert started == f"{pool.clock.now():.0f}."


def test_master_restart_breaks_open_connections(
    pool: Simulator, connect: Connect, background: Background
) -> None:
    client = connect(pool)
    waiting = [
        background(client.events, ["task/none"], "", 60.0),
        background(client, "VM.snapshot", pool.find("VM", "web-1"), "x"),
    ]
    assert wait_until(lambda: pool.events.blocked == 1 and at_work(pool))
    pool.restart_master()
    for call in waiting:
        assert isinstance(call.exception(), OSError)
    assert wait_until(lambda: pool.hosts[0].connections == 0)
    assert pool.url == pool.master.url


def test_lost_generations_hide_new_events_from_older_token(
    pool: Simulator, connect: Connect
) -> None:
    client = connect(pool)
    for _unused in range(50):
        client.task()
    token = client.events(["task"])["token"]
    pool.restart_master(generations_lost=40)
    again = connect(pool)
    task = again.task()
    assert again.events(["task"], token)["events"] == []
    assert again.events(["task"], token)["token"] == token
    assert [event["ref"] for event in again.events(["task"])["events"]] == [task]


def test_supporter_restart_deletes_its_pending_tasks(pool: Simulator, connect: Connect) -> None:
    client = connect(pool)
    vm, there = pool.find("VM", "web-1"), pool.hosts[1].ref
    pool.database.write("VM", vm, "resident_on", there)
    carried = client("Async.VM.clean_reboot", vm)
    stays = client("Async.VM.clean_reboot", pool.find("VM", "web-2"))
    ended = pool.add_task("x", status="failure", resident_on=there)
    assert client("task.get_resident_on", carried) == there
    token = client.events(["task"])["token"]
    pool.restart_supporter(1)
    assert sorted(client("task.get_all")) == sorted([stays, ended])
    (event,) = client.events(["task"], token)["events"]
    assert (event["operation"], event["ref"]) == ("del", carried)
    with pytest.raises(Refused):
        Client(pool.hosts[1].url).call("task.get_all", client.session)


def test_promotion_changes_master_and_drops_sessions_and_tasks(
    pool: Simulator, connect: Connect
) -> None:
    client = connect(pool)
    client.task()
    pool.promote(1)
    assert pool.master is pool.hosts[1]
    assert pool.sessions() == []
    with pytest.raises(Refused) as caught:
        Client(pool.hosts[0].url, "root")
    assert caught.value.error == ["HOST_IS_SLAVE", "127.0.0.2"]
    again = connect(pool)
    assert again("task.get_all") == []
    assert again("pool.get_master", again("pool.get_all")[0]) == pool.hosts[1].ref
    assert again("session.get_this_host", again.session) == pool.hosts[1].ref


def test_booting_host_rejects_calls_with_host_still_booting(
    simulator: Simulator, connect: Connect
) -> None:
    client = connect(simulator)
    simulator.boot()
    plain = Client(simulator.url)
    for version in ("", '"jsonrpc": "2.0", '):
        body = f'{{{version}"id": 7, "method": "task.get_all", "params": ["x"]}}'
        assert plain.post(body).json == {
            "jsonrpc": "2.0",
            "error": ["HOST_STILL_BOOTING"],
            "id": 0,
        }
    xml = plain.post("<methodCall><methodName>a.b</methodName><params/></methodCall>", "/")
    assert b"<value>Failure</value>" in xml.body
    assert b"<data><value>HOST_STILL_BOOTING</value></data>" in xml.body
    assert client.error("task.get_all") == ["HOST_STILL_BOOTING"]
    simulator.boot(error=())
    assert client("task.get_all") == []


def test_emergency_error_is_configurable_per_host(pool: Simulator) -> None:
    pool.boot(1, error=("HOST_UNKNOWN_TO_MASTER", "x"))
    answer = Client(pool.hosts[1].url).document("task.get_all", "x")
    assert answer["error"] == ["HOST_UNKNOWN_TO_MASTER", "x"]
    with pytest.raises(Refused) as caught:
        Client(pool.hosts[2].url).call("task.get_all", "x")
    assert caught.value.error == ["SESSION_INVALID", "x"]


def test_stopped_supporter_is_unreachable_and_not_live(pool: Simulator, connect: Connect) -> None:
    client, host = connect(pool), pool.hosts[1]
    pool.take_down(1)
    with pytest.raises(ConnectionRefusedError):
        Client(host.url).document("task.get_all", "x")
    assert client.error("host.get_servertime", host.ref) == ["HOST_OFFLINE", host.ref]
    metrics = client("host.get_metrics", host.ref)
    assert client("host_metrics.get_live", metrics) is False
    pool.bring_up(1)
    assert client("host_metrics.get_live", metrics) is True
    assert client("host.get_servertime", host.ref) == "20270115T08:00:00Z"


def test_operations_on_stopped_host_fail_with_host_offline(
    pool: Simulator, connect: Connect
) -> None:
    client, host, vm = connect(pool), pool.hosts[1], pool.find("VM", "web-1")
    pool.database.write("VM", vm, "resident_on", host.ref)
    carried = pool.add_task("x", life=Life(duration=None), resident_on=host.ref)
    task = client("Async.VM.clean_reboot", vm)
    pool.take_down(1)
    offline = ["HOST_OFFLINE", host.ref]
    assert client.error("task.cancel", task) == offline
    assert client("Async.task.cancel", task).startswith("DummyRef:")
    assert client("task.cancel", carried) == ""
    again = client("Async.VM.clean_reboot", vm)
    assert client("task.get_error_info", again) == offline
    assert client.error("host.call_plugin", host.ref, "a", "b", {}) == offline


def test_stopped_master_refuses_connections_until_started(
    simulator: Simulator, connect: Connect
) -> None:
    client = connect(simulator)
    simulator.take_down(0)
    with pytest.raises(ConnectionRefusedError):
        client("task.get_all")
    simulator.bring_up(0)
    assert client("task.get_all") == []


def test_supporter_addresses_are_configurable(start: Start) -> None:
    simulator = start(addresses=["127.0.0.9"])
    assert simulator.hosts[1].url.startswith("http://127.0.0.9:")
    with pytest.raises(ValueError, match="which are not on loopback"):
        Simulator(host="10.0.0.1", supporters=1)


def test_new_pool_has_sample_vms_disks_sr_and_network(client: Client, simulator: Simulator) -> None:
    labels = {record["name_label"]: record for record in client("VM.get_all_records").values()}
    power = {name: record["power_state"] for name, record in labels.items()}
    assert power == {"web-1": "Running", "web-2": "Running", "db-1": "Halted"}
    assert len(client("VDI.get_all")) == 3
    assert len(client("SR.get_VDIs", simulator.find("SR", "Local storage"))) == 3
    assert len(client("network.get_all")) == 1
    assert client("pool.get_uuid", client("pool.get_all")[0]) == simulator.pool_uuid


def test_tasks_option_creates_tasks_in_four_statuses(start: Start, connect: Connect) -> None:
    simulator = start(tasks=20)
    records = connect(simulator)("task.get_all_records").values()
    assert len(records) == 20
    statuses = {record["status"] for record in records}
    assert statuses == {"pending", "success", "failure", "cancelled"}


def test_sr_garbage_collection_is_not_in_current_operations(simulator: Simulator) -> None:
    sr = simulator.find("SR", "Local storage")
    ref = simulator.add_garbage_collection(sr)
    record = simulator.record(ref)
    assert record is not None
    assert (record["name_label"], record["other_config"]) == (
        "Garbage Collection",
        {"applies_to": sr},
    )
    assert simulator.database.read("SR", sr)["uuid"] in record["name_description"]
    assert record["allowed_operations"] == []
    assert simulator.database.read("SR", sr)["current_operations"] == {}


def test_direct_call_without_http_is_recorded(still: Simulator) -> None:
    session = still.call("session.login_with_password", "root", PASSWORD)
    assert still.call("task.get_all", session) == []
    still.call("session.logout", session)
    assert [call.method for call in still.log][1] == "task.get_all"


def test_real_clock_cannot_be_advanced(simulator: Simulator) -> None:
    with pytest.raises(TypeError, match="VirtualClock"):
        simulator.advance(1)
