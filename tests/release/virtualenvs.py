# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual environments in which something else is installed than in the one of development."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / ".cache" / "environments"
REPORTS = ROOT / ".cache" / "reports"
TESTS_NEED = ("hypothesis", "pytest", "pytest-xdist", "xenapi")


def interpreter(version: str) -> str | None:
    """Where a Python of this version is, on the path or of pyenv, that can be started."""
    name = f"python{version}"
    candidates = [Path(folder) / name for folder in os.get_exec_path()]
    # The shims of pyenv answer to the names of all versions, and start only those that are chosen.
    candidates += Path.home().glob(f".pyenv/versions/{version}.*/bin/{name}")
    for candidate in filter(Path.is_file, candidates):
        asked = [str(candidate), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return str(candidate)
    return None


def environment(name: str, base: str, requirements: Iterable[str]) -> Path:
    """Return the Python of an environment with only these, made at its first use."""
    folder = BASE / name
    python, ready = folder / "bin" / "python", folder / ".ready"
    with _alone_at(folder):
        if not ready.exists():
            uv = str(Path(sys.executable).parent / "uv")
            subprocess.run(
                [uv, "venv", "--quiet", "--clear", "--python", base, str(folder)], check=True
            )
            install = [uv, "pip", "install", "--quiet", "--python", str(python)]
            subprocess.run([*install, *requirements], check=True)
            ready.touch()
    return python


@contextlib.contextmanager
def _alone_at(folder: Path) -> Iterator[None]:
    """Hold a lock: parallel test processes use the same environment, and one may rebuild it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def skip(gate: str, why: str) -> None:
    """Report a skipped check, here and at the end of the run."""
    print(f"!! SKIPPED: {why}", flush=True)
    suite = ElementTree.Element("testsuite", tests="1", failures="0", errors="0", skipped="1")
    case = ElementTree.SubElement(suite, "testcase", name=gate)
    ElementTree.SubElement(case, "skipped", message=why)
    report = REPORTS / f"{gate}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(suite).write(report)


def pins(names: Iterable[str]) -> list[str]:
    """Return the lines of requirements-dev.txt for some packages."""
    wanted = set(names)
    lines = (ROOT / "requirements-dev.txt").read_text().splitlines()
    return [line for line in lines if line.partition("==")[0] in wanted]
