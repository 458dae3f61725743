# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Sequence


class XapiError(Exception):
    """The root of what this collection raises; the data is in the attributes."""

    sent = False
    """Whether a request that it put an end to may have reached the host."""


class OptionError(XapiError):
    """An option has a value that cannot be meant; a secret value is left out."""

    def __init__(self, option: str, *, problem: str, value: Any = None) -> None:
        super().__init__(option, problem)
        self.option = option
        self.problem = problem
        self.value = value


class NothingSelected(OptionError):
    """None of the options is given of which one has to be; the problem ends the sentence."""

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
    """The run was asked to stop by a signal."""

    def __init__(self, signal: str) -> None:
        super().__init__(signal)
        self.signal = signal


class CallerGone(XapiError):
    """Nobody is left who would read what the module returns."""


class HostError(XapiError):
    """Something went wrong with one host; reported_by is the member that called it the master."""

    def __init__(self, url: str, *, detail: str = "") -> None:
        super().__init__(url, detail)
        self.url = url
        self.detail = detail
        self.reported_by: str | None = None


class NameUnknown(HostError):
    """The host's name cannot be resolved."""


class ConnectionRefused(HostError):
    """Nothing listens on the port."""


class HostUnreachable(HostError):
    """The network does not lead to the host."""


class ConnectionCut(HostError):
    """The connection ended before the answer was complete."""


class ProxyFailed(HostError):
    """The proxy of the environment did not lead to the host."""


class RequestFailed(HostError):
    """The request could not be made for a reason without a name of its own."""


class TlsFailed(HostError):
    """No TLS connection could be agreed on."""


class PortWithoutTls(TlsFailed):
    """Something answers on the port, and it is not TLS."""


class CertificateUntrusted(TlsFailed):
    """The certificate is not signed by an authority that is trusted here."""

    def __init__(self, url: str, *, detail: str = "") -> None:
        super().__init__(url, detail=detail)
        self.fingerprint: str | None = None


class CertificateInvalid(CertificateUntrusted):
    """The certificate fails a check other than those of its authority, its name and its dates."""


class CertificateWrongName(TlsFailed):
    """The certificate is for another name."""


class CertificateOutOfTime(TlsFailed):
    """The certificate has expired, or is not valid yet."""


class FingerprintMismatch(TlsFailed):
    """The certificate is none of those that were asked for."""

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
        """Whether it was the end of all waiting that came first."""


class AnswerTooLarge(HostError):
    """The answer is longer than the limit."""

    def __init__(self, url: str, *, limit: int) -> None:
        super().__init__(url)
        self.limit = limit


class UnexpectedAnswer(HostError):
    """The answer is not one that XAPI gives."""

    def __init__(self, url: str, *, status: int, content_type: str) -> None:
        super().__init__(url)
        self.status = status
        self.content_type = content_type
        self.sent = True


class InvalidResponse(HostError):
    """The result of a call is not of the shape that XAPI gives it; the field is where, if known."""

    def __init__(self, url: str, *, method: str, field: str) -> None:
        super().__init__(url, detail=field)
        self.method = method
        self.field = field
        self.sent = True


class TimeUnreadable(InvalidResponse):
    """The server's time is not one, and an option needs it."""

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
    """The members name one another as the pool's master, but none says that it is."""


class MasterElsewhere(HostError):
    """The member is not the pool's master, and its master is not to be followed."""

    def __init__(self, url: str, *, master: str) -> None:
        super().__init__(url, detail=master)
        self.master = master


class MasterAddressUnusable(HostError):
    """What a member names as the pool's master is no address."""

    def __init__(self, url: str, *, address: str) -> None:
        super().__init__(url, detail=address)
        self.address = address


class OtherPool(HostError):
    """The host belongs to another pool than the one that is meant."""

    def __init__(self, url: str, *, expected: str, found: str) -> None:
        super().__init__(url, detail=found)
        self.expected = expected
        self.found = found


class GivenSessionUnknown(HostError):
    """There is no session with the reference that was given."""


class GivenSessionLost(HostError):
    """The session that was given ended while it was in use."""


class NoHostAnswered(XapiError):
    """Every listed host failed; one error for each."""

    def __init__(self, attempts: Sequence[HostError]) -> None:
        super().__init__(len(attempts))
        self.attempts = tuple(attempts)


def drop_tracebacks(error: XapiError) -> XapiError:
    """The error without tracebacks: their frames keep all that had been received by then."""
    for one in (error, *getattr(error, "attempts", ())):
        one.__traceback__ = one.__cause__ = one.__context__ = None
    return error


_HIDDEN = "(hidden)"


def redact(code: str, params: Sequence[str], *, secrets: Sequence[str] = ()) -> list[str]:
    """The parameters of an error without the secrets; SESSION_INVALID has a session in them."""
    if code == "SESSION_INVALID":
        return [_HIDDEN for _param in params]
    hidden = list(params)
    for secret in filter(None, secrets):
        hidden = [param.replace(secret, _HIDDEN) for param in hidden]
    return hidden
