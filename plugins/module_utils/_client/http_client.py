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
import traceback
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Callable, Collection, NamedTuple

from .._errors import (
    AnswerTooLarge,
    ConnectionCut,
    ConnectionRefused,
    HostError,
    HostUnreachable,
    LibraryMissing,
    NameUnknown,
    ProxyFailed,
    RequestFailed,
    RequestTimedOut,
    UnexpectedAnswer,
)
from .background import CancellableBody
from .endpoint import Endpoint
from .tls import check_peer, find_ca_bundle, harden

try:
    import requests
    from requests.utils import get_environ_proxies, select_proxy
    from urllib3 import disable_warnings
    from urllib3.exceptions import InsecureRequestWarning
    from urllib3.util.ssl_ import create_urllib3_context
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None

_CHUNK = 256 * 1024
# These are all headers of a request: XAPI rejects one whose headers exceed 1024 bytes.
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
    "User-Agent": "xen.xapi",
}
_ADDRESS_ERRORS = ("InvalidProxyURL", "InvalidURL", "LocationParseError", "MissingSchema")
_UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL)


class Answer(NamedTuple):
    """A complete HTTP response."""

    status: int
    content_type: str
    body: bytes


class Request(NamedTuple):
    """A request, and the time of the clock at which it times out."""

    endpoint: Endpoint
    path: str
    body: bytes
    seconds: float
    by_overall_deadline: bool
    deadline: float

    def timeout_error(self) -> RequestTimedOut:
        """Return the error to raise if the request is not answered in time."""
        url = self.endpoint.url
        return RequestTimedOut(
            url, seconds=self.seconds, by_overall_deadline=self.by_overall_deadline
        )


class _Prepared:
    """What all requests to one URL share; finding it takes longer than the rest of a request."""

    def __init__(self, url: str, path: str) -> None:
        # Session.send() itself uses neither the environment's CA bundle nor .netrc nor proxies, so
        # that the proxies are passed to it.
        self.proxies = get_environ_proxies(url)
        self._request = requests.Request("POST", url + path, headers=_HEADERS).prepare()

    def create_request(self, body: CancellableBody) -> requests.PreparedRequest:
        # A copy: an abandoned request may still be under way in its own thread.
        request = self._request.copy()
        request.headers["Content-Length"] = str(len(body))
        request.body = body  # type: ignore[assignment]
        return request


class HttpClient:
    """Sends single requests over kept-alive connections, with the library requests.

    Only this file uses that library.
    """

    def __init__(
        self,
        *,
        validate_certs: bool,
        ca_path: str | None,
        fingerprints: Collection[str],
        size_limit: int,
        clock: Callable[[], float],
    ) -> None:
        if REQUESTS_IMPORT_ERROR is not None:
            raise LibraryMissing("requests", details=REQUESTS_IMPORT_ERROR)
        validates = validate_certs and not fingerprints
        if not validates:
            disable_warnings(InsecureRequestWarning)
        self._verify: str | bool | None = None if validates else False
        self._ca_path = ca_path
        self._fingerprints = frozenset(fingerprints)
        self._size_limit = size_limit
        self._clock = clock
        self._session = _create_session(validates=validates, fingerprints=self._fingerprints)
        self._prepared: dict[str, _Prepared] = {}

    def find_trust(self, endpoint: Endpoint) -> str | bool:
        """Return the verify argument for a host: a CA bundle, True for the default, or False.

        Raises TrustUnusable.
        """
        if endpoint.scheme != "https":
            return False
        if self._verify is None:
            self._verify = find_ca_bundle(self._ca_path)
        return self._verify

    def send(self, request: Request, body: CancellableBody, *, verify: str | bool) -> Answer:
        """Send the body and return the whole answer, or raise an error of the libraries."""
        url = request.endpoint.url
        prepared = self._prepare(url, request.path)
        with self._session.send(
            prepared.create_request(body),
            timeout=max(request.deadline - self._clock(), 0.001),
            allow_redirects=False,
            stream=True,
            verify=verify,
            proxies=prepared.proxies,
        ) as response:
            status, content_type = response.status_code, response.headers.get("Content-Type", "")
            encoding = response.headers.get("Content-Encoding", "identity")
            if encoding.lower() != "identity":
                raise UnexpectedAnswer(
                    url, status=status, content_type=f"{content_type} in {encoding}"
                )
            # Without this, urllib3 before 2.0 accepts a truncated answer as complete.
            response.raw.enforce_content_length = True
            received = bytearray()
            try:
                for chunk in response.iter_content(_CHUNK):
                    received += chunk
                    if len(received) > self._size_limit:
                        raise AnswerTooLarge(url, limit=self._size_limit)
                    if self._clock() >= request.deadline:
                        raise socket.timeout
                return Answer(status, content_type, bytes(received))
            finally:
                # The traceback of an error would keep it in memory.
                received.clear()

    def _prepare(self, url: str, path: str) -> _Prepared:
        prepared = self._prepared.get(url + path)
        if prepared is None:
            prepared = self._prepared[url + path] = _Prepared(url, path)
        return prepared

    def translate_error(self, error: Exception, request: Request) -> HostError:
        """Return the error of this collection for one that sending the request raised."""
        return _translate_error(error, request, fingerprints=self._fingerprints)

    def close(self) -> None:
        """Close all connections."""
        self._session.close()


def has_proxy(url: str) -> bool:
    """Return whether the environment names a proxy for a URL."""
    return select_proxy(url, get_environ_proxies(url)) is not None


def _create_session(*, validates: bool, fingerprints: Collection[str]) -> requests.Session:
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if validates else ssl.CERT_NONE)
    harden(context)

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, **options, ssl_context=context)
            _check_connections(self.poolmanager, fingerprints)

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            is_new = proxy not in self.proxy_manager
            manager = super().proxy_manager_for(proxy, **options, ssl_context=context)
            if is_new:
                _check_connections(manager, fingerprints)
            return manager

    class Session(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            # Else the library reads the whole body of a redirect at once, without any limit.
            return None

    http = Session()
    http.trust_env = False
    http.headers.clear()
    http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    http.mount("https://", Adapter())
    return http


def _check_connections(manager: Any, fingerprints: Collection[str]) -> None:
    """Make a pool manager of urllib3 check each TLS connection before it sends anything on it.

    Extend the manager's own class, since SOCKS proxies have a special one.
    """
    pool_class: Any = manager.pool_classes_by_scheme["https"]

    class CheckedConnection(pool_class.ConnectionCls):  # type: ignore[misc]
        def connect(self) -> None:
            super().connect()
            try:
                check_peer(self.sock, fingerprints)
            except ssl.SSLError:
                # The connection's own close() would drop the state of the proxy tunnel.
                self.sock.close()
                raise

    class CheckedPool(pool_class):  # type: ignore[misc]
        ConnectionCls = CheckedConnection

    classes = {**manager.pool_classes_by_scheme, "https": CheckedPool}
    manager.pool_classes_by_scheme = classes


def _translate_error(
    error: Exception, request: Request, *, fingerprints: Collection[str]
) -> HostError:
    """Return the error of this collection for an error of the libraries."""
    # Only a failed request needs it, and a module run should start quickly.
    from .tls_errors import is_cut_off, translate_tls_error

    if isinstance(error, HostError):
        return error
    url, causes = request.endpoint.url, _list_causes(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return ProxyFailed(url, detail=_format_safe_reason(causes[-1]))
    # Check for this before TLS errors: a port without TLS answers instead of closing.
    if is_cut_off(causes):
        return ConnectionCut(url)
    secure = translate_tls_error(url, causes, fingerprints=fingerprints)
    if secure is not None:
        return secure
    if isinstance(error, requests.exceptions.Timeout) or _has_any(causes, socket.timeout):
        return request.timeout_error()
    if _has_any(causes, socket.gaierror):
        return NameUnknown(url)
    if _has_any(causes, ConnectionRefusedError):
        return ConnectionRefused(url)
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno in _UNREACHABLE:
            return HostUnreachable(url, detail=os.strerror(cause.errno))
    if isinstance(
        error, (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)
    ):
        return ConnectionCut(url)
    return RequestFailed(url, detail=_format_safe_reason(error))


def _format_safe_reason(error: BaseException) -> str:
    from .tls_errors import format_reason

    # The address of a proxy can contain a password, and some errors of the libraries quote the
    # address: if they cannot parse it, in parts.
    reason, name = format_reason(error), type(error).__name__
    return name if "@" in reason or name in _ADDRESS_ERRORS else reason


def _list_causes(error: BaseException) -> list[BaseException]:
    """Return the error and all that it wraps, in arguments, reasons, causes and contexts."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and not any(one is other for other in found):
            found.append(one)
            waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return found


def _has_any(causes: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)
