# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write docs/simulator_coverage.md: which messages the simulator answers, and how.

python scripts/simulator_coverage.py            write the page
python scripts/simulator_coverage.py --record   first run all recordings, to list their messages
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.simulator import Simulator  # noqa: E402
from tests.simulator.coverage import page  # noqa: E402

CONFORMANCE = ROOT / "tests" / "conformance"
RECORDED = CONFORMANCE / "recorded_messages.txt"
PAGE = ROOT / "docs" / "simulator_coverage.md"


def record() -> None:
    """Run all recordings and write down the messages that were called."""
    called: set[str] = set()
    for golden in sorted(CONFORMANCE.glob("golden*.json")):
        scenarios = CONFORMANCE / golden.name.replace("golden", "scenarios").replace("json", "py")
        with Simulator() as simulator:
            command = [sys.executable, str(CONFORMANCE / "conformance.py"), "check", simulator.url]
            subprocess.run([*command, str(golden), "--scenarios", str(scenarios)], check=True)
            called |= {re.sub(r"^(Internal)?Async\.", "", call.method) for call in simulator.log}
            known = set(simulator.dispatcher.methods)
    RECORDED.write_text("".join(f"{name}\n" for name in sorted(called & known)))


def main() -> None:
    """Write the page."""
    if "--record" in sys.argv[1:]:
        record()
    PAGE.write_text(page(set(RECORDED.read_text().split())))
    print(PAGE)


if __name__ == "__main__":
    main()
