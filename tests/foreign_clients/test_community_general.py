# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the modules for XenServer of community.general, unmodified."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.foreign_clients.conftest import need
from ansible_collections.xen.xapi.tests.foreign_clients.install import COLLECTIONS, PYTHON
from ansible_collections.xen.xapi.tests.simulator import Simulator

DEPLOYMENT = """
- hosts: localhost
  gather_facts: false
  module_defaults:
    community.general.xenserver_guest: &pool
      hostname: "{url}"
      username: root
      password: xapi-secret
      validate_certs: false
    community.general.xenserver_guest_info: *pool
    community.general.xenserver_guest_powerstate: *pool
  tasks:
    - community.general.xenserver_guest:
        name: new-1
        template: Debian Bookworm 12
        state: poweredon
        hardware: {{num_cpus: 2, memory_mb: 2048}}
        disks: [{{size_gb: 10, sr: Shared storage 1}}]
        networks: [{{name: Pool-wide network associated with eth0}}]
        wait_for_ip_address: true
    - community.general.xenserver_guest:
        name: new-1
        state: present
        force: true
        name_desc: changed
        hardware: {{num_cpus: 4, memory_mb: 4096}}
        disks: [{{size_gb: 20}}, {{size_gb: 5, name: second}}]
        networks:
          - name: Pool-wide network associated with eth0
          - name: Host internal management network
        home_server: host-2
        folder: /a/b
      register: changed
    - community.general.xenserver_guest_info: {{name: new-1}}
      register: read
    - ansible.builtin.assert:
        that:
          - changed is changed
          - read.instance.hardware.num_cpus == 4
          - read.instance.disks | map(attribute="size") | list == [21474836480, 5368709120]
          - read.instance.networks | length == 2
          - read.instance.folder == "/a/b"
          - read.instance.home_server == "host-2"
    - community.general.xenserver_guest_powerstate: {{name: new-1, state: suspended}}
    - community.general.xenserver_guest_powerstate: {{name: new-1, state: powered-on}}
    - community.general.xenserver_guest_powerstate: {{name: new-1, state: reboot-guest}}
    - community.general.xenserver_guest_powerstate: {{name: new-1, state: shutdown-guest}}
      register: stopped
    - ansible.builtin.assert:
        that: stopped.instance.state == "poweredoff"
    - community.general.xenserver_guest: {{name: new-1, is_template: true}}
    - community.general.xenserver_guest: {{name: copy, template: new-1, state: poweredon}}
    - community.general.xenserver_guest: {{name: copy, state: absent, force: true}}
    - community.general.xenserver_guest: {{name: new-1, state: absent, is_template: true}}
"""


@pytest.fixture(autouse=True)
def installed() -> None:
    need("community.general", COLLECTIONS, "make foreign-clients CLIENTS=all")


def play(pool: Simulator, folder: Path) -> subprocess.CompletedProcess[str]:
    playbook = folder / "deployment.yml"
    playbook.write_text(DEPLOYMENT.format(url=pool.url))
    python = str(PYTHON)
    command = [python, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local",
               "-e", f"ansible_python_interpreter={python}", str(playbook)]  # fmt: skip
    settings = folder / "ansible.cfg"
    settings.touch()
    environ: dict[str, Any] = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_HOME": str(folder),
        "ANSIBLE_CONFIG": str(settings),
    }
    return subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=250, check=False
    )


def test_vm_is_deployed_changed_copied_and_deleted(pool: Simulator, tmp_path: Path) -> None:
    before = {kind: set(pool.database[kind]) for kind in ("VM", "VIF", "VBD")}
    done = play(pool, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {kind: set(pool.database[kind]) for kind in before} == before
    errors = [call.error for call in pool.log if call.error]
    assert [error for error in errors if "NOT_IMPLEMENTED" in error[0]] == []
