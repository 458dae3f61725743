# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator against all that was recorded from a real server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.support.polling import LONG_TIMEOUT

HERE = Path(__file__).parent
RECORDINGS = [
    ("golden.json", "scenarios.py", 237),
    ("golden_roles.json", "scenarios_roles.py", 324),
    ("golden_more.json", "scenarios_more.py", 770),
    ("golden_objects.json", "scenarios_objects.py", 742),
]


@pytest.mark.parametrize(("golden", "scenarios", "count"), RECORDINGS)
def test_simulator_responses_match_recordings(golden: str, scenarios: str, count: int) -> None:
    with Simulator() as simulator:
        arguments = ["check", simulator.url, str(HERE / golden)]
        arguments += ["--scenarios", str(HERE / scenarios)]
        run = subprocess.run(
            [sys.executable, str(HERE / "conformance.py"), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=LONG_TIMEOUT,
        )
    assert run.stdout.splitlines()[-1:] == [f"{count} passed, 0 failed"], run.stdout + run.stderr
    assert run.returncode == 0
