# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the site of the documentation, offline.

A broken link, a page that no other page lists and an import that points upward are errors.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import import_graph

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / ".cache" / "docs"
CONFIG = ROOT / "docs" / "site" / "antsibull-docs.cfg"
SOURCE, SITE = BASE / "source", BASE / "html"
PAGES = (
    "*.md",
    "COPYING",
    "docs/*.md",
    "docs/images/*.svg",
    "roles/*/README.md",
    "tests/README.md",
    "tests/simulator/README.md",
)


def gather() -> None:
    """Copy the pages to the places that they have in the checkout, so that links work."""
    shutil.rmtree(BASE, ignore_errors=True)
    SOURCE.mkdir(parents=True)
    for pattern in PAGES:
        for page in ROOT.glob(pattern):
            copy = SOURCE / page.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(page, copy)
    shutil.copytree(ROOT / "docs" / "site", SOURCE, dirs_exist_ok=True)


def main() -> int:
    try:
        picture = import_graph.draw(ROOT)
    except import_graph.UpwardImportError as error:
        print(f"plugins: {error}", file=sys.stderr)
        return 1
    gather()
    (SOURCE / import_graph.PICTURE).write_text(picture, encoding="utf-8")
    tools = Path(sys.executable).parent
    describe = [str(tools / "antsibull-docs"), "--config-file", str(CONFIG), "collection"]
    describe += ["--use-current", "--no-indexes", "--fail-on-error"]
    describe += ["--dest-dir", str(SOURCE), "xen.xapi"]
    subprocess.run(describe, check=True)
    # This page lists the variables of plugins only; docs/environment_variables.md has those of
    # modules.
    (SOURCE / "collections" / "environment_variables.rst").unlink()
    build = [str(tools / "sphinx-build"), "--quiet", "--fail-on-warning", "--keep-going"]
    done = subprocess.run([*build, str(SOURCE), str(SITE)], check=False)
    if done.returncode == 0:
        print(f"The site: {(SITE / 'index.html').relative_to(ROOT)}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
