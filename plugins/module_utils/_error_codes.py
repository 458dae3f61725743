# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import re
from typing import Any, Sequence

from ._error_descriptions import DESCRIPTIONS
from ._text import MAX_PARAMETER, escape, join_limited, shorten

_MAX_CODE = 100
_MAX_WORDS = 1000
_MAX_NESTED = 600
_MAX_PARAMETERS = 4
_NOT_SAID = "(not said)"
_STORAGE = "SR_BACKEND_FAILURE"
_EVACUATION = "CANNOT_EVACUATE_HOST"
# How the server writes an error into the text of another one.
_NESTED = re.compile(r"([A-Z][A-Z0-9_]+):? \[ ?(.*?) ?\]", re.DOTALL)


def describe_error(code: str, params: Sequence[str]) -> str:
    """One sentence or two for an error of XAPI; the code itself where there are no better words."""
    if code == _EVACUATION and params:
        shown = [_hindrances(params[0])]
    else:
        shown = [_taken_apart(param) for param in params]
    return shorten(_words(code, shown), _MAX_WORDS)


def format_error(code: str, params: Sequence[str]) -> dict[str, Any]:
    """What modules return for an error of XAPI."""
    return {"code": code, "params": list(params), "message": describe_error(code, params)}


def escape_parameter(text: str) -> str:
    """The text with escapes in place of what could act on a terminal, or hide there.

    A long one is cut, as it may be a parameter of an error.
    """
    return escape(text, limit=MAX_PARAMETER)


def _words(code: str, shown: Sequence[str]) -> str:
    """The words for a code; the parameters are fit to be shown."""
    template = DESCRIPTIONS.get(code)
    if code.startswith(_STORAGE):
        # The number is the storage driver's own, and the text beside it says most.
        sentence = template or "The storage failed in its own way."
        report = join_limited([param for param in shown if param])
        return f"{sentence} It reports: {report}" if report else sentence
    if template is not None:
        return template.format(*shown, *[_NOT_SAID] * _MAX_PARAMETERS)
    code = escape(code, limit=_MAX_CODE)
    return f"{code}: {join_limited(list(shown))}" if shown else code


def _taken_apart(param: str) -> str:
    """A parameter to be shown, in words where it is another error: `CODE: [ one; two ]`."""
    nested = _NESTED.fullmatch(param)
    if nested is None or not _is_known(nested[1]):
        return escape_parameter(param)
    return _nested_words(nested[1], nested[2].split("; ") if nested[2] else [])


def _hindrances(param: str) -> str:
    """What keeps a host from being emptied: `CODE,one,two|CODE,one` (xapi_host.ml)."""
    errors = [error.split(",") for error in param.split("|")]
    if not all(_is_known(code) for code, *_params in errors):
        return _taken_apart(param)
    words = [_nested_words(code, params) for code, *params in errors]
    return join_limited(words, limit=_MAX_NESTED, separator="; ")


def _nested_words(code: str, params: Sequence[str]) -> str:
    words = _words(code, [escape_parameter(param) for param in params])
    return shorten(words, _MAX_NESTED).rstrip(".")


def _is_known(code: str) -> bool:
    return code in DESCRIPTIONS or code.startswith(f"{_STORAGE}_")
