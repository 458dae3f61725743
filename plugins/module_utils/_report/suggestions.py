# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

"""Finds the known names that misspelt names may stand for."""

from __future__ import annotations

import difflib
from typing import Sequence

from .._text import MAX_LABEL, escape, join_limited

_MAX_COMPARED = 100


def suggest_names(names: Sequence[str], known: Sequence[str]) -> str:
    """Return names for a message, each with the most similar known name, if there is one."""
    size = len(_common_beginning(known))
    by_rest = {name[size:].lower(): name for name in known}
    beginning = known[0][:size] if known else ""
    return join_limited([_suggest(name, beginning, by_rest) for name in names])


def _common_beginning(names: Sequence[str]) -> str:
    """Return the beginning, up to an underscore, that all names have in common."""
    first, last = min(names, default=""), max(names, default="")
    differing = next(
        (place for place, pair in enumerate(zip(first, last)) if pair[0] != pair[1]),
        min(len(first), len(last)),
    )
    return first[: first.rfind("_", 0, differing) + 1]


def _suggest(name: str, beginning: str, by_rest: dict[str, str]) -> str:
    shown = escape(name, limit=MAX_LABEL)
    rest = name[len(beginning) :] if name.startswith(beginning) else name
    close = difflib.get_close_matches(rest[:_MAX_COMPARED].lower(), by_rest, n=1)
    return f"{shown} (do you mean {by_rest[close[0]]}?)" if close else shown
