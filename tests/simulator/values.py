# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values as the API types them, and the words with which the server refuses a wrong one."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

Value = Any
"""str, Date, Base64, bool, int, Int32, float, None, a list of values, or a dict of text to values.
"""

NULL_REF = "OpaqueRef:NULL"
NOT_IMPLEMENTED = "SIMULATOR_NOT_IMPLEMENTED"
"""Code of the error that names a message or a request which the simulator does not do."""


class Date(str):
    """A moment as the server writes it: 20261123T10:11:12Z. XML-RPC gives it a tag of its own."""

    @classmethod
    def at(cls, moment: float) -> Date:
        return cls(time.strftime("%Y%m%dT%H:%M:%SZ", time.gmtime(moment)))


class Base64(str):
    """Decoded base64 of XML-RPC; no message takes it."""


class Int32(int):
    """The one integer type that XML-RPC answers carry with a tag."""


class ApiError(Exception):
    """An error of the API: a code and its parameters, all text."""

    def __init__(self, code: str, *params: str) -> None:
        super().__init__(code, *params)
        self.code = code
        self.params_list = list(params)

    @property
    def description(self) -> list[str]:
        return [self.code, *self.params_list]


def internal_failure(text: str) -> ApiError:
    """Return the error for an OCaml `Failure` (exnHelper.ml)."""
    return ApiError("INTERNAL_ERROR", f"Failure({_ocaml_quoted(text)})")


def encoded(written: str) -> bytes:
    """UTF-8; bytes that came as something else go out as they came."""
    try:
        return written.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return written.encode("utf-8", "surrogatepass")


def lower(written: str) -> str:
    """Lower case of the letters A to Z, as OCaml's lowercase_ascii does."""
    return "".join(char.lower() if char.isascii() else char for char in written)


def _ocaml_quoted(text: str) -> str:
    named = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b"}
    quoted = []
    for byte in encoded(text):
        char = chr(byte)
        quoted.append(named.get(char) or (char if 32 <= byte < 127 else f"\\{byte:03d}"))
    return '"' + "".join(quoted) + '"'


def show(value: Value) -> str:
    """A value as the server's marshaller shows it in its error texts (ocaml-rpc, Rpc.to_string)."""
    if value is None:
        return "N"
    if isinstance(value, bool):
        return f"B({'true' if value else 'false'})"
    if isinstance(value, int):
        return f"I({value})"
    if isinstance(value, float):
        return f"F({value:g})"
    if isinstance(value, Date):
        return f"D({value})"
    if isinstance(value, Base64):
        return f"B64({value})"
    if isinstance(value, str):
        return f"S({value})"
    if isinstance(value, list):
        return "[" + ";".join(map(show, value)) + "]"
    return "{" + ";".join(f"{key}:{show(item)}" for key, item in value.items()) + "}"


Reader = Callable[[Value], Value]


def _is_plain(value: Value) -> bool:
    return isinstance(value, str) and not isinstance(value, (Date, Base64))


def text(value: Value) -> str:
    if _is_plain(value):
        return str(value)
    raise internal_failure(f"Expected string, got '{show(value)}'")


def ref(value: Value) -> str:
    """A reference; that of something outside the database is put together anew (ref.ml)."""
    written = text(value)
    if is_dummy(written):
        unique, _unused, name = written.partition("|")[2].partition("|")
        return f"DummyRef:|{unique}|{name}"
    return written


def is_dummy(reference: str) -> bool:
    """Whether a reference is of something that is not in the database."""
    return reference.startswith("DummyRef:") and "|" in reference


def new_ref() -> str:
    return f"OpaqueRef:{uuid.uuid4()}"


def dummy_ref(label: str) -> str:
    """A new reference of something that is not in the database, with its name in it (ref.ml)."""
    return f"DummyRef:|{uuid.uuid4()}|{label}"


def number(value: Value) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if _is_plain(value):
        found = ocaml_float(value)
        if found is None:
            raise internal_failure("float_of_string")
        return found
    raise internal_failure(f"Expected float, got '{show(value)}'")


def ocaml_float(written: str) -> float | None:
    """A number as OCaml's float_of_string reads it; None where that raises."""
    plain = written.replace("_", "")
    if not plain.isascii() or plain != plain.rstrip():
        return None
    try:
        return float.fromhex(plain) if "0x" in plain.lower() else float(plain)
    except (ValueError, OverflowError):
        return None


def integer(value: Value) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if _is_plain(value):
        found = ocaml_int64(value)
        if found is None:
            raise internal_failure("Int64.of_string")
        return found
    raise internal_failure(f"Expected int64, got '{show(value)}'")


_INT64 = re.compile(
    r"[-+]?(0[xX][0-9a-fA-F][0-9a-fA-F_]*|0[oO][0-7][0-7_]*|0[bB][01][01_]*"
    r"|0[uU][0-9][0-9_]*|[0-9][0-9_]*)"
)


MAX_INTEGER_LENGTH = 80
"""Characters; 64 bits written out one by one are shorter."""


def ocaml_int64(written: str) -> int | None:
    """An integer as OCaml's Int64.of_string reads it; None where that raises."""
    if not _INT64.fullmatch(written) or len(written.lstrip("+-0")) > MAX_INTEGER_LENGTH:
        return None
    plain = written.replace("_", "").lower()
    sign = -1 if plain.startswith("-") else 1
    digits = plain.lstrip("+-")
    bits = digits[:2] in ("0x", "0o", "0b", "0u")
    found = sign * (
        int(digits[2:]) if digits[:2] == "0u" else int(digits, 0) if bits else int(digits)
    )
    if bits and 0 <= abs(found) < 2**64:
        return (found + 2**63) % 2**64 - 2**63
    return found if -(2**63) <= found < 2**63 else None


def boolean(value: Value) -> bool:
    if isinstance(value, bool):
        return value
    raise internal_failure(f"Expected bool, got '{show(value)}'")


def texts(value: Value) -> list[str]:
    if isinstance(value, list):
        return [text(item) for item in value]
    raise internal_failure(f"Expecting Rpc.Enum, but found '{show(value)}'")


def refs(value: Value) -> list[str]:
    return [ref(item) for item in texts(value)]


def text_map(value: Value) -> dict[str, str]:
    if isinstance(value, dict):
        return {key: text(item) for key, item in value.items()}
    raise internal_failure(f"Expecting Rpc.Dict, but found '{show(value)}'")


def choice(*names: str) -> Reader:
    """An enumeration; the server reads its words in any case."""
    words = {lower(name): name for name in names}

    def read(value: Value) -> str:
        if _is_plain(value) and lower(value) in words:
            return words[lower(value)]
        raise internal_failure("Unknown tag/contents")

    return read


_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


def is_storable(written: str) -> bool:
    """Whether the database takes a text as it is: UTF-8 without most control characters."""
    return _NOT_XML.search(written) is None


def storable(written: str) -> str:
    """Return the part of a text that a new row keeps: all up to the first bad character."""
    bad = _NOT_XML.search(written)
    return written if bad is None else written[: bad.start()]
