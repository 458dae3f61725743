# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading

import pytest

from ansible_collections.xen.xapi.plugins.modules import task_cancel, task_info, task_wait


def on_the_pool(run, pool, module, **defaults):
    def run_module(*, fails=False, **options):
        connection = {"hostname": pool.url, "password": pool.password}
        return run(module.main, {**connection, **defaults, **options}, fails=fails)

    return run_module


@pytest.fixture
def info(run, pool):
    """Runs task_info, on the pool unless another host is given."""
    return on_the_pool(run, pool, task_info)


@pytest.fixture
def wait(run, pool):
    """Runs task_wait, on the pool unless another host is given."""
    return on_the_pool(run, pool, task_wait, timeout=20)


@pytest.fixture
def cancel(run, pool):
    """Runs task_cancel, on the pool unless another host is given."""
    return on_the_pool(run, pool, task_cancel, timeout=20)


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
