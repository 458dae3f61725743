# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import ssl
from typing import Any, Collection, Iterable

from .._errors import (
    CertificateInvalid,
    CertificateOutOfTime,
    CertificateUntrusted,
    CertificateWrongName,
    FingerprintMismatch,
    HostError,
    PortWithoutTls,
    TlsFailed,
)

# OpenSSL's numbers (X509_V_ERR_...): chains without a trusted end, dates, wrong names.
_ERRORS_BY_CODE: dict[int | None, type[HostError]] = {
    **dict.fromkeys((2, 18, 19, 20, 21, 27), CertificateUntrusted),
    **dict.fromkeys((9, 10), CertificateOutOfTime),
    **dict.fromkeys((62, 64), CertificateWrongName),
}
# Reasons that various versions of OpenSSL give for bytes that are not TLS.
_NOT_TLS = frozenset(
    {
        "HTTP_REQUEST",
        "HTTPS_PROXY_REQUEST",
        "PACKET_LENGTH_TOO_LONG",
        "RECORD_LAYER_FAILURE",
        "UNKNOWN_PROTOCOL",
        "WRONG_VERSION_NUMBER",
    }
)
_CUT_OFF = frozenset({"CONNRESET", "UNEXPECTED_EOF"})
_NOT_VERIFIED = "CERTIFICATE_VERIFY_FAILED"


class WrongFingerprint(ssl.SSLError):
    """The certificate of the host is not one of the trusted ones."""

    def __init__(self, seen: str) -> None:
        super().__init__(ssl.SSL_ERROR_SSL, "wrong fingerprint")
        self.seen = seen


def is_cut_off(causes: Iterable[BaseException]) -> bool:
    """Return whether the host closed the connection, during the handshake or after it."""
    return any(isinstance(cause, ssl.SSLError) and _is_cut_off(cause) for cause in causes)


def _is_cut_off(error: ssl.SSLError) -> bool:
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)):
        return True
    return _has_reason(error, _CUT_OFF)


def translate_tls_error(
    url: str, causes: Iterable[BaseException], *, fingerprints: Collection[str]
) -> HostError | None:
    """Return the error of this collection for the first cause that is about TLS, or None."""
    for cause in causes:
        # Older versions of urllib3 compare the names themselves, and raise this.
        if type(cause).__name__ == "CertificateError":
            return CertificateWrongName(url, detail=str(cause))
        if isinstance(cause, WrongFingerprint):
            return FingerprintMismatch(url, expected=sorted(fingerprints), seen=cause.seen)
        if isinstance(cause, ssl.SSLCertVerificationError):
            code = getattr(cause, "verify_code", None)
            detail = getattr(cause, "verify_message", None) or format_reason(cause)
            return _ERRORS_BY_CODE.get(code, CertificateInvalid)(url, detail=detail)
        if isinstance(cause, ssl.SSLError):
            if _has_reason(cause, {_NOT_VERIFIED}):
                return CertificateUntrusted(url, detail=_NOT_VERIFIED.replace("_", " ").lower())
            kind = PortWithoutTls if _has_reason(cause, _NOT_TLS) else TlsFailed
            return kind(url, detail=format_reason(cause))
    return None


def _has_reason(error: ssl.SSLError, reasons: Collection[str]) -> bool:
    """Return whether an error has one of OpenSSL's reasons.

    CPython has it in an attribute. If urllib3 converts an error of pyOpenSSL, only its text has
    the reason.
    """
    text = f"{getattr(error, 'reason', None)} {error}".upper().replace(" ", "_")
    return any(reason in text for reason in reasons)


def format_reason(error: Any) -> str:
    """Return the text of a system or OpenSSL error, without numbers and source locations."""
    reason = getattr(error, "reason", None)
    if isinstance(error, ssl.SSLError) and reason:
        return str(reason).replace("_", " ").lower()
    if isinstance(error, ssl.SSLError) and not error.strerror and error.args:
        return str(error.args[-1])
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
