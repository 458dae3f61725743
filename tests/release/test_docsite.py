# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page for Ansible's own documentation shows plays that are tested, and links that exist."""

from __future__ import annotations

import re
import textwrap

import pytest

from tests.support.collection import ROOT
from tests.support.doc_examples import blocks

PAGES = sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst"))
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
PLAYS = [
    textwrap.dedent(block).strip()
    for block in re.findall(r"code-block:: yaml\n\n((?: {4}.*\n|\n)+)", TEXT)
]
# test_documents.py runs these.
TESTED = [
    textwrap.dedent(block).strip()
    for name in ("README.md", "docs/common_questions.md")
    for block in blocks(name)
]
LINKS = re.findall(r"https://github\.com/xen-xapi/xen\.xapi/blob/main/([^>`]+)>", TEXT)


def test_page_has_plays_and_links() -> None:
    assert len(PLAYS) >= 2
    assert len(LINKS) >= 8


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.splitlines()[0])
def test_play_is_one_that_tests_run(play: str) -> None:
    assert play in TESTED


@pytest.mark.parametrize("link", LINKS)
def test_link_leads_to_a_file(link: str) -> None:
    assert (ROOT / link).is_file()
