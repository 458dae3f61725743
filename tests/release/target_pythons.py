# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""That the modules compile and are imported on each Python that a module may run on."""

from __future__ import annotations

import sys
from pathlib import Path

import ansible_test
from virtualenvs import interpreter, skip

VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")


def main() -> int:
    found = {version: interpreter(version) for version in VERSIONS}
    missing = [version for version, path in found.items() if path is None]
    if missing:
        skip("target-pythons", f"modules on Python {', '.join(missing)}, which is not here")
    folders = [str(Path(path).parent) for path in found.values() if path is not None]
    # Without a version, ansible-test takes all that it finds on the path.
    return ansible_test.run(
        "sanity", "--test", "import", "--test", "compile", "plugins/", folders=folders
    )


if __name__ == "__main__":
    sys.exit(main())
