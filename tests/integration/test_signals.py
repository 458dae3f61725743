# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.tests.support.module_runner import start_module_process
from ansible_collections.xen.xapi.tests.support.polling import wait_until

LOGIN = "session.login_with_password"
LOGOUT = "session.logout"
LISTING = "task.get_all_records"
# Longer than any test waits: who is there when this is over has not noticed anything.
FOREVER = 600
NUMBERS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@pytest.fixture
def start_module(tmp_path):
    """Starts task_info on a pool, in a process of its own, as Ansible does."""
    return lambda pool: start_module_process(tmp_path, "task_info", pool, {})


@pytest.fixture
def play_on(start_play):
    """Starts a play that lists the tasks of a pool."""

    def start(pool, **keywords):
        return start_play({"hostname": pool.url, "password": pool.password}, **keywords)

    return start


def wait_for_call(pool, method):
    assert wait_until(lambda: pool.log.of(method), within=60)


def wait_for_the_end(pool, *, of):
    """The logout comes while the call before it is not answered yet."""
    assert wait_until(lambda: not pool.sessions(), within=60)
    assert [call.method for call in pool.log][-2:] == [of, LOGOUT]
    assert not pool.log.of(of)[0].answered


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("method", ["pool.get_all_records", LISTING])
def test_signal_leaves_no_session(pool, start_module, number, method):
    pool.fail(method, delay=FOREVER)
    with start_module(pool) as module:
        wait_for_call(pool, method)
        assert len(pool.sessions()) == 1
        module.send_signal(number)
        output, errors = module.communicate()
    assert module.returncode == 1
    assert json.loads(output)["msg"] == f"Stopped by {number.name}."
    assert errors == ""
    wait_for_the_end(pool, of=method)


def test_signal_during_login_leaves_no_session(pool, start_module):
    # So long that the signal comes before the answer, however late it is.
    pool.fail(LOGIN, delay=5)
    with start_module(pool) as module:
        wait_for_call(pool, LOGIN)
        module.send_signal(signal.SIGTERM)
        result = json.loads(module.communicate()[0])
    assert result["msg"] == "Stopped by SIGTERM."
    assert [call.method for call in pool.log] == [LOGIN, LOGOUT]


def test_closed_stdout_leaves_no_session(pool, start_module):
    pool.fail(LISTING, delay=FOREVER)
    with start_module(pool) as module:
        wait_for_call(pool, LISTING)
        module.stdout.close()
        assert module.wait() == 1
        assert module.stderr.read() == ""
    wait_for_the_end(pool, of=LISTING)


def test_task_timeout_keyword_leaves_no_session(pool, play_on):
    pool.fail(LISTING, delay=FOREVER)
    # The start of the module takes a part of it.
    playbook = play_on(pool, timeout=15)
    wait_for_call(pool, LISTING)
    output, _errors = playbook.communicate()
    assert "Timed out after 15 second" in output
    wait_for_the_end(pool, of=LISTING)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_terminated_or_interrupted_playbook_leaves_no_session(pool, play_on, number):
    pool.fail(LISTING, delay=FOREVER)
    playbook = play_on(pool)
    wait_for_call(pool, LISTING)
    playbook.send_signal(number)
    playbook.wait()
    wait_for_the_end(pool, of=LISTING)


def test_killed_playbook_leaves_no_session(pool, play_on):
    """Ansible's worker outlives it and goes on to wait for the module, which ends as always."""
    pool.fail(LISTING, delay=5)
    playbook = play_on(pool)
    wait_for_call(pool, LISTING)
    playbook.kill()
    playbook.wait()
    assert wait_until(lambda: not pool.sessions(), within=60)
    assert [call.method for call in pool.log][-1] == LOGOUT


def test_killed_worker_leaves_no_session(pool, play_on):
    """The reader of the module's output; it leads the session of its processes."""
    pool.fail(LISTING, delay=FOREVER)
    playbook = play_on(pool)
    wait_for_call(pool, LISTING)
    (worker,) = children_of(playbook.pid)
    os.kill(worker, signal.SIGKILL)
    wait_for_the_end(pool, of=LISTING)
    playbook.terminate()


def children_of(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
