# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many at once, and many in turn: memory and sessions do not grow."""

from __future__ import annotations

import itertools
import json
import os
import threading

import pytest

from ansible_collections.xen.xapi.tests.simulator import Life
from ansible_collections.xen.xapi.tests.stress.progress_pipe import progress_pipe
from ansible_collections.xen.xapi.tests.support.fixtures import start_pool
from ansible_collections.xen.xapi.tests.support.module_runner import start_module_process
from ansible_collections.xen.xapi.tests.support.polling import wait_until

__all__ = ["start_pool"]

WAITS = int(os.environ.get("RELIABILITY_WAITS", "4"))
TASKS = int(os.environ.get("RELIABILITY_TASKS", "100"))
RUNS = int(os.environ.get("RELIABILITY_RUNS", "24"))
AT_ONCE = 2


def result_of(process):
    out, err = process.communicate(timeout=300)
    assert err == ""
    return json.loads(out)


def most_sessions(pool):
    """How many sessions were open at a time at most, by the log."""
    steps = {"session.login_with_password": 1, "session.logout": -1}
    return max(itertools.accumulate(steps.get(call.method, 0) for call in pool.log))


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def test_parallel_waits_use_one_session_each_and_few_requests(start_pool, tmp_path):
    # Garbage collection would delete most of them as they end.
    pool = start_pool(collects=False)
    refs = [pool.add_task(f"load {number}", life=Life(duration=None)) for number in range(TASKS)]
    # All of them report to one pipe, and nobody reads from it.
    with progress_pipe(tmp_path) as read_progress:
        waits = [
            start_module_process(
                tmp_path, "task_wait", pool, {"ref": refs, "timeout": "300"}, name=str(number)
            )
            for number in range(WAITS)
        ]
        while pool.events.blocked < WAITS:
            assert all(process.poll() is None for process in waits)
            threading.Event().wait(0.05)
        assert len(pool.sessions()) == WAITS
        for ref in refs:
            pool.set_task(ref, status="success", progress=1.0)
        results = [result_of(process) for process in waits]
        assert "waiting for the first answer of the pool" in read_progress()
    assert [len(result["satisfied"]) for result in results] == [TASKS] * WAITS
    # One thread each waits for its events; a listing comes now and then.
    assert max(result["requests"] for result in results) < TASKS / 4


@pytest.mark.parametrize("fails", [False, True])
def test_repeated_runs_leak_no_sessions_descriptors_or_files(start_pool, tmp_path, fails):
    """Sessions, connections and files after many runs are those from before."""
    pool = start_pool()
    ref = pool.add_task("load", status="failure" if fails else "success")
    options = {
        "task_info": {"uuid": pool.record(ref)["uuid"]},
        "task_wait": {"ref": ref},
        "task_cancel": {"ref": ref, "fail_if_not_running": fails},
        "call": {"method": "VM.snapshot", "args": [{"class": "VM", "name_label": "web-1"}, "x"]},
    }
    life = Life(duration=0.1, outcome="failure" if fails else "success")
    pool.operations.lives["VM.snapshot"] = life
    before = descriptors()
    for number in range(RUNS // AT_ONCE):
        module = list(options)[number % len(options)]
        running = [
            start_module_process(tmp_path, module, pool, options[module], name=str(run))
            for run in range(AT_ONCE)
        ]
        for process in running:
            result = result_of(process)
            assert result.get("failed", False) is (fails and module != "task_info")
        assert most_sessions(pool) <= AT_ONCE
        assert pool.sessions() == []
        pool.log.clear()
    # The server's side of a connection is closed a moment after the client's.
    assert wait_until(lambda: descriptors() <= before)
    assert os.listdir(tmp_path / "tmp") == []
