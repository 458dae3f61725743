# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from typing import Any, Callable, NamedTuple, NoReturn

from .._client.credentials import is_secret_name
from .._errors import OptionError
from .._validators import parse_time, parse_uuid
from .datamodel import find_class

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}\Z", re.ASCII)
_CLASS_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z", re.ASCII)
_SERVER_TIME = re.compile(r"[0-9]{8}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z", re.ASCII)
_LIMIT = 2**63
_BOOLEANS = {"true": True, "false": False}
_REF = "OpaqueRef:"
_MAX_NESTED = 20
_IDENTITIES = ("uuid", "name_label")


class ObjectArgument(NamedTuple):
    """An object in an argument by its uuid or name, until its reference is known."""

    where: str
    kind: str
    identity: str
    """Which of uuid and name_label it is given by."""
    value: str


def convert(value: Any, type_: str, where: str) -> Any:
    """Return an argument as a type of the datamodel has it on the wire.

    It has an ObjectArgument for each object whose reference is yet to be read. A type that is not
    known here is left as it is. Raises OptionError, which names the place.
    """
    if value is None:
        _fail(where, None, f"is null, where {type_} is expected")
    if type_.endswith(" set"):
        return _convert_set(value, type_[: -len(" set")], where)
    if type_.endswith(" map"):
        return _convert_map(value, type_, where)
    if type_.endswith(" ref"):
        return _convert_ref(value, type_[: -len(" ref")], where)
    if type_.endswith(" record"):
        return _convert_record(value, type_[: -len(" record")], where)
    if type_.startswith("enum "):
        return _convert_text(value, where)
    reader = _READERS.get(type_)
    return convert_untyped(value, where) if reader is None else reader(value, where)


def convert_untyped(value: Any, where: str, *, depth: int = 0) -> Any:
    """Return an argument of a method that the datamodel does not know, with its objects."""
    if value is None:
        _fail(where, None, "is null, which XAPI has no value for")
    if depth > _MAX_NESTED:
        _fail(where, None, "is nested too deeply")
    if _is_object(value):
        return _parse_object(value, None, where)
    if isinstance(value, dict):
        return {
            _convert_key(key, where): convert_untyped(item, f"{where}.{key}", depth=depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            convert_untyped(item, f"{where}[{place}]", depth=depth + 1)
            for place, item in enumerate(value)
        ]
    if isinstance(value, float) and not math.isfinite(value):
        _fail(where, value, "is not a number that JSON can hold")
    return value


def convert_result(value: Any, type_: str) -> Any:
    """Return a decoded result with the numbers that the server wrote as text."""
    if isinstance(value, list) and type_.endswith(" set"):
        return [convert_result(item, type_[: -len(" set")]) for item in value]
    if type_ == "int" and isinstance(value, str) and _INTEGER.match(value):
        return int(value)
    if type_ == "float" and isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return value
        return number if math.isfinite(number) else value
    return value


def _fail(where: str, value: Any, problem: str) -> NoReturn:
    """Raise an error without a value that may have a secret in it: it would be cut, not masked."""
    has_parts = isinstance(value, (dict, list, tuple)) or str(value).lstrip()[:1] in ("{", "[")
    is_secret = any(is_secret_name(part) for part in re.split(r"[.\[\]]+", where))
    raise OptionError(where, value=None if has_parts or is_secret else value, problem=problem)


def _convert_text(value: Any, where: str) -> str:
    if isinstance(value, (bool, float)):
        _fail(where, value, "is not a string; put quotes around it")
    if not isinstance(value, (str, int)):
        _fail(where, value, "is not a string")
    return str(value)


def _convert_int(value: Any, where: str) -> int:
    if isinstance(value, str) and _INTEGER.match(value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        _fail(where, value, "is not an integer")
    if not -_LIMIT <= value < _LIMIT:
        _fail(where, value, "does not fit into 64 bits")
    return int(value)


def _convert_float(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        _fail(where, value, "is not a number")
    try:
        number = float(value)
    except (OverflowError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        _fail(where, value, "is not a number")
    return number


def _convert_bool(value: Any, where: str) -> bool:
    # A template returns text for values of any type.
    found = _BOOLEANS.get(value.lower(), value) if isinstance(value, str) else value
    if not isinstance(found, bool):
        _fail(where, value, "is neither true nor false")
    return found


def _convert_time(value: Any, where: str) -> str:
    text = _convert_text(value, where)
    if _SERVER_TIME.match(text):
        return text
    moment = datetime.fromtimestamp(parse_time(where, text), timezone.utc)
    return f"{moment:%Y%m%dT%H:%M:%SZ}"


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "string": _convert_text,
    "int": _convert_int,
    "float": _convert_float,
    "bool": _convert_bool,
    "datetime": _convert_time,
}


def _convert_set(value: Any, element: str, where: str) -> list[Any]:
    if not isinstance(value, list):
        _fail(where, value, f"is not a list of {element}")
    return [convert(item, element, f"{where}[{place}]") for place, item in enumerate(value)]


def _convert_map(value: Any, type_: str, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _fail(where, value, f"is not a map of type {type_}")
    _bracket, _arrow, held = type_[1 : -len(") map")].partition(" -> ")
    return {
        _convert_key(key, where): convert(item, held, f"{where}.{key}")
        for key, item in value.items()
    }


def _convert_key(key: Any, where: str) -> str:
    if isinstance(key, bool) or not isinstance(key, (str, int)):
        _fail(where, key, "is not a string; put quotes around the key")
    return str(key)


def _convert_record(value: Any, kind: str, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _fail(where, value, f"is not a record of the class {kind}")
    described = find_class(kind)
    fields = {} if described is None else described.fields
    return {
        _convert_key(field, where): convert(item, fields.get(field, ""), f"{where}.{field}")
        for field, item in value.items()
    }


def _convert_ref(value: Any, kind: str, where: str) -> Any:
    if isinstance(value, dict):
        return _parse_object(value, kind, where)
    if isinstance(value, str) and value.startswith(_REF):
        return value
    if value == "":
        # XAPI would take it for OpaqueRef:NULL, but it is often the default of a template.
        _fail(where, value, f"is empty; write {_REF}NULL for no {kind}")
    example = f"{{class: {kind}, uuid: …}} or {{class: {kind}, name_label: …}}"
    return _fail(where, value, f"is not a reference of the class {kind}; write {example}")


def _is_object(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) == 2
        and "class" in value
        and any(identity in value for identity in _IDENTITIES)
    )


def _parse_object(value: dict[Any, Any], kind: str | None, where: str) -> ObjectArgument:
    """Return an object by its class and one of its uuid and name."""
    given, identities = value.get("class"), [one for one in _IDENTITIES if one in value]
    if len(identities) != 1 or len(value) != 2 or "class" not in value:
        _fail(where, value, "is not an object; write class and one of uuid and name_label")
    if not isinstance(given, str) or not _CLASS_NAME.match(given):
        _fail(f"{where}.class", given, "is not a class of XAPI, such as VM")
    if kind is not None and given != kind:
        _fail(f"{where}.class", given, f"is not the class that is expected, which is {kind}")
    (identity,) = identities
    place, text = f"{where}.{identity}", value[identity]
    if identity == "uuid":
        text = parse_uuid(place, text)
    elif not isinstance(text, str) or not text:
        _fail(place, text, "is not a name")
    return ObjectArgument(where, given, identity, text)
