# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Iterable, Sequence


class XapiError(Exception):
    """The base of all errors of this collection. An error has data and no message."""

    sent = False
    """Whether the request that failed may have reached the host."""


class OptionError(XapiError):
    """An option has an invalid value; a secret value is left out."""

    def __init__(self, option: str, *, problem: str, value: Any = None) -> None:
        super().__init__(option, problem)
        self.option = option
        self.problem = problem
        self.value = value


class NothingSelected(OptionError):
    """None of the options is set of which one is required; problem ends the sentence."""

    def __init__(self, *options: str, problem: str) -> None:
        super().__init__(", ".join(options), problem=problem)


class LibraryMissing(XapiError):
    """A Python library that the collection needs cannot be imported."""

    def __init__(self, library: str, *, details: str) -> None:
        super().__init__(library)
        self.library = library
        self.details = details


class TrustUnusable(XapiError):
    """The file or directory of certificate authorities cannot be used."""

    def __init__(self, source: str, *, path: str, detail: str) -> None:
        super().__init__(source, path)
        self.source = source
        self.path = path
        self.detail = detail


class Interrupted(XapiError):
    """A signal requested that the run ends."""

    def __init__(self, signal: str) -> None:
        super().__init__(signal)
        self.signal = signal


class CallerGone(XapiError):
    """The process that reads the result of the module has ended."""


class HostError(XapiError):
    """A request to one host failed; reported_by is the member that named it as the master."""

    def __init__(self, url: str, *, detail: str = "") -> None:
        super().__init__(url, detail)
        self.url = url
        self.detail = detail
        self.reported_by: str | None = None


class NameUnknown(HostError):
    """The host's name cannot be resolved."""


class ConnectionRefused(HostError):
    """The host refuses connections on the port."""


class HostUnreachable(HostError):
    """The network has no route to the host."""


class ConnectionCut(HostError):
    """The connection ended before the answer was complete."""


class ProxyFailed(HostError):
    """The proxy of the environment did not connect to the host."""


class RequestFailed(HostError):
    """The request failed for a reason that has no class of its own."""


class TlsFailed(HostError):
    """The TLS handshake failed."""


class PortWithoutTls(TlsFailed):
    """The port answers without TLS."""


class CertificateUntrusted(TlsFailed):
    """The certificate is not signed by a trusted authority."""

    def __init__(self, url: str, *, detail: str = "") -> None:
        super().__init__(url, detail=detail)
        self.fingerprint: str | None = None


class CertificateInvalid(CertificateUntrusted):
    """The certificate fails another check than those of its authority, name and dates."""


class CertificateWrongName(TlsFailed):
    """The certificate is for another name."""


class CertificateOutOfTime(TlsFailed):
    """The certificate has expired, or is not valid yet."""


class FingerprintMismatch(TlsFailed):
    """The certificate does not have one of the expected fingerprints."""

    def __init__(self, url: str, *, expected: Sequence[str], seen: str) -> None:
        super().__init__(url, detail=seen)
        self.expected = tuple(expected)
        self.seen = seen


class RequestTimedOut(HostError):
    """The answer was not complete within the time limit."""

    def __init__(self, url: str, *, seconds: float, by_overall_deadline: bool = False) -> None:
        super().__init__(url)
        self.seconds = round(seconds, 1)
        self.by_overall_deadline = by_overall_deadline
        """Whether the deadline of the run came first, and not the time limit of the request."""


class AnswerTooLarge(HostError):
    """The answer is longer than the limit."""

    def __init__(self, url: str, *, limit: int) -> None:
        super().__init__(url)
        self.limit = limit


class UnexpectedAnswer(HostError):
    """The answer is not a response of XAPI."""

    def __init__(self, url: str, *, status: int, content_type: str) -> None:
        super().__init__(url)
        self.status = status
        self.content_type = content_type
        self.sent = True


class InvalidResponse(HostError):
    """The result of a call does not match XAPI's schema; field names the place, if known."""

    def __init__(self, url: str, *, method: str, field: str) -> None:
        super().__init__(url, detail=field)
        self.method = method
        self.field = field
        self.sent = True


class TimeUnreadable(InvalidResponse):
    """The server's time is invalid, and an option needs it."""

    def __init__(self, url: str, *, method: str, option: str) -> None:
        super().__init__(url, method=method, field="")
        self.option = option


class XapiFailure(HostError):
    """XAPI answered a call with an error."""

    def __init__(self, url: str, *, method: str, code: str, params: Sequence[str]) -> None:
        super().__init__(url, detail=code)
        self.method = method
        self.code = code
        self.params = tuple(params)


class MasterNotFound(HostError):
    """The members name each other as the pool's master, and none is it."""


class MasterElsewhere(HostError):
    """The member is not the pool's master, and follow_master is false."""

    def __init__(self, url: str, *, master: str) -> None:
        super().__init__(url, detail=master)
        self.master = master


class MasterAddressUnusable(HostError):
    """A member names the pool's master by an invalid address."""

    def __init__(self, url: str, *, address: str) -> None:
        super().__init__(url, detail=address)
        self.address = address


class OtherPool(HostError):
    """The host does not belong to the expected pool."""

    def __init__(self, url: str, *, expected: str, found: str) -> None:
        super().__init__(url, detail=found)
        self.expected = expected
        self.found = found


class GivenSessionUnknown(HostError):
    """The host does not know the session in session_ref."""


class GivenSessionLost(HostError):
    """The session in session_ref ended while it was in use."""


class NoHostAnswered(XapiError):
    """All listed hosts failed; attempts has one error for each."""

    def __init__(self, attempts: Sequence[HostError]) -> None:
        super().__init__(len(attempts))
        self.attempts = tuple(attempts)


def drop_tracebacks(error: XapiError) -> XapiError:
    """Return the error without tracebacks, whose frames would keep received data in memory."""
    for one in (error, *getattr(error, "attempts", ())):
        one.__traceback__ = one.__cause__ = one.__context__ = None
    return error


_HIDDEN = "(hidden)"


def redact(code: str, params: Sequence[str], *, secrets: Sequence[str] = ()) -> list[str]:
    """Return the parameters of an error without secrets; those of SESSION_INVALID are secret."""
    if code == "SESSION_INVALID":
        return [_HIDDEN for _param in params]
    return [hide_texts(param, secrets) for param in params]


def hide_texts(text: str, secrets: Iterable[str]) -> str:
    """Return a text without secrets. The longest is first, since it may contain another one."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text
