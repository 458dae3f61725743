# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""That the modules compile and are imported on each Python that a module may run on."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import ansible_test
from virtualenvs import ROOT, interpreter, skip

VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
"""Those that ansible-test of the development environment knows."""
PYODIDE = "pyodide@314.0.7"
"""CPython 3.14 for WebAssembly, since few systems have that version yet."""
FOLDER = ROOT / ".cache" / "pyodide"


def pyodide() -> Path | None:
    """Return the file that starts Pyodide, which is installed once, or nothing without Node.js."""
    start = FOLDER / "node_modules" / "pyodide" / "pyodide.mjs"
    if shutil.which("node") and shutil.which("npm") and not start.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        options = ("--no-audit", "--no-fund", "--ignore-scripts", "--no-save")
        subprocess.run(["npm", "install", "--silent", *options, PYODIDE], cwd=FOLDER, check=False)
    return start if start.exists() else None


def import_with(start: Path) -> int:
    here = Path(__file__).parent
    call = ["node", str(here / "python_in_node.mjs"), str(start), str(here / "import_modules.py")]
    packages = sysconfig.get_path("purelib")
    return subprocess.run([*call, str(ROOT), packages], check=False).returncode


def main() -> int:
    found = {version: interpreter(version) for version in VERSIONS}
    start = pyodide()
    missing = [version for version, path in found.items() if path is None]
    missing += [] if start else ["3.14"]
    if missing:
        skip("target-pythons", f"modules on Python {', '.join(missing)}, which is not here")
    folders = [str(Path(path).parent) for path in found.values() if path is not None]
    # Without a version, ansible-test takes all that it finds on the path.
    exit_code = ansible_test.run(
        "sanity", "--test", "import", "--test", "compile", "plugins/", folders=folders
    )
    return exit_code or (import_with(start) if start else 0)


if __name__ == "__main__":
    sys.exit(main())
