# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules as Ansible runs them: a process each, arguments in a file, the result on stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.xen.xapi.tests.simulator import Simulator

MODULES = "ansible_collections.xen.xapi.plugins.modules"


def start(
    folder: Path,
    module: str,
    pool: Simulator,
    options: dict[str, Any],
    *,
    name: str = "one",
    libraries: tuple[Path, ...] = (),
) -> subprocess.Popen[str]:
    """Start a module on a pool; what it makes in passing is in the folder's tmp.

    The libraries are folders from which Python imports first, a sitecustomize.py too.
    """
    (folder / "tmp").mkdir(exist_ok=True)
    arguments = folder / f"{name}.json"
    connection = {"hostname": pool.url, "password": pool.password}
    arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": {**connection, **options}}))
    return subprocess.Popen(
        [sys.executable, "-m", f"{MODULES}.{module}", arguments],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(
                [*map(str, libraries), os.environ["ANSIBLE_COLLECTIONS_PATH"]]
            ),
            "TMPDIR": str(folder / "tmp"),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
