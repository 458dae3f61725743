# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Examples of the documentation, so that tests can run them as printed."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import yaml

from ansible_collections.xen.xapi.tests.support.collection import ROOT

_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `(\w+)` \|(.*)\| `(.+)` \|$", re.MULTILINE)


class Row(NamedTuple):
    """A row of an option table: the option, the cells between, and its example."""

    option: str
    cells: list[str]
    example: dict[str, Any]


def blocks(document: str) -> list[str]:
    """The YAML blocks of a document, in its order."""
    return _BLOCK.findall((ROOT / document).read_text(encoding="utf-8"))


def rows(document: str) -> list[Row]:
    """The rows of the option tables of a document."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found = []
    for option, middle, example in _ROW.findall(text):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", middle)]
        found.append(Row(option, cells, yaml.safe_load(example.replace(r"\|", "|"))))
    return found


def play_of(tasks: str) -> str:
    """Return a play of these tasks, for documents that show only tasks."""
    if re.search(r"^  hosts:", tasks, re.MULTILINE):
        return tasks
    indented = re.sub(r"^(?=.)", "    ", tasks, flags=re.MULTILINE)
    return f"- hosts: localhost\n  gather_facts: false\n  tasks:\n{indented}"
