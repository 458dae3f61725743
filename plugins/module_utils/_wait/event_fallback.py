# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from .._client.retry import events_unsupported
from .._client.session import Session
from .._errors import HostError, NoHostAnswered, XapiError
from .watcher import EventWatcher, PollingWatcher, Watch

_MAX_FAILURES = 2
"""Failures in a row of event.from alone, after which only polling is used."""


class EventFallback:
    """Chooses between events and polling.

    Some proxies cut the long requests of event.from, answer them with a page or drop them. So each
    failure of event.from is followed by another call. If that is answered in the same session, only
    events have failed. A restart of the master breaks both.
    """

    def __init__(
        self, session: Session, events: EventWatcher, polls: PollingWatcher, *, method: str
    ) -> None:
        """The method is auto, events or poll."""
        self._session = session
        self._events = events
        self._polls = polls
        self._may_poll = method == "auto"
        self._failures = 0
        self._failed_in: int | None = None
        """The session generation in which event.from failed, until another call was tried."""
        self.watch: Watch = polls if method == "poll" else events

    def probe(self) -> None:
        """Find out after a failure of event.from whether other calls are answered."""
        generation, self._failed_in = self._failed_in, None
        if generation is None:
            return
        self._events.has_failed = False
        failures, self._failures = self._failures, 0
        self._session.read_server_time()
        if generation == self._session.generation:
            self._failures = failures + 1
            if self._failures >= _MAX_FAILURES:
                self.switch_to_polling()

    def record_wait(self) -> None:
        """Note that a wait for events succeeded."""
        self._failures = 0

    def record_error(self, error: XapiError) -> bool:
        """Note an error; return whether it made the wait switch to polling."""
        if not self._may_poll or self.watch is self._polls:
            return False
        if events_unsupported(error):
            self.switch_to_polling()
            return True
        self._failed_in = self._session.generation if self._events.has_failed else None
        return False

    def switch_to_polling(self) -> None:
        """Use polling from now on."""
        self.watch = self._polls

    def prepare_final_refresh(self) -> None:
        """Switch to polling before a refresh without a retry, if events failed the last time."""
        if self._failed_in is not None:
            self.switch_to_polling()

    def switch_after(self, error: XapiError) -> bool:
        """Switch to polling after any error of event.from; return whether that is a change."""
        is_new = (
            self._may_poll
            and self.watch is not self._polls
            and self._events.has_failed
            and isinstance(error, (HostError, NoHostAnswered))
        )
        if is_new:
            self.switch_to_polling()
        return is_new
