# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures of docs/performance.md are those of docs/benchmarks.json."""

from __future__ import annotations

import json
import re

import pytest

from scripts import performance_page


@pytest.fixture(scope="module")
def figures() -> performance_page.Figures:
    return performance_page.Figures(json.loads(performance_page.DATA.read_text(encoding="utf-8")))


def test_tables_and_descriptions_of_pictures_show_the_report(figures):
    text = performance_page.PAGE.read_text(encoding="utf-8")
    assert performance_page.write_tables(text, figures) == text


def test_no_table_of_the_page_is_written_by_hand(figures):
    text = performance_page.PAGE.read_text(encoding="utf-8")
    before_tables = re.findall(r"^(.*)\n\n\|", text, re.MULTILINE)
    assert before_tables == [table.sentence for table in performance_page.TABLES]
