# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parameters of the wrong type, and unusual ones of the right type."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.unit.simulator.client import MISSING, Client


def failure(text: str) -> list[str]:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return ["INTERNAL_ERROR", f'Failure("{quoted}")']


SHOWN: list[tuple[Any, str]] = [
    (5, "I(5)"),
    (-(2**63), "I(-9223372036854775808)"),
    (1.5, "F(1.5)"),
    (1e30, "F(1e+30)"),
    (123456789.0, "F(1.23457e+08)"),
    (float("nan"), "F(nan)"),
    (True, "B(true)"),
    (None, "N"),
    ([], "[]"),
    (["a", 1], "[S(a);I(1)]"),
    ({}, "{}"),
    ({"a": {"b": None}, "c": [False]}, "{a:{b:N};c:[B(false)]}"),
]


@pytest.mark.parametrize(("sent", "shown"), SHOWN, ids=[shown for _unused, shown in SHOWN])
def test_non_string_for_string_parameter_is_rejected(client: Client, sent: Any, shown: str) -> None:
    error = failure(f"Expected string, got '{shown}'")
    assert client.error("task.get_by_uuid", sent) == error
    assert client.error("task.get_record", sent) == error
    assert client.error("task.create", "label", sent) == error


@pytest.mark.parametrize(
    ("sent", "quoted"),
    [
        ('"', '\\"'),
        ("\\", "\\\\"),
        ("\t\n\r\b", "\\t\\n\\r\\b"),
        ("é", "\\195\\169"),
        ("𝄞", "\\240\\157\\132\\158"),
        ("\x7f\x01", "\\127\\001"),
        ("'~ ", "'~ "),
    ],
)
def test_error_escapes_special_characters_in_text(client: Client, sent: str, quoted: str) -> None:
    error = ["INTERNAL_ERROR", f"Failure(\"Expected string, got '[S({quoted})]'\")"]
    assert client.error("task.get_record", [sent]) == error


@pytest.mark.parametrize("sent", [5, "x", None, {"a": "b"}, True])
def test_non_list_for_set_parameter_is_rejected(client: Client, sent: Any) -> None:
    shown = {"5": "I(5)", "x": "S(x)", "None": "N", "True": "B(true)"}.get(str(sent), "{a:S(b)}")
    error = failure(f"Expecting Rpc.Enum, but found '{shown}'")
    assert client.error("task.set_error_info", MISSING, sent) == error
    assert client.error("event.from", sent, "", 0.0) == error


def test_non_string_element_in_set_is_rejected(client: Client) -> None:
    error = failure("Expected string, got 'I(1)'")
    assert client.error("task.set_error_info", MISSING, ["a", 1]) == error


@pytest.mark.parametrize(("sent", "shown"), [([], "[]"), ("x", "S(x)"), (None, "N")])
def test_non_object_for_map_parameter_is_rejected(client: Client, sent: Any, shown: str) -> None:
    error = failure(f"Expecting Rpc.Dict, but found '{shown}'")
    assert client.error("task.set_other_config", MISSING, sent) == error


def test_non_string_value_in_map_is_rejected(client: Client) -> None:
    error = failure("Expected string, got 'F(0.5)'")
    assert client.error("task.set_other_config", MISSING, {"a": 0.5}) == error


@pytest.mark.parametrize("sent", ["", "finished", " pending", 1, None, [], ["pending"]])
def test_unknown_enum_value_is_rejected(client: Client, sent: Any) -> None:
    assert client.error("task.set_status", MISSING, sent) == failure("Unknown tag/contents")


@pytest.mark.parametrize("sent", ["SUCCESS", "Success", "sUcceSs"])
def test_enum_values_are_case_insensitive(client: Client, sent: str) -> None:
    task = client.task()
    client("task.set_status", task, sent)
    assert client("task.get_status", task) == "success"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (1, 1.0),
        (-0.5, -0.5),
        ("0.25", 0.25),
        ("  7", 7.0),
        ("_1_0", 10.0),
        ("0x1p-2", 0.25),
        ("1e3", 1000.0),
        ("inf", math.inf),
        ("+.5", 0.5),
    ],
)
def test_float_parameter_accepts_numbers_and_ocaml_strings(
    client: Client, sent: Any, kept: float
) -> None:
    task = client.task()
    client("task.set_progress", task, sent)
    assert client("task.get_progress", task) == kept


@pytest.mark.parametrize("sent", ["", "_", "x", "7 ", "0,5", "1e", "0x", "٣"])
def test_non_numeric_string_for_float_parameter_is_rejected(client: Client, sent: str) -> None:
    assert client.error("task.set_progress", MISSING, sent) == failure("float_of_string")


@pytest.mark.parametrize(("sent", "shown"), [(True, "B(true)"), (None, "N"), ([], "[]")])
def test_non_number_for_float_parameter_is_rejected(client: Client, sent: Any, shown: str) -> None:
    error = failure(f"Expected float, got '{shown}'")
    assert client.error("task.set_progress", MISSING, sent) == error
    assert client.error("event.from", [], "", sent) == error


def test_non_integer_for_integer_parameter_is_rejected(client: Client) -> None:
    resize = "Async.VDI.resize"
    assert client.error(resize, MISSING, 1.0) == failure("Expected int64, got 'F(1)'")
    assert client.error(resize, MISSING, "x") == failure("Int64.of_string")


def test_string_for_boolean_parameter_is_rejected(client: Client) -> None:
    error = failure("Expected bool, got 'S(true)'")
    assert client.error("Async.VM.start", MISSING, "true", False) == error


def test_type_of_session_is_checked_first(client: Client) -> None:
    error = failure("Expected string, got 'I(1)'")
    assert client.document("task.get_record", 1, 2)["error"]["data"] == error[1:]


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("x", "x"),
        ("", ""),
        ("OpaqueRef:NULL", "OpaqueRef:NULL"),
        ("opaqueref:x", "opaqueref:x"),
        ("DummyRef:x", "DummyRef:x"),
        ("DummyRef:|u", "DummyRef:|u|"),
        ("DummyRef:|u|a.b", "DummyRef:|u|a.b"),
        ("DummyRef:lost|u|a|b", "DummyRef:|u|a|b"),
    ],
)
def test_any_string_is_accepted_as_reference(client: Client, sent: str, read: str) -> None:
    assert client.error("task.get_record", sent) == ["HANDLE_INVALID", "task", read]


NEW_TEXT = [("a\x01b", "a"), ("\x00", ""), ("a\tb\n", "a\tb\n"), ("\ufffe𝄞", "\ufffe𝄞")]


@pytest.mark.parametrize(("sent", "kept"), NEW_TEXT)
def test_new_row_truncates_text_at_control_character(client: Client, sent: str, kept: str) -> None:
    task = client("task.create", sent, sent)
    record = client("task.get_record", task)
    assert (record["name_label"], record["name_description"]) == (kept, kept)
    client("task.add_to_other_config", task, f"k{sent}", sent)
    assert client("task.get_other_config", task) == {f"k{kept}": kept}


def test_write_rejects_control_characters(client: Client) -> None:
    task = client.task()
    invalid = ["INTERNAL_ERROR", "Db_exn.Invalid_value"]
    assert client.error("task.set_result", task, "a\x01") == invalid
    assert client.error("task.set_result", MISSING, "a\x01") == invalid
    assert client.error("task.set_error_info", task, ["\x02"]) == invalid
    assert client.error("task.set_other_config", task, {"a": "\x03"}) == invalid
    assert client("task.get_result", task) == ""


def test_empty_map_key_is_rejected_when_written(client: Client) -> None:
    task = client.task()
    empty = ["INTERNAL_ERROR", "Db_exn.Empty_key_in_map"]
    assert client.error("task.add_to_other_config", task, "", "x") == empty
    assert client.error("task.add_to_other_config", task, "\x01", "x") == empty
    assert client.error("task.set_other_config", task, {"": "x"}) == empty
    assert client("task.remove_from_other_config", task, "") == ""


def test_label_that_looks_like_date_is_found_as_string(
    client: Client, simulator: Simulator
) -> None:
    task = client.task("20260101T00:00:00Z")
    assert client("task.get_by_name_label", "20260101T00:00:00Z") == [task]
