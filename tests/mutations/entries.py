# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the mutations, each of which removes a safeguard, from the YAML files in this folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import yaml

FOLDER = Path(__file__).parent
TITLES = {
    "waits": "Waits",
    "quiet": "Quiet pools",
    "selection": "Selecting tasks",
    "connection": "Connection",
    "cancel": "Cancelling tasks",
    "force": "Marking tasks as cancelled with force",
    "call": "Calling methods",
    "roles": "Roles and playbooks",
    "display": "Progress, messages and reports",
    "events": "Event source",
}
"""The areas in their order, with their titles in the documentation; each has a file."""


class Mutation(NamedTuple):
    """A change of one file that removes a safeguard, and the test that must fail then."""

    area: str
    safeguard: str
    file: str
    """The path in the repository."""
    old: str
    """Text that occurs exactly once in the file."""
    new: str
    test: str
    """The name of a file of tests and of a function in it: `test_x.py::test_y`."""


def load() -> list[Mutation]:
    """Return all mutations in the order of the documentation."""
    found = []
    for area in TITLES:
        text = (FOLDER / f"{area}.yml").read_text(encoding="utf-8")
        found += [Mutation(area=area, **entry) for entry in yaml.safe_load(text)]
    return found


def find_tests(root: Path) -> dict[str, list[str]]:
    """Return the paths of all test functions in a checkout, by their names as mutations have them.

    A name is usable if there is one path for it.
    """
    found: dict[str, list[str]] = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"^(?:async )?def (test_\w+)\(", text, re.MULTILINE):
            node = f"{path.relative_to(root).as_posix()}::{name}"
            found.setdefault(f"{path.name}::{name}", []).append(node)
    return found


def format_table(mutations: list[Mutation]) -> str:
    """Return the tables of the documentation: each safeguard with its test."""
    blocks = []
    for area, title in TITLES.items():
        lines = [f"### {title}", "", "| safeguard | the test that fails without it |", "|---|---|"]
        for mutation in mutations:
            if mutation.area == area:
                file, test = mutation.test.split("::")
                lines.append(f"| {mutation.safeguard} | `{file}`: `{test}` |")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)
