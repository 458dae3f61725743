# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python -m tests.reliability: run every attack in its long form and add up the results."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time

from tests.support.collection import ROOT, use_this_collection

_MUTATIONS = re.compile(r"^\d+ mutations, (\d+) caught, (\d+) survived$", re.MULTILINE)
_SUM = re.compile(r"^(?:(\d+) failed)?(?:, )?(?:(\d+) passed)(?:, (\d+) failed)?", re.MULTILINE)


def commands(seed: int) -> dict[str, list[str]]:
    """The attacks, and how each is started."""
    module = [sys.executable, "-m"]
    return {
        "mutations": [*module, "tests.mutations"],
        "faults": [
            *(*module, "tests.fault_injection", f"--seed={seed}"),
            *("--virtual=20000", "--sources=2000", "--real=480", "--roles=60"),
        ],
        "model checking": [*module, "tests.model_checking", "--long"],
        "random schedules": [
            *(*module, "pytest", "--quiet", "--numprocesses=2"),
            *("--override-ini=faulthandler_timeout=1200", "tests/property"),
        ],
        "fuzzing": [*module, "tests.fuzzing", "--examples=100000", f"--seed={seed}"],
        "interrupts": [
            *module,
            "pytest",
            "--quiet",
            "--numprocesses=2",
            "tests/stress/test_interrupts.py",
        ],
        "events": [
            *module,
            "pytest",
            "--quiet",
            "--numprocesses=2",
            "--override-ini=faulthandler_timeout=1200",
            "tests/stress/test_task_events.py",
        ],
        "load": [
            *(*module, "pytest", "--quiet", "--override-ini=faulthandler_timeout=1200"),
            "tests/stress/test_load.py",
        ],
        "memory of the simulator": [
            *(*module, "pytest", "--quiet", "--capture=no"),
            *("--override-ini=faulthandler_timeout=1200", "tests/stress/test_simulator_memory.py"),
        ],
    }


def sizes(seed: int) -> dict[str, str]:
    """How large the attacks are that are tests."""
    return {
        "RELIABILITY_SEED": str(seed),
        "RELIABILITY_EXAMPLES": "1000",
        "RELIABILITY_ENDS": "600",
        "RELIABILITY_LOGGED_OUT_WITHIN": "3",
        "RELIABILITY_HOURS": "240",
        "RELIABILITY_WAITS": "50",
        "RELIABILITY_TASKS": "1000",
        "RELIABILITY_RUNS": "1000",
        "RELIABILITY_CHURN": "6000",
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--only", default="", metavar="TEXT", help="attacks with TEXT in the name")
    arguments = parser.parse_args()
    seed = arguments.seed
    environ = {**os.environ, **sizes(seed)}
    use_this_collection(environ)
    passed = failed = 0
    for name, command in commands(seed).items():
        if arguments.only not in name:
            continue
        print(f"\n== {name} (seed {seed})", flush=True)
        started = time.monotonic()
        done = subprocess.run(
            command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True, check=False
        )
        print(done.stdout.strip())
        print(f"== {name}: {time.monotonic() - started:.0f} s", flush=True)
        went, broke = _sum(done.stdout)
        passed += went
        failed += broke or int(done.returncode != 0)
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0


def _sum(output: str) -> tuple[int, int]:
    """Return the numbers of passed and failed runs in the last line of an output."""
    mutations = _MUTATIONS.search(output)
    if mutations:
        return int(mutations[1]), int(mutations[2])
    found = list(_SUM.finditer(output))
    if not found:
        return 0, 1
    before, passed, after = found[-1].groups()
    return int(passed), int(before or after or 0)


if __name__ == "__main__":
    sys.exit(main())
