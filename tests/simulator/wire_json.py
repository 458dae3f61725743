# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON-RPC as the server reads and writes it, both versions (ocaml-rpc, jsonrpc.ml)."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from .values import ApiError, Value


class BadRequest(Exception):
    """A body that is no call; the server answers it with an HTML page and status 500."""


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
        )
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"Yojson.Json_error({error})") from error
    if not isinstance(document, dict):
        raise _malformed("Invalid request body")
    for required in ("method",):
        if required not in document:
            raise _malformed(f"Required field {required} is missing")
    version = _version(document)
    if not isinstance(document["method"], str):
        raise _malformed("Invalid field 'method' in request body")
    identity = document.get("id")
    if isinstance(identity, bool) or not isinstance(identity, (int, str)):
        raise _malformed("Invalid field 'id' in request body")
    return JsonCall(version, identity, document["method"], _params(document, version))


def _version(document: dict[str, Any]) -> int:
    if "jsonrpc" not in document:
        return 1
    if document["jsonrpc"] == "2.0":
        return 2
    raise _malformed("Invalid field 'jsonrpc' in request body")


def _params(document: dict[str, Any], version: int) -> list[Value]:
    if version == 1 and "params" not in document:
        raise _malformed("Required field params is missing")
    params = document.get("params")
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
    written = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return written.encode("utf-8", "surrogateescape")


def _first_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs)) if len({key for key, _ in pairs}) < len(pairs) else dict(pairs)


def _int64(digits: str) -> int:
    found = int(digits)
    if -(2**63) <= found < 2**63:
        return found
    raise ValueError("Int64.of_string")


def _malformed(text: str) -> BadRequest:
    return BadRequest(f'Jsonrpc.Malformed_method_request("{text}")')
