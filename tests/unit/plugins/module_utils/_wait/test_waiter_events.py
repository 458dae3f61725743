# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    ConnectionCut,
    ConnectionRefused,
    InvalidResponse,
    ProxyFailed,
    RequestTimedOut,
    UnexpectedAnswer,
    XapiFailure,
)
from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import Selection
from ansible_collections.xen.xapi.plugins.module_utils._wait.completion import CompletionCondition
from ansible_collections.xen.xapi.plugins.module_utils._wait.quiet import QuietCondition
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import (
    CompletionRules,
    Decision,
)
from ansible_collections.xen.xapi.plugins.module_utils._wait.waiter import Waiter
from ansible_collections.xen.xapi.plugins.module_utils._wait.watcher import WatchScope
from ansible_collections.xen.xapi.tests.support.virtual.wait import on

URL = "https://pool"
BROKEN_OFF = [
    ConnectionCut(URL),
    ProxyFailed(URL),
    RequestTimedOut(URL, seconds=60),
    UnexpectedAnswer(URL, status=504, content_type="text/html"),
]
FORBIDDEN = [
    "EVENT_SUBSCRIPTION_PARSE_FAILURE",
    "INTERNAL_ERROR",
    "MESSAGE_METHOD_UNKNOWN",
    "MESSAGE_REMOVED",
    "RBAC_PERMISSION_DENIED",
]
RESTART = "restart"


class ScriptedSession:
    """A session with its own clock, whose event calls follow a script and then succeed."""

    read, validate = Session.read, Session.validate

    def __init__(self, waits=(), refreshes=(), calls=()):
        self.now = 0.0
        self.time_limit = 30.0
        self.generation = 1
        self.login_retry_delay = 0.0
        self.asked = []
        """The time, token and seconds of each event call."""
        self.slept = []
        self._waits = list(waits)
        self._refreshes = list(refreshes)
        self._calls = list(calls)

    def read_events(self, _classes, token, seconds):
        self.asked.append((self.now, token, seconds))
        script = self._waits if token else self._refreshes
        step = script.pop(0) if script else None
        if step is RESTART:
            self.generation += 1
            step = ConnectionCut(URL)
        if step is not None:
            raise step
        self.now += seconds
        return {"events": [], "token": f"after {self.now}"}

    def call(self, _method, _ref):
        self.now += 0.001
        return {"status": "pending"}

    def read_server_time(self):
        step = self._calls.pop(0) if self._calls else None
        if step is not None:
            raise step
        return "20261123T10:11:12Z"

    def set_deadline(self, deadline):
        """Do nothing: answers take no time, so none is late."""

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


class OneTask:
    """A condition that watches a task which does not end."""

    decision = Decision.PENDING
    next_refresh_in = math.inf

    def __init__(self, *, is_significant=False):
        self.needs_refresh = True
        self._is_significant = is_significant

    def refresh(self, watch):
        watch.refresh(WatchScope(("a",)))
        self.needs_refresh = False

    def apply(self, _update):
        return self._is_significant

    def invalidate(self):
        self.needs_refresh = True


def wait(session, condition=None, *, timeout, **options):
    waiter = Waiter(
        session,
        condition or OneTask(),
        timeout=timeout,
        clock=lambda: session.now,
        sleep=session.sleep,
        jitter=lambda: 1.0,
        **options,
    )
    waiter.wait()
    assert waiter.timed_out
    return waiter


def test_waits_last_one_interval_and_resync_uses_empty_token():
    session = ScriptedSession()
    wait(session, timeout=70)
    assert session.asked == [
        (0.0, "", 0.0),
        (0.0, "after 0.0", 30.0),
        (30.0, "", 0.0),
        (30.0, "after 30.0", 30.0),
        (60.0, "", 0.0),
        # The call must be answered before the deadline.
        (60.0, "after 60.0", 9.75),
        (70.0, "", 0.0),
    ]


def test_condition_can_request_earlier_refresh():
    condition, session = OneTask(), ScriptedSession()
    condition.next_refresh_in = 12.0
    wait(session, condition, timeout=30)
    assert [seconds for _at, token, seconds in session.asked if token] == [12.0, 12.0, 5.75]


@pytest.mark.parametrize(("is_significant", "pause"), [(False, 0.1), (True, 0.0)])
def test_only_insignificant_updates_are_rate_limited(is_significant, pause):
    class Chatty(ScriptedSession):
        def read_events(self, classes, token, seconds):
            return super().read_events(classes, token, min(seconds, 0.04))

    session = Chatty()
    wait(session, OneTask(is_significant=is_significant), timeout=20)
    waits = [at for at, token, _seconds in session.asked if token]
    assert waits[1] - waits[0] == pytest.approx(max(pause, 0.04))


@pytest.mark.parametrize("error", BROKEN_OFF, ids=lambda error: type(error).__name__)
def test_two_interrupted_event_waits_switch_to_polling(error):
    session = ScriptedSession(waits=[error, error])
    waiter = wait(session, timeout=60)
    assert (waiter.method, waiter.errors.count) == ("poll", 2)
    assert max(session.slept) <= 2.0


def test_one_interrupted_event_wait_keeps_events():
    assert wait(ScriptedSession(waits=[BROKEN_OFF[0]]), timeout=60).method == "events"


def test_failed_event_wait_and_resync_in_row_switch_to_polling():
    session = ScriptedSession(waits=[BROKEN_OFF[0]], refreshes=[None, *BROKEN_OFF])
    assert wait(session, timeout=60).method == "poll"


def test_failed_resyncs_do_not_hide_failed_event_waits():
    cut = BROKEN_OFF[0]
    session = ScriptedSession(waits=[cut, cut], refreshes=[None, cut, cut, None, cut])
    assert wait(session, timeout=60).method == "poll"


def test_successful_event_wait_resets_failure_count():
    cut = BROKEN_OFF[0]
    session = ScriptedSession(waits=[cut, None, cut, None, cut])
    assert wait(session, timeout=300).method == "events"


@pytest.mark.parametrize("place", ["waits", "refreshes"])
@pytest.mark.parametrize(
    "error",
    [
        *BROKEN_OFF,
        ConnectionRefused(URL),
        InvalidResponse(URL, method="event.from", field="events"),
        UnexpectedAnswer(URL, status=403, content_type="text/html"),
        XapiFailure(URL, method="event.from", code="HOST_OFFLINE", params=[]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_switches_to_polling_if_only_event_calls_fail(error, place):
    session = ScriptedSession(**{place: [error] * 9})
    waiter = wait(session, timeout=60)
    assert (waiter.method, waiter.errors.count) == ("poll", 2)


def test_switches_to_polling_if_event_batches_are_malformed():
    class Malformed(ScriptedSession):
        def read_events(self, *args):
            return {**super().read_events(*args), "events": 5}

        def invalid_response(self, method, field=""):
            return InvalidResponse(URL, method=method, field=field)

    waiter = wait(Malformed(), timeout=60)
    assert (waiter.method, waiter.errors.count) == ("poll", 2)


@pytest.mark.parametrize("error", BROKEN_OFF, ids=lambda error: type(error).__name__)
def test_keeps_events_if_other_calls_fail_too(error):
    session = ScriptedSession(waits=[error] * 4, refreshes=[None, error, error], calls=[error] * 6)
    assert wait(session, timeout=300).method == "events"


@pytest.mark.parametrize(
    "waits",
    [[RESTART, RESTART, RESTART], [BROKEN_OFF[0], RESTART], [RESTART, BROKEN_OFF[0]]],
    ids=["three restarts", "before", "after"],
)
def test_lost_session_does_not_count_as_event_failure(waits):
    """The call that follows a restart has a new session."""

    class Restarting(ScriptedSession):
        def read_events(self, classes, token, seconds):
            before = self.generation
            try:
                return super().read_events(classes, token, seconds)
            except ConnectionCut:
                # The next call notices it.
                self.is_forgotten = self.generation > before
                self.generation = before
                raise

        def read_server_time(self):
            if getattr(self, "is_forgotten", False):
                self.generation, self.is_forgotten = self.generation + 1, False
            return super().read_server_time()

    session = Restarting(waits=waits)
    assert wait(session, timeout=60).method == "events"
    assert session.generation == 1 + waits.count(RESTART)


def test_method_events_never_switches_to_polling():
    session = ScriptedSession(waits=[*BROKEN_OFF, *BROKEN_OFF])
    assert wait(session, timeout=60, method="events").method == "events"


@pytest.mark.parametrize("place", ["refreshes", "waits"])
@pytest.mark.parametrize("code", FORBIDDEN)
def test_unsupported_events_switch_to_polling_without_transient_error(code, place):
    error = XapiFailure(URL, method="event.from", code=code, params=[])
    session = ScriptedSession(**{place: [error]})
    waiter = wait(session, timeout=60)
    # This is not a transient error, so the first poll follows without a pause.
    assert (waiter.method, waiter.errors.count, waiter.errors.latest) == (
        "poll",
        0,
        None,
    )
    assert session.slept[0] == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("code", [code for code in FORBIDDEN if code != "INTERNAL_ERROR"])
def test_method_events_raises_if_events_are_unsupported(code):
    error = XapiFailure(URL, method="event.from", code=code, params=[])
    with pytest.raises(XapiFailure) as caught:
        wait(ScriptedSession(waits=[error]), timeout=60, method="events")
    assert caught.value is error


def quiet_at(pool, session):
    return QuietCondition(session, Selection(), quiet_for=0.0, clock=pool.now)


def completion_at(pool, session):
    ref = pool.add_task("ends", status="pending")
    pool.at(1.05, lambda: pool.set_task(ref, status="success"))
    return CompletionCondition(session, Selection(refs=(ref,)), CompletionRules(), clock=pool.now)


def without_events(pool, code, make_condition, **options):
    pool.fail("event.from", error=[code], count=None)
    with on(pool, lambda session: make_condition(pool, session), **options) as run:
        run.wait()
        return run.decision, run.waiter.method


@pytest.mark.parametrize("code", FORBIDDEN)
def test_zero_timeout_polls_if_events_are_unsupported(virtual, code):
    assert without_events(virtual, code, quiet_at, timeout=0) == (Decision.MET, "poll")


@pytest.mark.parametrize("code", FORBIDDEN)
def test_final_refresh_polls_if_events_are_unsupported(virtual, code):
    """The deadline passes during the first refresh, so only the final one remains."""
    outcome = without_events(virtual, code, completion_at, timeout=1, latency=0.1)
    assert outcome == (Decision.MET, "poll")


def test_zero_timeout_polls_if_event_call_returns_html_page(virtual):
    virtual.fail("event.from", http=(403, "<html>Forbidden</html>"), count=None)
    with on(virtual, lambda session: quiet_at(virtual, session), timeout=0) as run:
        run.wait()
        assert (run.decision, run.waiter.method) == (Decision.MET, "poll")
