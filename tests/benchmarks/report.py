# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows of the report: a measurement, its subject and size, and the subject to compare with."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

HEADINGS = ("", "size", "median", "p95", "ratio", "requests", "CPU s", "MiB", "runs", "before")


@dataclass
class Row:
    """One figure of one subject; the ratio is to the row of the same size that is the anchor."""

    figure: str
    subject: str
    size: int
    unit: str
    values: list[float]
    ratio: float | None = None
    requests: float | None = None
    cpu: float | None = None
    peak: float | None = None
    before: float | None = None
    """The median with another checkout, if there is one."""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def p95(self) -> float:
        return quantile(self.values, 0.95)

    def to_dict(self) -> dict[str, Any]:
        """Return the row without the single values, of which there can be thousands."""
        named = {**asdict(self), "median": self.median, "p95": self.p95, "runs": len(self.values)}
        del named["values"]
        return {name: _rounded(value) for name, value in named.items()}


def quantile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(math.ceil(share * len(ordered)) - 1, len(ordered) - 1)]


def against(anchor: str, rows: Sequence[Row]) -> list[Row]:
    """The rows with their ratios to the anchor's."""
    medians = {(row.figure, row.size): row.median for row in rows if row.subject == anchor}
    for row in rows:
        median = medians.get((row.figure, row.size))
        if median:
            row.ratio = row.median / median
    return list(rows)


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The k for which the second of each pair grows like the first to the power of k."""
    logs = [(math.log(size), math.log(value)) for size, value in points]
    return statistics.linear_regression(*zip(*logs, strict=True)).slope


def printed(rows: Sequence[Row]) -> str:
    """A table for each figure, in Markdown."""
    lines: list[str] = []
    for figure in dict.fromkeys(row.figure for row in rows):
        of_figure = [row for row in rows if row.figure == figure]
        lines += ["", f"**{figure}** ({of_figure[0].unit})", ""]
        lines += ["| " + " | ".join(HEADINGS) + " |", "|---" * len(HEADINGS) + "|"]
        for row in of_figure:
            cells = [row.subject, f"{row.size:,}", _number(row.median), _number(row.p95)]
            cells += [_number(row.ratio), _number(row.requests), _number(row.cpu)]
            cells += [_number(row.peak), str(len(row.values)), _number(row.before)]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _rounded(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
