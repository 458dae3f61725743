# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""get_all_where and get_all_records_where: the language of filters."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.simulator.filter import parse
from ansible_collections.xen.xapi.tests.unit.simulator.client import NULL, Client

LEXING = 'Failure("lexing: empty token")'
PARSING = "Xapi_database.Db_filter_parse.MenhirBasics.Error"

TRUE_OR_NOT = [
    ("true", True),
    ("false", False),
    ("(true)", True),
    ('"a" = "a"', True),
    ('"a"="b"', False),
    ('field "one" = "1"', True),
    ('"1" = field "one"', True),
    ('field "one" = field "two"', False),
    ("true and false", False),
    ("false or true", True),
    # One precedence, from left to right.
    ("false and true or true", True),
    ("true or true and false", False),
    ("true or (true and false)", True),
    # `not` takes all that follows.
    ("not true and false", True),
    ("(not true) and false", False),
    ("not false or true", False),
    ("true and not false and false", True),
    ("not not true", True),
    ("\t true\nand\ttrue \n", True),
    ("trueandtrue", True),
    ('"" = ""', True),
    ('"it\'s" = "it\'s"', True),
    ('"\n" = "\n"', True),
]


@pytest.mark.parametrize(("expression", "found"), TRUE_OR_NOT)
def test_expression_evaluates_to_expected_boolean(expression: str, found: bool) -> None:
    assert parse(expression)({"one": "1", "two": "2"}.__getitem__) is found


BAD = [
    ("", PARSING),
    (" ", PARSING),
    ("foo", LEXING),
    ("TRUE", LEXING),
    ("'a' = 'a'", LEXING),
    ('"a', LEXING),
    ("true\r", LEXING),
    ("true true", PARSING),
    ("true )", PARSING),
    (") %", PARSING),
    ("(true", PARSING),
    ('field = "a"', PARSING),
    ('field "a"', PARSING),
    ('"a" == "a"', PARSING),
    ('"a" = "a" = "a"', PARSING),
    ('"a" != "a"', LEXING),
    ("true and", PARSING),
    ("not", PARSING),
    ("true = true", PARSING),
]


@pytest.mark.parametrize(("expression", "exception"), BAD)
def test_invalid_expression_is_rejected_with_parser_exception(
    client: Client, expression: str, exception: str
) -> None:
    refused = ["INVALID_VALUE", expression, exception]
    assert client.error("task.get_all_records_where", expression) == refused
    assert client.error("task.get_all_where", expression) == refused


def test_filter_returns_matching_records_and_references(client: Client) -> None:
    one, other = client.task("one"), client.task("other")
    where = 'field "name__label" = "one" or field "_ref" = "{}"'
    found = client("task.get_all_records_where", where.format(other))
    assert found == {ref: client("task.get_record", ref) for ref in (one, other)}
    assert client("task.get_all_where", 'field "name__label" = "one"') == [one]
    assert client("task.get_all_where", "false") == []


COLUMNS = {
    "status": "pending",
    "subtask_of": NULL,
    "progress": "0.100000000000000006",
    "finished": "19700101T00:00:00Z",
    "type": "<none/>",
    "error_info": "('CODE' 'it\\'s')",
    "allowed_operations": "('cancel')",
    "other_config": "(('b' '2') ('a' '1'))",
    "current_operations": "()",
    "forwarded": "false",
    "forwarded_to": NULL,
    "externalpid": "-1",
    "stunnelpid": "-1",
}


@pytest.mark.parametrize(("column", "text"), COLUMNS.items())
def test_columns_hold_database_text(
    client: Client, simulator: Simulator, column: str, text: str
) -> None:
    task = simulator.add_task(
        "x", progress=0.1, error_info=["CODE", "it's"], allowed_operations=["cancel"]
    )
    client("task.add_to_other_config", task, "a", "1")
    client("task.add_to_other_config", task, "b", "2")
    assert client("task.get_all_where", f'field "{column}" = "{text}"') == [task]


def test_hidden_session_field_is_column(client: Client) -> None:
    task = client.task()
    assert client("task.get_all_where", f'field "session" = "{client.session}"') == [task]


def test_vms_are_filtered_by_boolean_and_enum_columns(client: Client) -> None:
    assert client("VM.get_all_where", 'field "is_a_template" = "true"') == []
    assert len(client("VM.get_all_where", 'field "power_state" = "Running"')) == 2


def test_pool_name_label_column_has_single_underscore(client: Client) -> None:
    assert client("pool.get_all_where", 'field "name_label" = ""') == client("pool.get_all")
    assert client("pool.get_all_where", 'field "name_label" = "x"') == []
    found = client.error("pool.get_all_where", 'field "name__label" = "x"')
    assert found == ["INTERNAL_ERROR", "missing field", "name__label", ""]
    unknown = client.error("pool.get_by_name_label", "")
    assert unknown == ["MESSAGE_METHOD_UNKNOWN", "pool.get_by_name_label"]


@pytest.mark.parametrize("column", ["nope", "name_label", "NAME__LABEL", ""])
def test_unknown_column_is_error_only_when_evaluated(client: Client, column: str) -> None:
    where = f'field "{column}" = "x"'
    assert client("task.get_all_records_where", where) == {}
    client.task()
    missing = ["INTERNAL_ERROR", "missing field", column, ""]
    assert client.error("task.get_all_records_where", where) == missing
    assert client("task.get_all_where", f"false and {where}") == []


def test_error_names_second_of_two_unknown_columns(client: Client) -> None:
    client.task()
    found = client.error("task.get_all_where", 'field "one" = field "two"')
    assert found == ["INTERNAL_ERROR", "missing field", "two", ""]
