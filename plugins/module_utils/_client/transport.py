# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import time
from enum import Enum
from typing import Callable, Sequence, TypeVar

from .._errors import CertificateUntrusted, ConnectionCut, HostError, XapiError
from .background import BackgroundCall, CancellableBody, Worker
from .endpoint import Endpoint
from .http_client import Answer, HttpClient, Request, has_proxy
from .tls import fetch_fingerprint

TIME_LIMIT = 30.0
SIZE_LIMIT = 256 * 1024 * 1024

T = TypeVar("T")


class Interruptible(Enum):
    """When a request may be abandoned because the run must stop."""

    ALWAYS = "at any time"
    BEFORE_SEND = "as long as it cannot have reached the host"
    NEVER = "never"


class Transport:
    """Sends requests to the hosts of a pool, each within a time limit, and counts them."""

    def __init__(
        self,
        *,
        validate_certs: bool,
        ca_path: str | None,
        stop: Callable[[], None],
        fingerprints: Sequence[str] = (),
        time_limit: float = TIME_LIMIT,
        size_limit: int = SIZE_LIMIT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Call stop before and during each request; it raises an XapiError to end the run.

        With fingerprints, trust only these certificates, regardless of the other options.
        """
        self._http = HttpClient(
            validate_certs=validate_certs,
            ca_path=ca_path,
            fingerprints=fingerprints,
            size_limit=size_limit,
            clock=clock,
        )
        self._stop = stop
        self._clock = clock
        self._answered: set[Endpoint] = set()
        self._worker = Worker()
        self.time_limit = time_limit
        self.deadline: float | None = None
        """The time of the clock at which every request ends, regardless of its time limit."""
        self.requests = 0

    def post(
        self,
        endpoint: Endpoint,
        path: str,
        body: bytes,
        *,
        time_limit: float | None = None,
        interruptible: Interruptible = Interruptible.ALWAYS,
        repeatable: bool = False,
    ) -> Answer:
        """Send body and return the whole answer, with any status, within time_limit seconds.

        A host may close a kept-alive connection just as a request is sent on it. Such a request is
        sent once more if it is repeatable or cannot have reached the host.
        """
        limit, now = self.time_limit if time_limit is None else time_limit, self._clock()
        left = limit if self.deadline is None else max(self.deadline - now, 0.0)
        seconds = min(limit, left)
        request = Request(endpoint, path, body, seconds, left < limit, now + seconds)
        is_kept_alive = endpoint in self._answered
        try:
            answer = self._post(request, interruptible)
        except ConnectionCut as cut:
            if not is_kept_alive or (cut.sent and not repeatable):
                raise
            answer = self._post(request, interruptible)
        self._answered.add(endpoint)
        return answer

    def close(self) -> None:
        """Close all connections."""
        self._replace_worker()
        self._http.close()

    def _post(self, request: Request, interruptible: Interruptible) -> Answer:
        if interruptible is not Interruptible.NEVER:
            self._stop()
        if request.deadline <= self._clock():
            raise request.timeout_error()
        verify = self._http.find_trust(request.endpoint)
        body = CancellableBody(request.body)
        self.requests += 1
        call = self._start(lambda: self._http.send(request, body, verify=verify))
        for _moment in call.poll_until(request.deadline, self._clock):
            self._stop_if_interrupted(body, interruptible)
        if not call.ended.is_set():
            timeout = request.timeout_error()
            timeout.sent = not body.cancel()
            raise timeout
        if call.error is not None:
            raise self._translate(call.error, request, sent=body.is_sent) from call.error
        return call.result

    def _start(self, function: Callable[[], T]) -> BackgroundCall[T]:
        if not self._worker.is_free:
            # An abandoned call keeps the worker and its connection.
            self._replace_worker()
        return self._worker.submit(function)

    def _replace_worker(self) -> None:
        self._worker.stop()
        self._worker = Worker()

    def _stop_if_interrupted(self, body: CancellableBody, interruptible: Interruptible) -> None:
        if interruptible is not Interruptible.NEVER:
            try:
                self._stop()
            except XapiError as interruption:
                # The abandoned thread must not send the body later.
                interruption.sent = not body.cancel()
                if interruptible is Interruptible.ALWAYS or not interruption.sent:
                    raise

    def _translate(self, error: Exception, request: Request, *, sent: bool) -> HostError:
        """Return the error of this collection, with whether the request was sent."""
        translated = self._http.translate_error(error, request)
        translated.sent = sent
        if isinstance(translated, CertificateUntrusted) and not has_proxy(request.endpoint.url):
            translated.fingerprint = self._fetch_fingerprint(request)
        return translated

    def _fetch_fingerprint(self, request: Request) -> str | None:
        """Return the fingerprint that a host shows, or None.

        This runs in a thread as well, since the host may not answer.
        """
        _scheme, host, port = request.endpoint
        seconds = max(request.deadline - self._clock(), 0.001)
        call = self._start(lambda: fetch_fingerprint(host, port, seconds=seconds))
        for _moment in call.poll_until(request.deadline, self._clock):
            self._stop()
        return call.result if call.ended.is_set() and call.error is None else None
