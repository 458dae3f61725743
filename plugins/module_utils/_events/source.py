# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import contextlib
import random
import time
from dataclasses import dataclass
from typing import Any, Callable

from .._client.connection import connect
from .._client.session import Session
from .._errors import LibraryMissing, XapiError
from .._messages import error_message
from .._wait.waiter import Waiter
from .alarms import Alarms
from .condition import EventCondition
from .content import EventWriter
from .matcher import Matcher, Run, run_directly
from .messages import library_message, retry_message
from .options import InvalidOptions, SourceOptions
from .secrets import Secrets

_WAIT_PERIOD = 6 * 3600.0
"""Seconds after which a source begins anew, with events, at the latest."""
_FIRST_POLLING = 600.0
"""Seconds after which a source that has switched to polling tries events again.

The time doubles with each attempt that fails, since each leaves a gap.
"""
_POLLING = "waiting for events failed while other calls were answered, so the source polls now"


class _TryEvents(Exception):
    """Ends a wait that polls, so that the next one begins with events."""


@dataclass(frozen=True)
class Callbacks:
    """The functions of the program in which a source runs."""

    emit: Callable[[dict[str, Any]], None]
    warn: Callable[[str], None]
    stop: Callable[[], None]
    """Raises an XapiError to end the source."""
    sleep: Callable[[float], None]
    run_matching: Run = run_directly
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random


def describe_failure(error: XapiError | InvalidOptions) -> str:
    """Return the message for an error that ends a source."""
    if isinstance(error, InvalidOptions):
        return "; ".join(error.messages)
    if isinstance(error, LibraryMissing):
        return library_message(error.library)
    return error_message(error)


def emit_events(options: SourceOptions, secrets: Secrets, callbacks: Callbacks) -> None:
    """Connect to the pool and emit events until stop raises; log out at the end."""
    with connect(
        options.connection,
        stop=callbacks.stop,
        warn=lambda text: callbacks.warn(secrets.mask(text)),
        add_secret=secrets.add_session,
    ) as session:
        Source(session, options, secrets, callbacks).run()


class Source:
    """Emits events for ever, in one session after the other."""

    def __init__(
        self, session: Session, options: SourceOptions, secrets: Secrets, callbacks: Callbacks
    ) -> None:
        self._session = session
        self._options = options
        self._callbacks = callbacks
        self._mask = secrets.mask
        self._warned_of = self._final_error = ""
        self.condition = EventCondition(
            session,
            Matcher(options.selection, warn=self._warn, run=callbacks.run_matching),
            Alarms(
                stalled_after=options.stalled_after,
                long_running_after=options.long_running_after,
                clock=callbacks.clock,
            ),
            writer=EventWriter(secrets.mask_all),
            emit=callbacks.emit,
            warn=self._warn,
            describe_error=self._describe_error,
            clock=callbacks.clock,
        )
        self._polls_since: float | None = None
        self._max_polling = _FIRST_POLLING
        self._waiter = self._create_waiter()

    def run(self) -> None:
        """Wait for ever; each period begins with events, even if the one before polled."""
        while True:
            with contextlib.suppress(_TryEvents):
                self._waiter.wait()
            errors = self._waiter.errors
            if errors.is_disconnected and errors.latest is not None:
                # The refresh at the end of the period failed.
                self._final_error = error_message(errors.latest)
                self.condition.invalidate()
            self._waiter = self._create_waiter()

    def _create_waiter(self) -> Waiter:
        if self._polls_since is None:
            # The period before used events until its end.
            self._max_polling = _FIRST_POLLING
        self._began, self._polls_since = self._callbacks.clock(), None
        return Waiter(
            self._session,
            self.condition,
            timeout=_WAIT_PERIOD,
            method=self._options.method,
            poll_interval=self._options.poll_interval,
            clock=self._callbacks.clock,
            sleep=self._sleep,
            jitter=self._callbacks.jitter,
        )

    def _sleep(self, seconds: float) -> None:
        if self._waiter.errors.is_disconnected:
            self._warn_of_error()
        elif self._waiter.method == "poll" and self._options.method == "auto":
            self._limit_polling()
        self._callbacks.sleep(seconds)

    def _limit_polling(self) -> None:
        """Raise _TryEvents after some time of polling."""
        now = self._callbacks.clock()
        if self._polls_since is None:
            self._polls_since = now
            if now - self._began > _FIRST_POLLING:
                # Events worked for a while.
                self._max_polling = _FIRST_POLLING
        if now - self._polls_since >= self._max_polling:
            self._max_polling = min(2 * self._max_polling, _WAIT_PERIOD)
            raise _TryEvents

    def _warn_of_error(self) -> None:
        """Warn of an error that is retried, once as long as it is the same."""
        latest = self._waiter.errors.latest
        text = "" if latest is None else retry_message(error_message(latest))
        if text != self._warned_of:
            self._warned_of = text
            self._warn(text)

    def _describe_error(self) -> str:
        errors, final = self._waiter.errors, self._final_error
        self._warned_of = self._final_error = ""
        if errors.latest is not None and errors.is_disconnected:
            return error_message(errors.latest)
        return final or _POLLING

    def _warn(self, text: str) -> None:
        self._callbacks.warn(self._mask(text))
