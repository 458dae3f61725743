# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""XML-RPC as the server reads and writes it (ocaml-rpc, xmlrpc.ml)."""

from __future__ import annotations

import base64
import binascii
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import NamedTuple

from .values import ApiError, Date, Int32, Value, ocaml_int64
from .wire_json import BadRequest

_ESCAPES = {
    ord(c): f"&{name};" for c, name in ((">", "gt"), ("<", "lt"), ("&", "amp"), ('"', "quot"))
}
_ESCAPES.update({code: "" for code in range(32) if code not in (9, 10, 13)})


class XmlCall(NamedTuple):
    method: str
    params: list[Value]


def read(body: bytes) -> XmlCall:
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise BadRequest(f"Xmlm.Error({error})") from error
    _expect(root, "methodCall")
    if len(root) != 2:
        raise _unexpected("close_tag", "open_tag")
    name, params = root
    _expect(name, "methodName")
    _expect(params, "params")
    values = []
    for param in params:
        _expect(param, "param")
        if len(param) != 1:
            raise _unexpected("close_tag", "open_tag(value)")
        values.append(_value(param[0]))
    return XmlCall(name.text or "", values)


def _value(element: ElementTree.Element) -> Value:
    _expect(element, "value")
    if len(element) == 0:
        return element.text or ""
    if len(element) > 1 or (element.text or "").strip():
        raise _unexpected("data", "open_tag")
    inner = element[0]
    if len(inner) == 0 and not inner.text:
        return _empty(inner.tag)
    if inner.tag == "array":
        _expect(inner[0] if len(inner) == 1 else inner, "data")
        return [_value(item) for item in inner[0]]
    if inner.tag == "struct":
        return dict(_member(member) for member in inner)
    if inner.tag not in _SCALARS or len(inner):
        raise _unexpected(f"open_tag({inner.tag})", "a type")
    try:
        return _SCALARS[inner.tag](inner.text or "")
    except (ValueError, binascii.Error) as error:
        raise BadRequest(f'Failure("{error}")') from error


def _member(element: ElementTree.Element) -> tuple[str, Value]:
    _expect(element, "member")
    if len(element) != 2:
        raise _unexpected("close_tag", "open_tag")
    _expect(element[0], "name")
    return element[0].text or "", _value(element[1])


def _empty(tag: str) -> Value:
    empties: dict[str, Value] = {"string": "", "array": [], "struct": {}, "nil": None, "value": ""}
    if tag not in empties:
        raise _unexpected(f"empty_{tag}", tag)
    return empties[tag]


def _integer(written: str) -> int:
    found = ocaml_int64(written)
    if found is None:
        raise ValueError("Int64.of_string")
    return found


_SCALARS: dict[str, Callable[[str], Value]] = {
    "int": _integer,
    "i4": _integer,
    "i8": _integer,
    "boolean": lambda written: written == "1",
    "double": float,
    "string": str,
    "dateTime.iso8601": Date,
    "base64": lambda written: base64.b64decode(written).decode("utf-8", "surrogateescape"),
}


def write_result(result: Value, *, bare: bool = False) -> bytes:
    """The answer of a call that succeeded; `bare` for system.listMethods, which has no Status."""
    return _response(result if bare else {"Status": "Success", "Value": result})


def write_error(error: ApiError) -> bytes:
    return _response({"Status": "Failure", "ErrorDescription": error.description})


def _response(value: Value) -> bytes:
    parts = ['<?xml version="1.0"?><methodResponse><params><param>']
    _write(value, parts)
    parts.append("</param></params></methodResponse>")
    return "".join(parts).encode("utf-8", "surrogateescape")


def to_text(value: Value) -> str:
    """A value as XML-RPC text: the form in which a task keeps its result."""
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts)


def _write(value: Value, parts: list[str]) -> None:
    if isinstance(value, dict):
        parts.append("<value><struct>")
        for name, item in value.items():
            # Names go out as they are: the real server does not escape them either.
            parts.append(f"<member><name>{name}</name>")
            _write(item, parts)
            parts.append("</member>")
        parts.append("</struct></value>")
    elif isinstance(value, list):
        parts.append("<value><array><data>")
        for item in value:
            _write(item, parts)
        parts.append("</data></array></value>")
    else:
        parts.append(f"<value>{_scalar(value)}</value>")


def _scalar(value: Value) -> str:
    if value is None:
        return "<nil/>"
    if isinstance(value, Date):
        return f"<dateTime.iso8601>{value}</dateTime.iso8601>"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, bool):
        return f"<boolean>{int(value)}</boolean>"
    if isinstance(value, float):
        return f"<double>{value:.16g}</double>"
    if isinstance(value, Int32):
        return f"<i4>{value}</i4>"
    return str(value)


def _expect(element: ElementTree.Element, tag: str) -> None:
    if element.tag != tag:
        raise _unexpected(f"open_tag({element.tag})", f"open_tag({tag})")


def _unexpected(got: str, expected: str) -> BadRequest:
    return BadRequest(f"Xmlrpc.Parse_error({got}, {expected})")
