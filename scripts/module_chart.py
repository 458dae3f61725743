# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw the chart that leads from a goal to a module.

python -m scripts.module_chart writes it to docs/images.
"""

from __future__ import annotations

import html
from pathlib import Path

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "modules.svg"
WIDTH, BOX, GAP, QUESTION, ANSWER = 480, 36, 26, 220, 252
STEPS = (
    ("Start an operation?", "call"),
    ("Wait until tasks succeed?", "task_wait"),
    ("Wait for a quiet pool?", "task_wait, wait_for: none"),
    ("Cancel stale tasks?", "task_cancel"),
    ("Only list tasks?", "task_info"),
)
STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1f2328; }
  .answer { font-weight: 600; }
  .word { fill: #59636e; font-size: 12px; }
  .ask { fill: #f6f8fa; stroke: #d1d9e0; }
  .use { fill: #ddf4ff; stroke: #0969da; }
  path { stroke: #8c959f; fill: none; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .word { fill: #9198a1; }
    .ask { fill: #151b23; stroke: #3d444d; }
    .use { fill: #0c2d6b; stroke: #4493f8; }
  }
"""


def draw() -> str:
    """Return the SVG: a question in each row, its answer beside it, and the next one below."""
    rows = []
    width = WIDTH - ANSWER - 1
    for number, (question, answer) in enumerate(STEPS):
        top = 1 + number * (BOX + GAP)
        middle = top + BOX // 2
        rows += [
            f'<rect x="1" y="{top}" width="{QUESTION}" height="{BOX}" rx="6" class="ask"/>',
            f'<text x="12" y="{middle + 5}">{html.escape(question)}</text>',
            f'<path d="M{QUESTION + 1} {middle} H{ANSWER}"/>',
            f'<text x="{QUESTION + 5}" y="{middle - 5}" class="word">yes</text>',
            f'<rect x="{ANSWER}" y="{top}" width="{width}" height="{BOX}" rx="6" class="use"/>',
            f'<text x="{ANSWER + 10}" y="{middle + 5}" class="answer">{html.escape(answer)}</text>',
        ]
        if number < len(STEPS) - 1:
            rows += [
                f'<path d="M24 {top + BOX} v{GAP}"/>',
                f'<text x="32" y="{top + BOX + 17}" class="word">no</text>',
            ]
    height = len(STEPS) * (BOX + GAP) - GAP + 2
    body = "\n".join(rows)
    return f"""<!-- SPDX-License-Identifier: GPL-3.0-or-later -->
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}">
<style>{STYLE}</style>
{body}
</svg>
"""


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
