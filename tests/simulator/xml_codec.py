# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""XML-RPC as the server reads and writes it (ocaml-rpc, xmlrpc.ml)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias
from xml.etree import ElementTree

from .json_codec import BadRequest
from .values import ApiError, Base64, Date, Int32, Value, encoded, ocaml_float, ocaml_int64

Element: TypeAlias = ElementTree.Element

_ESCAPES = {
    ord(c): f"&{name};" for c, name in ((">", "gt"), ("<", "lt"), ("&", "amp"), ('"', "quot"))
}
_ESCAPES.update({code: "" for code in range(32) if code not in (9, 10, 13)})


_ENTITY = re.compile(rb"<!ENTITY\s+([\w.:-]+)")


class XmlCall(NamedTuple):
    method: str
    params: list[Value]


def read(body: bytes) -> XmlCall:
    """Return the call in a document; text after its end is ignored."""
    root = _root(body)
    _expect(root, "methodCall")
    children = _children(root)
    if len(children) != 2:
        raise _unexpected("close_tag", "open_tag")
    name, params = children
    _expect(params, "params")
    return XmlCall(_name(name, "methodName"), [_param(param) for param in _children(params)])


def _root(body: bytes) -> Element:
    parser: ElementTree.XMLPullParser[Element] = ElementTree.XMLPullParser(("start", "end"))
    if any(b"&" + name + b";" in body for name in _ENTITY.findall(body)):
        # The server knows no entity but those of XML itself (xmlm.ml).
        raise BadRequest("Xmlm.Error(_, _)")
    events: Iterator[Any] = parser.read_events()
    element: Element
    depth = 0
    try:
        parser.feed(body)
        for kind, element in events:
            if kind == "start":
                # A prefix of a namespace is not looked at.
                element.tag = element.tag.rpartition("}")[2]
            depth += 1 if kind == "start" else -1
            if not depth:
                return element
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise BadRequest("Xmlm.Error(_, _)") from error
    raise BadRequest("Xmlm.Error(_, _)")


def _param(element: Element) -> Value:
    _expect(element, "param")
    children = _children(element)
    if len(children) != 1:
        raise _unexpected("close_tag", "open_tag")
    return _value(children[0])


def _value(element: Element) -> Value:
    _expect(element, "value")
    if len(element) == 0:
        return element.text or ""
    (inner,) = _children(element, at_most=1)
    if len(inner) == 0 and not inner.text:
        return _empty(inner.tag)
    if inner.tag == "array":
        children = _children(inner)
        if len(children) != 1:
            raise _unexpected("close_tag", "open_tag")
        _expect(children[0], "data")
        return [_value(item) for item in _children(children[0])]
    if inner.tag == "struct":
        return dict(_member(member) for member in _children(inner))
    if inner.tag not in _SCALARS or len(inner):
        raise _unexpected(f"open_tag({inner.tag})", f"open_tag({_TYPES})")
    try:
        return _SCALARS[inner.tag](inner.text or "")
    except (ValueError, binascii.Error) as error:
        raise BadRequest(f'Failure("{error}")') from error


def _member(element: Element) -> tuple[str, Value]:
    _expect(element, "member")
    children = _children(element)
    if len(children) != 2:
        raise _unexpected("close_tag", "open_tag")
    return _name(children[0], "name"), _value(children[1])


def _name(element: Element, tag: str) -> str:
    """The text of an element that may not be empty."""
    _expect(element, tag)
    if len(element) or not element.text:
        raise _unexpected("open_tag", f"close_tag({tag})")
    return element.text


def _children(element: Element, *, at_most: int | None = None) -> list[Element]:
    """The elements in an element, which has no text but blanks."""
    children = list(element)
    if at_most is not None and len(children) > at_most:
        raise _unexpected(f"open_tag({children[at_most].tag})", f"close_tag({element.tag})")
    for text in (element.text, *(child.tail for child in children)):
        if text and text.strip("\n \t"):
            raise _unexpected(f"data({text})", "open_tag")
    return children


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


def _float(written: str) -> float:
    found = ocaml_float(written)
    if found is None:
        raise ValueError("float_of_string")
    return found


def _base64(written: str) -> Base64:
    return Base64(base64.b64decode(written, validate=True).decode("utf-8", "surrogateescape"))


_TYPES = "int/i8/i4/boolean/double/string/dateTime.iso8601/array/struct/nil"
_SCALARS: dict[str, Callable[[str], Value]] = {
    "int": _integer,
    "i4": _integer,
    "i8": _integer,
    "boolean": lambda written: written == "1",
    "double": _float,
    "string": str,
    "dateTime.iso8601": Date,
    "base64": _base64,
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
    return encoded("".join(parts))


def to_text(value: Value) -> str:
    """A value as XML-RPC text: the form in which a task keeps its result."""
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts)


def from_text(written: bytes) -> Value:
    """Return the value that a text of `to_text` has; raise BadRequest for any other text."""
    return _value(_root(written))


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


def _expect(element: Element, tag: str) -> None:
    if element.tag != tag:
        raise _unexpected(f"open_tag({element.tag})", f"open_tag({tag})")


def _unexpected(got: str, expected: str) -> BadRequest:
    return BadRequest(f'Xmlrpc.Parse_error("{got}", "{expected}", _)')
