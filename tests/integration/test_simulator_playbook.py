# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook that starts a simulated pool and stops it."""

from __future__ import annotations

import os
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.tests.support.collection import ROOT
from ansible_collections.xen.xapi.tests.support.doc_examples import blocks
from ansible_collections.xen.xapi.tests.support.polling import LONG_TIMEOUT, wait_until

PLAY = """---
- ansible.builtin.import_playbook: xen.xapi.simulator
  vars: {{simulator_options: {options}}}
- hosts: localhost
  gather_facts: false
  tasks:
    - xen.xapi.task_info: {{hostname: "{{{{ simulator_url }}}}", password: xapi-secret}}
      register: found
    - ansible.builtin.debug:
        msg: "{{{{ [simulator_url, simulator_hosts | length, found.tasks | length] | join(' ') }}}}"
- ansible.builtin.import_playbook: xen.xapi.simulator
  vars: {{simulator_state: stopped}}
"""


@pytest.fixture
def play(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Run a playbook that imports the one that starts a pool."""

    def run(text: str) -> subprocess.CompletedProcess[str]:
        program = "ansible-playbook"
        path = tmp_path / "play.yml"
        path.write_text(text)
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache/collections"),
            "ANSIBLE_CONFIG": str(ROOT / "tests/ansible.cfg"),
            "ANSIBLE_ASYNC_DIR": str(tmp_path / "async"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
        }
        return subprocess.run(
            [program, str(path)],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=LONG_TIMEOUT,
        )

    return run


def test_playbook_starts_pool_and_stops_it(play) -> None:  # type: ignore[no-untyped-def]
    run = play(PLAY.format(options='["--hosts", "2", "--tasks", "3"]'))
    assert run.returncode == 0, run.stdout + run.stderr
    found = re.search(r"(http://127\.0\.0\.1:\d+) 2 3", run.stdout)
    assert found is not None, run.stdout

    def is_gone() -> bool:
        try:
            urllib.request.urlopen(found[1], timeout=5)
        except urllib.error.HTTPError:
            return False
        except OSError:
            return True
        return False

    assert wait_until(is_gone)


def test_printed_example_runs(play) -> None:  # type: ignore[no-untyped-def]
    run = play(blocks("docs/testing_with_the_simulator.md")[1])
    assert run.returncode == 0, run.stdout + run.stderr


def test_playbook_shows_why_the_pool_did_not_start(play) -> None:  # type: ignore[no-untyped-def]
    run = play(PLAY.format(options='["--hosts", "0"]'))
    assert run.returncode == 2
    assert "--hosts has to be 1 or more" in run.stdout
