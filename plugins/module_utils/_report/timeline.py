# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

"""Draws the times of tasks as an SVG image."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Mapping, NamedTuple, Sequence

from .cells import COLUMNS, format_duration, format_progress, read_number
from .markup import escape_html, status_class

MAX_BARS = 200
_LABEL_WIDTH, _WIDTH, _ROW, _AXIS = 260, 640, 20, 26
_MARGIN = 70
_MAX_SPAN = 26 * 3600
"""Seconds; the server drops tasks after 24 hours, and an older one would squeeze all others."""
_MAX_LABEL = 36
_TICKS = 4
_ORDER = {"running": 0, "failure": 1, "unknown": 2, "cancelled": 3, "success": 4}
"""Which tasks are drawn if there are too many of them."""


class _Bar(NamedTuple):
    task: Mapping[str, Any]
    begin: float
    end: float


def draw_timeline(tasks: Sequence[Mapping[str, Any]], *, now: float | None) -> str:
    """Return an image with a bar for each task whose creation is known; empty without any."""
    bars = _bars(tasks, now)
    if not bars:
        return ""
    last = max(row.end for row in bars)
    first = max(min(row.begin for row in bars), last - _MAX_SPAN)
    span = max(last - first, 1.0)
    height = _AXIS + _ROW * len(bars)
    width = _LABEL_WIDTH + _WIDTH + _MARGIN
    lines = [
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="Times of {len(bars)} tasks">'
    ]
    for tick in range(_TICKS + 1):
        x = _LABEL_WIDTH + _WIDTH * tick / _TICKS
        before = format_duration(span * (_TICKS - tick) / _TICKS)
        text = "end" if tick == _TICKS else f"-{before}"
        lines.append(f'<line class="grid" x1="{x:.0f}" y1="18" x2="{x:.0f}" y2="{height}"/>')
        lines.append(f'<text class="tick" x="{x:.0f}" y="12">{text}</text>')
    for place, row in enumerate(bars):
        lines += _draw_bar(row, _AXIS + place * _ROW, first, _WIDTH / span)
    return "\n".join([*lines, "</svg>"])


def _draw_bar(row: _Bar, y: int, first: float, scale: float) -> list[str]:
    begin = _LABEL_WIDTH + (max(row.begin, first) - first) * scale
    width = max((row.end - max(row.begin, first)) * scale, 2.0)
    label = escape_html(COLUMNS["label"](row.task), limit=_MAX_LABEL)
    progress = escape_html(format_progress(row.task), limit=12)
    status = status_class(row.task)
    place = f'x="{begin:.1f}" y="{y + 3}" height="14" rx="2"'
    hint = f"<title>{label}: {progress}</title>"
    lines = [
        f'<text class="name" x="{_LABEL_WIDTH - 8}" y="{y + 13}">{label}</text>',
        f'<rect class="{status}" {place} width="{width:.1f}">{hint}</rect>',
    ]
    done = read_number(row.task.get("progress"))
    if status == "running" and done is not None and 0 < done < 1:
        lines.append(f'<rect class="done" {place} width="{width * done:.1f}"/>')
    lines.append(f'<text class="value" x="{begin + width + 6:.1f}" y="{y + 14}">{progress}</text>')
    return lines


def _bars(tasks: Sequence[Mapping[str, Any]], now: float | None) -> list[_Bar]:
    bars = []
    for task in tasks:
        begin = parse_time(task.get("created"))
        if begin is None:
            continue
        age = read_number(task.get("age"))
        known = parse_time(task.get("finished")), now, begin + max(age or 0.0, 0.0)
        end = next(moment for moment in known if moment is not None)
        bars.append(_Bar(task, begin, max(end, begin)))
    shown = sorted(bars, key=lambda row: _ORDER[status_class(row.task)])[:MAX_BARS]
    return sorted(shown, key=lambda row: row.begin)


def parse_time(value: Any) -> float | None:
    """Return a time as modules return it, in seconds; None for anything else."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
    except (OverflowError, OSError, ValueError):
        return None
