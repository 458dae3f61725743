# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install the programs of others that the tests run against the simulator.

python -m tests.foreign_clients.install        the small ones
python -m tests.foreign_clients.install all    community.general too, a download of 58 MB

They go to .cache/foreign-clients and are never part of the project. A program that cannot be had is
reported and left out; its tests are then skipped.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.release.virtualenvs import environment, pins

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / ".cache" / "foreign-clients"
FENCE = BASE / "fence" / "usr"
NODE = BASE / "node"
COLLECTIONS = BASE / "collections"
PYTHON = ROOT / ".cache" / "environments" / "foreign-clients" / "bin" / "python"

PACKAGES = ("pexpect==4.9.0", "pycurl==7.45.7")
"""Packages that fence_xenapi imports."""
XEN_API = "xen-api@4.7.6"
ANSIBLE = "ansible==11.13.0"
"""Package that contains community.general."""
PARTS = ("/modules/xenserver", "/module_utils/xenserver", "/doc_fragments/xenserver",
         "/doc_fragments/attributes", "/general/MANIFEST.json", "/general/meta/")  # fmt: skip


def _run(*command: str, cwd: Path = ROOT) -> None:
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def install_python() -> None:
    """Make the environment that the Python programs run in."""
    requirements = [*PACKAGES, *pins(["ansible-core", "requests", "xenapi"])]
    environment("foreign-clients", sys.executable, requirements)


def install_fence() -> None:
    """Unpack Debian's fence-agents, of whatever version the machine's sources have."""
    if (FENCE / "sbin" / "fence_xenapi").exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        _run("apt-get", "download", "fence-agents", cwd=Path(folder))
        (package,) = Path(folder).glob("*.deb")
        _run("dpkg-deb", "--extract", str(package), str(BASE / "fence"))


def install_node() -> None:
    """Install Xen Orchestra's client library."""
    if (NODE / "node_modules" / "xen-api").exists():
        return
    NODE.mkdir(parents=True, exist_ok=True)
    options = ("--no-audit", "--no-fund", "--ignore-scripts", "--no-save", "--prefix", str(NODE))
    _run("npm", "install", *options, XEN_API)


def install_collection() -> None:
    """Take the modules for XenServer out of the package that contains community.general."""
    target = COLLECTIONS / "ansible_collections" / "community" / "general"
    if target.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check")
        _run(*pip, "--no-deps", "--dest", folder, ANSIBLE)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                is_part = any(part in name for part in PARTS)
                if name.startswith("ansible_collections/community/general/") and is_part:
                    archive.extract(name, COLLECTIONS)


def main(arguments: list[str]) -> int:
    """Install what can be had; report the rest."""
    installers: dict[str, Callable[[], None]] = {
        "Python packages": install_python,
        "fence-agents": install_fence,
        XEN_API: install_node,
    }
    if "all" in arguments:
        installers["community.general"] = install_collection
    BASE.mkdir(parents=True, exist_ok=True)
    for name, install in installers.items():
        try:
            install()
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            print(f"!! not installed: {name}: {error}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
