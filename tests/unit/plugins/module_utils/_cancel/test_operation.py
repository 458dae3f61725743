# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._cancel.operation import CancelOperation
from ansible_collections.xen.xapi.plugins.module_utils._client.transport import Answer
from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._wait.watcher import PollingWatcher
from ansible_collections.xen.xapi.tests.simulator.clock import START
from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.samples import ENDLESS, UNCANCELLABLE
from ansible_collections.xen.xapi.tests.support.virtual.transport import (
    VirtualWire,
    virtual_session,
)
from ansible_collections.xen.xapi.tests.support.virtual.wait import on


def run_operation(pool, refs, *, timeout=60.0, waits=True):
    tasks = [Task(ref, pool.record(ref)) for ref in refs]

    def make_condition(session):
        deadline = pool.now() + timeout
        return CancelOperation(
            session,
            tasks,
            session_generation=1,
            waits=waits,
            deadline=deadline,
            server_time=lambda: int(pool.now()),
            clock=pool.now,
        )

    with on(pool, make_condition, timeout=timeout) as run:
        run.wait()
    run.condition.close()
    return [run.condition.cancels[ref] for ref in refs]


def cancel(pool, refs, **options):
    return [cancel.action.value for cancel in run_operation(pool, refs, **options)]


def sent(pool):
    return [call.params[0] for call in pool.log.of("task.cancel")]


@pytest.mark.parametrize("end", ["success", "deletion"])
def test_stale_task_is_reread_before_cancel_is_sent(virtual, end):
    life = Life(duration=1.0) if end == "success" else Life(duration=None, deleted_after=1.0)
    refs = [virtual.add_task("slow", life=ENDLESS) for _number in range(2)]
    refs.append(virtual.add_task("ends early", life=life))
    virtual.fail("task.cancel", delay=3.0, count=2)
    actions = cancel(virtual, refs)
    assert actions == ["cancelled", "cancelled", "finished_first" if end == "success" else "gone"]
    assert refs[2] not in sent(virtual)


def test_cancel_is_resent_every_five_seconds_while_task_runs(virtual):
    ref = virtual.add_task("busy", life=UNCANCELLABLE)
    assert cancel(virtual, [ref], timeout=21.0) == ["still_running"]
    times = [call.at - START for call in virtual.log.of("task.cancel")]
    assert times == pytest.approx([0, 5, 10, 15, 20], abs=0.5)


def test_end_of_one_task_does_not_repeat_cancel_of_another(virtual):
    busy, short = (virtual.add_task("busy", life=UNCANCELLABLE) for _number in range(2))
    virtual.at(2, lambda: virtual.destroy_task(short))
    assert cancel(virtual, [busy, short], timeout=8.0) == ["still_running", "gone"]
    times = [call.at - START for call in virtual.log.of("task.cancel") if busy in call.params]
    assert times == pytest.approx([0, 5], abs=0.5)


def test_task_that_was_read_in_an_earlier_session_is_unknown(virtual):
    ref = virtual.add_task("slow")
    tasks = [Task(ref, virtual.record(ref))]
    virtual.destroy_task(ref)

    def make_operation(session):
        session.read_server_time()
        return CancelOperation(
            session,
            tasks,
            session_generation=session.generation - 1,
            waits=True,
            deadline=virtual.now() + 10,
            server_time=lambda: int(virtual.now()),
            clock=virtual.now,
        )

    with on(virtual, make_operation, timeout=10.0) as run:
        run.wait()
        (outcome,) = run.condition.cancels.values()
        assert (outcome.action.value, outcome.is_changed) == ("unknown", False)
        assert "the session was lost" in outcome.reason


@pytest.mark.parametrize("answer", ["truncated", "HTML page", "invalid envelope"])
def test_task_is_cancelled_despite_unreadable_cancel_response(virtual, answer, monkeypatch):
    """The server accepts the request, but its answer cannot be parsed."""
    ref = virtual.add_task("slow", life=ENDLESS)
    spoilt = {
        "truncated": Answer(200, "application/json", b'{"jsonrpc": "2.0", "res'),
        "HTML page": Answer(502, "text/html", b"Bad Gateway"),
        "invalid envelope": Answer(200, "application/json", b"[]"),
    }[answer]
    post = VirtualWire.post

    def spoil(wire, endpoint, path, body, **limits):
        answered = post(wire, endpoint, path, body, **limits)
        return spoilt if b"task.cancel" in body else answered

    monkeypatch.setattr(VirtualWire, "post", spoil)
    assert cancel(virtual, [ref]) == ["cancelled"]


@pytest.mark.parametrize("code", ["HOST_BROKEN", "TOO_MANY_PENDING_TASKS"])
def test_pool_wide_error_on_cancel_is_retried(virtual, code):
    ref = virtual.add_task("slow", life=ENDLESS)
    virtual.fail("task.cancel", error=[code])
    assert cancel(virtual, [ref]) == ["cancelled"]
    assert len(sent(virtual)) == 2


@pytest.mark.parametrize("code", ["INTERNAL_ERROR", "CANNOT_CONTACT_HOST", "SOMETHING_NEW"])
@pytest.mark.parametrize("waits", [True, False])
def test_error_response_is_ignored_if_cancel_took_effect(virtual, code, waits):
    ref = virtual.add_task("slow", life=Life(duration=None, cancel_after=1.0))
    virtual.fail("task.cancel", error=[code, "x"], late=True)
    (outcome,) = run_operation(virtual, [ref], waits=waits)
    assert (outcome.action.value, outcome.is_changed) == (
        "cancelled" if waits else "requested",
        True,
    )
    assert (outcome.error, outcome.doubt) == (None, "")
    assert len(sent(virtual)) == 1


def test_denied_cancel_is_not_credited_with_task_end(virtual):
    ref = virtual.add_task("slow", life=UNCANCELLABLE)
    virtual.fail("task.cancel", error=["RBAC_PERMISSION_DENIED", "task.cancel"], delay=1.0)
    of_another = {"current_operations": {"OpaqueRef:other": "cancel"}}
    virtual.at(0.5, lambda: virtual.set_task(ref, status="cancelled", **of_another))
    (outcome,) = run_operation(virtual, [ref])
    assert (outcome.action.value, outcome.is_changed, outcome.error) == (
        "finished_first",
        False,
        None,
    )


def test_lost_cancel_is_not_credited_with_earlier_cancel_of_another(virtual):
    of_another = {"OpaqueRef:other": "cancel"}
    ref = virtual.add_task("slow", life=UNCANCELLABLE)
    virtual.set_task(ref, current_operations=of_another)
    virtual.fail("task.cancel", cut="before")
    virtual.at(3, lambda: virtual.set_task(ref, status="cancelled"))
    (outcome,) = run_operation(virtual, [ref])
    assert (outcome.action.value, outcome.is_changed) == ("finished_first", False)


@pytest.mark.parametrize(
    ("code", "is_changed"), [("INTERNAL_ERROR", True), ("RBAC_PERMISSION_DENIED", False)]
)
def test_task_that_disappears_during_failed_cancel_is_gone(virtual, code, is_changed):
    ref = virtual.add_task("slow", life=UNCANCELLABLE)
    virtual.fail("task.cancel", error=[code, "x"], delay=1.0)
    virtual.at(0.5, lambda: virtual.destroy_task(ref))
    (outcome,) = run_operation(virtual, [ref])
    assert (outcome.action.value, outcome.is_changed, outcome.error) == ("gone", is_changed, None)


def test_error_after_accepted_cancel_does_not_end_wait(virtual):
    ref = virtual.add_task("slow", life=Life(duration=None, cancel_after=12.0))
    denied = ["RBAC_PERMISSION_DENIED", "task.cancel"]
    virtual.fail("task.cancel", nth=2, count=None, error=denied)
    (outcome,) = run_operation(virtual, [ref])
    assert (outcome.action.value, outcome.error) == ("cancelled", None)
    other = virtual.add_task("busy", life=UNCANCELLABLE)
    virtual.heal()
    virtual.fail("task.cancel", ref=other, nth=2, count=None, error=denied)
    (outcome,) = run_operation(virtual, [other], timeout=21.0)
    assert (outcome.action.value, outcome.error.code) == ("denied", denied[0])


def test_failed_read_after_error_response_is_retried(virtual):
    ref = virtual.add_task("slow", life=Life(duration=None, cancel_after=1.0))
    virtual.fail("task.cancel", error=["INTERNAL_ERROR", "x"], late=True)
    virtual.fail("task.get_record", cut="before")
    (outcome,) = run_operation(virtual, [ref])
    assert (outcome.action.value, outcome.error) == ("cancelled", None)


@pytest.mark.parametrize(
    ("cut", "expected"), [("before", ("finished_first", False)), ("after", ("cancelled", True))]
)
def test_only_delivered_cancel_is_credited_with_task_end(virtual, cut, expected):
    ref = virtual.add_task("slow", life=UNCANCELLABLE)
    virtual.fail("task.cancel", cut=cut)
    virtual.at(2, lambda: virtual.set_task(ref, status="cancelled"))
    (outcome,) = run_operation(virtual, [ref])
    assert (outcome.action.value, outcome.is_changed) == expected


@pytest.mark.parametrize(("cut", "requests"), [("before", 2), ("after", 1)])
def test_without_waiting_resends_only_cancel_that_did_not_arrive(virtual, cut, requests):
    ref = virtual.add_task("slow", life=UNCANCELLABLE)
    virtual.fail("task.cancel", cut=cut)
    (outcome,) = run_operation(virtual, [ref], waits=False)
    assert (outcome.action.value, outcome.is_changed, outcome.doubt) == ("requested", True, "")
    assert len(sent(virtual)) == requests


@pytest.mark.parametrize(("waits", "action"), [(True, "still_running"), (False, "requested")])
def test_lost_response_without_later_read_reports_doubt(virtual, waits, action):
    ref = virtual.add_task("slow", life=UNCANCELLABLE)
    virtual.fail("task.cancel", cut="after")
    virtual.fail("event.from", nth=2, count=None, cut="before")
    virtual.fail("task.get_record", count=None, cut="before")
    (outcome,) = run_operation(virtual, [ref], waits=waits, timeout=10.0)
    assert outcome.action.value == action
    assert "may not have arrived" in outcome.doubt


def test_cancel_already_requested_by_another_client_is_unchanged(virtual):
    ref = virtual.add_task("slow", life=UNCANCELLABLE, current_operations={"theirs": "cancel"})
    virtual.fail("task.cancel", cut="before")
    (outcome,) = run_operation(virtual, [ref], waits=False)
    assert (outcome.action.value, outcome.is_changed) == ("requested", False)
    assert len(sent(virtual)) == 2


def test_accepted_cancel_that_keeps_failing_reports_error(virtual):
    ref = virtual.add_task("busy", life=UNCANCELLABLE)
    virtual.fail("task.cancel", error=["INTERNAL_ERROR", "x"], late=True, count=None)
    (outcome,) = run_operation(virtual, [ref], timeout=21.0)
    assert (outcome.action.value, outcome.error.code) == ("error", "INTERNAL_ERROR")


def test_error_of_undelivered_cancel_is_reported_without_resending(virtual):
    ref = virtual.add_task("busy", life=UNCANCELLABLE)
    virtual.fail("task.cancel", error=["INTERNAL_ERROR", "x"])
    assert cancel(virtual, [ref]) == ["error"]
    assert len(sent(virtual)) == 1


def test_task_deleted_by_age_is_unknown_if_clock_is_set_back(virtual):
    """The server deletes the task at 24 hours, and its clock is set back before that is noticed."""
    ref = virtual.add_task("busy", life=UNCANCELLABLE, age=86400 - 20)

    def delete_and_set_back():
        virtual.destroy_task(ref)
        virtual.inventory.set_clock(virtual.master_ref, -600)

    virtual.at(25, delete_and_set_back)
    (outcome,) = run_operation(virtual, [ref])
    assert (outcome.action.value, outcome.is_changed) == ("unknown", False)


def test_idle_task_that_progressed_before_cancel_is_skipped(virtual):
    """The pool does not answer for longer than a record may be acted on."""
    ref = virtual.add_task("moves", life=ENDLESS)
    task = Task(ref, virtual.record(ref))
    virtual.at(3, lambda: virtual.set_task(ref, progress=0.7))
    virtual.fail("event.from", cut="before", count=5)

    def make_condition(session):
        deadline = virtual.now() + 60
        return CancelOperation(
            session,
            [task],
            session_generation=1,
            waits=True,
            deadline=deadline,
            only_idle=True,
            clock=virtual.now,
        )

    virtual.take_down_for(5)
    virtual.take_down_for(5, 1)
    with on(virtual, make_condition, timeout=60.0) as run:
        run.wait()
        (cancel,) = run.condition.cancels.values()
    assert (cancel.action.value, cancel.reason) == ("skipped", "not idle")
    assert sent(virtual) == []


def test_task_that_is_not_listed_is_read_before_it_is_examined(virtual):
    tasks = [
        Task(ref, virtual.record(ref)) for ref in (virtual.add_task("slow", life=UNCANCELLABLE),)
    ]

    class BlindWatcher(PollingWatcher):
        def refresh(self, scope):
            return dataclasses.replace(super().refresh(scope), tasks=[])

    with virtual_session(VirtualWire(virtual), virtual) as session:
        operation = CancelOperation(
            session,
            tasks,
            session_generation=1,
            waits=True,
            deadline=virtual.now() + 10,
            clock=virtual.now,
        )
        operation.refresh(BlindWatcher(session, interval=2.0, sleep=virtual.solo.advance))
        (outcome,) = operation.cancels.values()
        assert (outcome.action, outcome.is_undecided) == (None, False)
        assert outcome.is_accepted
