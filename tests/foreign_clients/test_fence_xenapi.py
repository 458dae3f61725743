# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test fence_xenapi of Debian's fence-agents, which fences VMs for a cluster manager."""

from __future__ import annotations

import os
import subprocess

import pytest

from ansible_collections.xen.xapi.tests.foreign_clients.conftest import need
from ansible_collections.xen.xapi.tests.foreign_clients.install import FENCE, PYTHON
from ansible_collections.xen.xapi.tests.simulator import Simulator

PROGRAM = FENCE / "sbin" / "fence_xenapi"


@pytest.fixture(autouse=True)
def installed() -> None:
    need("fence_xenapi", PROGRAM)


def fence(pool: Simulator, action: str, *, place: int = 0, plug: str = "web-1") -> tuple[int, str]:
    """Return exit code and output of an action on a VM."""
    command = [str(PYTHON), "-B", str(PROGRAM), "--action", action, "--plug", plug,
               "--session-url", pool.hosts[place].url, "--username", pool.username,
               "--password", pool.password]  # fmt: skip
    environ = {**os.environ, "PYTHONPATH": str(FENCE / "share" / "fence")}
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_vms_are_listed(pool: Simulator) -> None:
    code, output = fence(pool, "list")
    assert code == 0
    names = {line.partition(",")[2] for line in output.splitlines()}
    assert {"web-1", "web-2", "db-1"} <= names


def test_vm_is_fenced_and_started_again(pool: Simulator) -> None:
    vm = pool.find("VM", "web-1")
    assert fence(pool, "status") == (0, "Status: ON\n")
    assert fence(pool, "off")[0] == 0
    assert pool.database.read("VM", vm)["power_state"] == "Halted"
    assert fence(pool, "status") == (2, "Status: OFF\n")
    assert fence(pool, "on")[0] == 0
    domain = pool.database.read("VM", vm)["domid"]
    assert fence(pool, "reboot")[0] == 0
    record = pool.database.read("VM", vm)
    assert record["power_state"] == "Running"
    assert record["domid"] != domain


def test_unknown_vm_and_supporter_are_refused(pool: Simulator) -> None:
    code, output = fence(pool, "status", plug="ghost")
    assert code == 1
    assert "Unable to obtain correct plug status" in output
    code, output = fence(pool, "status", place=1)
    assert code != 0
    assert "HOST_IS_SLAVE" in output
