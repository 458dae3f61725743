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
"""Failures in a row of event.from alone, after which events are not tried any more."""


class EventFallback:
    """Chooses between events and polling.

    Some proxies break off the long requests of event.from, answer them with a page or swallow them.
    So a failure of event.from, whatever it is, is followed by another call. If that is answered in
    the same session, events alone have failed. A restart of the master breaks both.
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
        """The session generation in which event.from failed, until another call tells more."""
        self.watch: Watch = polls if method == "poll" else events

    def probe(self) -> None:
        """After a failure of event.from, find out whether other calls are answered."""
        generation, self._failed_in = self._failed_in, None
        if generation is None:
            return
        self._events.has_failed = False
        failures, self._failures = self._failures, 0
        self._session.read_server_time()
        if generation == self._session.generation:
            self._failures = failures + 1
            if self._failures >= _MAX_FAILURES:
                self.poll()

    def record_wait(self) -> None:
        """Note that a wait for events came through."""
        self._failures = 0

    def record_error(self, error: XapiError) -> bool:
        """Note an error, and tell whether it is one for which polling is the answer."""
        if not self._may_poll or self.watch is self._polls:
            return False
        if events_unsupported(error):
            self.poll()
            return True
        self._failed_in = self._session.generation if self._events.has_failed else None
        return False

    def poll(self) -> None:
        """Poll from now on."""
        self.watch = self._polls

    def choose_last(self) -> None:
        """Choose for a look that has no second try: not events, if they failed the last time."""
        if self._failed_in is not None:
            self.poll()

    def replace_after(self, error: XapiError) -> bool:
        """Poll after an error of event.from, whatever it is; tell whether that is new."""
        is_new = (
            self._may_poll
            and self.watch is not self._polls
            and self._events.has_failed
            and isinstance(error, (HostError, NoHostAnswered))
        )
        if is_new:
            self.poll()
        return is_new
