# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control endpoint, by which a playbook controls the simulator."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator, VirtualClock
from ansible_collections.xen.xapi.tests.simulator.values import Date
from ansible_collections.xen.xapi.tests.support.polling import TIMEOUT
from ansible_collections.xen.xapi.tests.unit.simulator.client import MISSING, Client, Connect, Start

VERBS = (
    "add_task add_garbage_collection set_task destroy_task record find life fail heal collect "
    "advance sessions logout_all calls restart_master restart_supporter promote set_clock "
    "boot take_down bring_up restart_life add_plugin write stop"
)


class ControlClient:
    """A client like a playbook with ansible.builtin.uri."""

    def __init__(self, simulator: Simulator) -> None:
        self._client = Client(simulator.url)

    def document(self, verb: str, **arguments: Any) -> dict[str, Any]:
        answer = self._client.post(json.dumps(arguments), f"/simulator/{verb}")
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        document: dict[str, Any] = answer.json
        return document

    def __call__(self, verb: str, **arguments: Any) -> Any:
        return self.document(verb, **arguments)["result"]


@pytest.fixture
def opened(start: Start) -> Simulator:
    return start(control=True, clock=VirtualClock(), supporters=1)


@pytest.fixture
def control(opened: Simulator) -> ControlClient:
    return ControlClient(opened)


def test_control_endpoint_is_disabled_by_default(simulator: Simulator) -> None:
    answer = Client(simulator.url).post("{}", "/simulator/sessions")
    assert (answer.status, answer.headers["content-type"]) == (500, "text/html")


def test_tasks_are_added_changed_and_destroyed(opened: Simulator, control: ControlClient) -> None:
    added = control("add_task", label="x", life={"duration": 60, "error": ["A"]}, progress=0.5)
    record = control("record", ref=added["ref"])
    assert (record["uuid"], record["progress"]) == (added["uuid"], 0.5)
    control("set_task", ref=added["ref"], name_description="y")
    assert (opened.record(added["ref"]) or {})["name_description"] == "y"
    control("advance", seconds=60)
    assert control("record", ref=added["ref"])["status"] == "success"
    control("destroy_task", ref=added["ref"])
    assert control("record", ref=added["ref"]) is None


def test_outcome_of_method_can_be_configured(
    opened: Simulator, control: ControlClient, connect: Connect
) -> None:
    control("life", method="VM.snapshot", duration=1, outcome="failure", error=["A", "b"])
    vm = control("find", kind="VM", label="web-1")
    task = connect(opened)("Async.VM.snapshot", vm, "x")
    control("advance", seconds=1)
    assert control("record", ref=task)["error_info"] == ["A", "b"]


def test_faults_are_injected_and_removed(
    opened: Simulator, control: ControlClient, connect: Connect
) -> None:
    client = connect(opened)
    control("fail", method="task.get_all", count=None, error=["X"])
    assert client.error("task.get_all") == ["X"]
    control("heal")
    assert client("task.get_all") == []


def test_sessions_and_calls_are_reported_and_logged_out(
    opened: Simulator, control: ControlClient, connect: Connect
) -> None:
    client = connect(opened)
    client.error("task.get_record", MISSING)
    assert control("sessions") == 1
    calls = control("calls", method="task.get_record")
    gone = ["HANDLE_INVALID", "task", MISSING]
    assert calls == [
        {"method": "task.get_record", "params": [MISSING], "user": "root", "error": gone}
    ]
    assert len(control("calls")) == 2
    control("logout_all")
    assert control("sessions") == 0


def test_collect_verb_deletes_expired_task(opened: Simulator, control: ControlClient) -> None:
    task = control("add_task", label="x", status="success", finished="19700101T00:00:00Z")["ref"]
    control("collect")
    assert opened.record(task) is None


def test_boot_and_restart_master_verbs_affect_master(
    opened: Simulator, control: ControlClient, connect: Connect
) -> None:
    connect(opened)
    control("boot", place=0)
    assert opened.hosts[0].emergency == ["HOST_STILL_BOOTING"]
    control("boot", place=0, error=[])
    control("restart_master")
    assert opened.sessions() == []


def test_supporter_verbs_restart_stop_set_clock_and_promote(
    opened: Simulator, control: ControlClient
) -> None:
    there = opened.hosts[1]
    carried = control("add_task", label="x", resident_on=there.ref)["ref"]
    control("restart_supporter", place=1)
    assert opened.record(carried) is None
    control("take_down", place=1)
    assert not opened.inventory.is_live(there.ref)
    control("bring_up", place=1)
    assert opened.inventory.is_live(there.ref)
    control("set_clock", place=1, offset=-120)
    late = control("add_task", label="x", resident_on=there.ref, age=60)["ref"]
    assert control("record", ref=late)["created"] == Date.at(opened.clock.now() - 180)
    control("promote", place=1)
    assert opened.master is there


@pytest.mark.parametrize("verb", ["restart_master", "take_down"])
def test_verb_that_stops_its_host_is_still_answered(opened: Simulator, verb: str) -> None:
    body = "{}" if verb == "restart_master" else '{"place": 0}'
    assert Client(opened.url).post(body, f"/simulator/{verb}").json == {"result": None}
    opened.hosts[0].down()


@pytest.mark.parametrize(
    ("verb", "arguments", "text"),
    [
        ("nope", {}, "no such verb; there are add_garbage_collection, add_plugin"),
        ("add_task", {}, "label"),
        ("add_task", {"label": "x", "life": {"durance": 1}}, "a life has no ['durance']"),
        ("destroy_task", {"ref": MISSING}, "HANDLE_INVALID"),
        ("find", {"kind": "VM", "label": "none"}, "not enough values"),
    ],
)
def test_invalid_request_returns_error_text(
    control: ControlClient, verb: str, arguments: dict[str, Any], text: str
) -> None:
    assert text in control.document(verb, **arguments)["error"]


def test_unknown_verb_error_lists_all_verbs(control: ControlClient) -> None:
    listed = control.document("nope")["error"].rpartition("there are ")[2].split(", ")
    assert sorted(listed) == sorted(VERBS.split())


def test_restart_life_plugins_and_fields_are_set_from_outside(
    opened: Simulator, control: ControlClient
) -> None:
    control("restart_life", away=5, startup=1)
    assert (opened.restarts.usual.away, opened.restarts.usual.startup) == (5, 1)
    control("add_plugin", name="updater.py", check="[]")
    assert opened.inventory.plugins == {"updater.py": {"check": "[]"}}
    vm = opened.find("VM", "db-1")
    control("write", table="VM", ref=vm, field="user_version", value=7)
    assert opened.database.read("VM", vm)["user_version"] == 7


def test_stop_is_answered_before_the_server_ends(opened: Simulator, control: ControlClient) -> None:
    closing = threading.Thread(target=opened.hosts[0].close)
    ended = threading.Event()

    def end() -> None:
        closing.start()
        closing.join()
        ended.set()

    opened.end = end
    assert control("stop") is None
    assert ended.wait(TIMEOUT)


def test_empty_and_long_bodies_are_accepted(opened: Simulator, control: ControlClient) -> None:
    assert Client(opened.url).post(b"", "/simulator/sessions").json == {"result": 0}
    assert control("add_task", label="x" * 400_000)["ref"] in opened.database["task"]
