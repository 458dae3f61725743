# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing that the first release documents is missing, and all that was added since says when."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

FIRST = "1.0.0"
LIST = Path(__file__).with_name("interface_1_0_0.txt")
"""Options, return values and entry points of the first release, as `described` names them."""


def members(
    place: str, entries: Mapping[str, Any], version: str | None
) -> Iterator[tuple[str, str | None]]:
    """Yield the name and version of each entry and of its parts, which inherit its version."""
    for name, entry in entries.items():
        own = entry.get("version_added") or version
        yield f"{place}{name}", own
        parts = entry.get("options") or entry.get("suboptions") or entry.get("contains") or {}
        yield from members(f"{place}{name}.", parts, own)


@pytest.fixture(scope="module")
def described() -> dict[str, str | None]:
    """Return the version of all that modules, filters and roles document."""
    call = [sys.executable, "-m", "ansible", "doc", "--metadata-dump", "xen.xapi"]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    found: dict[str, str | None] = {}
    everything = json.loads(done.stdout)["all"]
    for kind in ("module", "filter", "role"):
        for full_name, plugin in everything[kind].items():
            name = full_name.removeprefix("xen.xapi.")
            for entry, doc in plugin.get("entry_points", {"": plugin.get("doc")}).items():
                place = " ".join(filter(None, (kind, name, entry)))
                version = doc.get("version_added")
                found[place] = version
                found.update(members(f"{place} option ", doc.get("options") or {}, version))
                returned = plugin.get("return") or {}
                found.update(members(f"{place} return ", returned, version))
    return found


def first_release() -> set[str]:
    return {line for line in LIST.read_text().splitlines() if not line.startswith("#")}


def test_all_of_the_first_release_exists(described: dict[str, str | None]) -> None:
    assert first_release() - described.keys() == set()


def test_all_that_was_added_since_has_a_version(described: dict[str, str | None]) -> None:
    added = described.keys() - first_release()
    assert len(added) > 50
    assert [name for name in sorted(added) if described[name] in (None, FIRST)] == []


def test_nothing_of_the_first_release_has_a_later_version(described: dict[str, str | None]) -> None:
    known = first_release() & described.keys()
    assert [name for name in sorted(known) if described[name] not in (None, FIRST)] == []
