# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw the output of a command as an SVG of a terminal, for light and dark pages.

make demo | python -m scripts.terminal_svg 'make demo' > docs/images/demo.svg
"""

from __future__ import annotations

import html
import re
import sys

COLUMNS = 80
CHARACTER, LINE, MARGIN = 8.43, 20, 16
STYLE = """
  text { font: 14px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2328;
    white-space: pre; }
  rect { fill: #f6f8fa; stroke: #d1d9e0; }
  .head { font-weight: bold; }
  .good { fill: #116329; font-weight: bold; }
  .bad { fill: #a40e26; }
  .soft { fill: #59636e; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    rect { fill: #0d1117; stroke: #3d444d; }
    .good { fill: #56d364; }
    .bad { fill: #ff7b72; }
    .soft { fill: #9198a1; }
  }
"""
KINDS = (
    (re.compile(r"\d\. |TASK "), "head"),
    (re.compile(r"All |ok: |.*It held |.*100 %  success"), "good"),
    (re.compile(r".*ended as failure"), "bad"),
    (re.compile(r"\$ "), "soft"),
)


def draw(lines: list[str]) -> str:
    """Return an SVG of these lines."""
    width = round(COLUMNS * CHARACTER + 2 * MARGIN)
    height = len(lines) * LINE + 2 * MARGIN
    rows = "\n".join(
        f'<text x="{MARGIN}" y="{MARGIN + (number + 0.75) * LINE:g}"{_kind(line)}'
        f' textLength="{len(line) * CHARACTER:.1f}">{html.escape(line, quote=False)}</text>'
        for number, line in enumerate(lines)
        if line
    )
    return f"""<!-- SPDX-License-Identifier: GPL-3.0-or-later -->
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">
<style>{STYLE}</style>
<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>
{rows}
</svg>
"""


def _kind(line: str) -> str:
    for pattern, kind in KINDS:
        if pattern.match(line):
            return f' class="{kind}"'
    return ""


def _wrap(line: str) -> list[str]:
    """Return a line as a terminal shows it."""
    return [line[place : place + COLUMNS] for place in range(0, len(line), COLUMNS)] or [""]


def main() -> None:
    printed = [part for line in sys.stdin for part in _wrap(line.rstrip())]
    print(draw([f"$ {command}" for command in sys.argv[1:]] + printed), end="")


if __name__ == "__main__":
    main()
