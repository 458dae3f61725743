# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run gates on the simulator and draw their course over time.

python -m scripts.gate_timelines writes the pictures to docs/images, with the Python of .venv.
"""

from __future__ import annotations

import html
import importlib
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tests.simulator import Life, Simulator
from tests.support.collection import collections_path

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
WIDTH, ROW, LABEL = 480, 34, 92
STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .task { fill: #8c959f; }
  .good { fill: #2da44e; }
  .bad { fill: #cf222e; }
  .axis { stroke: #8c959f; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .task { fill: #656c76; }
    .good { fill: #3fb950; }
    .bad { fill: #f85149; }
  }
"""


class Bar(NamedTuple):
    """A row of a picture: its beginning and end in seconds, and the event at its end."""

    name: str
    begin: float
    end: float
    note: str
    kind: str = "task"


class Scene(NamedTuple):
    name: str
    title: str
    play: Callable[[Simulator], list[Bar]]


def wait(simulator: Simulator, **options: Any) -> tuple[dict[str, Any], float, float]:
    """Run task_wait, and return its result and when it began and ended on the server's clock."""
    sys.path.insert(0, str(collections_path()))
    name = "ansible_collections.xen.xapi.tests.benchmarks.implementations"
    implementations = importlib.import_module(name)
    began = simulator.clock.now()
    result = implementations._work("task_wait", simulator.url, options)
    return result, began, simulator.clock.now()


def gate_for_several(simulator: Simulator) -> list[Bar]:
    began = simulator.clock.now()
    lives = {"web-1": 9, "web-2": 13, "db-1": 17}
    refs = [
        simulator.add_task("Async.VM.snapshot", life=Life(duration=seconds))
        for seconds in lives.values()
    ]
    result, begin, end = wait(simulator, ref=refs, timeout="2m")
    assert not result.get("failed")
    bars = [Bar(name, 0, seconds, "success") for name, seconds in lives.items()]
    return [*bars, Bar("gate", begin - began, end - began, "continues", "good")]


def gate_for_quiet(simulator: Simulator) -> list[Bar]:
    began = simulator.clock.now()
    simulator.add_task("Async.VM.snapshot", life=Life(duration=9))

    def add_another() -> None:
        simulator.add_task("Async.VM.copy", life=Life(duration=3))

    timer = threading.Timer(12, add_another)
    timer.start()
    result, begin, end = wait(simulator, wait_for="none", quiet_for=5, timeout="2m")
    assert not result.get("failed")
    return [
        Bar("snapshot", 0, 9, "then quiet for 3 s"),
        Bar("copy", 12, 15, "quiet time restarts"),
        Bar("gate", begin - began, end - began, "quiet for 5 s", "good"),
    ]


def gate_and_disappearance(simulator: Simulator) -> list[Bar]:
    began = simulator.clock.now()
    refs = [
        simulator.add_task("Async.VM.copy", life=Life(duration=10)),
        simulator.add_task("Async.VM.copy", life=Life(duration=60, deleted_after=14)),
    ]
    result, begin, end = wait(simulator, ref=refs, timeout="2m")
    assert result["gone"]
    return [
        Bar("copy 1", 0, 10, "success"),
        Bar("copy 2", 0, 14, "disappears"),
        Bar("gate", begin - began, end - began, "fails", "bad"),
    ]


SCENES = (
    Scene("gate", "A gate waits until three snapshots have succeeded", gate_for_several),
    Scene("quiet", "A quiet gate starts again when a task appears", gate_for_quiet),
    Scene("disappearance", "A task that disappears fails its gate", gate_and_disappearance),
)


def draw(title: str, bars: list[Bar]) -> str:
    """Return an SVG with one row for each bar, over an axis in seconds."""
    longest = max(row.end for row in bars)
    scale = (WIDTH - LABEL - 150) / longest
    rows = []
    for number, row in enumerate(bars):
        top, left = 40 + number * ROW, LABEL + row.begin * scale
        width = (row.end - row.begin) * scale
        rows += [
            f'<text x="{LABEL - 10}" y="{top + 16}" text-anchor="end">{row.name}</text>',
            f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="22" class="{row.kind}"/>',
            f'<text x="{left + width + 8:.1f}" y="{top + 16}">{html.escape(row.note)}</text>',
        ]
    base = 46 + len(bars) * ROW
    rows.append(f'<path d="M{LABEL} {base}H{LABEL + longest * scale:.1f}" class="axis"/>')
    rows += [
        f'<text x="{LABEL + second * scale:.1f}" y="{base + 20}" text-anchor="middle">'
        f"{second} s</text>"
        for second in range(0, int(longest) + 1, 5)
    ]
    body = "\n".join(rows)
    return f"""<!-- SPDX-License-Identifier: GPL-3.0-or-later -->
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {base + 30}" width="{WIDTH}">
<style>{STYLE}</style>
<text x="0" y="20" class="title">{html.escape(title)}</text>
{body}
</svg>
"""


def main() -> None:
    for scene in SCENES:
        with Simulator() as simulator:
            bars = scene.play(simulator)
            time.sleep(0.1)
            assert not simulator.sessions()
        path = IMAGES / f"{scene.name}.svg"
        path.write_text(draw(scene.title, bars), encoding="utf-8")
        print(f"{path.name}: {[row[1:4] for row in bars]}")


if __name__ == "__main__":
    main()
