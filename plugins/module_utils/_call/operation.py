# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import time
from typing import Any, Callable

from .._client import schema as records
from .._client.retry import SESSION_GONE
from .._client.session import Session
from .._errors import CallerGone, GivenSessionLost, Interrupted, XapiError, XapiFailure
from .._tasks.times import parse_seconds
from .candidates import Candidates, find_candidates
from .options import CallOptions

SUCCESS = "success"
FAILURE = "failure"
RUNNING = "running"
NOT_STARTED = "not_started"
UNKNOWN = "unknown"
_MAX_ATTEMPTS = 2
# Errors that the server answers before the work begins (the generated dispatcher; rbac.ml). The
# first parameter is the method, or the permission, which is the method in lowercase and may go on.
_REFUSED = frozenset(
    {
        "MESSAGE_METHOD_UNKNOWN",
        "MESSAGE_PARAMETER_COUNT_MISMATCH",
        "MESSAGE_REMOVED",
        "RBAC_PERMISSION_DENIED",
    }
)
_REFUSED_TASKS = _REFUSED | {"Fault", "HOST_STILL_BOOTING"}


class Operation:
    """One call of a method that changes something, which is started once at most.

    Its attributes hold all that is known of it at any moment. Large because of these.
    """

    def __init__(
        self,
        session: Session,
        options: CallOptions,
        args: list[Any],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        before_send: Callable[[], None] = lambda: None,
    ) -> None:
        """The callable before_send runs before each attempt to send the call."""
        self._before_send = before_send
        self._session = session
        self._options = options
        self._args = args
        self._clock = clock
        self._sleep = sleep
        self._began = clock()
        self._ended: float | None = None
        self._server_began: int | None = None
        self._generation = 0
        self._is_sending = False
        """Whether an error can only come from the call itself, since the session is open."""
        self.outcome = NOT_STARTED
        self.error: XapiError | None = None
        """The error of the call itself."""
        self.candidates = Candidates()
        self.answer: Any = None
        """The result of a call without a task."""
        self.task_ref = ""
        """The task that the call started."""

    @property
    def elapsed(self) -> float:
        """Return the seconds from the call until now, or until the end of the operation."""
        ended = self._clock() if self._ended is None else self._ended
        return ended - self._began

    def end(self) -> None:
        """Stop the time that elapsed counts."""
        self._ended = self._clock()

    @property
    def server_time(self) -> int | None:
        """Return the server's clock as of now; None before it was read."""
        began = self._server_began
        return None if began is None else began + int(self.elapsed)

    def start(self) -> None:
        """Send the call. Where its answer is lost, look for the task that it may have started."""
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            try:
                self._send()
            except CallerGone:
                raise
            except XapiError as error:
                self.error = error
                if self._is_session_lost(error) and attempt < _MAX_ATTEMPTS:
                    continue
                self._settle(error)
            else:
                self.error = None
            return

    def _send(self) -> None:
        # The read opens the session, so that later errors are about the call alone.
        self._is_sending = False
        now = parse_seconds(self._session.read_server_time())
        self._began, self._server_began = self._clock(), now
        self._generation = self._session.generation
        self._before_send()
        self._is_sending = True
        answer = self._session.send(self._options.label, *self._args)
        if self._options.is_async:
            self.task_ref = self._session.validate(records.name, self._options.label, answer)
            self.outcome = RUNNING
        else:
            self.answer, self.outcome = answer, SUCCESS

    def _is_session_lost(self, error: XapiError) -> bool:
        """Return whether the server did not start a task because it did not know the session.

        Without a task, the same answer may come from the middle of the work.
        """
        return (
            self._options.is_async
            and isinstance(error, XapiFailure)
            and error.method == self._options.label
            and error.code in SESSION_GONE
        )

    def _is_refused(self, error: XapiFailure) -> bool:
        """Return whether the server answered an error instead of starting the work.

        Without a task, the same codes may come from another host or pool in the middle of the work.
        """
        if self._options.is_async:
            return error.code in _REFUSED_TASKS
        subject = error.params[0] if error.params else ""
        return error.code in _REFUSED and subject.lower().startswith(self._options.label.lower())

    def _settle(self, error: XapiError) -> None:
        """Decide from an error whether the operation may have been started."""
        if isinstance(error, XapiFailure) and error.method == self._options.label:
            if self._is_refused(error) or self._is_session_lost(error):
                return
            # A task has an error of its own: in its place, none is expected.
            is_doubtful = self._options.is_async or error.code in SESSION_GONE
            self.outcome = UNKNOWN if is_doubtful else FAILURE
        elif self._is_sending and (error.sent or isinstance(error, GivenSessionLost)):
            self.outcome = UNKNOWN
        if self.outcome == UNKNOWN:
            self._find_candidates()

    def _find_candidates(self) -> None:
        try:
            self.candidates = find_candidates(
                self._session,
                self._options.label,
                began=self._server_began,
                generation=self._generation,
                sleep=self._sleep,
            )
        except Interrupted as stop:
            self.candidates = Candidates(error=stop)
