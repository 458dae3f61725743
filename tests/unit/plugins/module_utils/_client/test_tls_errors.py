# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ssl

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._client.tls_errors import (
    WrongFingerprint,
    format_reason,
    is_cut_off,
    translate_tls_error,
)
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    CertificateInvalid,
    CertificateOutOfTime,
    CertificateUntrusted,
    CertificateWrongName,
    FingerprintMismatch,
    PortWithoutTls,
    TlsFailed,
)

URL = "https://xcp1"


def verification_error(code):
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = code, "what OpenSSL says"
    return error


def ssl_error(reason):
    error = ssl.SSLError(1, f"[SSL: {reason}] (_ssl.c:1006)")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("cause", "kind", "detail"),
    [
        (verification_error(9), CertificateOutOfTime, "what OpenSSL says"),
        (verification_error(10), CertificateOutOfTime, "what OpenSSL says"),
        (verification_error(18), CertificateUntrusted, "what OpenSSL says"),
        (verification_error(19), CertificateUntrusted, "what OpenSSL says"),
        (verification_error(20), CertificateUntrusted, "what OpenSSL says"),
        (verification_error(62), CertificateWrongName, "what OpenSSL says"),
        (verification_error(64), CertificateWrongName, "what OpenSSL says"),
        (verification_error(23), CertificateInvalid, "what OpenSSL says"),
        (verification_error(85), CertificateInvalid, "what OpenSSL says"),
        (ssl.SSLCertVerificationError("by a wrapper"), CertificateInvalid, "by a wrapper"),
        (ssl_error("CERTIFICATE_VERIFY_FAILED"), CertificateUntrusted, "certificate verify failed"),
        (
            ssl.SSLError(
                "bad handshake: Error([('SSL routines', '', 'certificate verify failed')])"
            ),
            CertificateUntrusted,
            "certificate verify failed",
        ),
        (ssl.SSLError("('SSL routines', '', 'wrong version number')"), PortWithoutTls, None),
        (ssl.SSLError(1, "no protocols available"), TlsFailed, "no protocols available"),
        (ssl_error("WRONG_VERSION_NUMBER"), PortWithoutTls, "wrong version number"),
        (ssl_error("HTTP_REQUEST"), PortWithoutTls, "http request"),
        (ssl_error("RECORD_LAYER_FAILURE"), PortWithoutTls, "record layer failure"),
        (ssl_error("NO_PROTOCOLS_AVAILABLE"), TlsFailed, "no protocols available"),
        (WrongFingerprint("AA:BB"), FingerprintMismatch, "AA:BB"),
    ],
)
def test_ssl_error_maps_to_specific_tls_error(cause, kind, detail):
    error = translate_tls_error(URL, [ValueError(), cause], fingerprints={"C", "B"})
    assert (type(error), error.url) == (kind, URL)
    assert detail in (None, error.detail)
    if kind is FingerprintMismatch:
        assert error.expected == ("B", "C")


@pytest.mark.parametrize(
    ("error", "is_cut"),
    [
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), True),
        (ssl.SSLZeroReturnError(6, "TLS/SSL connection has been closed"), True),
        (ssl.SSLSyscallError(5, "Some I/O error occurred"), True),
        (ssl_error("UNEXPECTED_EOF_WHILE_READING"), True),
        (ssl.SSLError("bad handshake: SysCallError(-1, 'Unexpected EOF')"), True),
        (ssl.SSLError("bad handshake: SysCallError(104, 'ECONNRESET')"), True),
        (ssl_error("WRONG_VERSION_NUMBER"), False),
        (ssl_error("TLSV1_ALERT_PROTOCOL_VERSION"), False),
        (verification_error(18), False),
        (WrongFingerprint("AA:BB"), False),
        (ValueError("UNEXPECTED_EOF"), False),
    ],
    ids=str,
)
def test_detects_ssl_errors_caused_by_closed_connection(error, is_cut):
    assert is_cut_off([ValueError(), error]) is is_cut


def test_non_ssl_errors_are_not_tls_errors():
    assert translate_tls_error(URL, [ValueError(), OSError()], fingerprints=()) is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ssl_error("NO_CIPHERS"), "no ciphers"),
        (OSError(2, "No such file or directory"), "No such file or directory"),
        (ValueError("a text"), "a text"),
        (ValueError(), "ValueError"),
    ],
)
def test_reason_is_ssl_reason_strerror_message_or_type_name(error, reason):
    assert format_reason(error) == reason
