# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ansible-test on a copy of this checkout, in the only kind of folder that it accepts."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / ".cache" / "ansible-test"
HOME = BASE / "home"


def copy_tree(command: str) -> Path:
    """A tree for a command and an environment alone: several may run side by side."""
    tree = BASE / Path(sys.prefix).name / command / "ansible_collections" / "xen" / "xapi"
    shutil.rmtree(tree, ignore_errors=True)
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        # A file that was removed stays listed until the removal is staged.
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    # Or ansible-test would ask the checkout around it, which ignores all that is in here.
    subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)
    return tree


def prepare_home() -> None:
    """A home of its own: ansible-test keeps its environments there."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    # ansible-test looks here before it downloads get-pip; the pip that Python brings will do.
    bootstrap = "import ensurepip; ensurepip.bootstrap(upgrade=True)\n"
    for pip in ("24_2", "25_2"):
        _write_at_once(cache / f"get_pip_{pip}.py", bootstrap)
    # It passes no variables on to pip, so a mirror named in the user's files is all that counts.
    settings = Path.home() / ".config" / "pip"
    link = HOME / ".config" / "pip"
    if settings.is_dir():
        link.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            link.symlink_to(settings, target_is_directory=True)


def _write_at_once(path: Path, text: str) -> None:
    """Units and sanity run side by side: one may read a file that the other writes."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(text)
    part.replace(path)


def environment(folders: Sequence[str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    # A pyenv shim answers to names of Pythons that are not installed.
    others = [folder for folder in os.get_exec_path() if not folder.endswith("/shims")]
    path = os.pathsep.join([str(Path(sys.executable).parent), *folders, *others])
    return {**kept, "HOME": str(HOME), "PATH": path}


def run(command: str, *arguments: str, folders: Sequence[str] = ()) -> int:
    """Run a command of ansible-test, with these folders of Pythons besides those of the path."""
    tree = copy_tree(command)
    prepare_home()
    ansible_test = Path(sys.executable).parent / "ansible-test"
    call = [str(ansible_test), command, "--local", *arguments]
    return subprocess.run(call, cwd=tree, env=environment(folders), check=False).returncode


def main(command: str, *arguments: str) -> int:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return run(command, "--python", python, *arguments)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
