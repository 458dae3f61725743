# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test xen-api, the client library of Xen Orchestra, with Node.js."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.tests.foreign_clients.conftest import need
from ansible_collections.xen.xapi.tests.foreign_clients.install import NODE
from ansible_collections.xen.xapi.tests.simulator import Simulator

SCRIPT = Path(__file__).with_name("xen_api_client.mjs")


@pytest.fixture(autouse=True)
def installed() -> None:
    need("xen-api", NODE / "node_modules" / "xen-api")


def test_objects_tasks_and_exports(pool: Simulator) -> None:
    node = shutil.which("node") or "node"
    done = subprocess.run(
        [node, str(SCRIPT), pool.url, str(NODE)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer.pop("objects") > 60
    assert answer.pop("exported") >= 10240
    assert answer == {
        "host": "host-1",
        "disks": ["Shared storage 1"],
        "renamed": "renamed",
        "snapshot": True,
        "watched": "done",
        "refused": "VM_IS_SNAPSHOT",
    }
    exports = [call for call in pool.log if call.method == "GET /export"]
    assert len(exports) == 1
