# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Callable

from .._client.retry import is_session_lost, is_transient
from .._client.session import Session
from .._errors import XapiError, drop_tracebacks
from .backoff import Backoff


class TransientErrors:
    """Records the errors that a wait retries, and returns the pause after each."""

    def __init__(self, session: Session, *, jitter: Callable[[], float]) -> None:
        """The callable jitter gives 0 to 1."""
        self._session = session
        self._backoff = Backoff(jitter=jitter)
        self._is_session_lost = False
        self.count = 0
        self.latest: XapiError | None = None
        self.is_disconnected = False
        """Whether the latest attempt failed."""

    def record(self, error: XapiError) -> None:
        """Record an error, or raise it if it is not transient."""
        if not is_transient(error, was_connected=self._session.generation > 0):
            raise error
        self.count += 1
        self.latest = drop_tracebacks(error)
        self.is_disconnected = True

    def record_success(self) -> None:
        self._backoff.reset()
        self._is_session_lost = False
        self.is_disconnected = False

    def next_pause(self, error: XapiError) -> float:
        """Return the seconds to pause after an error."""
        was_lost, self._is_session_lost = self._is_session_lost, is_session_lost(error)
        # The host answers, so a new login may succeed at once.
        may_login = self._is_session_lost and not was_lost
        pause = 0.0 if may_login else self._backoff.next_pause()
        return max(pause, self._session.login_retry_delay)
