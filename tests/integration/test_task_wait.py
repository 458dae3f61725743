# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools
import signal

import pytest

from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.fixtures import answered
from ansible_collections.xen.xapi.tests.support.polling import wait_until
from ansible_collections.xen.xapi.tests.support.samples import NO_UUID

LOGOUT = "session.logout"


def is_waited_for(pool, ref):
    """Whether a module has seen a task and waits for its next event."""
    looks = answered(pool, "event.from")
    return pool.events.blocked and any(ref in str(call.params) for call in looks)


@pytest.mark.cores
def test_wait_playbook_succeeds(start_pool, play, when):
    # An end that is written here has no time, and a pool deletes tasks that ended long ago.
    pool = start_pool(collects=False)
    full = Life(duration=None, writes=((0.0, "progress", 1.0),))
    moving, disappearing, failing = (
        pool.add_task("Async.VM.copy"),
        pool.add_task("Async.VM.copy"),
        pool.add_task("Async.VM.copy", life=full),
    )
    for ref, happen in (
        (moving, lambda: pool.set_task(moving, status="success")),
        (disappearing, lambda: pool.destroy_task(disappearing)),
        (failing, lambda: pool.set_task(failing, status="failure")),
    ):
        when(functools.partial(is_waited_for, pool, ref), happen)
    pool.add_task("Async.VM.old", status="success")
    pool.add_task("endless")
    play(
        "wait",
        pool_url=pool.url,
        pool_password=pool.password,
        no_uuid=NO_UUID,
        moving=moving,
        disappearing=disappearing,
        full=failing,
        succeeded=pool.add_task("Async.VM.copy", status="success"),
        failed=pool.add_task("Async.VM.copy", status="failure", error_info=["SR_FULL", "1", "2"]),
        cancelled=pool.add_task("Async.VM.copy", status="cancelled"),
    )


def test_interrupted_wait_leaves_no_session(pool, start_play):
    ref = pool.add_task("endless")
    options = {"hostname": pool.url, "password": pool.password, "ref": ref}
    process = start_play(options, module="task_wait")
    assert wait_until(lambda: pool.events.blocked, within=60)
    process.send_signal(signal.SIGINT)
    assert wait_until(lambda: not pool.sessions(), within=60)
    assert [call.method for call in pool.log][-1] == LOGOUT


def test_task_timeout_keyword_leaves_no_session(pool, start_play):
    ref = pool.add_task("endless")
    options = {"hostname": pool.url, "password": pool.password, "ref": ref}
    process = start_play(options, module="task_wait", timeout=15)
    assert wait_until(lambda: pool.events.blocked, within=60)
    output, _errors = process.communicate()
    assert process.returncode != 0, output
    assert wait_until(lambda: not pool.sessions(), within=60)
    assert [call.method for call in pool.log][-1] == LOGOUT
