# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import itertools
import time

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._client.endpoint import Endpoint
from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.module_utils._client.transport import Transport
from ansible_collections.xen.xapi.plugins.module_utils._errors import XapiError, XapiFailure
from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import Selection
from ansible_collections.xen.xapi.plugins.module_utils._wait.completion import CompletionCondition
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import (
    CompletionRules,
    Decision,
)
from ansible_collections.xen.xapi.plugins.module_utils._wait.waiter import Waiter
from ansible_collections.xen.xapi.tests.simulator.clock import START
from ansible_collections.xen.xapi.tests.support.virtual.wait import on

DAY = 86400.0


@contextlib.contextmanager
def waiting(pool, *refs, **options):
    selection = Selection(refs=refs)
    with on(
        pool,
        lambda session: CompletionCondition(session, selection, CompletionRules(), clock=pool.now),
        **options,
    ) as run:
        yield run
        # The logout is not what these tests are about.
        run.wire.hangs = 0
        pool.heal()


def asked(wire, *, since):
    """The moments of the requests after one, by this pool's own count of seconds."""
    return [round(at - START, 2) for at, _method in wire.asked_at if at - START > since]


@pytest.mark.parametrize("fault", ["logout_all", "restart_master", "drop_blocked"])
def test_resyncs_immediately_after_interrupted_wait(virtual, fault):
    ref = virtual.add_task("idle")
    virtual.at(5, getattr(virtual, fault))
    with waiting(virtual, ref, timeout=25) as run:
        run.wait()
        assert asked(run.wire, since=4.9)[0] < 5.3
        assert run.waiter.errors.count


def test_retained_error_does_not_hold_response_body(virtual):
    ref = virtual.add_task("idle")
    virtual.at(5, virtual.logout_all)
    virtual.at(5, lambda: [virtual.take_down_for(100, place) for place in (0, 1)])
    with waiting(virtual, ref, timeout=25) as run:
        run.wait()
        kept = [run.waiter.errors.latest, *run.waiter.errors.latest.attempts]
        assert len(kept) == 3
        assert {(e.__traceback__, e.__cause__, e.__context__) for e in kept} == {(None,) * 3}


@pytest.mark.parametrize("status", ["success", "failure"])
def test_completion_during_connection_error_is_detected(virtual, status):
    """Its event was never delivered, so only a refresh shows it."""
    ref = virtual.add_task("ends")
    virtual.fail("event.from", cut="after", nth=3)
    virtual.at(5, lambda: virtual.set_task(ref, status=status))
    with waiting(virtual, ref, timeout=25) as run:
        virtual.at(4, lambda: virtual.set_task(ref, progress=0.5))
        run.wait()
        assert run.decision is (Decision.MET if status == "success" else Decision.FAILED)
    assert run.waiter.elapsed < 6


@pytest.mark.parametrize(
    ("changes", "is_paced"),
    [
        ({"progress": 0.5}, True),
        ({"progress": 0.99}, True),
        ({"progress": 1.0}, False),
        ({"allowed_operations": []}, False),
        ({"status": "cancelling"}, False),
    ],
    ids=str,
)
def test_only_partial_progress_is_rate_limited(virtual, changes, is_paced):
    ref = virtual.add_task("ends")
    virtual.at(5, lambda: virtual.set_task(ref, **changes))
    virtual.at(5.005, lambda: virtual.set_task(ref, status="success"))
    with waiting(virtual, ref, timeout=25) as run:
        run.wait()
        assert run.decision is Decision.MET
    delay = run.waiter.elapsed - 5.005
    # A little over the pace where the wait before it was a long one; at once otherwise.
    assert delay < (0.11 if is_paced else 0.01)


def test_frequent_progress_is_polled_at_most_ten_times_per_second(virtual):
    ref = virtual.add_task("busy")
    for number in range(1, 1000):
        virtual.at(number / 100, lambda n=number: virtual.set_task(ref, progress=n / 1001))
    with waiting(virtual, ref, timeout=10) as run:
        run.wait()
    events = [at - START for at, method in run.wire.asked_at if method == "event.from"]
    assert len([at for at in events if 1 <= at < 9]) <= 8 * 10 + 1


def pauses(pool, *, jitter):
    ref = pool.add_task("idle")
    pool.fail("event.from", error=["HOST_STILL_BOOTING"], nth=2, count=12)
    with waiting(pool, ref, timeout=300, jitter=jitter, method="events") as run:
        run.wait()
    failed = run.wire.troubled_at[1:]
    return [after - before for before, after in itertools.pairwise(failed)]


@pytest.mark.parametrize(
    ("jitter", "share"), [(1.0, 1.0), (0.5, 0.75), (0.0, 0.5)], ids=["longest", "mean", "shortest"]
)
def test_backoff_grows_to_five_seconds_with_jitter(virtual, jitter, share):
    found = pauses(virtual, jitter=jitter)
    full = [0.25, 0.5, 1, 2, 4, *[5] * 6]
    assert found == pytest.approx([pause * share for pause in full], abs=0.15)


@pytest.mark.parametrize("method", ["auto", "events", "poll"])
def test_logs_in_without_delay_when_session_is_lost(virtual, method):
    """The outage has its pause; SESSION_INVALID after it is an answer, and needs none."""
    ref = virtual.add_task("ends")
    virtual.at(5, lambda: [virtual.take_down_for(20), virtual.take_down_for(20, 1)])
    virtual.at(5, virtual.drop_blocked)
    virtual.at(6, virtual.logout_all)
    virtual.at(7, lambda: virtual.set_task(ref, status="success"))
    with waiting(virtual, ref, timeout=60, method=method) as run:
        run.wait()
        assert run.decision is Decision.MET
        # The longest pause begins just before the hosts are back.
        assert run.ended - START < 25 + 5 + 0.2


def test_backs_off_when_sessions_are_lost_repeatedly(virtual):
    ref = virtual.add_task("idle")
    virtual.fail("task.get_record", error=["SESSION_INVALID", "x"], count=None)
    with waiting(virtual, ref, timeout=60) as run:
        run.wait()
    assert len(run.wire.asked_at) < 200


def test_backoff_restarts_after_success(virtual):
    ref = virtual.add_task("idle")
    for nth in (3, 12):
        virtual.fail("event.from", error=["HOST_STILL_BOOTING"], nth=nth, count=5)
    with waiting(virtual, ref, timeout=400, method="events") as run:
        run.wait()
    failed = run.wire.troubled_at[1:]
    first, second = failed[:5], failed[5:]
    assert len(second) == 5
    assert second[1] - second[0] == pytest.approx(first[1] - first[0], abs=0.01)


@pytest.mark.parametrize("timeout", [0.3, 1.0, 3.0, 12.0, 33.0])
def test_backoff_does_not_exceed_deadline(virtual, timeout):
    ref = virtual.add_task("idle")
    virtual.fail("task.get_record", cut="before", count=None)
    with waiting(virtual, ref, timeout=timeout) as run:
        run.wait()
        assert run.waiter.timed_out
    last = [at for at, method in run.wire.asked_at if method == "task.get_record"][-1]
    assert last - START == pytest.approx(timeout, abs=0.01)


@pytest.mark.parametrize("hung_at", [0.0, 1.0, 7.5])
def test_hanging_request_ends_at_deadline(virtual, hung_at):
    ref = virtual.add_task("idle")
    with waiting(virtual, ref, timeout=10) as run:
        virtual.at(hung_at, lambda: setattr(run.wire, "hangs", 99))
        virtual.at(hung_at, virtual.drop_blocked)
        if hung_at == 0:
            run.wire.hangs = 99
        run.wait()
        given_up = [round(at - START, 1) for at in run.wire.troubled_at if at - START > hung_at + 1]
    assert given_up[0] == 10.0
    assert set(given_up) <= {10.0, 15.0}
    assert run.waiter.timed_out
    assert run.wire.deadline is None


@pytest.mark.parametrize(("request_timeout", "at_most"), [(30.0, 5.0), (5.5, 5.0), (2.0, 2.0)])
def test_final_refresh_lasts_at_most_request_timeout_or_five_seconds(
    virtual, request_timeout, at_most
):
    ref = virtual.add_task("idle")
    with waiting(virtual, ref, timeout=10) as run:
        run.wire.time_limit = request_timeout
        virtual.at(9.9, lambda: setattr(run.wire, "hangs", 99))
        run.wait()
    assert run.waiter.elapsed == pytest.approx(10 + at_most, abs=0.01)
    assert run.waiter.timed_out
    assert run.waiter.errors.is_disconnected


@pytest.mark.parametrize("early", [0.3, 0.24, 0.2, 0.1, 0.001])
def test_completion_just_before_deadline_is_detected(virtual, early):
    ref = virtual.add_task("ends")
    virtual.at(10 - early, lambda: virtual.set_task(ref, status="success"))
    with waiting(virtual, ref, timeout=10) as run:
        run.wait()
        assert run.decision is Decision.MET
    assert not run.waiter.timed_out
    assert run.waiter.elapsed < 10.1


def test_permanent_error_in_final_refresh_is_raised(virtual):
    ref = virtual.add_task("idle")
    virtual.at(9.9, lambda: virtual.fail(error=["PERMISSION_DENIED"], count=None))
    with waiting(virtual, ref, timeout=10) as run, pytest.raises(XapiFailure):
        run.wait()


@pytest.mark.parametrize("fault", [{"cut": "before"}, {"error": ["HOST_STILL_BOOTING"]}], ids=str)
def test_zero_timeout_checks_once_and_raises_transient_error(virtual, fault):
    ref = virtual.add_task("idle")
    virtual.fail("task.get_record", **fault)
    with waiting(virtual, ref, timeout=0) as run:
        with pytest.raises(XapiError):
            run.wait()
        assert [method for _at, method in run.wire.asked_at].count("task.get_record") == 1
        assert run.waiter.errors.count == 0


def test_zero_timeout_checks_once_without_waiting(virtual):
    ref = virtual.add_task("idle")
    with waiting(virtual, ref, timeout=0) as run:
        run.wait()
    assert (run.waiter.timed_out, run.waiter.waited) == (True, False)
    methods = [method for _at, method in run.wire.asked_at]
    assert methods.count("task.get_record") == 1
    assert "event.from" not in methods


@pytest.mark.parametrize("jump", [-DAY, DAY], ids=["a day back", "a day ahead"])
@pytest.mark.parametrize("ends", [True, False])
def test_wall_clock_jumps_do_not_affect_wait(pool, monkeypatch, jump, ends):
    """A wait by the clock that it has of its own, while the other one jumps to and fro."""
    real, calls = time.time, []

    def jumping():
        calls.append(None)
        return real() + jump * (len(calls) % 2)

    deadlines = []

    class Noting(Session):
        def set_deadline(self, deadline):
            deadlines.append(deadline)
            super().set_deadline(deadline)

    ref = pool.add_task("ends", status="pending")
    monkeypatch.setattr(time, "time", jumping)
    host = Endpoint("http", "127.0.0.1", pool.hosts[0].port)
    with Noting(
        Transport(validate_certs=True, ca_path=None, stop=lambda: None),
        endpoints=[host],
        username="root",
        password=pool.password,
        add_secret=lambda _ref: None,
    ) as session:
        # Logged in before the time counts, since a login that is cut short leaves its session.
        session.call("task.get_status", ref)
        condition = CompletionCondition(session, Selection(refs=(ref,)), CompletionRules())
        waiter = Waiter(session, condition, timeout=60.0 if ends else 0.6)
        if ends:
            pool.clock.after(0.3, lambda: pool.set_task(ref, status="success"))
        before = time.monotonic()
        waiter.wait()
        after = time.monotonic()
    assert condition.decision is (Decision.MET if ends else Decision.PENDING)
    assert waiter.timed_out is not ends
    assert before + waiter.timeout <= deadlines[0] <= after + waiter.timeout
    assert ends or waiter.elapsed >= 0.6


@pytest.mark.parametrize("method", ["auto", "poll"])
@pytest.mark.parametrize("from_the_start", [True, False])
def test_unanswered_logins_per_hour_are_limited(virtual, method, from_the_start):
    """Where a gateway passes a login on and answers 504, each may leave a session."""
    ref = virtual.add_task("idle")

    def lose_logins():
        virtual.fail("session.login_with_password", http=(504, "<html>"), count=None)
        virtual.logout_all()

    virtual.at(0 if from_the_start else 5, lose_logins)
    with waiting(virtual, ref, timeout=3600, method=method) as run:
        run.wait()
        assert run.decision is Decision.PENDING
        assert 20 < run.session.unanswered_logins < 90
