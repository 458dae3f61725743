# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON-RPC, versions 1.0 and 2.0: accepted calls, and the form of answers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.unit.simulator.client import MISSING, Client


def body(**fields: object) -> str:
    return json.dumps({"method": "task.get_all", "params": ["x"], "id": 1, **fields})


def test_version_2_result_has_no_error_field(client: Client) -> None:
    answer = client.document("task.get_by_name_label", client.session, "none")
    assert answer == {"jsonrpc": "2.0", "result": [], "id": 1}


def test_version_2_error_has_code_message_and_data(client: Client) -> None:
    error = {"code": 1, "message": "SESSION_INVALID", "data": ["x"]}
    assert client.document("task.get_all", "x") == {"jsonrpc": "2.0", "error": error, "id": 1}


def test_version_1_result_has_null_error(client: Client) -> None:
    params = [client.session, "none"]
    answer = client.post(body(method="task.get_by_name_label", params=params)).json
    assert answer == {"result": [], "error": None, "id": 1}


def test_version_1_error_is_list_with_null_result(client: Client) -> None:
    answer = client.post(body()).json
    assert answer == {"result": None, "error": ["SESSION_INVALID", "x"], "id": 1}


@pytest.fixture
def legacy() -> Iterator[Simulator]:
    with Simulator(legacy_ids=True) as simulator:
        yield simulator


@pytest.mark.parametrize("version", [{}, {"jsonrpc": "2.0"}], ids=str)
def test_legacy_ids_answers_use_version_1_and_id_0(
    legacy: Simulator, version: dict[str, str]
) -> None:
    client = Client(legacy.url)
    refused = {"result": None, "error": ["SESSION_INVALID", "x"], "id": 0}
    assert client.post(body(id=7, **version)).json == refused
    params = [legacy.username, legacy.password]
    login = client.post(body(method="session.login_with_password", params=params, **version)).json
    assert login == {"result": legacy.sessions()[0], "error": None, "id": 0}
    legacy.boot()
    refused = {"result": None, "error": ["HOST_STILL_BOOTING"], "id": 0}
    assert client.post(body(**version)).json == refused


@pytest.mark.parametrize("id_", [0, -7, 2**62, "", "abc", "ü"])
def test_response_echoes_request_id(client: Client, id_: object) -> None:
    assert client.post(body(id=id_)).json["id"] == id_


@pytest.mark.parametrize(
    ("params", "received"),
    [("null", "-1"), (None, "-1"), ("[]", "-1")],
    ids=["null", "absent", "empty"],
)
def test_params_are_optional_in_version_2(
    client: Client, params: str | None, received: str
) -> None:
    given = "" if params is None else f', "params": {params}'
    text = f'{{"jsonrpc": "2.0", "id": 1, "method": "task.get_all"{given}}}'
    assert client.post(text).json["error"]["data"] == ["task.get_all", "0", received]


def test_params_object_counts_as_one_parameter(client: Client) -> None:
    answer = client.post(body(jsonrpc="2.0", params={"a": 1})).json
    assert answer["error"]["data"] == ["Failure(\"Expected string, got '{a:I(1)}'\")"]


MALFORMED = {
    "nothing": "",
    "half an object": "{",
    "an array": "[]",
    "a text": '"task.get_all"',
    "no object": "null",
    "no method": '{"params": ["x"], "id": 1}',
    "a number as method": body(method=1),
    "another version": body(jsonrpc="1.0"),
    "a number as version": body(jsonrpc=2.0),
    "no id": '{"method": "task.get_all", "params": ["x"]}',
    "a null id": body(id=None),
    "a true id": body(id=True),
    "a fraction as id": body(id=1.5),
    "a list as id": body(id=[1]),
    "an id of 65 bits": body(id=2**64),
    "version 1 without params": '{"method": "task.get_all", "id": 1}',
    "version 1 with null params": body(params=None),
    "version 1 with an object": body(params={}),
    "a text as params": body(jsonrpc="2.0", params="x"),
    "garbage after it": body() + " x",
    "two calls": body() + body(),
    "a byte order mark": "\ufeff" + body(),
    "half a character": body(params=["\ud83d"]),
    "leading zeros": '{"method": "task.get_all", "params": ["x"], "id": 01}',
    "a comma too many": '{"method": "task.get_all", "params": ["x",], "id": 1}',
    "too deep": body(params=["["]).replace('"["', "[" * 99_999 + "]" * 99_999),
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_call_gets_html_error_page(simulator: Simulator, text: str) -> None:
    answer = Client(simulator.url).post(text)
    assert (answer.status, answer.headers["content-type"]) == (500, "text/html")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[]", "Jsonrpc.Malformed_method_request(&quot;Invalid request body&quot;)"),
        ('{"id": 1}', "Required field method is missing"),
        (body(id=None), "Invalid field &apos;id&apos; in request body"),
    ],
)
def test_error_page_names_exception(simulator: Simulator, text: str, named: str) -> None:
    assert named in Client(simulator.url).post(text).body.decode()


def test_error_names_a_deeply_nested_value(client: Client) -> None:
    levels = 2000
    nested = "[" * levels + "1" + "]" * levels
    head = '{"jsonrpc": "2.0", "id": 1, "method": "VM.get_uuid", "params": ["x", '
    answer = client.post(f"{head}{nested}]}}")
    assert answer.status == 200
    wrong = f"Expected string, got '{'[' * levels}I(1){']' * levels}'"
    assert answer.json["error"]["data"] == [f'Failure("{wrong}")']


def test_first_of_duplicate_keys_wins(client: Client) -> None:
    text = '{"id": 1, "method": "nope.a", "method": "nope.b", "params": []}'
    assert client.post(text).json["error"] == ["MESSAGE_METHOD_UNKNOWN", "nope.a"]


def test_invalid_utf_8_is_rejected_before_dispatch(client: Client) -> None:
    call = b'{"method": "task.get_all", "params": ["\xff"], "id": "mine"}'
    answer = client.post(call)
    assert json.loads(answer.body.decode(errors="replace")) == {
        "jsonrpc": "2.0",
        "error": ["INVALID_VALUE", "Invalid UTF-8 string in parameter", "S(\ufffd)"],
        "id": 0,
    }
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_lone_low_surrogate_is_invalid_utf_8(client: Client) -> None:
    answer = client.post(body(params=["\udc00"]))
    assert answer.body.startswith(b'{"jsonrpc":"2.0","error":["INVALID_VALUE",')


@pytest.mark.parametrize(
    "label", ["é ☃", "𝄞 \U0010ffff", "\ufffe", 'quoted "\\', "a\tb\nc", "\x7f"]
)
def test_text_round_trips_unchanged(client: Client, label: str) -> None:
    assert client("task.get_name_label", client.task(label)) == label


def test_numbers_and_booleans_keep_json_types(client: Client) -> None:
    record = client("VDI.get_all_records").popitem()[1]
    assert isinstance(record["virtual_size"], int)
    assert record["managed"] is True
    assert client("task.get_record", client.task())["progress"] == 0.0
    assert (
        b'"result":0.0'
        in client.post(
            body(method="task.get_progress", params=[client.session, client.task()])
        ).body
    )


def test_date_is_string_without_dashes(client: Client) -> None:
    assert client("task.get_finished", client.task()) == "19700101T00:00:00Z"


def test_nan_is_returned_as_json_number(client: Client) -> None:
    task = client.task()
    client("task.set_progress", task, float("nan"))
    answer = client.post(body(method="task.get_progress", params=[client.session, task]))
    assert b'"result":NaN' in answer.body


def test_void_result_is_empty_string(client: Client) -> None:
    assert client("task.cancel", client.task()) == ""
    assert client.error("task.cancel", MISSING) == ["HANDLE_INVALID", "task", MISSING]
