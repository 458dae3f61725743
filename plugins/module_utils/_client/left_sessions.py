# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from collections import deque
from typing import Callable

from .._errors import XapiError, XapiFailure
from .endpoint import Endpoint
from .jsonrpc import Rpc
from .retry import SESSION_UNKNOWN
from .transport import Interruptible

_LOGOUT_TIME_LIMIT = 2.0
_SECONDS_PER_SESSION = 2.0
"""Each session that may have been left in the last day adds this to the pause before a login.

If no login is answered, that makes about 60 logins in an hour and 300 in a day. The server ends the
oldest sessions when it has 500 of one originator, and those may belong to other runs.
"""
_SESSION_LIFETIME = 86400.0
"""Seconds after which the server drops a session that is not used."""


class LeftSessions:
    """Logs out the sessions that a run does not use any more, and counts those it may leave."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._login_due = clock()
        self._unended: list[tuple[Rpc, str]] = []
        self._unanswered_at: deque[float] = deque()
        self.unanswered_logins = 0
        """The number of logins without a usable answer; each may have opened a session."""
        self.logout_errors: list[XapiError] = []
        """The errors of failed logouts, one for each session that stays."""

    @property
    def login_delay(self) -> float:
        """The seconds to wait before the next login."""
        return max(self._login_due - self._clock(), 0.0)

    def __len__(self) -> int:
        """Return the number of sessions that are not logged out yet."""
        return len(self._unended)

    def record_unanswered_login(self) -> None:
        """Count a login that was sent and got no usable answer."""
        self.unanswered_logins += 1
        self._unanswered_at.append(self._clock())
        self._put_off_login()

    def add(self, rpc: Rpc, ref: str) -> None:
        """Remember a session that is not used any more, and the connection it was opened on."""
        self._unended.append((rpc, ref))
        self._put_off_login()

    def log_out(self, over: Rpc) -> None:
        """Log out the sessions over a new connection, and stop at the first failure.

        log_out_last tries the remaining ones again.
        """
        while self._unended and _log_out(over, self._unended[0][1]) is None:
            del self._unended[0]

    def log_out_last(self, over: Rpc | None) -> None:
        """Log out the sessions, each over its own connection by default, and record each failure.

        The latest session is first. A host that does not answer is asked once.
        """
        unresponsive: dict[Endpoint, XapiError] = {}
        for own, ref in reversed(self._unended):
            rpc = over or own
            error = unresponsive.get(rpc.endpoint) or _log_out(rpc, ref)
            if error is None:
                continue
            self.logout_errors.append(error)
            if not isinstance(error, XapiFailure):
                unresponsive[rpc.endpoint] = error
        self._unended.clear()

    def _put_off_login(self) -> None:
        now = self._clock()
        while self._unanswered_at and now - self._unanswered_at[0] > _SESSION_LIFETIME:
            self._unanswered_at.popleft()
        count = len(self._unanswered_at) + len(self._unended)
        self._login_due = now + _SECONDS_PER_SESSION * count


def _log_out(rpc: Rpc, ref: str) -> XapiError | None:
    """Log a session out; return the error, unless the session had ended already."""
    try:
        rpc.call(
            "session.logout",
            [ref],
            secrets=[ref],
            time_limit=_LOGOUT_TIME_LIMIT,
            interruptible=Interruptible.NEVER,
        )
    except XapiError as error:
        if not (isinstance(error, XapiFailure) and error.code == SESSION_UNKNOWN):
            return error
    return None
