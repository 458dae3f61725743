# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import random
import time
from typing import Callable, Protocol

from .._client.session import Session
from .._errors import XapiError
from .event_fallback import EventFallback
from .pacer import DEADLINE_MARGIN, Pacer
from .task_set import Decision
from .transient_errors import TransientErrors
from .watcher import EventWatcher, PollingWatcher, Update, Watch

_FINAL_REFRESH_TIMEOUT = 5.0
"""Seconds that the refresh at the deadline may take."""


class WaitCondition(Protocol):
    """A condition to wait for: it decides which records it needs and whether it is met."""

    needs_refresh: bool

    @property
    def decision(self) -> Decision:
        """The decision; once it is MET or FAILED, it stays so."""

    @property
    def next_refresh_in(self) -> float:
        """Seconds after which the condition needs a refresh, even without an update."""

    def refresh(self, watch: Watch) -> None:
        """Read everything that the decision depends on."""

    def apply(self, update: Update) -> bool:
        """Apply changes, and return whether the next change may be significant.

        If not, the waiter limits the rate of its requests.
        """

    def invalidate(self) -> None:
        """Note that changes may have been missed, since a request failed."""


class Waiter:
    """Keeps a condition up to date until it decides or the deadline passes.

    Transient errors are retried. After each, the condition is refreshed, since changes may have
    been missed in between.
    """

    def __init__(
        self,
        session: Session,
        condition: WaitCondition,
        *,
        timeout: float,
        method: str = "auto",
        poll_interval: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        observe: Callable[[XapiError | None], None] = lambda _error: None,
    ) -> None:
        """Times are in seconds, of a monotonic clock; the callable jitter gives 0 to 1.

        An infinite timeout waits without a deadline. The callable observe is called after each
        step, with the transient error in which it ended.
        """
        self._session = session
        self._condition = condition
        self.timeout = timeout
        self._pacer = Pacer(clock=clock, sleep=sleep)
        self._observe = observe
        polls = PollingWatcher(session, interval=poll_interval, sleep=sleep)
        self._fallback = EventFallback(session, EventWatcher(session), polls, method=method)
        self.errors = TransientErrors(session, jitter=jitter)
        self.timed_out = False
        self.waited = False
        """Whether the first refresh did not decide the condition."""
        self.elapsed = 0.0

    @property
    def method(self) -> str:
        """The method that is in use: events or poll."""
        return self._fallback.watch.method

    def refresh(self) -> None:
        """Refresh the condition once, without a deadline; transient errors are raised."""
        self._pacer.start(self.timeout)
        try:
            self._refresh_with_fallback()
        finally:
            self.elapsed = self._pacer.elapsed

    def wait(self) -> None:
        """Wait until the condition decides, or until the deadline; with timeout 0, check once."""
        if self.timeout:
            self._watch_until_deadline()
        else:
            self.refresh()
        self.timed_out = self._condition.decision is Decision.PENDING

    def _watch_until_deadline(self) -> None:
        self._session.set_deadline(self._pacer.start(self.timeout))
        try:
            self._keep_watching()
        finally:
            self._session.set_deadline(None)
            self.elapsed = self._pacer.elapsed

    def _keep_watching(self) -> None:
        while self._condition.decision is Decision.PENDING:
            if self._pacer.remaining <= 0:
                self._final_refresh()
                return
            try:
                self._step()
            except XapiError as error:
                self._back_off(error)
            else:
                self.errors.record_success()
                self._observe(None)

    def _step(self) -> None:
        if self._condition.needs_refresh or self._pacer.is_refresh_due:
            self._resync()
        else:
            self._wait_for_update()

    def _resync(self) -> None:
        began = self._pacer.now()
        self._pacer.begin_refresh()
        self._fallback.probe()
        self._condition.refresh(self._fallback.watch)
        self._pacer.schedule_refresh(began, self._fallback.watch.refresh_interval)

    def _wait_for_update(self) -> None:
        self.waited = True
        began = self._pacer.now()
        seconds = self._pacer.begin_wait(self._condition.next_refresh_in)
        if self._pacer.remaining <= DEADLINE_MARGIN:
            self._pacer.pause(self._pacer.remaining)
            return
        update = self._fallback.watch.wait(seconds)
        self._fallback.record_wait()
        is_significant = self._condition.apply(update)
        if self._condition.decision is Decision.PENDING:
            self._pacer.end_wait(began, is_significant=is_significant)

    def _back_off(self, error: XapiError) -> None:
        self._condition.invalidate()
        self.waited = True
        if self._fallback.record_error(error):
            return
        self.errors.record(error)
        self._observe(self.errors.latest)
        pause = self.errors.next_pause(error)
        if pause:
            self._pacer.pause(pause)

    def _final_refresh(self) -> None:
        """Check once more at the deadline, for at most 5 seconds."""
        self._session.set_deadline(
            self._pacer.now() + min(_FINAL_REFRESH_TIMEOUT, self._session.time_limit)
        )
        self._fallback.prepare_final_refresh()
        try:
            self._refresh_with_fallback()
            while self._condition.needs_refresh and self._condition.decision is Decision.PENDING:
                self._refresh_with_fallback()
        except XapiError as error:
            self.errors.record(error)
        else:
            self.errors.record_success()

    def _refresh_with_fallback(self) -> None:
        """Refresh without a retry, but by polling if events fail."""
        try:
            self._condition.refresh(self._fallback.watch)
        except XapiError as error:
            if not self._fallback.switch_after(error):
                raise
            self._condition.invalidate()
            self._condition.refresh(self._fallback.watch)
