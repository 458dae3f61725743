# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._cancel_gate import CancelGate
from ansible_collections.xen.xapi.plugins.module_utils._task import Task
from ansible_collections.xen.xapi.plugins.module_utils._transport import Answer
from ansible_collections.xen.xapi.plugins.module_utils._waiter import Waiter
from ansible_collections.xen.xapi.tests.simulator.lives import Life
from ansible_collections.xen.xapi.tests.virtual import VirtualPool, VirtualWire, virtual_session


def cancel(pool, refs, *, timeout=60.0):
    wire = VirtualWire(pool)
    with virtual_session(wire, pool) as session:
        tasks = [Task(ref, pool.record(ref)) for ref in refs]
        deadline = pool.now() + timeout
        gate = CancelGate(session, tasks, waits=True, deadline=deadline, clock=pool.now)
        waiter = Waiter(session, gate, timeout=timeout, clock=pool.now, sleep=pool.solo.advance)
        waiter.wait()
    gate.close()
    return [gate.cancels[ref].action for ref in refs]


def sent(pool):
    return [call.params[0] for call in pool.log.of("task.cancel")]


@pytest.mark.parametrize("end", ["success", "deletion"])
def test_what_was_read_long_ago_is_read_again_before_it_is_asked(end):
    pool = VirtualPool()
    life = Life(duration=1.0) if end == "success" else Life(duration=None, deleted_after=1.0)
    refs = [pool.add_task("slow", life=Life(duration=None)) for _number in range(2)]
    refs.append(pool.add_task("ends meanwhile", life=life))
    pool.fail("task.cancel", delay=3.0, count=2)
    actions = cancel(pool, refs)
    assert actions == ["cancelled", "cancelled", "finished_first" if end == "success" else "gone"]
    assert refs[2] not in sent(pool)


def test_what_goes_on_is_asked_again_every_five_seconds():
    pool = VirtualPool()
    ref = pool.add_task("deaf", life=Life(duration=None, cancel_after=None))
    assert cancel(pool, [ref], timeout=21.0) == ["still_running"]
    times = [call.at - 1_800_000_000 for call in pool.log.of("task.cancel")]
    assert times == pytest.approx([0, 5, 10, 15, 20], abs=0.5)


@pytest.mark.parametrize("answer", ["half", "a page", "an odd envelope"])
def test_a_cancel_whose_answer_is_spoilt_is_ours(answer, monkeypatch):
    """The server did what it was asked; that nobody could read its answer is another matter."""
    pool = VirtualPool()
    ref = pool.add_task("slow", life=Life(duration=None))
    spoilt = {
        "half": Answer(200, "application/json", b'{"jsonrpc": "2.0", "res'),
        "a page": Answer(502, "text/html", b"Bad Gateway"),
        "an odd envelope": Answer(200, "application/json", b"[]"),
    }[answer]
    post = VirtualWire.post

    def spoil(wire, endpoint, path, body, **limits):
        answered = post(wire, endpoint, path, body, **limits)
        return spoilt if b"task.cancel" in body else answered

    monkeypatch.setattr(VirtualWire, "post", spoil)
    assert cancel(pool, [ref]) == ["cancelled"]


@pytest.mark.parametrize("code", ["HOST_BROKEN", "TOO_MANY_PENDING_TASKS"])
def test_what_the_whole_pool_goes_through_is_ridden_out(code):
    pool = VirtualPool()
    ref = pool.add_task("slow", life=Life(duration=None))
    pool.fail("task.cancel", error=[code])
    assert cancel(pool, [ref]) == ["cancelled"]
    assert len(sent(pool)) == 2
