# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unit, sanity and integration tests on one of the other ansible-cores that the README names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from environments import REPORTS, ROOT, TESTS_NEED, environment, interpreter, pins, skip

# Each with a Python that its controller runs on.
PYTHONS = {"2.18": "3.11", "2.20": "3.12", "2.21": "3.13"}
OLDEST_AND_NEWEST = ("2.18", "2.21")
# Those that are about playbooks; the others are about documents, signals and tools of ours.
PLAYBOOKS = ("task_info", "task_wait", "task_cancel", "task_gate", "connection")


def ansible_test(python: Path, *arguments: str) -> list[str]:
    return [str(python), str(ROOT / "tests" / "gates" / "ansible_test.py"), *arguments]


def integration(python: Path, gate: str) -> list[str]:
    tests = [f"tests/integration/test_{name}.py" for name in PLAYBOOKS]
    report = f"--junit-xml={REPORTS / gate}.xml"
    parallel = ["--numprocesses=4", "--dist=worksteal"]
    return [str(python), "-m", "pytest", "--quiet", *parallel, report, *tests]


def main(core: str) -> int:
    gate, wanted = f"core-{core}", PYTHONS[core]
    base = interpreter(wanted)
    if base is None:
        skip(gate, f"ansible-core {core}, since there is no python{wanted} here")
        return 0
    needed = [f"ansible-core=={core}.*", *pins(["requests", *TESTS_NEED])]
    python = environment(gate, base, needed)
    runs = [ansible_test(python, "units", "--num-workers", "4"), ansible_test(python, "sanity")]
    if core in OLDEST_AND_NEWEST:
        runs.append(integration(python, gate))
    for run in runs:
        exit_code = subprocess.run(run, cwd=ROOT, check=False).returncode
        if exit_code:
            return exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
