# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Sequence


class XapiError(Exception):
    """The root of what this collection raises; the data is in the attributes."""


class OptionError(XapiError):
    """An option has a value that cannot be meant; a secret value is left out."""

    def __init__(self, option: str, *, problem: str, value: Any = None) -> None:
        super().__init__(option, problem)
        self.option = option
        self.problem = problem
        self.value = value


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


class HostError(XapiError):
    """Something went wrong with one host; named_by is the member that called it the master."""

    def __init__(self, url: str, *, detail: str = "") -> None:
        super().__init__(url, detail)
        self.url = url
        self.detail = detail
        self.named_by: str | None = None


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


class CertificateUntrusted(TlsFailed):
    """The certificate is not signed by an authority that is trusted here."""


class CertificateWrongName(TlsFailed):
    """The certificate is for another name."""


class RequestTimedOut(HostError):
    """The answer was not complete within the time limit."""

    def __init__(self, url: str, *, seconds: float) -> None:
        super().__init__(url)
        self.seconds = seconds


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


class XapiFailure(HostError):
    """XAPI answered a call with an error."""

    def __init__(self, url: str, *, method: str, code: str, params: Sequence[str]) -> None:
        super().__init__(url, detail=code)
        self.method = method
        self.code = code
        self.params = tuple(params)


class MasterNotFound(HostError):
    """The members name one another as the pool's master, but none says that it is."""


class NoHostAnswered(XapiError):
    """Every listed host failed; one error for each."""

    def __init__(self, attempts: Sequence[HostError]) -> None:
        super().__init__(len(attempts))
        self.attempts = tuple(attempts)


# What the common codes mean; {0} is the first parameter that follows the code.
_PLAIN_WORDS = {
    "CANNOT_CONTACT_HOST": "The pool master cannot reach the host {0}.",
    "HANDLE_INVALID": "There is no {0} with the reference {1}; it may have been deleted.",
    "HOST_DISABLED": "The host {0} is disabled: it takes no new virtual machines.",
    "HOST_HAS_NO_MANAGEMENT_IP": "The host has no address on its management network.",
    "HOST_IS_SLAVE": "The host is a supporter of its pool; the master is {0}.",
    "HOST_NOT_ENOUGH_FREE_MEMORY": (
        "The host has too little free memory: {0} bytes are needed, {1} are free."
    ),
    "HOST_OFFLINE": "The host {0} is not running or does not answer the pool master.",
    "HOST_STILL_BOOTING": "The host is still starting its services.",
    "INTERNAL_ERROR": "The server met an error of its own: {0}.",
    "INVALID_VALUE": "The server does not accept the value {0}.",
    "LICENCE_RESTRICTION": "The licence of the pool does not include the feature {0}.",
    "MESSAGE_METHOD_UNKNOWN": "The server does not know the method {0}; it may be too old for it.",
    "NO_HOSTS_AVAILABLE": "No host of the pool can take the virtual machine.",
    "OPERATION_NOT_ALLOWED": "The server does not allow this now: {0}.",
    "OTHER_OPERATION_IN_PROGRESS": "Another operation is using the {0} {1}.",
    "RBAC_PERMISSION_DENIED": "The role of the account lacks the permission {0}.",
    "SESSION_AUTHENTICATION_FAILED": "The user name or the password is wrong.",
    "SESSION_INVALID": "The session does not exist any more.",
    "SR_BACKEND_FAILURE_44": "The storage repository has too little free space.",
    "SR_BACKEND_FAILURE_46": "The virtual disk cannot be used now; another host may hold it.",
    "SR_FULL": "The storage repository is full: {0} bytes were asked for, {1} is the most.",
    "SR_HAS_NO_PBDS": "No host is connected to the storage repository {0}.",
    "TASK_CANCELLED": "The task was cancelled.",
    "TOO_MANY_PENDING_TASKS": "Too many operations wait in the server; try again later.",
    "UUID_INVALID": "There is no {0} with the uuid {1}.",
    "VDI_IN_USE": "The virtual disk {0} is in use.",
    "VDI_NOT_AVAILABLE": "The virtual disk {0} cannot be used now.",
    "VM_BAD_POWER_STATE": (
        "The virtual machine {0} is in the wrong power state; this needs it to be {1}."
    ),
    "VM_HAS_PCI_ATTACHED": "The virtual machine {0} has a PCI device of its host attached.",
    "VM_LACKS_FEATURE": "The guest of the virtual machine {0} does not support this.",
    "VM_MIGRATE_FAILED": "The virtual machine {0} could not be moved from host {1} to {2}: {3}.",
    "VM_MISSING_PV_DRIVERS": "The virtual machine {0} runs without the drivers that this needs.",
    "VM_REQUIRES_SR": "The virtual machine {0} needs the storage repository {1} on its host.",
    "VM_SHUTDOWN_TIMEOUT": "The virtual machine {0} did not shut down within {1} seconds.",
}
_MOST_PARAMETERS = 4
_HIDDEN = "(hidden)"


def plain_words(code: str, params: Sequence[str]) -> str:
    """One sentence for an error of XAPI; the code itself where there are no better words."""
    template = _PLAIN_WORDS.get(code)
    if template is not None:
        return template.format(*params, *["(not said)"] * _MOST_PARAMETERS)
    return f"{code}: {', '.join(params)}" if params else code


def redacted(code: str, params: Sequence[str], *, secrets: Sequence[str] = ()) -> list[str]:
    """The parameters of an error without the secrets; SESSION_INVALID has a session in them."""
    if code == "SESSION_INVALID":
        return [_HIDDEN for _param in params]
    hidden = list(params)
    for secret in filter(None, secrets):
        hidden = [param.replace(secret, _HIDDEN) for param in hidden]
    return hidden
