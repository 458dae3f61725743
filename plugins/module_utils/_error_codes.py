# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Mapping, Sequence

from ._text import MAX_PARAMETER, escape, join_limited, shorten

_MAX_CODE = 100
_MAX_WORDS = 1000
_MAX_NESTED = 600
_MAX_PARAMETERS = 4
_MISSING = "(not given)"
_STORAGE = "SR_BACKEND_FAILURE"
_EVACUATION = "CANNOT_EVACUATE_HOST"
# The format in which the server writes an error into a parameter of another error.
_NESTED = re.compile(r"([A-Z][A-Z0-9_]+):? \[ ?(.*?) ?\]", re.DOTALL)


def describe_error(code: str, params: Sequence[str]) -> str:
    """Return a description of an error of XAPI; code and parameters if the code is unknown."""
    if code == _EVACUATION and params:
        shown = [_describe_obstacles(params[0])]
    else:
        shown = [_format_parameter(param) for param in params]
    return shorten(_describe(code, shown), _MAX_WORDS)


def format_error(code: str, params: Sequence[str]) -> dict[str, Any]:
    """Return an error of XAPI as modules return it."""
    return {"code": code, "params": list(params), "message": describe_error(code, params)}


def escape_parameter(text: str) -> str:
    """Return text from a pool, escaped and cut to the length of one parameter of an error."""
    return escape(text, limit=MAX_PARAMETER)


def _describe(code: str, shown: Sequence[str]) -> str:
    """Return the description of a code; the parameters are escaped already."""
    template = _descriptions().get(code)
    if code.startswith(_STORAGE):
        # The number is the storage driver's own, and the parameters explain it.
        sentence = template or "The storage reported an error of its own."
        report = join_limited([param for param in shown if param])
        return f"{sentence} It reports: {report}" if report else sentence
    if template is not None:
        return template.format(*shown, *[_MISSING] * _MAX_PARAMETERS)
    code = escape(code, limit=_MAX_CODE)
    return f"{code}: {join_limited(list(shown))}" if shown else code


@lru_cache(maxsize=None)
def _descriptions() -> Mapping[str, str]:
    """Return the table of descriptions, which only a run with an error loads."""
    from ._error_descriptions import DESCRIPTIONS

    return DESCRIPTIONS


def _format_parameter(param: str) -> str:
    """Return a parameter to show; describe it if it is another error: `CODE: [ one; two ]`."""
    nested = _NESTED.fullmatch(param)
    if nested is None or not _is_known(nested[1]):
        return escape_parameter(param)
    return _describe_nested(nested[1], nested[2].split("; ") if nested[2] else [])


def _describe_obstacles(param: str) -> str:
    """Describe the reasons against an evacuation: `CODE,one,two|CODE,one` (xapi_host.ml)."""
    errors = [error.split(",") for error in param.split("|")]
    if not all(_is_known(code) for code, *_params in errors):
        return _format_parameter(param)
    words = [_describe_nested(code, params) for code, *params in errors]
    return join_limited(words, limit=_MAX_NESTED, separator="; ")


def _describe_nested(code: str, params: Sequence[str]) -> str:
    words = _describe(code, [escape_parameter(param) for param in params])
    return shorten(words, _MAX_NESTED).rstrip(".")


def _is_known(code: str) -> bool:
    return code in _descriptions() or code.startswith(f"{_STORAGE}_")
