# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import errno
import os
import socket
import ssl
import threading
import time
import traceback
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Callable, NamedTuple

from ._errors import (
    AnswerTooLarge,
    CertificateUntrusted,
    CertificateWrongName,
    ConnectionCut,
    ConnectionRefused,
    HostError,
    HostUnreachable,
    LibraryMissing,
    NameUnknown,
    ProxyFailed,
    RequestFailed,
    RequestTimedOut,
    TlsFailed,
    TrustUnusable,
)

try:
    import requests
    from requests.utils import get_environ_proxies
    from urllib3 import disable_warnings
    from urllib3.exceptions import InsecureRequestWarning
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None

TIME_LIMIT = 30.0
SIZE_LIMIT = 256 * 1024 * 1024
_LOOK_AROUND_EVERY = 0.5
_CHUNK = 256 * 1024
# XAPI refuses a request whose headers take more than 1024 bytes, so none comes from elsewhere.
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
    "User-Agent": "xen.xapi",
}
_DEFAULT_PORTS = {"https": 443, "http": 80}
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_NO_WAY = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL)
# OpenSSL's numbers (X509_V_ERR_...): chains without a trusted end, and names that do not match.
_KINDS_BY_CODE: dict[int, type[HostError]] = {
    **dict.fromkeys((2, 18, 19, 20, 21, 27), CertificateUntrusted),
    **dict.fromkeys((62, 64), CertificateWrongName),
}


class Endpoint(NamedTuple):
    """Where a host listens; an IPv6 address is kept without its brackets."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, scheme: str, host: str, port: int | None) -> Endpoint:
        return cls(scheme, host, port or _DEFAULT_PORTS[scheme])

    def at(self, address: str) -> Endpoint:
        """The same scheme and port on another host of the pool."""
        return self._replace(host=address)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


class Answer(NamedTuple):
    status: int
    content_type: str
    body: bytes


class Transport:
    """Posts to the hosts of one pool over kept-alive connections and counts the requests."""

    def __init__(
        self,
        *,
        validate_certs: bool,
        ca_path: str | None,
        stop: Callable[[], None],
        size_limit: int = SIZE_LIMIT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The callable stop is asked before and during a request; it raises to end the run."""
        if REQUESTS_IMPORT_ERROR is not None:
            raise LibraryMissing("requests", details=REQUESTS_IMPORT_ERROR)
        self._verify = _authorities(ca_path) if validate_certs else False
        if not validate_certs:
            disable_warnings(InsecureRequestWarning)
        self.stop = stop
        self._size_limit = size_limit
        self._clock = clock
        self._http = _http_session()
        self.requests = 0

    def post(
        self,
        endpoint: Endpoint,
        path: str,
        body: bytes,
        *,
        time_limit: float = TIME_LIMIT,
        stoppable: bool = True,
    ) -> Answer:
        """Send body and return the whole answer, whatever its status, within time_limit seconds."""
        if stoppable:
            self.stop()
        self.requests += 1
        deadline = self._clock() + time_limit
        exchange = _Exchange(lambda: self._send(endpoint, path, body, deadline))
        while not exchange.ended_within(min(_LOOK_AROUND_EVERY, deadline - self._clock())):
            if self._clock() >= deadline:
                raise RequestTimedOut(endpoint.url, seconds=time_limit)
            if stoppable:
                self.stop()
        if exchange.error is not None:
            raise _named(exchange.error, endpoint, seconds=time_limit) from exchange.error
        return exchange.answer

    def close(self) -> None:
        self._http.close()

    def _send(self, endpoint: Endpoint, path: str, body: bytes, deadline: float) -> Answer:
        # trust_env is off and proxies and verify go with each request: the library would let the
        # environment's CA bundle win over ours, and would send what .netrc holds for the host.
        url = endpoint.url + path
        remaining = max(deadline - self._clock(), 0.001)
        with self._http.post(
            url,
            data=body,
            headers=_HEADERS,
            timeout=remaining,
            allow_redirects=False,
            stream=True,
            verify=self._verify,
            proxies=get_environ_proxies(url),
        ) as response:
            received = bytearray()
            for chunk in response.iter_content(_CHUNK):
                received += chunk
                if len(received) > self._size_limit:
                    raise AnswerTooLarge(endpoint.url, limit=self._size_limit)
                if self._clock() >= deadline:
                    raise socket.timeout
            content_type = response.headers.get("Content-Type", "")
            return Answer(response.status_code, content_type, bytes(received))


class _Exchange(threading.Thread):
    """One request in a thread of its own.

    The time limits of a socket hold for one read each, and not at all for a name look-up. A caller
    that waits for a thread instead can always leave in time, and notices a signal while it waits.
    A thread that is left keeps its connection; the next request takes another one.
    """

    def __init__(self, send: Callable[[], Answer]) -> None:
        super().__init__(daemon=True)
        self._send = send
        self.answer = Answer(0, "", b"")
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.answer = self._send()
        except Exception as error:
            self.error = error

    def ended_within(self, seconds: float) -> bool:
        self.join(max(seconds, 0))
        return not self.is_alive()


def _http_session() -> requests.Session:
    http = requests.Session()
    http.trust_env = False
    http.headers.clear()
    http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return http


def _authorities(ca_path: str | None) -> str | bool:
    """What to check certificates against: the option, else the environment's bundle, else True."""
    source, path = "ca_path", ca_path
    for variable in _CA_VARIABLES:
        if not path:
            source, path = variable, os.environ.get(variable)
    if not path:
        return True
    try:
        is_directory = os.path.isdir(path)
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
            cafile=None if is_directory else path, capath=path if is_directory else None
        )
    except OSError as error:
        raise TrustUnusable(source, path=path, detail=_text(error)) from error
    return path


def _named(error: Exception, endpoint: Endpoint, *, seconds: float) -> HostError:
    """The error of ours that says what an error of the libraries means."""
    if isinstance(error, HostError):
        return error
    url, causes = endpoint.url, _causes(error)
    certificate_error = _certificate_error(url, causes)
    if certificate_error is not None:
        return certificate_error
    if isinstance(error, requests.exceptions.ProxyError):
        return ProxyFailed(url, detail=_text(causes[-1]))
    if isinstance(error, requests.exceptions.SSLError):
        return TlsFailed(url, detail=_text(causes[-1]))
    if isinstance(error, requests.exceptions.Timeout) or _any(causes, socket.timeout):
        return RequestTimedOut(url, seconds=seconds)
    if _any(causes, socket.gaierror):
        return NameUnknown(url)
    if _any(causes, ConnectionRefusedError):
        return ConnectionRefused(url)
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno in _NO_WAY:
            return HostUnreachable(url, detail=os.strerror(cause.errno))
    if isinstance(
        error, (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)
    ):
        return ConnectionCut(url)
    return RequestFailed(url, detail=_text(error))


def _certificate_error(url: str, causes: list[BaseException]) -> HostError | None:
    for cause in causes:
        # Older versions of urllib3 compare the names themselves, with an error of their own.
        if type(cause).__name__ == "CertificateError":
            return CertificateWrongName(url, detail=_text(cause))
        if isinstance(cause, ssl.SSLCertVerificationError):
            kind = _KINDS_BY_CODE.get(cause.verify_code, TlsFailed)
            return kind(url, detail=cause.verify_message)
    return None


def _causes(error: BaseException) -> list[BaseException]:
    """The error and all it wraps: the libraries nest a cause in arguments, reasons and contexts."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and not any(one is other for other in found):
            found.append(one)
            waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return found


def _any(causes: list[BaseException], kind: type[BaseException]) -> bool:
    return any(isinstance(cause, kind) for cause in causes)


def _text(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
