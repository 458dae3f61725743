# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server's own Python SDK, the package XenAPI, as a client of the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Life, Simulator
from ansible_collections.xen.xapi.tests.simulator.api import declared
from ansible_collections.xen.xapi.tests.simulator.classes import TABLES
from ansible_collections.xen.xapi.tests.simulator.values import NOT_IMPLEMENTED
from ansible_collections.xen.xapi.tests.unit.simulator.client import MISSING, PASSWORD, Start

XenAPI = pytest.importorskip("XenAPI", reason="the package XenAPI is not installed")


@pytest.fixture
def session(simulator: Simulator) -> Iterator[Any]:
    found = XenAPI.Session(simulator.url)
    found.xenapi.login_with_password("root", PASSWORD, "1.0", "unit")
    yield found
    found.xenapi.session.logout()


def test_login_opens_and_logout_closes_session(simulator: Simulator) -> None:
    session = XenAPI.Session(simulator.url)
    session.xenapi.login_with_password("root", PASSWORD, "1.0", "unit")
    assert len(simulator.sessions()) == 1
    assert simulator.master_ref in session.xenapi.host.get_all()
    session.xenapi.session.logout()
    assert simulator.sessions() == []


def test_bad_credentials_raise_authentication_failure(simulator: Simulator) -> None:
    session = XenAPI.Session(simulator.url)
    with pytest.raises(XenAPI.Failure) as caught:
        session.xenapi.login_with_password("root", "wrong", "1.0", "unit")
    assert caught.value.details[:2] == ["SESSION_AUTHENTICATION_FAILED", "root"]


def test_task_record_values_are_decoded(session: Any) -> None:
    task = session.xenapi.task.create("é <x>", "")
    records = session.xenapi.task.get_all_records()
    assert list(records) == [task]
    assert records[task]["name_label"] == "é <x>"
    assert records[task]["progress"] == 0.0
    assert str(records[task]["finished"]) == "19700101T00:00:00Z"
    assert session.xenapi.task.cancel(task) == ""


def test_api_error_raises_failure_with_details(session: Any) -> None:
    with pytest.raises(XenAPI.Failure) as caught:
        session.xenapi.task.get_record(MISSING)
    assert caught.value.details == ["HANDLE_INVALID", "task", MISSING]


def test_task_is_watched_until_success_and_destroyed(session: Any, simulator: Simulator) -> None:
    simulator.operations.lives["VM.snapshot"] = Life(duration=0.1, steps=2)
    vm = session.xenapi.VM.get_by_name_label("web-1")[0]
    task = session.xenapi.Async.VM.snapshot(vm, "x")
    token = ""
    seen: list[str] = []
    while not seen or seen[-1] == "pending":
        answer = session.xenapi.event_from([f"task/{task}"], token, 5.0)
        token = answer["token"]
        seen += [event["snapshot"]["status"] for event in answer["events"]]
    assert seen[-1] == "success"
    snapshot = session.xenapi.VM.get_by_name_label("x")[0]
    assert session.xenapi.task.get_result(task) == f"<value>{snapshot}</value>"
    session.xenapi.task.destroy(task)
    assert session.xenapi.task.get_all() == []


def test_login_to_supporter_raises_host_is_slave(start: Start) -> None:
    simulator = start(supporters=1)
    session = XenAPI.Session(simulator.hosts[1].url)
    with pytest.raises(XenAPI.Failure) as caught:
        session.xenapi.login_with_password("root", PASSWORD, "1.0", "unit")
    assert caught.value.details == ["HOST_IS_SLAVE", "127.0.0.1"]


def test_every_class_can_be_listed(start: Start) -> None:
    simulator = start(product="xcp-ng-8.3", supporters=1)
    session = XenAPI.Session(simulator.url)
    session.xenapi.login_with_password("root", PASSWORD, "1.0", "unit")
    sizes = {
        name: len(getattr(session.xenapi, name).get_all_records())
        for name in TABLES
        if f"{name}.get_all_records" in simulator.dispatcher.methods
        and not declared(f"{name}.get_all_records").is_removed
    }
    session.xenapi.session.logout()
    expected = {"host": 2, "host_cpu": 32, "PBD": 8, "PIF": 2, "VM": 7, "VIF": 3, "console": 2}
    assert {name: sizes[name] for name in expected} == expected
    assert len(sizes) > 50


def test_events_of_all_classes_begin_with_every_object(start: Start) -> None:
    simulator = start(product="xcp-ng-8.3")
    session = XenAPI.Session(simulator.url)
    session.xenapi.login_with_password("root", PASSWORD, "1.0", "unit")
    answer = session.xenapi.event_from(["*"], "", 5.0)
    seen = {event["class"] for event in answer["events"]}
    assert {"pool", "host", "vm", "vbd", "vif", "pif", "pbd", "sr", "vdi", "console"} <= seen
    counted = {name: int(count) for name, count in answer["valid_ref_counts"].items() if int(count)}
    assert counted["vm"] == sum(event["class"] == "vm" for event in answer["events"])
    vm = session.xenapi.VM.get_by_name_label("web-1")[0]
    session.xenapi.VM.set_name_label(vm, "renamed")
    (event,) = session.xenapi.event_from(["*"], answer["token"], 5.0)["events"]
    assert (event["operation"], event["snapshot"]["name_label"]) == ("mod", "renamed")
    session.xenapi.session.logout()


def test_client_logs_in_again_after_restart_of_master(start: Start) -> None:
    simulator = start(product="xcp-ng-8.3")
    session = XenAPI.Session(simulator.url)
    session.xenapi.login_with_password("root", PASSWORD, "1.0", "unit")
    session.xenapi.pool.get_all()
    simulator.restart_master()
    assert session.xenapi.pool.get_all() == [simulator.inventory.pool]
    session.xenapi.session.logout()


def test_message_that_the_simulator_lacks_raises_its_own_failure(session: Any) -> None:
    with pytest.raises(XenAPI.Failure) as caught:
        session.xenapi.VM.retrieve_wlb_recommendations(MISSING)
    assert caught.value.details == [NOT_IMPLEMENTED, "VM.retrieve_wlb_recommendations"]
