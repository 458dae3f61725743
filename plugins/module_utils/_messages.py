# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any

from ._error_codes import describe_error, escape_parameter
from ._errors import (
    AnswerTooLarge,
    CallerGone,
    CertificateInvalid,
    CertificateOutOfTime,
    CertificateUntrusted,
    CertificateWrongName,
    ConnectionCut,
    ConnectionRefused,
    FingerprintMismatch,
    GivenSessionLost,
    GivenSessionUnknown,
    HostError,
    HostUnreachable,
    Interrupted,
    InvalidResponse,
    MasterAddressUnusable,
    MasterElsewhere,
    MasterNotFound,
    NameUnknown,
    NoHostAnswered,
    NothingSelected,
    OptionError,
    OtherPool,
    PortWithoutTls,
    ProxyFailed,
    RequestFailed,
    RequestTimedOut,
    TimeUnreadable,
    TlsFailed,
    TrustUnusable,
    UnexpectedAnswer,
    XapiError,
    XapiFailure,
)
from ._text import escape, join_limited, show_value

_STILL_BOOTING = "HOST_STILL_BOOTING"
_SENTENCES: dict[type[XapiError], str] = {
    AnswerTooLarge: "The response of {url} is longer than {limit} bytes and was discarded.",
    CallerGone: "Stopped, since Ansible does not wait for the result any more.",
    CertificateInvalid: (
        "The certificate of {url} does not pass the checks of this Python ({detail}): "
        "replace it on the host, or give the host's fingerprint in cert_fingerprint."
    ),
    CertificateOutOfTime: (
        "The certificate of {url} is not valid at this time ({detail}): "
        "renew it on the host, or correct the clock of this machine if it is wrong; "
        "cert_fingerprint trusts a certificate whatever its dates."
    ),
    CertificateUntrusted: (
        "The certificate of {url} is not signed by a trusted authority ({detail}): "
        "give the authority's certificate, or the host's own, in ca_path, "
        "or the host's fingerprint in cert_fingerprint."
    ),
    CertificateWrongName: (
        "The certificate of {url} is for another name ({detail}): "
        "write the name of the certificate in hostname, or give cert_fingerprint."
    ),
    ConnectionCut: "The connection to {url} was closed before the answer was complete.",
    ConnectionRefused: (
        "{url} refused the connection: check hostname and port, and that XAPI is running there."
    ),
    FingerprintMismatch: (
        "The certificate of {url} has the fingerprint {seen}, but cert_fingerprint has {wanted}; "
        "nothing was sent. If the certificate was replaced on purpose, give its new fingerprint."
    ),
    GivenSessionLost: (
        "The session of session_ref ended during a request to {url}, so the outcome is unknown. "
        "Log in again and give the new session_ref, or give a password instead."
    ),
    GivenSessionUnknown: (
        "{url} does not know the session of session_ref; it has ended or never existed. "
        "Log in again and give the new session_ref, or give a password instead."
    ),
    HostUnreachable: (
        "{url} cannot be reached ({detail}): check hostname and the network in between."
    ),
    Interrupted: "Stopped by {signal}.",
    MasterAddressUnusable: (
        "{url} names '{address}' as the pool's master, which is not a plain host name or address "
        "and is not followed: list the master in hostname."
    ),
    MasterElsewhere: (
        "{url} is a supporter of its pool, and the master is {master}: "
        "list the master in hostname, or set follow_master to true."
    ),
    MasterNotFound: (
        "No pool master found: {url} and the hosts it refers to name each other as the master. "
        "Wait until the pool has a master again, or check hostname."
    ),
    NameUnknown: "The name in {url} cannot be resolved: check hostname.",
    InvalidResponse: (
        "{url} returned an invalid response to {method}{where}: check for a proxy in between; "
        "otherwise please report it with the pool's version."
    ),
    OtherPool: (
        "This is another pool: {url} belongs to the pool {found}, but {expected} is expected. "
        "Check hostname and pool_uuid."
    ),
    PortWithoutTls: (
        "{url} answers without TLS ({detail}): the port is for plain HTTP or for another service. "
        "Check port; http:// in hostname would send the password unencrypted."
    ),
    ProxyFailed: (
        "The proxy of the environment cannot reach {url} ({detail}): "
        "check the variables https_proxy, http_proxy and no_proxy."
    ),
    RequestFailed: "The request to {url} failed ({detail}): check hostname and port.",
    RequestTimedOut: (
        "{url} did not answer within {seconds:g} s: "
        "check hostname, port and the state of the host{or_raise}."
    ),
    TimeUnreadable: (
        "argument '{option}' needs the clock of the pool's master, but {url} returned an invalid "
        "time to {method}."
    ),
    TlsFailed: (
        "No TLS connection to {url} ({detail}): check hostname, and that port is an HTTPS port."
    ),
    TrustUnusable: (
        "{source} names {path}, which cannot be used ({detail}): "
        "it must be a file of PEM certificates, or a directory of them with OpenSSL's hash names."
    ),
    UnexpectedAnswer: (
        "{url} answered, but not with a response of XAPI (HTTP status {status}, '{content_type}'): "
        "check hostname and port."
    ),
}
_FINGERPRINT = """ It has this fingerprint:
cert_fingerprint: "{fingerprint}\""""
_COMPARE = (
    "Before you trust it, compare it with the output of this command on the host itself: "
    "openssl x509 -noout -fingerprint -sha256 -in /etc/xensource/xapi-ssl.pem"
)
_MAX_PROBLEM = 1000
_MAX_ATTEMPTS = 1500
_FAILURE_SENTENCES = {
    _STILL_BOOTING: "{url} is still starting: try again, or list another member in hostname.",
    "RBAC_PERMISSION_DENIED": (
        "{url} denies {method} to this account. {words} "
        "Give an account with another role in username."
    ),
    "SESSION_AUTHENTICATION_FAILED": (
        "Login to {url} failed. {words} Check username and password."
    ),
}
_ANY_FAILURE_SENTENCE = "{method} failed on {url}: {words} ({code})"


def error_message(error: XapiError, *, comparing: bool = True) -> str:
    """Return the message for an error, for the author of the playbook.

    If comparing is false, leave out how to compare a fingerprint.
    """
    if isinstance(error, NothingSelected):
        return f"one of the following is required: {error.option}{error.problem}."
    if isinstance(error, OptionError):
        value = "" if error.value is None else f": {show_value(error.value)}"
        option, problem = escape_parameter(error.option), escape(error.problem, limit=_MAX_PROBLEM)
        return f"argument '{option}'{value} {problem}."
    if isinstance(error, NoHostAnswered):
        return _format_no_host_answered(error)
    if isinstance(error, XapiFailure):
        template = _FAILURE_SENTENCES.get(error.code, _ANY_FAILURE_SENTENCE)
        sentence = template.format(
            **_format_attributes(error), words=describe_error(error.code, error.params)
        )
    else:
        sentence = _SENTENCES[type(error)].format(**_format_attributes(error))
    if isinstance(error, ConnectionCut) and error.url.startswith("http://"):
        sentence += (
            " An HTTPS port does that with http://: write https:// in hostname, or no scheme."
        )
    if isinstance(error, HostError) and error.reported_by is not None:
        sentence += f" ({escape_parameter(error.reported_by)} names it as the pool's master.)"
    if isinstance(error, CertificateUntrusted) and error.fingerprint is not None:
        sentence += _FINGERPRINT.format(fingerprint=error.fingerprint)
        if comparing:
            sentence += f"\n{_COMPARE}"
    return sentence


def _format_attributes(error: XapiError) -> dict[str, Any]:
    """Return the attributes of an error for a sentence, with escapes, since hosts wrote them."""
    held = {
        name: escape_parameter(v) if isinstance(v, str) else v for name, v in vars(error).items()
    }
    if isinstance(error, FingerprintMismatch):
        held["wanted"] = join_limited(
            [escape_parameter(one) for one in error.expected],
            separator=" or ",
            remainder=" or {} more",
        )
    if isinstance(error, RequestTimedOut):
        held["or_raise"] = "" if error.by_overall_deadline else ", or raise request_timeout"
    if isinstance(error, InvalidResponse):
        held["where"] = f" ({held['field']})" if error.field else ""
    return held


def _format_no_host_answered(error: NoHostAnswered) -> str:
    count = len(error.attempts)
    if all(isinstance(one, XapiFailure) and one.code == _STILL_BOOTING for one in error.attempts):
        urls = join_limited([escape_parameter(attempt.url) for attempt in error.attempts])
        return f"All {count} hosts in hostname are still starting ({urls}): try again in a minute."
    shown = [error_message(attempt, comparing=False) for attempt in error.attempts]
    # A fingerprint has a line of its own, so the next sentence begins on a new line.
    for index, attempt in enumerate(error.attempts):
        shown[index] += "\n" if getattr(attempt, "fingerprint", None) else " "
    sentences = join_limited(shown, limit=_MAX_ATTEMPTS, separator="", remainder="And {} more. ")
    if any(getattr(attempt, "fingerprint", None) for attempt in error.attempts):
        sentences += _COMPARE
    return f"None of the {count} hosts in hostname could be used. {sentences}".rstrip()
