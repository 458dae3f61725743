# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, NoReturn

from .._client import schema as records
from .._client.retry import none_if_gone
from .._client.session import Session
from .._errors import OptionError
from .._text import escape, join_limited, quote
from .datamodel import find_class
from .values import ObjectArgument

_MAX_LISTED = 5
_MAX_UUID = 100
_REF = " ref"
_PREFIX = "OpaqueRef:"
_NULL = "OpaqueRef:NULL"


def resolve_args(session: Session, args: Any) -> Any:
    """Return arguments with the reference of each object in them, at any depth."""
    if isinstance(args, ObjectArgument):
        return _find(session, args)
    if isinstance(args, (list, tuple)):
        return [resolve_args(session, item) for item in args]
    if isinstance(args, dict):
        return {key: resolve_args(session, item) for key, item in args.items()}
    return args


def name_object(value: Any, type_: str) -> dict[str, Any] | None:
    """Return the object that a result refers to, by its reference alone; None if it is none."""
    kind = type_[: -len(_REF)] if type_.endswith(_REF) else ""
    if find_class(kind) is None or not isinstance(value, str) or value == _NULL:
        return None
    if not value.startswith(_PREFIX):
        return None
    return {"class": kind, "ref": value, "uuid": None, "name_label": None}


def describe_object(session: Session, named: dict[str, Any]) -> dict[str, Any]:
    """Return the same with the uuid and the name, which are null if it does not exist any more."""
    kind, ref = named["class"], named["ref"]
    described = find_class(kind)
    fields = {} if described is None else described.fields
    read: dict[str, Any] = {
        field: _read(session, kind, field, ref)
        for field in ("uuid", "name_label")
        if field in fields
    }
    return {**named, **read}


def _read(session: Session, kind: str, field: str, ref: str) -> str | None:
    return none_if_gone(lambda: session.read(records.text, f"{kind}.get_{field}", ref))


def _find(session: Session, wanted: ObjectArgument) -> str:
    kind, described = wanted.kind, find_class(wanted.kind)
    if wanted.identity == "uuid":
        method = f"{kind}.get_by_uuid"
        ref = none_if_gone(lambda: session.read(records.name, method, wanted.value))
        if ref is None:
            _fail(wanted, f"is no {kind} of this pool")
        return ref
    if described is not None and not described.has_names:
        _fail(wanted, f"cannot be looked up: XAPI finds no {kind} by its name; give its uuid")
    method = f"{kind}.get_by_name_label"
    refs = session.read(records.names, method, wanted.value)
    if len(refs) > 1:
        found = _list(session, refs, wanted)
        _fail(wanted, f"is the name of {len(refs)} {kind}s of this pool: {found}; give a uuid")
    if not refs:
        _fail(wanted, f"is not the name of any {kind} of this pool")
    return refs[0]


def _list(session: Session, refs: list[str], wanted: ObjectArgument) -> str:
    """Return the first few of several objects of one name by their uuids."""
    uuids = [_read(session, wanted.kind, "uuid", ref) for ref in refs[:_MAX_LISTED]]
    found = [
        f"{quote(wanted.value)} (uuid {escape(uuid, limit=_MAX_UUID)})" for uuid in uuids if uuid
    ]
    more = len(refs) - len(uuids)
    return join_limited(found) + (f" and {more} more" if more else "")


def _fail(wanted: ObjectArgument, problem: str) -> NoReturn:
    place = f"{wanted.where}.{wanted.identity}"
    raise OptionError(place, value=wanted.value, problem=problem)
