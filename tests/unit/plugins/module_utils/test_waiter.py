# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import itertools
import math
import time

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._errors import ConnectionCut, XapiFailure
from ansible_collections.xen.xapi.plugins.module_utils._quiet_gate import QuietGate
from ansible_collections.xen.xapi.plugins.module_utils._selection import Selection
from ansible_collections.xen.xapi.plugins.module_utils._set_gate import SetGate
from ansible_collections.xen.xapi.plugins.module_utils._task_set import Rules, Verdict
from ansible_collections.xen.xapi.plugins.module_utils._waiter import Waiter
from ansible_collections.xen.xapi.tests.simulator.lives import Life
from ansible_collections.xen.xapi.tests.virtual import VirtualPool, VirtualWire, virtual_session


@pytest.fixture
def virtual():
    return VirtualPool()


@contextlib.contextmanager
def waiting(pool, refs=None, *, timeout, method="auto", quiet_for=None, jitter=1.0):
    """A waiter on some tasks, or until it is quiet; and the wire that it asks over."""
    wire = VirtualWire(pool)
    with virtual_session(wire, pool) as session:
        if refs is None:
            gate = QuietGate(session, Selection(), quiet_for=quiet_for, clock=pool.now)
        else:
            gate = SetGate(session, Selection(refs=tuple(refs)), Rules(), clock=pool.now)
        waiter = Waiter(
            session,
            gate,
            timeout=timeout,
            method=method,
            clock=pool.now,
            sleep=pool.solo.advance,
            jitter=lambda: jitter,
        )
        yield waiter, wire, gate


def moments(wire, method="event.from"):
    return [at for at, asked in wire.asked_at if asked == method]


@pytest.mark.parametrize("count", [1, 1000])
def test_idle_waiting_costs_five_requests_a_minute_at_most(virtual, count):
    refs = [virtual.add_task("idle") for _number in range(count)]
    with waiting(virtual, refs, timeout=600) as (waiter, wire, _gate):
        waiter.wait()
    assert wire.requests <= 5 * 10


def test_an_idle_quiet_gate_costs_no_more(virtual):
    with waiting(virtual, timeout=900, quiet_for=600) as (waiter, wire, gate):
        waiter.wait()
        assert gate.verdict is Verdict.OPEN
    assert wire.requests <= 5 * 10


def test_ten_event_calls_a_second_while_progress_moves(virtual):
    ref = virtual.add_task("busy")
    for number in range(1, 1000):
        virtual.at(number / 100, lambda n=number: virtual.set_task(ref, progress=n / 1001))
    with waiting(virtual, [ref], timeout=10) as (waiter, wire, _gate):
        waiter.wait()
    for second in range(10):
        began = 1_800_000_000 + second
        assert len([at for at in moments(wire) if began <= at < began + 1]) <= 12


def test_an_end_is_seen_at_once(virtual):
    """Its writes are looked at without a pause: the first of them tells that the last is near."""
    ref = virtual.add_task("ends", life=Life(duration=5, steps=1, gap=0.005))
    with waiting(virtual, [ref], timeout=60) as (waiter, _wire, gate):
        waiter.wait()
        assert gate.verdict is Verdict.OPEN
    ((at, _status),) = virtual.ends(ref)
    assert virtual.now() - at < 0.01


def test_many_ends_in_a_row_are_not_asked_for_one_by_one(virtual):
    refs = [virtual.add_task(f"ends {number}") for number in range(500)]
    for number, ref in enumerate(refs):
        virtual.at(1 + number / 100, lambda ref=ref: virtual.set_task(ref, status="success"))
    with waiting(virtual, refs, timeout=60) as (waiter, wire, gate):
        waiter.wait()
        assert gate.verdict is Verdict.OPEN
    assert wire.requests < 300


@pytest.mark.parametrize("trouble", ["logout_all", "restart_master"])
def test_after_trouble_it_looks_at_once(virtual, trouble):
    ref = virtual.add_task("ends")
    virtual.at(5, getattr(virtual, trouble))
    virtual.at(5.001, lambda: virtual.set_task(ref, status="success"))
    with waiting(virtual, [ref], timeout=60) as (waiter, _wire, gate):
        waiter.wait()
        assert gate.verdict is (Verdict.OPEN if trouble == "logout_all" else Verdict.CLOSED)
    assert virtual.now() < 1_800_000_000 + 7


def test_pauses_grow_up_to_ten_seconds_and_begin_again(virtual):
    ref = virtual.add_task("idle")
    virtual.at(1, lambda: virtual.take_down_for(60))
    virtual.at(1, lambda: virtual.take_down_for(60, 1))
    virtual.at(1, virtual.drop_blocked)
    virtual.at(80, virtual.drop_blocked)
    with waiting(virtual, [ref], timeout=100) as (waiter, wire, _gate):
        waiter.wait()
    failed = wire.troubled_at[1:]
    pauses = [b - a for a, b in itertools.pairwise(failed) if b - a > 0.1]
    expected = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert pauses[:8] == pytest.approx(expected, abs=0.15)
    back = next(at for at, _method in wire.asked_at if at > 1_800_000_000 + 80)
    assert back - (1_800_000_000 + 80) < 0.5


def test_jitter_shortens_a_pause_by_up_to_half(virtual):
    ref = virtual.add_task("idle")
    virtual.fail("task.get_record", cut="before", count=2)
    with waiting(virtual, [ref], timeout=5, jitter=0.0) as (waiter, wire, _gate):
        waiter.wait()
    first, second = wire.troubled_at[1:]
    assert second - first == pytest.approx(0.125, abs=0.01)


@pytest.mark.parametrize("cut", ["before", "after"])
def test_two_waits_that_are_broken_off_lead_to_polling(virtual, cut):
    ref = virtual.add_task("idle")
    virtual.fail("event.from", cut=cut, nth=2)
    virtual.fail("event.from", cut=cut, nth=4)
    with waiting(virtual, [ref], timeout=100) as (waiter, wire, _gate):
        waiter.wait()
    assert waiter.method == "poll"
    polled = moments(wire, "task.get_record")[1:]
    assert max(b - a for a, b in itertools.pairwise(polled)) < 2.1


def test_a_slow_pool_is_not_polled_all_the_time(virtual):
    ref = virtual.add_task("idle")
    virtual.fail("task.get_record", delay=3.0, count=None)
    with waiting(virtual, [ref], timeout=60, method="poll") as (waiter, wire, _gate):
        waiter.wait()
    assert len(moments(wire, "task.get_record")) <= 60 / 4 + 2


def test_a_wait_that_comes_through_shows_that_waits_do(virtual):
    ref = virtual.add_task("idle")
    virtual.fail("event.from", cut="before", nth=2)
    virtual.fail("event.from", cut="before", nth=6)
    virtual.at(5, lambda: virtual.set_task(ref, progress=0.5))
    with waiting(virtual, [ref], timeout=100) as (waiter, _wire, _gate):
        waiter.wait()
    assert (waiter.method, waiter.troubles) == ("events", 2)


def test_restarts_are_no_proxy(virtual):
    virtual.at(3, virtual.restart_master)
    virtual.at(6, virtual.restart_master)
    with waiting(virtual, timeout=60, quiet_for=20) as (waiter, _wire, gate):
        waiter.wait()
        assert gate.verdict is Verdict.OPEN
    assert waiter.method == "events"


def test_a_single_look_polls_where_there_are_no_events(virtual):
    virtual.fail("event.from", error=["MESSAGE_METHOD_UNKNOWN", "event.from"], count=None)
    with waiting(virtual, timeout=0, quiet_for=0) as (waiter, _wire, gate):
        waiter.wait()
        assert (gate.verdict, waiter.method) == (Verdict.OPEN, "poll")


def test_events_alone_are_no_polling(virtual):
    virtual.fail("event.from", error=["MESSAGE_METHOD_UNKNOWN", "event.from"], count=None)
    ref = virtual.add_task("idle")
    with (
        pytest.raises(XapiFailure),
        waiting(virtual, [ref], timeout=10, method="events") as (waiter, _wire, _gate),
    ):
        waiter.wait()


def test_the_last_look_sees_an_end_just_before_the_deadline(virtual):
    ref = virtual.add_task("ends", life=Life(duration=9.9, steps=1))
    with waiting(virtual, [ref], timeout=10) as (waiter, _wire, gate):
        waiter.wait()
        assert (gate.verdict, waiter.timed_out) == (Verdict.OPEN, False)


def test_the_last_look_does_not_wait_for_ever(virtual):
    ref = virtual.add_task("idle")
    with waiting(virtual, [ref], timeout=10) as (waiter, wire, _gate):
        virtual.at(9, lambda: setattr(wire, "hangs", 99))
        waiter.wait()
        assert waiter.timed_out
        assert waiter.elapsed == pytest.approx(15, abs=0.1)
        assert waiter.is_out_of_touch
        wire.hangs = 0


def test_a_single_look_has_no_second_try(virtual):
    ref = virtual.add_task("idle")
    virtual.fail("task.get_record", cut="before")
    with (
        pytest.raises(ConnectionCut),
        waiting(virtual, [ref], timeout=0) as (waiter, _wire, _gate),
    ):
        waiter.wait()


class Shut:
    """A gate that never opens and knows nothing."""

    needs_look = False
    verdict = Verdict.UNDECIDED
    look_in = math.inf

    def look(self, _watch):
        """Nothing to see."""

    def take(self, _sight):
        return False

    def lose_touch(self):
        """There was none."""


class NoSession:
    """Enough of a session for a gate that asks nothing."""

    logins = 1
    time_limit = 30.0

    def end_by(self, _deadline):
        """No request will be made."""


@pytest.mark.parametrize("jump", [-86400.0, 86400.0])
def test_a_jump_of_the_wall_clock_is_not_noticed(monkeypatch, jump):
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump * (time.monotonic() > began + 0.1))
    began = time.monotonic()
    waiter = Waiter(NoSession(), Shut(), timeout=0.5, method="poll", poll_interval=0.1)
    waiter.wait()
    assert waiter.timed_out
    assert 0.5 <= waiter.elapsed < 60
