# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON-RPC as the server reads and writes it, both versions (ocaml-rpc, jsonrpc.ml)."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from .values import ApiError, Value, encoded

_HALF_A_PAIR = re.compile("[\ud800-\udbff]")
"""The first half of a character that an escape began and none ended."""


class BadRequest(Exception):
    """A body that is not a call; the server answers it with an HTML page and status 500."""


class JsonCall(NamedTuple):
    version: int
    id: int | str
    method: str
    params: list[Value]


def read(body: bytes) -> JsonCall:
    try:
        document = json.loads(
            body.decode("utf-8", "surrogateescape"),
            object_pairs_hook=_first_of_each,
            parse_int=_int64,
            strict=False,
        )
    except ValueError as error:
        raise BadRequest(f"Yojson.Json_error({error})") from error
    if _HALF_A_PAIR.search(json.dumps(document, ensure_ascii=False)):
        raise BadRequest("Yojson.Json_error(Invalid low surrogate)")
    if not isinstance(document, dict):
        raise _malformed("Invalid request body")
    method = _required(document, "method")
    if not isinstance(method, str):
        raise _malformed("Invalid field 'method' in request body")
    version = _version(document)
    params = _params(document, version)
    identity = document.get("id")
    if isinstance(identity, bool) or not isinstance(identity, (int, str)):
        raise _malformed("Invalid field 'id' in request body")
    return JsonCall(version, identity, method, params)


def as_before_7_3(call: JsonCall) -> JsonCall:
    """Return the call as XAPI answers it before 1.47: in version 1 and with an id of 0.

    That is XenServer 7.0 to 7.2. Its JSON-RPC library knew no other id and no other version.
    """
    return call._replace(version=1, id=0)


def _required(document: dict[str, Any], field: str) -> Any:
    if field not in document:
        raise _malformed(f"Required field {field} is missing")
    return document[field]


def _version(document: dict[str, Any]) -> int:
    if "jsonrpc" not in document:
        return 1
    if document["jsonrpc"] == "2.0":
        return 2
    raise _malformed("Invalid field 'jsonrpc' in request body")


def _params(document: dict[str, Any], version: int) -> list[Value]:
    params = _required(document, "params") if version == 1 else document.get("params")
    if isinstance(params, list):
        return params
    if version == 2 and params is None:
        return []
    if version == 2 and isinstance(params, dict):
        return [params]
    raise _malformed("Invalid field 'params' in request body")


def write_result(call: JsonCall, result: Value) -> bytes:
    if call.version == 1:
        return _encode({"result": result, "error": None, "id": call.id})
    return _encode({"jsonrpc": "2.0", "result": result, "id": call.id})


def write_error(call: JsonCall, error: ApiError) -> bytes:
    if call.version == 1:
        return _encode({"result": None, "error": error.description, "id": call.id})
    detail = {"code": 1, "message": error.code, "data": error.params_list}
    return _encode({"jsonrpc": "2.0", "error": detail, "id": call.id})


def write_irregular_error(error: ApiError) -> bytes:
    """What is refused before dispatch: version 2 whatever was asked, an array, id 0."""
    return _encode({"jsonrpc": "2.0", "error": error.description, "id": 0})


def _encode(document: dict[str, Any]) -> bytes:
    return encoded(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def _first_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return (
        dict(reversed(pairs)) if len({key for key, _unused in pairs}) < len(pairs) else dict(pairs)
    )


def _int64(digits: str) -> int:
    found = int(digits)
    if -(2**63) <= found < 2**63:
        return found
    raise ValueError("Int64.of_string")


def _malformed(text: str) -> BadRequest:
    return BadRequest(f'Jsonrpc.Malformed_method_request("{text}")')
