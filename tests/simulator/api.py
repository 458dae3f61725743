# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The data model of the server as data: classes, fields, and the declaration of each message.

`scripts/simulator_api.py` writes api.json from a dump of the server's own generator.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

RELEASES = (
    "rio", "miami", "symc", "orlando", "orlando-update-1", "george", "midnight-ride", "cowley",
    "boston", "tampa", "clearwater", "vgpu-tech-preview", "vgpu-productisation",
    "clearwater-whetstone", "creedence", "cream", "indigo", "dundee", "ely", "falcon", "inverness",
    "jura", "kolkata", "lima", "naples", "quebec", "stockholm", "stockholm_psr",
)  # fmt: skip
"""Names of releases from the oldest to the newest; numbered ones came after them."""


HIDDEN = {
    "VM": {
        "set_is_default_template": [
            "vm-admin", "falcon", "void", "", "vm: VM ref", "value: bool",
        ],
    },
    "SR": {
        "set_virtual_allocation": ["pool-operator", "miami", "void", "", "self: SR ref",
                                   "value: int"],
    },
}  # fmt: skip
"""Messages that the server has and hides from its documentation."""


class Declaration(NamedTuple):
    """A message as the data model declares it."""

    name: str
    role: str
    """The least role that may send it; empty: root alone."""
    since: str
    result: str
    has_async: bool
    is_removed: bool
    has_session: bool
    params: tuple[str, ...]
    """Types of the parameters that must be given, without the session."""
    optional: tuple[str, ...]
    """Types of the trailing parameters that may be left out."""
    labels: tuple[str, ...] = ()
    """Names of all parameters, without the session."""


class Class(NamedTuple):
    """A class: its fields with their types, and its enumerations."""

    fields: dict[str, str]
    since: dict[str, str]
    """Field -> release; fields without a getter of their own are not there."""
    enums: dict[str, tuple[str, ...]]
    messages: dict[str, Declaration]
    """Without the name of the class."""


def age(release: str) -> tuple[int, ...]:
    """Return a key by which releases sort from old to new."""
    if release in RELEASES:
        return (0, RELEASES.index(release))
    return (1, *(int(part) for part in release.partition("-")[0].split(".")))


def _declared(name: str, entry: list[str]) -> Declaration:
    role, since, result, flags, *params = entry
    split = [param.partition(": ") for param in params]
    return Declaration(
        name,
        role,
        since,
        result,
        "async" in flags,
        "removed" in flags,
        "no session" not in flags,
        tuple(kind for label, _colon, kind in split if not label.endswith("?")),
        tuple(kind for label, _colon, kind in split if label.endswith("?")),
        tuple(label.removesuffix("?") for label, _colon, _kind in split),
    )


def _class(name: str, parts: dict[str, Any]) -> Class:
    fields = {field: entry[0] for field, entry in parts["fields"].items()}
    since = {field: entry[1] for field, entry in parts["fields"].items() if len(entry) > 1}
    messages = {
        f"get_{field}": Declaration(
            f"{name}.get_{field}",
            "read-only",
            release,
            fields[field],
            False,
            False,
            True,
            (f"{name} ref",),
            (),
        )
        for field, release in since.items()
    }
    listed = {**parts["messages"], **HIDDEN.get(name, {})}
    messages |= {
        message: _declared(f"{name}.{message}", entry) for message, entry in listed.items()
    }
    for message in ("create", "destroy") if "create" in messages else ():
        if messages["create"].params == (f"{name} record",) and message in messages:
            # A constructor and its destructor have an Async form without a flag (gen_client.ml).
            messages[message] = messages[message]._replace(has_async=True)
    enums = {enum: tuple(words) for enum, words in parts["enums"].items()}
    return Class(fields, since, enums, messages)


def _load() -> dict[str, Class]:
    text = Path(__file__).with_name("api.json").read_text(encoding="utf-8")
    return {name: _class(name, parts) for name, parts in json.loads(text).items()}


CLASSES = _load()
ENUMS = {enum: words for one in CLASSES.values() for enum, words in one.enums.items()}


def declarations() -> Iterator[Declaration]:
    """Yield every message of every class."""
    for one in CLASSES.values():
        yield from one.messages.values()


def declared(name: str) -> Declaration:
    """Return the declaration of a message such as `VM.start`."""
    kind, _dot, message = name.partition(".")
    return CLASSES[kind].messages[message]
