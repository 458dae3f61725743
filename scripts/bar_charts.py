# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw the bar charts of docs/performance.md from the tables of that page.

python -m scripts.bar_charts writes them to docs/images.
"""

from __future__ import annotations

import html
import math
import re
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).resolve().parents[1] / "docs"
WIDTH, ROW, LABEL, VALUE = 480, 32, 130, 60
STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .other { fill: #8c959f; }
  .own { fill: #0969da; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .other { fill: #656c76; }
    .own { fill: #4493f8; }
  }
"""


class Chart(NamedTuple):
    """A picture of the last row of a table, which the sentence before it introduces."""

    name: str
    sentence: str
    title: str
    is_logarithmic: bool


CHARTS = (
    Chart(
        "latency",
        "From the end of a task to the return of the wait, in ms",
        "End of a task to return, 1,000 tasks (ms, log scale)",
        is_logarithmic=True,
    ),
    Chart(
        "requests",
        "Requests a minute of an idle wait:",
        "Requests a minute of an idle wait, 1,000 tasks (log scale)",
        is_logarithmic=True,
    ),
    Chart("listing", "CPU in ms:", "CPU of listing 10,000 tasks (ms)", is_logarithmic=False),
)


def last_row(text: str, sentence: str) -> dict[str, float]:
    """Return the last row of the first table after a sentence, by the names of its columns."""
    table = re.findall(r"^\|.*\|$", text[text.index(sentence) :].split("\n\n")[1], re.MULTILINE)
    names, cells = (
        [cell.strip() for cell in row.split("|")[2:-1]] for row in (table[0], table[-1])
    )
    return {name: float(cell.replace(",", "")) for name, cell in zip(names, cells, strict=True)}


def draw(chart: Chart, values: dict[str, float]) -> str:
    """Return the SVG of one bar for each value."""

    def size(value: float) -> float:
        return math.log10(value + 1) if chart.is_logarithmic else value

    longest = size(max(values.values()))
    rows = []
    for number, (name, value) in enumerate(values.items()):
        top = 44 + number * ROW
        length = max((WIDTH - LABEL - VALUE) * size(value) / longest, 2)
        kind = "own" if name == "xen.xapi" else "other"
        rows += [
            f'<text x="{LABEL - 10}" y="{top + 16}" text-anchor="end">{html.escape(name)}</text>',
            f'<rect x="{LABEL}" y="{top}" width="{length:.1f}" height="22" rx="3" class="{kind}"/>',
            f'<text x="{LABEL + length + 8:.1f}" y="{top + 16}">{value:,g}</text>',
        ]
    height = 52 + len(values) * ROW
    body = "\n".join(rows)
    return f"""<!-- SPDX-License-Identifier: GPL-3.0-or-later -->
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}">
<style>{STYLE}</style>
<text x="0" y="20" class="title">{html.escape(chart.title)}</text>
{body}
</svg>
"""


def main() -> None:
    text = (DOCS / "performance.md").read_text(encoding="utf-8")
    for chart in CHARTS:
        picture = draw(chart, last_row(text, chart.sentence))
        (DOCS / "images" / f"{chart.name}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
