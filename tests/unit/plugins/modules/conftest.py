# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.modules import call as call_module
from ansible_collections.xen.xapi.plugins.modules import task_cancel, task_info, task_wait
from ansible_collections.xen.xapi.tests.support.fixtures import answered
from ansible_collections.xen.xapi.tests.support.polling import when

__all__ = ["when"]

LOOKS = ("event.from", "task.get_record", "task.get_all_records")


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
def call(run, pool):
    """Runs call, on the pool unless another host is given."""
    return on_the_pool(run, pool, call_module, timeout=20)


@pytest.fixture
def when_waiting(pool, when):
    """Does something to a pool once a module waits for its events."""

    def do_when_waiting(happen, *, pool=pool):
        when(lambda: pool.events.blocked, happen)

    return do_when_waiting


@pytest.fixture
def live(pool, when):
    """Adds a task, which begins to live as soon as a module has looked at tasks."""

    def add(life, label="Async.VM.copy", **fields):
        before = len(answered(pool, *LOOKS))
        ref = pool.add_task(label, **fields)
        when(
            lambda: len(answered(pool, *LOOKS)) > before,
            lambda: pool.operations.play(ref, life),
        )
        return ref

    return add
