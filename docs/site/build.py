# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the site of the documentation, offline; a broken link or an orphan page is an error."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / ".cache" / "docs"
SOURCE, SITE = BASE / "source", BASE / "html"
PAGES = (
    "*.md",
    "COPYING",
    "docs/*.md",
    "docs/images/*.svg",
    "roles/*/README.md",
    "tests/simulator/README.md",
)


def gather() -> None:
    """Put the pages where they stand to one another as in the checkout, so that links hold."""
    shutil.rmtree(BASE, ignore_errors=True)
    SOURCE.mkdir(parents=True)
    for pattern in PAGES:
        for page in ROOT.glob(pattern):
            copy = SOURCE / page.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(page, copy)
    shutil.copytree(ROOT / "docs" / "site", SOURCE, dirs_exist_ok=True)


def main() -> int:
    gather()
    tools = Path(sys.executable).parent
    describe = [str(tools / "antsibull-docs"), "collection", "--use-current", "--no-indexes"]
    describe += ["--fail-on-error", "--dest-dir", str(SOURCE), "xen.xapi"]
    subprocess.run(describe, check=True)
    # It knows the variables of plugins; those of modules have a page of ours.
    (SOURCE / "collections" / "environment_variables.rst").unlink()
    build = [str(tools / "sphinx-build"), "--quiet", "--fail-on-warning", "--keep-going"]
    done = subprocess.run([*build, str(SOURCE), str(SITE)], check=False)
    if done.returncode == 0:
        print(f"The site: {(SITE / 'index.html').relative_to(ROOT)}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
