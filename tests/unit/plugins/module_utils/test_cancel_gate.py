# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._cancel_gate import CancelGate
from ansible_collections.xen.xapi.plugins.module_utils._task import Task
from ansible_collections.xen.xapi.plugins.module_utils._transport import Answer
from ansible_collections.xen.xapi.tests.samples import DEAF, ENDLESS
from ansible_collections.xen.xapi.tests.simulator.clock import START
from ansible_collections.xen.xapi.tests.simulator.lives import Life
from ansible_collections.xen.xapi.tests.virtual_wait import on
from ansible_collections.xen.xapi.tests.virtual_wire import VirtualWire


def cancel(pool, refs, *, timeout=60.0):
    tasks = [Task(ref, pool.record(ref)) for ref in refs]

    def make_gate(session):
        deadline = pool.now() + timeout
        return CancelGate(session, tasks, login=1, waits=True, deadline=deadline, clock=pool.now)

    with on(pool, make_gate, timeout=timeout) as run:
        run.wait()
    run.gate.close()
    return [run.gate.cancels[ref].action for ref in refs]


def sent(pool):
    return [call.params[0] for call in pool.log.of("task.cancel")]


@pytest.mark.parametrize("end", ["success", "deletion"])
def test_what_was_read_long_ago_is_read_again_before_it_is_asked(virtual, end):
    life = Life(duration=1.0) if end == "success" else Life(duration=None, deleted_after=1.0)
    refs = [virtual.add_task("slow", life=ENDLESS) for _number in range(2)]
    refs.append(virtual.add_task("ends meanwhile", life=life))
    virtual.fail("task.cancel", delay=3.0, count=2)
    actions = cancel(virtual, refs)
    assert actions == ["cancelled", "cancelled", "finished_first" if end == "success" else "gone"]
    assert refs[2] not in sent(virtual)


def test_what_goes_on_is_asked_again_every_five_seconds(virtual):
    ref = virtual.add_task("deaf", life=DEAF)
    assert cancel(virtual, [ref], timeout=21.0) == ["still_running"]
    times = [call.at - START for call in virtual.log.of("task.cancel")]
    assert times == pytest.approx([0, 5, 10, 15, 20], abs=0.5)


@pytest.mark.parametrize("answer", ["half", "a page", "an odd envelope"])
def test_a_cancel_whose_answer_is_spoilt_is_ours(virtual, answer, monkeypatch):
    """The server did what it was asked; that nobody could read its answer is another matter."""
    ref = virtual.add_task("slow", life=ENDLESS)
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
    assert cancel(virtual, [ref]) == ["cancelled"]


@pytest.mark.parametrize("code", ["HOST_BROKEN", "TOO_MANY_PENDING_TASKS"])
def test_what_the_whole_pool_goes_through_is_ridden_out(virtual, code):
    ref = virtual.add_task("slow", life=ENDLESS)
    virtual.fail("task.cancel", error=[code])
    assert cancel(virtual, [ref]) == ["cancelled"]
    assert len(sent(virtual)) == 2


@pytest.mark.parametrize(
    ("life", "action"),
    [(ENDLESS, "cancelled"), (Life(duration=None, cancel_after=None), "error")],
    ids=["ends", "goes on"],
)
def test_a_cancel_that_arrived_although_it_was_answered_with_an_error(
    virtual, monkeypatch, life, action
):
    """The master passed it on to another host, and lost the connection to that."""
    ref = virtual.add_task("slow", life=life)
    post = VirtualWire.post

    def spoil(wire, endpoint, path, body, **limits):
        answered = post(wire, endpoint, path, body, **limits)
        if b"task.cancel" not in body:
            return answered
        error = {"code": 1, "message": "INTERNAL_ERROR", "data": ["unexpected eof"]}
        number = json.loads(body)["id"]
        envelope = {"jsonrpc": "2.0", "id": number, "error": error}
        return Answer(200, "application/json", json.dumps(envelope).encode())

    monkeypatch.setattr(VirtualWire, "post", spoil)
    assert cancel(virtual, [ref]) == [action]
    assert len(sent(virtual)) == 1
