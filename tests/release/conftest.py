# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.collection import ROOT


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """Return all files that a commit would contain, relative to the root."""
    call = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(call, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = [Path(name) for name in listing.split("\0") if name]
    return [name for name in names if (ROOT / name).is_file()]
