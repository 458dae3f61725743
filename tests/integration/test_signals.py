# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

MODULE = "ansible_collections.xen.xapi.plugins.modules.task_info"
LONG = 60


@pytest.fixture
def start_module(tmp_path):
    """Starts task_info in a process of its own, as Ansible does."""

    def start(**options):
        arguments = tmp_path / "arguments.json"
        arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": options}))
        return subprocess.Popen(
            [sys.executable, "-m", MODULE, arguments],
            env={**os.environ, "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]},
            stdout=subprocess.PIPE,
            text=True,
        )

    return start


def wait_for_call(pool, method):
    while not pool.log.of(method):
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("method", ["pool.get_all_records", "task.get_all_records"])
def test_a_signal_leaves_no_session_behind(pool, start_module, number, method):
    pool.fail(method, delay=LONG)
    with start_module(hostname=pool.url, password=pool.password) as module:
        wait_for_call(pool, method)
        assert len(pool.sessions()) == 1
        module.send_signal(number)
        result = json.loads(module.communicate()[0])
    assert module.returncode == 1
    assert result["msg"] == f"Stopped by {number.name}."
    assert pool.sessions() == []


def test_a_signal_during_the_login_leaves_no_session_behind(pool, start_module):
    pool.fail("session.login_with_password", delay=1)
    with start_module(hostname=pool.url, password=pool.password) as module:
        wait_for_call(pool, "session.login_with_password")
        module.send_signal(signal.SIGTERM)
        result = json.loads(module.communicate()[0])
    assert result["msg"] == "Stopped by SIGTERM."
    assert [call.method for call in pool.log][-1] == "session.logout"
