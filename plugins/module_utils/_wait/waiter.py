# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import random
import time
from typing import Callable, Protocol

from .._client.retry import is_session_lost, is_transient
from .._client.session import Session
from .._errors import XapiError, drop_tracebacks
from .backoff import Backoff
from .event_fallback import EventFallback
from .task_set import Decision
from .watcher import EventWatcher, PollingWatcher, Update, Watch

_FINAL_REFRESH_TIMEOUT = 5.0
"""Seconds that the look at the deadline may take."""
_DEADLINE_MARGIN = 0.25
"""Seconds before the deadline by which a call that waits has to be answered."""
_MIN_POLL_INTERVAL = 0.1
"""Seconds from one wait for events to the next while nothing but progress moves."""
_MAX_REFRESHES = 4
"""Looks in a row without a pause: tasks that come and go between them must not wear us out."""
_MAX_WAITS = 10
"""Waits in a row without a pause: the writes of an end come one by one, those of many for long."""


class WaitCondition(Protocol):
    """What is waited for: it knows what to look at, and what to make of it."""

    needs_refresh: bool

    @property
    def decision(self) -> Decision:
        """Decided once and for all, or not yet."""

    @property
    def next_refresh_in(self) -> float:
        """Seconds after which the gate wants to look, whatever happens or does not."""

    def refresh(self, watch: Watch) -> None:
        """Read what the verdict depends on."""

    def take(self, update: Update) -> bool:
        """Take in what changed; whether the next change may matter more than the pace."""

    def invalidate(self) -> None:
        """Something went wrong on the way: nobody knows what was missed."""


class Waiter:
    """Keeps a gate informed until it has decided, and gives up at the deadline.

    Trouble on the way to the pool is ridden out: the gate looks again afterwards, since nobody
    knows what was missed meanwhile.
    """

    def __init__(
        self,
        session: Session,
        gate: WaitCondition,
        *,
        timeout: float,
        method: str = "auto",
        poll_interval: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Times are in seconds, of a monotonic clock; the callable jitter gives 0 to 1.

        An infinite timeout waits without a deadline.
        """
        self._session = session
        self._condition = gate
        self.timeout = timeout
        self._clock = clock
        self._sleep = sleep
        self._backoff = Backoff(jitter=jitter)
        polls = PollingWatcher(session, interval=poll_interval, sleep=sleep)
        self._fallback = EventFallback(session, EventWatcher(session), polls, method=method)
        self._began = self._deadline = clock()
        self._refresh_due = self._began
        self._refreshes = self._waits = 0
        self._is_session_lost = False
        self.timed_out = False
        self.waited = False
        """Whether the first look did not decide."""
        self.elapsed = 0.0
        self.transient_errors = 0
        """How often something went wrong that was ridden out."""
        self.last_transient_error: XapiError | None = None
        self.is_disconnected = False
        """Whether the last thing that was tried went wrong."""

    @property
    def method(self) -> str:
        """How it is being watched: events or poll."""
        return self._fallback.watch.method

    def refresh(self) -> None:
        """Have the gate look once, without a deadline; trouble is not ridden out."""
        self._began = self._clock()
        try:
            self._refresh_with_fallback()
        finally:
            self.elapsed = self._clock() - self._began

    def wait(self) -> None:
        """Return when the gate has decided, or else at the deadline; a timeout of 0 is one look."""
        if self.timeout:
            self._watch_until_deadline()
        else:
            self.refresh()
        self.timed_out = self._condition.decision is Decision.PENDING

    def _watch_until_deadline(self) -> None:
        self._began = self._clock()
        self._deadline = self._began + self.timeout
        self._session.set_deadline(self._deadline)
        try:
            self._keep_watching()
        finally:
            self._session.set_deadline(None)
            self.elapsed = self._clock() - self._began

    def _keep_watching(self) -> None:
        while self._condition.decision is Decision.PENDING:
            if self._left() <= 0:
                self._final_refresh()
                return
            try:
                self._go_on()
            except XapiError as error:
                self._back_off(error)
            else:
                self._backoff.reset()
                self._is_session_lost = False
                self.is_disconnected = False

    def _go_on(self) -> None:
        now = self._clock()
        if self._condition.needs_refresh or now >= self._refresh_due:
            self._resync(now)
            return
        self.waited, self._refreshes = True, 0
        seconds = min(
            self._refresh_due - now,
            self._left() - _DEADLINE_MARGIN,
            self._condition.next_refresh_in,
        )
        if self._left() <= _DEADLINE_MARGIN:
            self._sleep(max(self._left(), 0))
            return
        update = self._fallback.watch.wait(max(seconds, 0.0))
        self._fallback.record_wait()
        is_telling = self._condition.take(update)
        self._waits = self._waits + 1 if is_telling else _MAX_WAITS
        if self._waits >= _MAX_WAITS and self._condition.decision is Decision.PENDING:
            self._waits = 0
            self._sleep(max(min(now + _MIN_POLL_INTERVAL - self._clock(), self._left()), 0))

    def _resync(self, now: float) -> None:
        if self._refreshes >= _MAX_REFRESHES:
            self._sleep(max(min(_MIN_POLL_INTERVAL, self._left()), 0))
        self._refreshes += 1
        self._fallback.probe()
        self._condition.refresh(self._fallback.watch)
        # A pool that answers slowly is not asked all the time.
        every = self._fallback.watch.look_every
        self._refresh_due = max(now + every, self._clock() + every / 2)

    def _back_off(self, error: XapiError) -> None:
        self._condition.invalidate()
        self.waited = True
        if self._fallback.record_error(error):
            return
        self._record_error(error)
        # The host answers, so that a new login may succeed at once.
        may_go_on = is_session_lost(error) and not self._is_session_lost
        self._is_session_lost = is_session_lost(error)
        pause = 0.0 if may_go_on else self._backoff.next_pause()
        pause = max(pause, self._session.login_retry_delay)
        if pause:
            self._sleep(max(min(pause, self._left()), 0))

    def _record_error(self, error: XapiError) -> None:
        if not is_transient(error, was_connected=self._session.generation > 0):
            raise error
        self.transient_errors += 1
        self.last_transient_error = drop_tracebacks(error)
        self.is_disconnected = True

    def _final_refresh(self) -> None:
        """The truth at the deadline is what counts, as long as it does not keep us waiting."""
        self._session.set_deadline(
            self._clock() + min(_FINAL_REFRESH_TIMEOUT, self._session.time_limit)
        )
        self._fallback.choose_last()
        try:
            self._refresh_with_fallback()
            while self._condition.needs_refresh and self._condition.decision is Decision.PENDING:
                self._refresh_with_fallback()
        except XapiError as error:
            self._record_error(error)
        else:
            self.is_disconnected = False

    def _refresh_with_fallback(self) -> None:
        """Look where there is no time for another try: by polling if events are not to be had."""
        try:
            self._condition.refresh(self._fallback.watch)
        except XapiError as error:
            if not self._fallback.replace_after(error):
                raise
            self._condition.refresh(self._fallback.watch)

    def _left(self) -> float:
        return self._deadline - self._clock()
