# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Async forms of messages that are done at once: of tasks, events and sessions."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.unit.simulator.client import (
    MISSING,
    Client,
    Connect,
    now,
)

MESSAGES: list[tuple[str, list[Any]]] = [
    ("task.cancel", [MISSING]),
    ("task.add_to_other_config", [MISSING, "a", "b"]),
    ("task.remove_from_other_config", [MISSING, "a"]),
    ("task.set_other_config", [MISSING, {}]),
    ("event.register", [["task"]]),
    ("event.unregister", [["task"]]),
]


@pytest.mark.parametrize(("method", "params"), MESSAGES)
def test_async_call_without_task_returns_dummy_reference(
    client: Client, method: str, params: list[Any]
) -> None:
    made = client(f"Async.{method}", *params)
    assert made.startswith("DummyRef:|")
    assert made.endswith(f"|Async.{method}")
    assert client("task.get_all") == []


def test_internal_async_call_creates_task(root: Client, still: Simulator) -> None:
    task = root.task()
    made = root("InternalAsync.task.cancel", task)
    assert root("task.get_current_operations", task) == {made: "cancel"}
    label, status, result = now(still, made, "name_label", "status", "result")
    assert (label, status) == ("InternalAsync.task.cancel", "success")
    assert result == "<value></value>"
    made = root("InternalAsync.task.cancel", MISSING)
    gone = ["HANDLE_INVALID", "task", MISSING]
    assert now(still, made, "status", "error_info") == ("failure", gone)


def test_internal_async_call_ignores_task_id_header(root: Client, still: Simulator) -> None:
    task, vm = root.task(), still.find("VM", "web-1")
    for sent in (task, MISSING):
        made = root("InternalAsync.task.cancel", task, headers={"task-id": sent})
        assert now(still, made, "name_label", "status") == ("InternalAsync.task.cancel", "success")
        made = root("InternalAsync.VM.clean_reboot", vm, headers={"task-id": sent})
        assert now(still, made, "name_label") == "InternalAsync.VM.clean_reboot"


def test_async_call_without_task_takes_effect(client: Client) -> None:
    task = client.task()
    client("Async.task.set_other_config", task, {"a": "1", "b": "2"})
    client("Async.task.remove_from_other_config", task, "a")
    client("Async.task.add_to_other_config", task, "c", "3")
    assert client("task.get_other_config", task) == {"c": "3", "b": "2"}
    client("Async.event.register", ["task"])
    client.task()
    assert client("event.next")[0]["operation"] == "add"
    client("Async.event.unregister", ["task"])


def test_denied_async_call_without_task_returns_no_error(
    simulator: Simulator, connect: Connect
) -> None:
    reader = connect(simulator, "read-only")
    task, other = reader.task(), connect(simulator).task()
    reader("Async.task.add_to_other_config", task, "applies_to", "x")
    reader("Async.task.add_to_other_config", other, "a", "x")
    assert reader("task.get_other_config", task) == reader("task.get_other_config", other) == {}


def test_async_call_stores_result_in_task(root: Client, still: Simulator, connect: Connect) -> None:
    def ask() -> str:
        task = root("Async.session.get_all_subject_identifiers")
        assert now(still, task, "name_label") == "Async.session.get_all_subject_identifiers"
        assert now(still, task, "status", "progress") == ("success", 1.0)
        result: str = now(still, task, "result")
        return result

    assert ask() == "<value><array><data></data></array></value>"
    connect(still, "vm-admin")
    assert ask() == "<value><array><data><value>u:vm-admin</value></data></array></value>"


def test_async_logout_subject_identifier_reports_outcome_in_task(
    still: Simulator, root: Client, connect: Connect
) -> None:
    admin = connect(still, "vm-admin")
    task = admin("Async.session.logout_subject_identifier", "u:vm-admin")
    status, error = now(still, task, "status", "error_info")
    denied = ["RBAC_PERMISSION_DENIED", "session.logout_subject_identifier"]
    assert (status, error[:2]) == ("failure", denied)
    task = root("Async.session.logout_subject_identifier", "u:vm-admin")
    assert now(still, task, "status", "result") == ("success", "<value></value>")
    assert still.sessions() == [root.session]


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("event.from", [["task"], "", 0.0]),
        ("event.inject", ["task", MISSING]),
        ("event.next", []),
        ("event.get_current_id", []),
        ("session.logout", []),
        ("session.get_uuid", [MISSING]),
        ("host.get_servertime", [MISSING]),
    ],
)
def test_methods_without_async_form_are_rejected(
    client: Client, method: str, params: list[Any]
) -> None:
    found = client.error(f"Async.{method}", *params)
    assert found == ["Fault", f"No async mode for this operation (rpc: {method})"]
