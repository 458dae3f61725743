# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pictures of the documentation exist, are used, and show the figures of the text."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from scripts import bar_charts, gate_timelines, module_chart, terminal_svg
from tests.support.collection import ROOT

IMAGES = ROOT / "docs" / "images"
PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
PICTURE = re.compile(r"!\[(.*?)\]\(\S*?images/(\w+\.svg)\)")


def test_every_picture_is_used_and_described() -> None:
    found = [match for page in PAGES for match in PICTURE.findall(page.read_text("utf-8"))]
    assert all(len(words) > 20 for words, _name in found)
    assert {name for _words, name in found} == {path.name for path in IMAGES.glob("*.svg")}


@pytest.mark.parametrize("chart", bar_charts.CHARTS, ids=[c.name for c in bar_charts.CHARTS])
def test_bar_chart_shows_figures_of_page(chart: bar_charts.Chart) -> None:
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    drawn = bar_charts.draw(chart, bar_charts.last_row(text, chart.sentence))
    assert (IMAGES / f"{chart.name}.svg").read_text(encoding="utf-8") == drawn


def test_chart_of_modules_is_current_and_names_every_module() -> None:
    assert module_chart.PICTURE.read_text(encoding="utf-8") == module_chart.draw()
    answers = {answer.split(",", maxsplit=1)[0] for _question, answer in module_chart.STEPS}
    assert answers == {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}


@pytest.mark.parametrize("path", sorted(IMAGES.glob("*.svg")), ids=lambda path: path.stem)
def test_picture_is_for_light_and_dark_pages(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).get("viewBox")
    assert "prefers-color-scheme: dark" in text
    assert "<script" not in text


def test_terminal_escapes_markup() -> None:
    root = ElementTree.fromstring(terminal_svg.draw(["$ make demo", "", "1. <b> & more"]))
    lines = [element.text for element in root if element.tag.endswith("text")]
    assert lines == ["$ make demo", "1. <b> & more"]


def test_bars_of_timeline_share_one_axis() -> None:
    bars = [gate_timelines.Bar("task", 0, 5, "success"), gate_timelines.Bar("gate", 0, 10, "opens")]
    root = ElementTree.fromstring(gate_timelines.draw("A gate", bars))
    widths = [float(rect.get("width", "")) for rect in root if rect.tag.endswith("rect")]
    assert widths[1] == pytest.approx(2 * widths[0])
