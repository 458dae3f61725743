# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide on kinds has the table of the code, row for row."""

from __future__ import annotations

import re

from ansible_collections.xen.xapi.plugins.module_utils._tasks.kind_table import (
    KINDS,
    METHODS,
    ROWS,
)
from ansible_collections.xen.xapi.tests.support.collection import ROOT

GUIDE = (ROOT / "docs" / "kinds_of_tasks.md").read_text(encoding="utf-8")


def code(text):
    return f"`{text.replace('*', '…')}`"


def label_rows():
    for kind in KINDS:
        for row in ROWS:
            if row.kind == kind:
                cells = [", ".join(map(code, row.labels))]
                if row.description != "*":
                    cells[0] += f", description {code(row.description)}"
                client = code(row.client) if row.client else "several"
                mark = ", housekeeping" if row.is_housekeeping else ""
                yield f"| {code(kind)}{mark} | {client} | {cells[0]} | {row.source} |"


def method_rows():
    for kind, methods in METHODS.items():
        yield f"| {code(kind)} | {', '.join(map(code, methods.split()))} |"


def test_guide_has_exactly_the_rows_of_the_code():
    rows = re.findall(r"^\| `.*\|$", GUIDE, re.MULTILINE)
    expected = [*method_rows(), *label_rows()]
    assert [row for row in rows if row.count("|") in (3, 5)] == expected


def test_guide_explains_every_kind():
    for kind in KINDS:
        assert re.search(rf"^- \*\*{kind}\*\*: ", GUIDE, re.MULTILINE), kind
