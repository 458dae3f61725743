# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import hashlib
import os
import re
import socket
import ssl
from typing import Any, Collection

from .._errors import TrustUnusable
from .._validators import format_fingerprint

_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_TLS_1_2_OR_LATER = re.compile(r"TLSv(?:1\.[2-9]|[2-9])")


def compute_fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 fingerprint of a certificate in DER."""
    return format_fingerprint(hashlib.sha256(certificate).hexdigest())


def harden(context: ssl.SSLContext) -> None:
    """Require TLS 1.2 or later.

    A context that replaces CPython's, such as that of pyOpenSSL, may ignore the attribute. So
    check_peer checks the version again.
    """
    context.minimum_version = ssl.TLSVersion.TLSv1_2


def check_peer(connected: Any, fingerprints: Collection[str]) -> None:
    """Raise unless a socket after the handshake has TLS 1.2 and one of these certificates.

    Without fingerprints, accept any certificate. Only the connected socket shows reliably which
    version and certificate are in use: truststore, pip-system-certs and pyOpenSSL replace the
    context unnoticed, and read only some of its attributes.
    """
    version = connected.version()
    if not _TLS_1_2_OR_LATER.match(version or ""):
        raise ssl.SSLError(ssl.SSL_ERROR_SSL, f"{version} is older than TLS 1.2")
    if fingerprints:
        seen = compute_fingerprint(connected.getpeercert(binary_form=True) or b"")
        if seen not in fingerprints:
            from .tls_errors import WrongFingerprint

            raise WrongFingerprint(seen)


def fetch_fingerprint(host: str, port: int, *, seconds: float) -> str | None:
    """Return the fingerprint of a host's certificate, or None; send only the TLS handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    harden(context)
    try:
        plain = socket.create_connection((host, port), timeout=seconds)
        with plain, context.wrap_socket(plain, server_hostname=host) as secured:
            certificate = secured.getpeercert(binary_form=True)
    except (OSError, ValueError):
        return None
    return compute_fingerprint(certificate) if certificate else None


def find_ca_bundle(ca_path: str | None) -> str | bool:
    """Return the CA bundle of the option, else of the environment, else True for the default."""
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
    except (OSError, ValueError) as error:
        from .tls_errors import format_reason

        raise TrustUnusable(source, path=path, detail=format_reason(error)) from error
    return path
