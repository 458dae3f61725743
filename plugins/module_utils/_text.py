# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import re
from typing import Any, Callable, Iterable

MAX_MESSAGE = 2000
MAX_LABEL = 200
MAX_PARAMETER = 300
_MAX_LIST = 1000
_MAX_NAMED = 5
_CUT = "…"
_SEE_RESULT = " (shortened; the result has all values)"
_MAX_ESCAPE_LENGTH = len("\\U0010ffff")
_TEMPLATE = re.compile(r"\{(?=[{%#])")
_HEADER = re.compile(r"\A(\s*)#(?=jinja2:)")


def escape(text: str, *, limit: int, keep: str = "") -> str:
    """Return printable text, with escapes for control characters and invisible characters.

    Cut it at the limit, but not inside an escape.
    """
    if len(text) <= limit and text.isprintable():
        return text

    def show(one: str) -> str:
        return one if one.isprintable() or one in keep else ascii(one)[1:-1]

    size = _count_fitting(text, limit, lambda one: len(show(one)))
    return "".join(map(show, text[:size])) + (_CUT if size < len(text) else "")


def quote(text: str, *, limit: int = MAX_LABEL) -> str:
    """Return text in quotes, as Python writes it; an ellipsis after them shows a cut."""
    if len(text) <= limit and len(repr(text)) <= limit + 2:
        return repr(text)
    # A quotation mark needs an escape only if there are both kinds.
    size = _count_fitting(text, limit, lambda one: 2 if one == "'" else len(repr(one)) - 2)
    return repr(text[:size]) + (_CUT if size < len(text) else "")


def show_value(value: Any) -> str:
    """Return the value of an option for a message, with quotes around strings."""
    return quote(value) if isinstance(value, str) else shorten(repr(value), MAX_LABEL)


def shorten(text: str, limit: int) -> str:
    """Cut text that contains escapes, but not inside one of them."""
    if len(text) <= limit:
        return text
    cut = text[:limit]
    place = cut.rfind("\\", max(limit - _MAX_ESCAPE_LENGTH, 0))
    if place >= 0:
        # Two backslashes may stand for one.
        cut = cut[:place].rstrip("\\")
    return cut + _CUT


def bound_message(text: str) -> str:
    """Return a complete message, escaped and cut to the maximum length."""
    shown = escape(text, limit=MAX_MESSAGE * _MAX_ESCAPE_LENGTH, keep="\n")
    if len(shown) <= MAX_MESSAGE:
        return shown
    return shorten(shown, MAX_MESSAGE - len(_CUT + _SEE_RESULT)) + _SEE_RESULT


def break_templates(text: str) -> str:
    """Return text that Ansible does not evaluate as a template: a space separates its brackets."""
    if "{" not in text and "#" not in text:
        return text
    return _HEADER.sub(r"\1# ", _TEMPLATE.sub("{ ", text))


def join_limited(
    parts: list[str],
    *,
    max_parts: int = _MAX_NAMED,
    limit: int = _MAX_LIST,
    separator: str = ", ",
    remainder: str = " and {} more",
) -> str:
    """Join the first parts, as many as fit, and say how many more there are."""
    size = max(_count_fitting(parts[:max_parts], limit, len), 1)
    shown = separator.join(shorten(part, limit) for part in parts[:size])
    more = len(parts) - size
    return shown + (remainder.format(more) if more > 0 else "")


def _count_fitting(parts: Iterable[str], limit: int, width: Callable[[str], int]) -> int:
    """Count how many of the first parts fit into the limit."""
    count = 0
    for part in parts:
        limit -= width(part)
        if limit < 0:
            break
        count += 1
    return count
