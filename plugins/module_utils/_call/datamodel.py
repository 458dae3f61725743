# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from .datamodel_text import CLASSES

_NO_ROLE = "-"
_ASYNC = "*"
_GETTER = "get_"


class Param(NamedTuple):
    """A parameter of a method; the type is in the words of the datamodel, such as `VM ref set`."""

    name: str
    type: str
    is_required: bool

    def __str__(self) -> str:
        text = f"{self.name}: {self.type}"
        return text if self.is_required else f"[{text}]"


class Method(NamedTuple):
    """A method of XAPI, without the session, which is the first parameter of each."""

    name: str
    params: tuple[Param, ...]
    result: str
    has_async: bool
    role: str | None
    """The least role that may call it; None if only the server itself may."""

    @property
    def required(self) -> int:
        """Return how many parameters may not be left out."""
        return sum(param.is_required for param in self.params)

    @property
    def signature(self) -> str:
        return f"{self.name}({', '.join(map(str, self.params))})"


class XapiClass:
    """A class of XAPI's objects, which parses the description of a method on demand."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.fields: dict[str, str] = {}
        self.enums: dict[str, tuple[str, ...]] = {}
        self._lines: dict[str, str] = {}
        """The line of each method, which is empty for the getter of a field."""
        # A line that begins with a space continues the one before.
        for line in text.strip().replace("\n ", " ").split("\n"):
            self._read_line(line)

    @property
    def method_names(self) -> list[str]:
        return list(self._lines)

    @property
    def has_names(self) -> bool:
        """Return whether objects can be found by their name_label."""
        return "get_by_name_label" in self._lines

    def find_method(self, name: str) -> Method | None:
        """Return the description of a method by its name without the class."""
        line = self._lines.get(name)
        if line is None:
            return None
        full_name = f"{self.name}.{name}"
        if line:
            return _read_method(full_name, line)
        self_ = Param("self", f"{self.name} ref", True)
        result = self.fields[name[len(_GETTER) :]]
        return Method(full_name, (self_,), result, False, "read-only")

    def _read_line(self, line: str) -> None:
        mark, rest = line[:1], line[1:]
        if mark in (".", "-"):
            field, _space, type_ = rest.partition(" ")
            self.fields[field] = type_
            if mark == ".":
                self._lines[_GETTER + field] = ""
        elif mark == "=":
            enum, *values = rest.split(" ")
            self.enums[enum] = tuple(values)
        else:
            self._lines[line.partition(" ")[0].rstrip(_ASYNC)] = line


@lru_cache(maxsize=None)
def find_class(name: str) -> XapiClass | None:
    """Return the description of a class; it is read from the text when it is first needed."""
    return XapiClass(name, CLASSES[name]) if name in CLASSES else None


def find_method(name: str) -> Method | None:
    """Return the description of a method such as VM.snapshot."""
    kind, _dot, short = name.partition(".")
    described = find_class(kind)
    return None if described is None else described.find_method(short)


def similar_methods(name: str) -> list[str]:
    """Return the known methods that a misspelt name may stand for."""
    # Only an error needs it, and a module run should start quickly.
    import difflib

    kind, _dot, short = name.partition(".")
    by_lower = {known.lower(): known for known in CLASSES}
    close = difflib.get_close_matches(kind.lower(), by_lower, n=1)
    described = find_class(by_lower[close[0]]) if close else None
    if described is None:
        return []
    found = difflib.get_close_matches(short, described.method_names, n=3)
    return [f"{described.name}.{one}" for one in found]


def _read_method(full_name: str, line: str) -> Method:
    head, _bracket, rest = line.partition(" (")
    name, _space, role = head.partition(" ")
    params, result = _split_params(rest)
    return Method(
        name=full_name,
        params=tuple(map(_read_param, params)),
        result=result,
        has_async=name.endswith(_ASYNC),
        role=None if role == _NO_ROLE else role,
    )


def _split_params(text: str) -> tuple[list[str], str]:
    """Return the parameters, and the result that follows the closing bracket."""
    depth = 1
    for place, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if not depth:
            inside = text[:place]
            return (inside.split("; ") if inside else []), text[place + 2 :]
    raise ValueError(text)


def _read_param(text: str) -> Param:
    name, _colon, type_ = text.partition(": ")
    return Param(name.rstrip("?"), type_, not name.endswith("?"))
