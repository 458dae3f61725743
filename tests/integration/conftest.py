# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.tests.support.fixtures import pool, start_pool
from ansible_collections.xen.xapi.tests.support.polling import when

__all__ = ["play", "play_file", "pool", "start_pool", "when"]

HERE = Path(__file__).parent


@pytest.fixture
def play_file(tmp_path):
    """Runs a playbook and returns its output; playbooks judge for themselves."""

    def run_playbook(path, *options, environment=None, **variables):
        extra = tmp_path / "variables.json"
        extra.write_text(json.dumps(variables))
        ended = subprocess.run(
            [
                "ansible-playbook",
                f"--inventory={HERE / 'inventory.yml'}",
                f"--extra-vars=@{extra}",
                *options,
                path,
            ],
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


@pytest.fixture
def play(play_file):
    """Runs one of the playbooks in the folder beside this file, by its name."""

    def run_by_name(name, *options, **rest):
        return play_file(HERE / "playbooks" / f"{name}.yml", *options, **rest)

    return run_by_name


@pytest.fixture
def start_play(tmp_path):
    """Starts a play of one task, and gives it back while it runs."""
    started = []

    def start(options, *, module="task_info", environment=None, variables=None, **keywords):
        task = {f"xen.xapi.{module}": options, **keywords}
        playbook, extra = tmp_path / "started.yml", tmp_path / "started.json"
        play = {"hosts": "localhost", "gather_facts": False, "tasks": [task]}
        playbook.write_text(json.dumps([play]))
        extra.write_text(json.dumps(variables or {}))
        inventory = f"--inventory={HERE / 'inventory.yml'}"
        process = subprocess.Popen(
            ["ansible-playbook", inventory, f"--extra-vars=@{extra}", playbook],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.stdout.close()
        process.wait()
