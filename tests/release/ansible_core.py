# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unit, sanity and integration tests on one of the ansible-cores that the README names."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from virtualenvs import REPORTS, ROOT, TESTS_NEED, environment, interpreter, pins, skip

# Each with a Python that its controller runs on.
PYTHONS = {"2.18": "3.11", "2.19": "3.11", "2.20": "3.12", "2.21": "3.13"}
# The gate "unit" runs all unit tests with this one; what depends on the core is in the modules.
DEVELOPMENT = "2.19"
UNITS = {"2.19": ("tests/unit/plugins/",)}
UNITS_OF_MODULES = ("tests/unit/plugins/modules/",)
FILES_OF_USERS = ("meta/", "plugins/", "roles/")
# What depends most on the core: templates, action plugins and results of playbooks.
PLAYBOOKS = ("call", "task_wait", "task_gate", "progress")
INTEGRATION = {
    "2.18": (*PLAYBOOKS, "connection", "host_maintenance", "rolling_update"),
    "2.21": PLAYBOOKS,
}


def ansible_test(python: Path, *arguments: str) -> list[str]:
    return [str(python), str(ROOT / "tests" / "release" / "ansible_test.py"), *arguments]


def units_and_sanity(python: Path, units: Iterable[str], files: Iterable[str]) -> int:
    """Both at once: the one waits most of the time, the other uses one processor."""
    with tempfile.TemporaryFile() as output:
        call = ansible_test(python, "sanity", *files)
        sanity = subprocess.Popen(call, stdout=output, stderr=subprocess.STDOUT)
        try:
            call = ansible_test(python, "units", "--num-workers", "3", *units)
            tested = subprocess.run(call, check=False)
            exit_code = sanity.wait()
        finally:
            sanity.terminate()
        output.seek(0)
        print(output.read().decode(errors="replace"), flush=True)
    return tested.returncode or exit_code


def integration(python: Path, gate: str, names: Iterable[str]) -> int:
    tests = [f"tests/integration/test_{name}.py" for name in names]
    options = ["--quiet", "--numprocesses=3", "--dist=worksteal", "-knot fleet"]
    report = f"--junit-xml={REPORTS / gate}.xml"
    call = [str(python), "-m", "pytest", *options, report, *tests]
    return subprocess.run(call, cwd=ROOT, check=False).returncode


def main(core: str) -> int:
    gate, wanted = f"core-{core}", PYTHONS[core]
    base = interpreter(wanted)
    if base is None:
        skip(gate, f"ansible-core {core}, since there is no python{wanted} here")
        return 0
    needed = [f"ansible-core=={core}.*", *pins(["requests", *TESTS_NEED])]
    python = environment(gate, base, needed)
    files = () if core == DEVELOPMENT else FILES_OF_USERS
    exit_code = units_and_sanity(python, UNITS.get(core, UNITS_OF_MODULES), files)
    if not exit_code and core in INTEGRATION:
        exit_code = integration(python, gate, INTEGRATION[core])
    return exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
