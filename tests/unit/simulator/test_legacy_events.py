# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""event.register, next, unregister and get_current_id."""

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.support.polling import wait_until
from ansible_collections.xen.xapi.tests.unit.simulator.client import (
    Background,
    Client,
    Connect,
)


def test_next_requires_registration(root: Client) -> None:
    track = hashlib.md5(root.session.encode(), usedforsecurity=False).hexdigest()
    assert root.error("event.next") == ["SESSION_NOT_REGISTERED", f"trackid={track}"]
    assert root("event.register", ["task"]) == ""


def test_next_returns_events_since_registration(root: Client, still: Simulator) -> None:
    root.task("before")
    root("event.register", ["task"])
    number = root("event.get_current_id")
    task = root.task()
    added = root("task.get_record", task)
    root("task.set_progress", task, 0.5)
    changed = root("task.get_record", task)
    still.destroy_task(task)
    common = {"timestamp": "1800000000.", "class": "task", "ref": task}
    assert root("event.next") == [
        {**common, "id": str(number), "operation": "add", "snapshot": added},
        {**common, "id": str(number + 1), "operation": "mod", "snapshot": changed},
        {**common, "id": str(number + 2), "operation": "del", "snapshot": changed},
    ]
    assert root("event.get_current_id") == number + 3


def test_next_returns_each_event_once(root: Client) -> None:
    root("event.register", ["task"])
    root.task()
    second = root.task()
    assert len(root("event.next")) == 2
    root("task.set_progress", second, 0.5)
    assert [event["operation"] for event in root("event.next")] == ["mod"]


def test_next_returns_only_registered_events(root: Client, still: Simulator) -> None:
    task = root.task()
    root("event.register", [f"task/{task}", "VM"])
    root.task()
    root("task.set_progress", task, 0.5)
    still.database.write("VM", still.find("VM", "web-1"), "name_description", "x")
    assert [event["class"] for event in root("event.next")] == ["task", "vm"]
    root("event.unregister", ["vm"])
    still.database.write("VM", still.find("VM", "web-1"), "name_description", "y")
    root("task.set_progress", task, 0.6)
    assert [event["class"] for event in root("event.next")] == ["task"]


def test_next_blocks_until_event(root: Client, still: Simulator, background: Background) -> None:
    root("event.register", ["task"])
    waiting = background(root, "event.next")
    assert wait_until(lambda: any(call.method == "event.next" for call in still.log))
    still.advance(60)
    task = root.task()
    assert waiting.result()[0]["ref"] == task


def test_collector_pass_sends_pool_event(
    root: Client, still: Simulator, background: Background
) -> None:
    root("event.register", ["*"])
    waiting = background(root, "event.next")
    assert wait_until(lambda: any(call.method == "event.next" for call in still.log))
    still.collect()
    (event,) = waiting.result()
    assert (event["class"], event["operation"]) == ("pool", "mod")
    assert event["snapshot"]["uuid"] == still.pool_uuid


def test_logout_wakes_blocked_next(
    still: Simulator, connect: Connect, background: Background
) -> None:
    client = connect(still)
    client("event.register", ["task"])
    waiting = background(client.error, "event.next")
    assert wait_until(lambda: any(call.method == "event.next" for call in still.log))
    client("session.logout")
    assert waiting.result()[0] in ("SESSION_INVALID", "SESSION_NOT_REGISTERED")


def test_queue_overflow_reports_events_lost_once(
    root: Client, still: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "ansible_collections.xen.xapi.tests.simulator.legacy_events"
    monkeypatch.setattr(f"{module}.MAX_QUEUE_LENGTH", 3)
    root("event.register", ["task"])
    for _unused in range(4):
        root.task()
    assert root.error("event.next") == ["EVENTS_LOST"]
    task = root.task()
    assert [event["ref"] for event in root("event.next")] == [task]


def test_registered_session_receives_events_caused_by_others(
    root: Client, still: Simulator, connect: Connect
) -> None:
    other = connect(still, "read-only")
    other("event.register", ["task"])
    task = root.task()
    assert other("event.next")[0]["ref"] == task
    assert root.error("event.next")[0] == "SESSION_NOT_REGISTERED"
