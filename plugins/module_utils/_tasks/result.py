# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

"""Decodes the results of tasks."""

from __future__ import annotations

import math
from typing import Any

from .times import iso_time, parse_seconds

_MAX_NESTED = 50
_OPEN, _CLOSE = "<value>", "</value>"


def decode_result(text: str) -> Any:
    """Return the value of a task's result, which XAPI keeps as the XML of an XML-RPC value.

    A void result is None. A text that is not such a value, or that could harm its reader (with a
    document type, which entities need, or endless nesting), is returned unchanged.
    """
    if not text:
        return None
    if not (text.startswith(_OPEN) and text.endswith(_CLOSE)):
        return text
    inner = text[len(_OPEN) : -len(_CLOSE)]
    if "<" not in inner and "&" not in inner:
        return inner or None
    if "<!" in inner:
        return text
    # Most results are plain references, for which this is not loaded.
    from xml.etree import ElementTree

    try:
        return _value(ElementTree.fromstring(text), depth=0)
    except (ElementTree.ParseError, AttributeError, LookupError, TypeError, ValueError):
        return text


def _value(node: Any, *, depth: int) -> Any:
    if depth > _MAX_NESTED:
        raise ValueError("nested too deeply")
    if len(node) == 0:
        return node.text or ""
    (typed,) = node
    kind, text = typed.tag, typed.text or ""
    if kind == "array":
        return [_value(item, depth=depth + 1) for item in typed.find("data")]
    if kind == "struct":
        return {
            member.find("name").text or "": _value(member.find("value"), depth=depth + 1)
            for member in typed
        }
    if kind in ("int", "i4", "i8"):
        return int(text)
    if kind == "double":
        return _finite(float(text))
    if kind == "boolean":
        return {"1": True, "0": False}[text]
    if kind == "dateTime.iso8601":
        return iso_time(parse_seconds(text)) or text
    if kind == "string":
        return text
    if kind == "nil":
        return None
    raise ValueError(f"not a value of XML-RPC: {kind}")


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("a number that JSON cannot hold")
    return number
