# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw the imports between the folders of plugins, and fail if one of them points upward.

`python docs/site/import_graph.py` writes docs/import_graph.svg; docs/site/build.py draws the
picture of the site.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PICTURE = Path("docs", "import_graph.svg")
SHARED = "shared files"
UTILS = ("plugins", "module_utils")

# The picture is 360 units wide, so that a unit is about a pixel of a phone.
LEFT, BOX_WIDTH, LANE, GAP, MARGIN, ROW = 8, 190, 20, 34, 12, 20
COLORS = ("#3a7fc1", "#b8692f", "#3d9160", "#a2609c", "#868a2c", "#c2525e", "#4b8a97")
LICENSE = """\
  <!-- SPDX-License-Identifier: GPL-3.0-or-later -->
""".rstrip()
STYLE = """
    text { font: 14px system-ui, sans-serif; fill: #16202c }
    text.small { font-size: 11.5px; fill: #3c4858 }
    .box { fill: #f3f6fa }
    .arrow { fill: none; stroke-width: 1.6 }
    @media (prefers-color-scheme: dark) {
      text { fill: #eef2f7 }
      text.small { fill: #c3ccd8 }
      .box { fill: #232c37 }
    }
"""


class UpwardImportError(Exception):
    """Imports that form a cycle between boxes, so that one of them must point upward."""


class Arrow(NamedTuple):
    source: str
    target: str


class Graph(NamedTuple):
    """The boxes from top to bottom with their files, and the arrows with their imports."""

    boxes: dict[str, list[str]]
    arrows: dict[Arrow, int]
    inside: int
    """How many imports connect two files of one box."""


def imported_files(file: Path, root: Path) -> Iterator[Path]:
    """Yield the files of plugins that a file imports by a relative import."""
    for node in ast.walk(ast.parse((root / file).read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = file.parents[node.level - 1].joinpath(*(node.module or "").split("."))
        # `from .package import file` and `from .file import name`.
        for candidate in [base, *(base / alias.name for alias in node.names)]:
            found = candidate.with_suffix(".py")
            if (root / found).is_file():
                yield found


def all_imports(root: Path) -> set[tuple[Path, Path]]:
    """Return each pair of a file of plugins and a file that it imports."""
    files = sorted(path.relative_to(root) for path in (root / "plugins").rglob("*.py"))
    return {(file, other) for file in files for other in imported_files(file, root)}


def is_root_file(file: Path) -> bool:
    return file.parts[:-1] == UTILS


def box_names(imports: set[tuple[Path, Path]]) -> dict[Path, str]:
    """Return the box of each file: its folder, or its own name if it is a root file that needs a
    package, such as _module; all other root files are one box.
    """
    files = {file for pair in imports for file in pair}
    uses_package = {
        file
        for file, other in imports
        if is_root_file(file) and other.parts[:2] == UTILS and not is_root_file(other)
    }
    while more := {f for f, other in imports if is_root_file(f) and other in uses_package}:
        if more <= uses_package:
            break
        uses_package |= more
    names = {}
    for file in files:
        if is_root_file(file):
            names[file] = file.stem if file in uses_package else SHARED
        else:
            within_utils = file.parts[:2] == UTILS
            names[file] = file.parts[2] if within_utils else "/".join(file.parts[:2])
    return names


def read_graph(root: Path) -> Graph:
    """Return the graph of the code; raise UpwardImportError if its arrows form a cycle."""
    imports = all_imports(root)
    names = box_names(imports)
    members: dict[str, list[str]] = {}
    for file, name in sorted(names.items()):
        members.setdefault(name, []).append(file.stem)
    arrows = Counter(Arrow(names[file], names[other]) for file, other in imports)
    inside = sum(count for arrow, count in arrows.items() if arrow.source == arrow.target)
    between = {arrow: count for arrow, count in arrows.items() if arrow.source != arrow.target}
    order = sort_boxes(members, between, imports, names)
    return Graph({name: members[name] for name in order}, between, inside)


def sort_boxes(
    members: dict[str, list[str]],
    arrows: dict[Arrow, int],
    imports: set[tuple[Path, Path]],
    names: dict[Path, str],
) -> list[str]:
    """Return the boxes so that each stands above everything that it imports, small ones first."""
    order: list[str] = []
    by_size = sorted(members, key=lambda name: (len(members[name]), name))
    while left := [name for name in by_size if name not in order]:
        imported = {arrow.target for arrow in arrows if arrow.source in left}
        free = [name for name in left if name not in imported]
        if not free:
            guilty = sorted(
                f"{file} imports {other}"
                for file, other in imports
                if names[file] != names[other] and {names[file], names[other]} <= set(left)
            )
            raise UpwardImportError("these imports form a cycle:\n  " + "\n  ".join(guilty))
        order += free
    return order


class Drawing:
    """An SVG of a graph: a column of boxes, and a lane beside it for each box that skips some."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._order = list(graph.boxes)
        self._tops: dict[str, int] = {}
        self._heights: dict[str, int] = {}
        y = MARGIN
        for name in self._order:
            self._tops[name] = y
            self._heights[name] = max(50, ROW * len(self._skipping_to(name)) + 14)
            y += self._heights[name] + GAP
        self._height = y + 14
        self._lanes = [name for name in self._order if self._skipping_from(name)]
        self._width = LEFT + BOX_WIDTH + 48 + LANE * len(self._lanes)

    def _is_adjacent(self, arrow: Arrow) -> bool:
        return self._order.index(arrow.target) == self._order.index(arrow.source) + 1

    def _skipping_to(self, name: str) -> list[Arrow]:
        return [a for a in self._sorted() if a.target == name and not self._is_adjacent(a)]

    def _skipping_from(self, name: str) -> list[Arrow]:
        return [a for a in self._sorted() if a.source == name and not self._is_adjacent(a)]

    def _sorted(self) -> list[Arrow]:
        place = self._order.index
        return sorted(self._graph.arrows, key=lambda a: (place(a.source), place(a.target)))

    def _color(self, name: str) -> str:
        return COLORS[self._order.index(name) % len(COLORS)]

    def _row(self, arrow: Arrow) -> float:
        """Return the height at which an arrow enters its box: a row for each of them."""
        arrows = self._skipping_to(arrow.target)
        middle = self._tops[arrow.target] + self._heights[arrow.target] / 2
        return middle + ROW * (arrows.index(arrow) - (len(arrows) - 1) / 2)

    def _lane(self, name: str) -> int:
        # The topmost box has the outermost lane: its line must pass around all others.
        return self._width - LANE * self._lanes.index(name) - LANE // 2

    def svg(self) -> str:
        """Return the picture."""
        graph = self._graph
        files = sum(len(members) for members in graph.boxes.values())
        between = sum(graph.arrows.values())
        summary = f"{files} files, {graph.inside + between} imports, {between} between boxes"
        described = "; ".join(f"{a.source} imports {a.target}" for a in self._sorted())
        size = f'viewBox="0 0 {self._width} {self._height}" width="{self._width * 3 // 2}"'
        line = f'x="{LEFT}" y="{self._height - 40}" width="{self._width - 16}" height="26"'
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            LICENSE,
            f"  <title>Imports between the folders of plugins</title>\n  <desc>{described}</desc>",
            f"  <style>{STYLE}  </style>",
            *(f"  {self._arrow(arrow)}" for arrow in self._sorted()),
            *(f"  {self._box(name)}" for name in self._order),
            f'  <rect class="box" {line} rx="5"/>',
            f'  <text class="small" x="{LEFT + 8}" y="{self._height - 23}">{summary}</text>',
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _box(self, name: str) -> str:
        members = self._graph.boxes[name]
        top, height = self._tops[name], self._heights[name]
        files = "1 file" if len(members) == 1 else f"{len(members)} files"
        return (
            f'<g class="node" data-name="{escape(name)}" data-files="{len(members)}">'
            f'<rect class="box" x="{LEFT}" y="{top}" width="{BOX_WIDTH}" height="{height}" rx="5" '
            f'stroke="{self._color(name)}" stroke-width="2"/>'
            f'<text x="{LEFT + 12}" y="{top + height / 2 - 3:g}">{escape(name)}</text>'
            f'<text class="small" x="{LEFT + 12}" y="{top + height / 2 + 14:g}">{files}</text></g>'
        )

    def _arrow(self, arrow: Arrow) -> str:
        """Return an arrow, straight to the next box or through the lane of its source."""
        color, edge = self._color(arrow.source), LEFT + BOX_WIDTH
        bottom = self._tops[arrow.source] + self._heights[arrow.source]
        if self._is_adjacent(arrow):
            x, end = LEFT + BOX_WIDTH / 2, self._tops[arrow.target]
            line = f"M{x:g} {bottom}V{end - 7}"
            head = f"M{x - 4:g} {end - 8}h8l-4 8z"
            label_x, label_y = x + 22, bottom + GAP / 2
        else:
            lane, y = self._lane(arrow.source), self._row(arrow)
            line = f"M{edge} {bottom - 7}H{lane}V{y:g}H{edge + 7}"
            head = f"M{edge + 8} {y - 4:g}v8l-8 -4z"
            label_x, label_y = edge + 26, y
        count = self._graph.arrows[arrow]
        return (
            f'<g class="edge" data-from="{escape(arrow.source)}" data-to="{escape(arrow.target)}" '
            f'data-imports="{count}">'
            f'<path class="arrow" stroke="{color}" d="{line}"/><path fill="{color}" d="{head}"/>'
            f'<rect class="box" x="{label_x - 13:g}" y="{label_y - 8:g}" width="26" height="16" '
            f'rx="8" stroke="{color}"/>'
            f'<text class="small" x="{label_x:g}" y="{label_y + 4:g}" text-anchor="middle">'
            f"{count}</text></g>"
        )


def draw(root: Path) -> str:
    """Return the picture of a checkout."""
    return Drawing(read_graph(root)).svg()


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]) if arguments else ROOT
    try:
        picture = draw(root)
    except UpwardImportError as error:
        print(f"plugins: {error}", file=sys.stderr)
        return 1
    (root / PICTURE).write_text(picture, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
