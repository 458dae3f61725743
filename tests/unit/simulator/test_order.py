# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which order the server checks a call, and how it counts parameters."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.unit.simulator.client import MISSING, Client, Connect, Start

HALF = "\udc00"
"""Not UTF-8 once it is encoded."""


def error(client: Client, method: str, *params: Any) -> list[str]:
    found = client.document(method, *params)["error"]
    return found if isinstance(found, list) else [found["message"], *found["data"]]


def test_emergency_mode_is_checked_first(simulator: Simulator) -> None:
    simulator.boot()
    client = Client(simulator.url)
    assert error(client, "nope", b"\xff".decode("latin-1"), HALF)[0] == "HOST_STILL_BOOTING"


def test_utf_8_is_checked_before_method(client: Client) -> None:
    answer = client.post('{"jsonrpc": "2.0", "id": 1, "method": "nope", "params": ["\\udc00"]}')
    assert answer.body.startswith(b'{"jsonrpc":"2.0","error":["INVALID_VALUE"')


def test_parameter_count_is_checked_before_types(client: Client) -> None:
    assert error(client, "task.get_record", 1) == [
        "MESSAGE_PARAMETER_COUNT_MISMATCH", "task.get_record", "1", "0",
    ]  # fmt: skip


def test_types_are_checked_before_session(client: Client) -> None:
    assert error(client, "task.get_record", "no session", 1)[0] == "INTERNAL_ERROR"


def test_session_is_checked_before_object_existence(client: Client) -> None:
    assert error(client, "task.get_record", "no session", MISSING) == [
        "SESSION_INVALID", "no session",
    ]  # fmt: skip


def test_async_support_is_checked_before_role(simulator: Simulator, connect: Connect) -> None:
    reader = connect(simulator, "read-only")
    vm = simulator.find("VM", "web-1")
    assert reader.error("Async.VM.add_to_other_config", vm, "a", "b") == [
        "Fault", "No async mode for this operation (rpc: VM.add_to_other_config)",
    ]  # fmt: skip


def test_role_is_checked_before_object_existence(simulator: Simulator, connect: Connect) -> None:
    reader = connect(simulator, "read-only")
    found = reader.error("VM.add_to_other_config", MISSING, "a", "b")
    assert found[:2] == ["RBAC_PERMISSION_DENIED", "vm.add_to_other_config"]


def test_nonexistent_object_is_reported_if_role_suffices(client: Client) -> None:
    found = client.error("VM.add_to_other_config", MISSING, "a", "b")
    assert found == ["HANDLE_INVALID", "VM", MISSING]


def test_supporter_checks_session_before_host_is_slave(start: Start, connect: Connect) -> None:
    simulator = start(supporters=1)
    client = connect(simulator)
    there = Client(simulator.hosts[1].url)
    assert error(there, "task.get_all", "x") == ["SESSION_INVALID", "x"]
    assert error(there, "task.get_all", client.session) == ["HOST_IS_SLAVE", "127.0.0.1"]
    assert error(there, "Async.task.destroy", client.session, "x")[0] == "HOST_IS_SLAVE"


COUNTS = [
    ("task.get_all", [], "0", "-1"),
    ("task.get_all", ["s", "x"], "0", "1"),
    ("task.create", ["s", "x"], "2", "1"),
    ("task.create", ["s", "x", "y", "z"], "2", "3"),
    ("session.login_with_password", [], "2", "0"),
    ("session.login_with_password", ["root"], "2", "1"),
    ("session.logout", ["s", "x"], "0", "1"),
    ("VM.snapshot", ["s", "x"], "2", "1"),
]


@pytest.mark.parametrize(("method", "params", "wanted", "got"), COUNTS)
def test_parameter_count_excludes_session(
    client: Client, method: str, params: list[Any], wanted: str, got: str
) -> None:
    mismatch = ["MESSAGE_PARAMETER_COUNT_MISMATCH", method, wanted, got]
    assert error(client, method, *params) == mismatch
    assert error(client, f"Async.{method}", *params) == mismatch


@pytest.mark.parametrize("more", [[], ["1.0"], ["1.0", "me"], ["1.0", "me", "one more", 2]])
def test_login_accepts_optional_and_surplus_parameters(
    simulator: Simulator, connect: Connect, more: list[Any]
) -> None:
    client = connect(simulator)
    session = client.call("session.login_with_password", "root", "xapi-secret", *more)
    assert client("session.get_originator", session) == ("me" if len(more) > 1 else "")
    client.call("session.logout", session)


def test_type_of_optional_parameter_is_checked(client: Client) -> None:
    found = error(client, "session.login_with_password", "root", "x", "1.0", 7)
    assert found == ["INTERNAL_ERROR", "Failure(\"Expected string, got 'I(7)'\")"]


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("task.nope", "MESSAGE_METHOD_UNKNOWN"),
        ("Task.get_all", "MESSAGE_METHOD_UNKNOWN"),
        ("task_get_all", ""),
        ("Async.task_get_all", "Fault"),
        ("InternalAsync.task.get_all", "Fault"),
        ("", "MESSAGE_METHOD_UNKNOWN"),
    ],
)
def test_method_names_are_case_sensitive_and_allow_underscore(
    client: Client, method: str, code: str
) -> None:
    answer = client.document(method, client.session)
    assert (answer["error"]["message"] if "error" in answer else "") == code


def test_unknown_method_error_omits_async_prefix(client: Client) -> None:
    assert error(client, "Async.InternalAsync.a.b") == [
        "MESSAGE_METHOD_UNKNOWN", "InternalAsync.a.b",
    ]  # fmt: skip
    assert error(client, "Async.a.b") == ["MESSAGE_METHOD_UNKNOWN", "a.b"]
    assert error(client, "Async.a.b", client.session) == ["MESSAGE_METHOD_UNKNOWN", "a.b"]


def test_unknown_method_is_treated_as_extension_call(
    simulator: Simulator, connect: Connect
) -> None:
    reader = connect(simulator, "read-only")
    assert error(reader, "a.b", "x") == ["SESSION_INVALID", "x"]
    assert error(reader, "a.b", 1)[0] == "INTERNAL_ERROR"
    assert reader.error("a.b") == [
        "RBAC_PERMISSION_DENIED", "host.call_extension", "no session in context",
    ]  # fmt: skip


def test_system_methods_need_no_session(client: Client) -> None:
    assert "task.get_record" in client.call("system.listMethods")
    assert "task_get_record" not in client.call("system.listMethods")
    assert client.call("system.isAlive:x", {"a": 1}) == {"a": 1}
    assert error(client, "system.isAlive:x") == ["INTERNAL_ERROR", 'Failure("hd")']
