# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._client.jsonrpc import Rpc, is_read
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    ConnectionCut,
    HostError,
    UnexpectedAnswer,
    XapiFailure,
)
from ansible_collections.xen.xapi.tests.support.stub_transport import ENDPOINT, StubTransport


def call(transport, *, secrets=()):
    return Rpc(transport, ENDPOINT).call("task.get_record", ["s", "t"], secrets=secrets)


def test_request_is_posted_as_json_rpc_2():
    transport = StubTransport({"jsonrpc": "2.0", "result": 1, "id": 1})
    call(transport)
    request = {"jsonrpc": "2.0", "method": "task.get_record", "params": ["s", "t"], "id": 1}
    assert transport.posted == [(ENDPOINT, "/jsonrpc", request)]


def test_each_request_has_unique_id():
    transport = StubTransport({"error": ["X"]})
    rpc = Rpc(transport, ENDPOINT)
    for _time in range(2):
        with pytest.raises(XapiFailure):
            rpc.call("a.b", [])
    assert len({request["id"] for _endpoint, _path, request in transport.posted}) == 2


@pytest.mark.parametrize(
    "envelope",
    [
        {"jsonrpc": "2.0", "result": ["x"], "id": 1},
        {"result": ["x"], "error": None, "id": 1},
        {"result": ["x"], "error": None, "id": 0},
    ],
)
def test_result_is_read_from_every_envelope_format(envelope):
    assert call(StubTransport(envelope)) == ["x"]


@pytest.mark.parametrize(
    ("envelope", "code", "params"),
    [
        (
            {"jsonrpc": "2.0", "error": {"code": 1, "message": "C", "data": ["p", "q"]}, "id": 1},
            "C",
            ("p", "q"),
        ),
        ({"jsonrpc": "2.0", "error": {"code": 1, "message": "C"}, "id": 1}, "C", ()),
        ({"result": None, "error": ["C", "p"], "id": 1}, "C", ("p",)),
        ({"result": None, "error": ["C", "p"], "id": 0}, "C", ("p",)),
        ({"jsonrpc": "2.0", "error": ["C"], "id": 0}, "C", ()),
    ],
)
def test_error_is_read_from_every_envelope_format(envelope, code, params):
    with pytest.raises(XapiFailure) as caught:
        call(StubTransport(envelope))
    assert (caught.value.code, caught.value.params) == (code, params)
    assert caught.value.method == "task.get_record"
    assert caught.value.url == "https://xcp1"


def test_secrets_are_redacted_in_errors():
    with pytest.raises(XapiFailure) as caught:
        call(StubTransport({"error": ["C", "the secret p"], "id": 1}), secrets=["secret"])
    assert caught.value.params == ("the (hidden) p",)


def test_secrets_in_params_are_redacted_in_errors():
    transport = StubTransport({"error": ["C", "got hunter2"], "id": 1})
    with pytest.raises(XapiFailure) as caught:
        Rpc(transport, ENDPOINT).call("VM.add_to_other_config", ["VM", "password", "hunter2"])
    assert caught.value.params == ("got (hidden)",)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>welcome</html>", 200),
        (b"", 200),
        (b"\xff\xfe", 200),
        (b"[" * 100_000, 200),
        ([], 200),
        ("text", 200),
        ({}, 200),
        ({"jsonrpc": "2.0", "id": 1}, 200),
        ({"result": "of another request", "id": 7}, 200),
        ({"jsonrpc": "2.0", "result": "of another request", "id": 0}, 200),
        ({"result": "of another request", "id": None}, 200),
        ({"result": "of another request", "id": "0"}, 200),
        ({"result": "without id"}, 200),
        ({"error": "text", "id": 1}, 200),
        ({"error": [], "id": 1}, 200),
        ({"error": [7], "id": 1}, 200),
        ({"error": {"data": []}, "id": 1}, 200),
        ({"error": {"code": 1, "message": "X", "data": 1}, "id": 1}, 200),
        ({"error": {"code": 1, "message": "X", "data": "params"}, "id": 1}, 200),
        ({"error": {"code": 1, "message": "X", "data": {"a": "b"}}, "id": 1}, 200),
        ({"error": {"code": 1, "message": "X", "data": [["a"]]}, "id": 1}, 200),
        ({"error": ["X", {"a": "b"}], "id": 1}, 200),
        ({"result": 1, "id": 1}, 502),
        ({"result": 1, "id": 1}, 302),
        (b"<html>no</html>", 404),
    ],
)
def test_invalid_response_raises_unexpected_answer(body, status):
    with pytest.raises(UnexpectedAnswer) as caught:
        call(StubTransport(body, status=status, content_type="text/html"))
    assert (caught.value.status, caught.value.content_type) == (status, "text/html")


@pytest.mark.parametrize(
    "method",
    [
        "task.get_record",
        "task.get_all_records",
        "task.get_by_uuid",
        "pool.get_all_records",
        "host.get_servertime",
    ],
)
def test_read_methods_are_recognized(method):
    assert is_read(method)


@pytest.mark.parametrize(
    "method",
    [
        "session.login_with_password",
        "session.logout",
        "task.cancel",
        "task.destroy",
        "task.set_status",
        "task.add_to_other_config",
        "Async.VM.start",
        "Async.host.get_vms_which_prevent_evacuation",
        "event.from",
        "event.next",
        "event.inject",
        "VM.forget_get_well",
    ],
)
def test_write_and_event_methods_are_not_reads(method):
    assert not is_read(method)


@pytest.mark.parametrize(("method", "repeatable"), [("a.get_b", True), ("a.set_b", False)])
def test_only_reads_are_marked_repeatable(method, repeatable):
    transport = StubTransport({"result": 1, "id": 1})
    Rpc(transport, ENDPOINT).call(method, [])
    assert transport.repeatable == [repeatable]


class Cut:
    def post(self, *_arguments, **_options):
        raise ConnectionCut(ENDPOINT.url)


@pytest.mark.parametrize(
    ("transport", "error"),
    [
        (StubTransport({"result": "told", "id": 1}), None),
        (StubTransport({"error": ["A_CODE", "told"], "id": 1}), "A_CODE"),
        (StubTransport(b"told"), "UnexpectedAnswer"),
        (Cut(), "ConnectionCut"),
    ],
)
def test_calls_are_recorded_without_response_content(transport, error):
    calls, times = [], iter([10.0, 10.2504])
    rpc = Rpc(transport, ENDPOINT, record=calls.append, clock=lambda: next(times))
    with contextlib.suppress(HostError):
        rpc.call("a.b", ["told"], secrets=["s"])
    assert calls == [("a.b", "https://xcp1", 0.25, error)]
