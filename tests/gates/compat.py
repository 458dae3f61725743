# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unit and sanity tests on the other ansible-cores that the README names, each on its Python."""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

from environments import ROOT, environment, interpreter, pins


class Core(NamedTuple):
    version: str
    python: str


CORES = (Core("2.18", "3.11"), Core("2.20", "3.12"), Core("2.21", "3.13"))


def main() -> int:
    failed, tested = [], []
    for core in CORES:
        base = interpreter(core.python)
        name = f"ansible-core {core.version} on Python {core.python}"
        if base is None:
            print(f"!! SKIPPED: {name}, since there is no python{core.python} here", flush=True)
            continue
        needed = [f"ansible-core=={core.version}.*", *pins(["requests"])]
        python = environment(f"core-{core.version}", base, needed)
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
