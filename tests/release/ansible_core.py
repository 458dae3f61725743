# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sanity tests, unit tests and playbooks with one of the ansible-cores that the README names.

python tests/release/ansible_core.py 2.18          the tests that depend most on the core
python tests/release/ansible_core.py 2.18 --whole  all playbooks and all unit tests of the modules
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from virtualenvs import REPORTS, ROOT, TESTS_NEED, environment, interpreter, pins, skip

# Each with a Python that its controller runs on.
PYTHONS = {"2.18": "3.11", "2.19": "3.11", "2.20": "3.12", "2.21": "3.13"}
# The checks "unit" and "integration" run with this one.
DEVELOPMENT = "2.19"
FILES_OF_USERS = ("meta/", "plugins/", "roles/")
UNITS = "tests/unit/plugins/modules"
# How options are parsed, results are returned and signals are handled. The others test how the
# modules wait and cancel, which is the same with every core.
UNITS_OF_CORE = (
    "test_attributes",
    "test_call",
    "test_connection",
    "test_connection_table",
    "test_return_values",
    "test_task_cancel_options",
    "test_task_info",
    "test_task_info_table",
    "test_task_wait_options",
)
# Playbooks with the oldest and the newest.
PLAYBOOKS = ("2.18", "2.21")


def ansible_test(python: Path, *arguments: str) -> list[str]:
    return [str(python), str(ROOT / "tests" / "release" / "ansible_test.py"), *arguments]


@contextlib.contextmanager
def sanity_beside(python: Path, files: Iterable[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run the sanity tests, which use one processor, beside others, and print them after these."""
    with tempfile.TemporaryFile() as output:
        call = ansible_test(python, "sanity", *files)
        with subprocess.Popen(call, stdout=output, stderr=subprocess.STDOUT) as sanity:
            try:
                yield sanity
            finally:
                sanity.terminate()
        output.seek(0)
        print(output.read().decode(errors="replace"), flush=True)


def units(python: Path, core: str, *, whole: bool) -> int:
    tests = [f"{UNITS}/"] if whole else [f"{UNITS}/{name}.py" for name in UNITS_OF_CORE]
    if core == DEVELOPMENT and not whole:
        return 0
    call = ansible_test(python, "units", "--num-workers", "3", *tests)
    return subprocess.run(call, check=False).returncode


def playbooks(python: Path, core: str, *, whole: bool) -> int:
    if core not in PLAYBOOKS and not whole:
        return 0
    options = ["--quiet", "--numprocesses=3", "--dist=worksteal"]
    # Those of the fleets need ansible-builder.
    options += ["-k", "not fleet"] if whole else ["-m", "cores"]
    report = f"--junit-xml={REPORTS / f'core-{core}.xml'}"
    call = [str(python), "-m", "pytest", *options, report, "tests/integration"]
    return subprocess.run(call, cwd=ROOT, check=False).returncode


def main(core: str, *options: str) -> int:
    whole = "--whole" in options
    gate, wanted = f"core-{core}", PYTHONS[core]
    base = interpreter(wanted)
    if base is None:
        skip(gate, f"ansible-core {core}, since there is no python{wanted} here")
        return 0
    needed = [f"ansible-core=={core}.*", *pins(["requests", *TESTS_NEED])]
    python = environment(gate, base, needed)
    files = () if core == DEVELOPMENT else FILES_OF_USERS
    with sanity_beside(python, files) as sanity:
        exit_code = units(python, core, whole=whole) or playbooks(python, core, whole=whole)
        return sanity.wait() or exit_code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
