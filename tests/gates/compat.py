# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unit and sanity tests on the other ansible-cores that the README names, each on its Python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / ".cache" / "compat"
PLUGINS_NEED = ("requests", "types-requests", "xenapi")
TESTS_NEED = ("hypothesis", "pytest", "pytest-xdist")


class Core(NamedTuple):
    version: str
    python: str


CORES = (Core("2.18", "3.11"), Core("2.20", "3.12"), Core("2.21", "3.13"))


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


def environment(core: Core, base: str) -> Path:
    """A virtual environment with this ansible-core, and our pins of all else."""
    folder = BASE / core.version
    python = folder / "bin" / "python"
    if not python.exists():
        uv = Path(sys.executable).parent / "uv"
        subprocess.run([str(uv), "venv", "--quiet", "--python", base, str(folder)], check=True)
        pins = (ROOT / "requirements-dev.txt").read_text().splitlines()
        needed = [pin for pin in pins if pin.partition("==")[0] in PLUGINS_NEED + TESTS_NEED]
        install = [str(uv), "pip", "install", "--quiet", "--python", str(python)]
        subprocess.run([*install, f"ansible-core=={core.version}.*", *needed], check=True)
    return python


def main() -> int:
    failed, tested = [], []
    for core in CORES:
        base = interpreter(core.python)
        name = f"ansible-core {core.version} on Python {core.python}"
        if base is None:
            print(f"!! SKIPPED: {name}, since there is no python{core.python} here", flush=True)
            continue
        python = environment(core, base)
        for command in ("units", "sanity"):
            print(f"-- {name}: {command}", flush=True)
            test = [str(python), str(ROOT / "tests" / "gates" / "ansible_test.py"), command]
            done = subprocess.run(test, check=False)
            (failed if done.returncode else tested).append(f"{name}: {command}")
    for one in failed:
        print(f"FAILED {one}")
    print(f"{len(tested)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
