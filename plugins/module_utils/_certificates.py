# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import hashlib
import os
import socket
import ssl
from typing import Any, Collection, Iterable

from ._errors import (
    CertificateOutOfTime,
    CertificateUntrusted,
    CertificateWrongName,
    FingerprintMismatch,
    HostError,
    PortWithoutTls,
    TlsFailed,
    TrustUnusable,
)
from ._values import with_colons

_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# OpenSSL's numbers (X509_V_ERR_...): chains without a trusted end, dates, names that do not match.
_KINDS_BY_CODE: dict[int, type[HostError]] = {
    **dict.fromkeys((2, 18, 19, 20, 21, 27), CertificateUntrusted),
    **dict.fromkeys((9, 10), CertificateOutOfTime),
    **dict.fromkeys((62, 64), CertificateWrongName),
}
# What OpenSSL says, from version to version, to bytes that are not TLS.
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


class WrongFingerprint(ssl.SSLError):
    """The certificate of the other side is none of those that are trusted."""

    def __init__(self, seen: str) -> None:
        super().__init__(ssl.SSL_ERROR_SSL, "wrong fingerprint")
        self.seen = seen


def sha256_of(certificate: bytes) -> str:
    """The fingerprint of a certificate in DER."""
    return with_colons(hashlib.sha256(certificate).hexdigest())


def harden(context: ssl.SSLContext, fingerprints: Collection[str]) -> None:
    """Let the context agree to TLS 1.2 at least, and to these certificates alone if there are any.

    A certificate is looked at as the last step of the handshake, so before the context's user
    gets the connection to send anything over it.
    """
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not fingerprints:
        return

    def check(certificate: bytes | None) -> None:
        seen = sha256_of(certificate or b"")
        if seen not in fingerprints:
            raise WrongFingerprint(seen)

    class PinnedSocket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            check(self.getpeercert(binary_form=True))

    # TLS within the TLS of a proxy is done without a socket of its own.
    class PinnedObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            check(self.getpeercert(binary_form=True))

    context.sslsocket_class = PinnedSocket
    context.sslobject_class = PinnedObject


def fingerprint_at(host: str, port: int, *, seconds: float) -> str | None:
    """The fingerprint that a host shows to anyone; nothing is sent to it but the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    harden(context, ())
    try:
        plain = socket.create_connection((host, port), timeout=seconds)
        with plain, context.wrap_socket(plain, server_hostname=host) as secured:
            certificate = secured.getpeercert(binary_form=True)
    except (OSError, ValueError):
        return None
    return sha256_of(certificate) if certificate else None


def authorities(ca_path: str | None) -> str | bool:
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
        raise TrustUnusable(source, path=path, detail=reason_of(error)) from error
    return path


def tls_error(
    url: str, causes: Iterable[BaseException], *, fingerprints: Collection[str]
) -> HostError | None:
    """The error of ours for the first cause that is about certificates or about TLS at all."""
    for cause in causes:
        # Older versions of urllib3 compare the names themselves, with an error of their own.
        if type(cause).__name__ == "CertificateError":
            return CertificateWrongName(url, detail=str(cause))
        if isinstance(cause, WrongFingerprint):
            return FingerprintMismatch(url, expected=sorted(fingerprints), seen=cause.seen)
        if isinstance(cause, ssl.SSLCertVerificationError):
            kind = _KINDS_BY_CODE.get(cause.verify_code, TlsFailed)
            return kind(url, detail=cause.verify_message)
        if isinstance(cause, ssl.SSLError):
            kind = PortWithoutTls if cause.reason in _NOT_TLS else TlsFailed
            return kind(url, detail=reason_of(cause))
    return None


def reason_of(error: Any) -> str:
    """What an error of the system or of OpenSSL says, without numbers and places in its source."""
    reason = getattr(error, "reason", None)
    if isinstance(error, ssl.SSLError) and reason:
        return str(reason).replace("_", " ").lower()
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
