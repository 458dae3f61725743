# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

"""Finds the kind of a task and the client that made it, from its record."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Collection, Mapping, NamedTuple

from .api_classes import CLASSES
from .kind_table import KINDS, METHODS, ROWS, Row

GROUPS = ("backup", "housekeeping")
CHOICES = KINDS + GROUPS
OTHER = "other"

_BACKUP_KINDS = frozenset({"export", "import", "copy", "snapshot"})
_BACKUP_CLIENTS = frozenset({"xo", "xe"})
# XenCenter writes its key to the tasks of XAPI that it started.
_XENCENTER_KEY = "XenCenterUUID"
_METHOD = re.compile(r"(?:Async\.|InternalAsync\.)?(([A-Za-z_]+)\.[A-Za-z0-9_]+)\Z")
_MAX_CACHED = 200
"""Characters of a label; longer ones, which any account can write, would fill the memory."""


class Classification(NamedTuple):
    """The kind of a task, and the client that made it if that is known."""

    kind: str
    client: str | None
    is_housekeeping: bool = False
    """Whether it is a task that a pool starts by itself again and again."""


_UNKNOWN = Classification(OTHER, None)
_EXACT: dict[str, list[Row]] = {}
_OPEN: list[tuple[str, str, Row]] = []
"""The rows of labels with a *, with the texts before and after it."""
for _row in ROWS:
    for _label in _row.labels:
        if "*" in _label:
            _OPEN.append((*_label.split("*"), _row))  # type: ignore[arg-type]
        else:
            _EXACT.setdefault(_label, []).append(_row)
_KIND_OF_METHOD = {method: kind for kind, methods in METHODS.items() for method in methods.split()}


def classify(
    label: str, description: str = "", other_config: Mapping[str, str] | None = None
) -> Classification:
    """Return the kind and the client of a task: other and None if they are unknown."""
    classify_label = _classify if len(label) <= _MAX_CACHED else _classify.__wrapped__
    found = _UNKNOWN
    for row_description, classification in classify_label(label):
        if _fits(row_description, description):
            found = classification
            break
    if other_config and _XENCENTER_KEY in other_config:
        return found._replace(client="xencenter")
    return found


def is_of_kind(
    classification: Classification, kinds: Collection[str], *, is_destructive: bool
) -> bool:
    """Return whether a task is of one of these kinds or groups.

    Labels of XAPI do not show the caller, so that an export of XAPI may be a backup: it counts
    as one, unless a task too many is worse than a task too few.
    """
    if classification.kind in kinds:
        return True
    if "housekeeping" in kinds and classification.is_housekeeping:
        return True
    if "backup" not in kinds:
        return False
    if classification.kind == "other" and classification.client == "xo":
        # A label of Xen Orchestra that the table does not have may be part of a backup.
        return not is_destructive
    if classification.kind not in _BACKUP_KINDS:
        return False
    return not is_destructive or classification.client in _BACKUP_CLIENTS


def contains_housekeeping(label: str) -> bool:
    """Return whether a label of housekeeping is found anywhere in a label."""
    return any(text in label for text in _HOUSEKEEPING_TEXTS)


_HOUSEKEEPING_TEXTS = tuple(
    label.split("*")[0] for row in ROWS if row.is_housekeeping for label in row.labels
)


@lru_cache(maxsize=4096)
def _classify(label: str) -> tuple[tuple[str, Classification], ...]:
    """Return the classifications of a label in their order, each with the description for it."""
    rows = list(_EXACT.get(label, ()))
    rows += [row for before, after, row in _OPEN if _surrounds(label, before, after)]
    found = [
        (row.description, Classification(row.kind, row.client, row.is_housekeeping)) for row in rows
    ]
    method = _METHOD.match(label)
    if method is not None:
        name, class_name = method.groups()
        client = "xapi" if class_name in CLASSES else None
        kind = _KIND_OF_METHOD.get(name, OTHER)
        found.append(("*", Classification(kind, client)))
    return tuple(found)


def _fits(pattern: str, text: str) -> bool:
    if pattern == "*":
        return True
    before, star, after = pattern.partition("*")
    return _surrounds(text, before, after) if star else text == pattern


def _surrounds(text: str, before: str, after: str) -> bool:
    is_long_enough = len(text) >= len(before) + len(after)
    return is_long_enough and text.startswith(before) and text.endswith(after)
