# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""XML-RPC: accepted calls, and the form of answers."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.simulator import Life, Simulator
from ansible_collections.xen.xapi.tests.unit.simulator.client import Client


def call(method: str, *values: str) -> str:
    params = "".join(f"<param><value>{value}</value></param>" for value in values)
    return f"<methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>"


def response(value: str) -> str:
    before = '<?xml version="1.0"?><methodResponse><params><param><value>'
    return f"{before}{value}</value></param></params></methodResponse>"


def success(value: str) -> str:
    return response(
        "<struct><member><name>Status</name><value>Success</value></member>"
        f"<member><name>Value</name><value>{value}</value></member></struct>"
    )


def failure(*error: str) -> str:
    words = "".join(f"<value>{word}</value>" for word in error)
    return response(
        "<struct><member><name>Status</name><value>Failure</value></member>"
        f"<member><name>ErrorDescription</name><value><array><data>{words}</data></array>"
        "</value></member></struct>"
    )


def ask(client: Client, text: str | bytes, path: str = "/") -> str:
    answer = client.post(text, path)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "text/xml"
    return answer.body.decode()


@pytest.mark.parametrize("path", ["/", "/RPC2", "/json", "/xmlrpc", "/any/where"])
def test_paths_other_than_jsonrpc_answer_in_xml(client: Client, path: str) -> None:
    assert ask(client, call("task.get_all", "x"), path) == failure("SESSION_INVALID", "x")


def test_field_types_have_expected_xml_encoding(client: Client) -> None:
    task = client.task('<é&"> ☃')

    def field(name: str) -> str:
        return ask(client, call(f"task.get_{name}", client.session, task))

    assert field("name_label") == success("&lt;é&amp;&quot;&gt; ☃")
    assert field("name_description") == success("")
    assert field("finished") == success("<dateTime.iso8601>19700101T00:00:00Z</dateTime.iso8601>")
    assert field("progress") == success("<double>0</double>")
    assert field("error_info") == success("<array><data></data></array>")
    assert field("other_config") == success("<struct></struct>")
    vdi = client("VDI.get_all")[0]
    assert ask(client, call("VDI.get_managed", client.session, vdi)) == success(
        "<boolean>1</boolean>"
    )
    size = client("VDI.get_virtual_size", vdi)
    assert ask(client, call("VDI.get_virtual_size", client.session, vdi)) == success(str(size))


def test_object_counts_are_tagged_as_i4(client: Client) -> None:
    classes = "<array><data><value>pool</value></data></array>"
    text = ask(client, call("event.from", client.session, classes, "", "<double>0</double>"))
    assert "<member><name>pool</name><value><i4>1</i4></value></member>" in text


def test_control_characters_are_removed_from_task_result(
    client: Client, simulator: Simulator
) -> None:
    task = simulator.add_task("x", life=Life(duration=0, result="a\x01\tb"))
    assert client("task.get_result", task) == "<value>a\tb</value>"


def test_struct_member_names_are_not_escaped(client: Client) -> None:
    task = client.task()
    client("task.add_to_other_config", task, "a&b", "c&d")
    got = ask(client, call("task.get_other_config", client.session, task))
    assert "<name>a&b</name><value>c&amp;d</value>" in got


def test_list_methods_response_has_no_status(client: Client) -> None:
    assert ask(client, call("system.listMethods")).startswith(
        '<?xml version="1.0"?><methodResponse><params><param><value><array><data><value>'
    )


def test_non_utf_8_bytes_are_rejected(client: Client) -> None:
    body = b'<?xml version="1.0" encoding="us-ascii"?>' + call("a.b", "\xff").encode("latin-1")
    assert client.post(body, "/").status == 500


ACCEPTED = {
    "a header": '<?xml version="1.0" encoding="utf-8"?>' + call("a.b"),
    "another encoding": '<?xml version="1.0" encoding="iso-8859-1"?>' + call("a.b"),
    "a byte order mark": "\ufeff" + call("a.b"),
    "blanks between": call("a.b").replace("><", ">\n\t <"),
    "a comment": "<!-- x -->" + call("a.b"),
    "garbage after the end": call("a.b") + "garbage",
    "a document after it": call("a.b") + call("c.d"),
    "attributes": call("a.b").replace("<methodCall>", "<methodCall a='b'>"),
}


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_extra_markup_and_trailing_data_are_ignored(simulator: Simulator, text: str) -> None:
    assert ask(Client(simulator.url), text) == failure("MESSAGE_METHOD_UNKNOWN", "a.b")


def value(inside: str) -> str:
    return call("a.b").replace("<params>", f"<params><param><value>{inside}</value></param>")


MALFORMED = {
    "nothing": "",
    "no xml": "x",
    "half of it": "<methodCall>",
    "mismatched tags": "<methodCall></methodResponse>",
    "another root": call("a.b").replace("methodCall", "methodResponse"),
    "no params": "<methodCall><methodName>a.b</methodName></methodCall>",
    "an empty name": call(""),
    "a name with an element": call("<b/>"),
    "something after params": call("a.b").replace("</params>", "</params><x/>"),
    "text between": call("a.b").replace("<params>", "<params>text"),
    "an empty param": call("a.b").replace("<params>", "<params><param/>"),
    "two values": call("a.b").replace("<params>", "<params><param><value/><value/></param>"),
    "no value": call("a.b").replace("<params>", "<params><param><int>1</int></param>"),
    "an unknown type": value("<ref>x</ref>"),
    "two types": value("<int>1</int><int>2</int>"),
    "text beside a type": value("x<int>1</int>"),
    "an empty int": value("<int></int>"),
    "an int with a blank": value("<int> 1</int>"),
    "an int of 65 bits": value("<int>9223372036854775808</int>"),
    "a double with a blank": value("<double>1 </double>"),
    "bad base64": value("<base64>?</base64>"),
    "a nil with text": value("<nil>x</nil>"),
    "an array without data": value("<array><value/></array>"),
    "a member without a name": value("<struct><member><value/></member></struct>"),
    "a member of no name": value("<struct><member><name/><value/></member></struct>"),
    "an escaped control character": value("&#1;"),
    "an unknown entity": value("&nbsp;"),
    "an entity of its own": '<!DOCTYPE a [<!ENTITY e "x">]>' + value("&e;"),
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_call_gets_html_error_page(simulator: Simulator, text: str) -> None:
    answer = Client(simulator.url).post(text, "/")
    assert (answer.status, answer.headers["content-type"]) == (500, "text/html")


def test_error_page_names_exception(simulator: Simulator) -> None:
    page = Client(simulator.url).post(MALFORMED["another root"], "/").body.decode()
    got, expected = "open_tag(methodResponse)", "open_tag(methodCall)"
    assert f"Xmlrpc.Parse_error(&quot;{got}&quot;, &quot;{expected}&quot;, _)" in page


SHOWN = {
    "<int>5</int>": "I(5)",
    "<i4>0x10</i4>": "I(16)",
    "<i8>-1_0</i8>": "I(-10)",
    "<double> 1.5</double>": "F(1.5)",
    "<double>1e30</double>": "F(1e+30)",
    "<double>nan</double>": "F(nan)",
    "<boolean>1</boolean>": "B(true)",
    "<boolean>true</boolean>": "B(false)",
    "<dateTime.iso8601>20260101T00:00:00Z</dateTime.iso8601>": "D(20260101T00:00:00Z)",
    "<base64>YQ==</base64>": "B64(a)",
    "<nil/>": "N",
    "<array><data><value>a</value><value><int>1</int></value></data></array>": "[S(a);I(1)]",
    "<array/>": "[]",
    "<array><data/></array>": "[]",
    "<struct/>": "{}",
    "<struct><member><name>k</name><value> </value></member></struct>": "{k:S( )}",
}


@pytest.mark.parametrize(("sent", "shown"), SHOWN.items(), ids=SHOWN.values())
def test_non_string_type_for_string_parameter_is_rejected(
    simulator: Simulator, sent: str, shown: str
) -> None:
    error = f"Failure(&quot;Expected string, got '{shown}'&quot;)"
    assert ask(Client(simulator.url), call("a.b", sent)) == failure("INTERNAL_ERROR", error)


def test_prefix_of_a_namespace_is_ignored(simulator: Simulator) -> None:
    text = call("a.b", "x").replace("</", "</m:").replace("<m", "<m:m").replace("<p", "<m:p")
    text = text.replace("<v", "<m:v").replace("<m:methodCall", '<m:methodCall xmlns:m="any"')
    assert "<m:methodName>a.b</m:methodName>" in text
    assert ask(Client(simulator.url), text) == failure("SESSION_INVALID", "x")


@pytest.mark.parametrize("sent", ["x", "<string>x</string>", "\n<string>x</string>\n"])
def test_string_tag_is_optional(simulator: Simulator, sent: str) -> None:
    assert ask(Client(simulator.url), call("a.b", sent)) == failure("SESSION_INVALID", "x")
