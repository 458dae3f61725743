# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.tests.pools import pool, start_pool

__all__ = ["play", "pool", "start_pool"]

HERE = Path(__file__).parent


@pytest.fixture
def play(tmp_path):
    """Runs one of the playbooks and returns its output; the playbooks judge for themselves."""

    def run_playbook(name, *options, environment=None, **variables):
        extra = tmp_path / "variables.json"
        extra.write_text(json.dumps(variables))
        command = [
            *(
                "ansible-playbook",
                "--inventory",
                HERE / "inventory.yml",
                "--extra-vars",
                f"@{extra}",
            ),
            *options,
            HERE / "playbooks" / f"{name}.yml",
        ]
        ended = subprocess.run(
            command,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        output = ended.stdout + ended.stderr
        assert ended.returncode == 0, output
        return output

    return run_playbook
