# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading

import pytest

from ansible_collections.xen.xapi.plugins.modules import task_cancel, task_info, task_wait


@pytest.fixture
def info(run, pool):
    """Runs task_info on the pool with some options."""

    def run_task_info(*, fails=False, **options):
        connection = {"hostname": pool.url, "password": pool.password}
        return run(task_info.main, {**connection, **options}, fails=fails)

    return run_task_info


@pytest.fixture
def wait(run, pool):
    """Runs task_wait on the pool with some options."""

    def run_task_wait(*, fails=False, **options):
        connection = {"hostname": pool.url, "password": pool.password, "timeout": 20}
        return run(task_wait.main, {**connection, **options}, fails=fails)

    return run_task_wait


@pytest.fixture
def cancel(run, pool):
    """Runs task_cancel on the pool with some options."""

    def run_task_cancel(*, fails=False, **options):
        connection = {"hostname": pool.url, "password": pool.password, "timeout": 20}
        return run(task_cancel.main, {**connection, **options}, fails=fails)

    return run_task_cancel


@pytest.fixture
def later():
    """Does something to a pool while a module waits."""
    timers = []

    def do_later(happen, seconds=0.2):
        timers.append(threading.Timer(seconds, happen))
        timers[-1].start()

    yield do_later
    for timer in timers:
        timer.join()
