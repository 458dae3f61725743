# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that the mutations fit the code, the tests and docs/reliability.md.

`python -m tests.mutations` runs them.
"""

from __future__ import annotations

from collections import Counter

import pytest

from ansible_collections.xen.xapi.tests.mutations.entries import (
    FOLDER,
    TITLES,
    find_tests,
    format_table,
    load,
)
from ansible_collections.xen.xapi.tests.support.collection import ROOT

MUTATIONS = load()
HEADING = "## Safeguards and their tests"


@pytest.mark.parametrize("area", TITLES)
def test_old_text_occurs_once_in_its_file(area: str) -> None:
    entries = [one for one in MUTATIONS if one.area == area]
    texts = {one.file: (ROOT / one.file).read_text(encoding="utf-8") for one in entries}
    counts = {one.safeguard: texts[one.file].count(one.old) for one in entries}
    assert counts
    assert {name: count for name, count in counts.items() if count != 1} == {}
    assert [one.safeguard for one in entries if one.old == one.new] == []


def test_each_test_exists_in_one_file() -> None:
    found = find_tests(ROOT)
    assert {one.test for one in MUTATIONS if len(found.get(one.test, [])) != 1} == set()


def test_safeguards_have_different_names() -> None:
    counts = Counter(one.safeguard for one in MUTATIONS)
    assert [name for name, count in counts.items() if count > 1] == []


def test_each_file_is_an_area() -> None:
    assert {path.stem for path in FOLDER.glob("*.yml")} == set(TITLES)


def test_document_lists_each_safeguard_with_its_test() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    section = text.partition(HEADING)[2]
    count = len(MUTATIONS)
    assert f"There are {count}\nmutations" in section
    assert f"| safeguards removed, one at a time | {count} | **0** unnoticed |" in text
    assert f" {count} changes" in (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    table = section[section.index("### ") :].strip()
    # `python -m tests.mutations --table` prints it.
    assert table == format_table(MUTATIONS)
