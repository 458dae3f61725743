# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._certificates import (
    WrongFingerprint,
    fingerprint_at,
    harden,
    reason_of,
    sha256_of,
    tls_error,
)
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    CertificateOutOfTime,
    CertificateUntrusted,
    CertificateWrongName,
    FingerprintMismatch,
    PortWithoutTls,
    TlsFailed,
)
from ansible_collections.xen.xapi.tests.simulator.certificate import Certificate

URL = "https://xcp1"


@pytest.fixture(scope="module")
def certificate():
    made = Certificate(["127.0.0.1"])
    yield made
    made.remove()


@pytest.fixture
def port(certificate):
    """Where one handshake is made, with whoever comes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        accepted, _address = listener.accept()
        # Who does not like what it sees hangs up.
        with contextlib.suppress(OSError):
            certificate.context.wrap_socket(accepted, server_side=True).recv(1)
        accepted.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.close()


def pinned(fingerprints):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    harden(context, fingerprints)
    return context


def shake_hands(context, port):
    with socket.create_connection(("127.0.0.1", port)) as plain:
        context.wrap_socket(plain).close()


def shake_hands_in_memory(context, port):
    """As within the TLS of a proxy, where there is no socket to wrap."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    secured = context.wrap_bio(incoming, outgoing)
    with socket.create_connection(("127.0.0.1", port)) as plain:
        while True:
            try:
                secured.do_handshake()
                return
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(65536))


def test_fingerprints_are_written_as_openssl_writes_them(certificate):
    der = ssl.PEM_cert_to_DER_cert(certificate.pem.read_text())
    assert sha256_of(der) == certificate.fingerprint


def test_the_least_version_of_tls():
    assert pinned(()).minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("shake", [shake_hands, shake_hands_in_memory])
def test_a_pinned_certificate_passes(port, certificate, shake):
    shake(pinned({"AA:BB", certificate.fingerprint}), port)


@pytest.mark.parametrize("shake", [shake_hands, shake_hands_in_memory])
def test_another_certificate_does_not_pass(port, certificate, shake):
    with pytest.raises(WrongFingerprint) as caught:
        shake(pinned({"AA:BB"}), port)
    assert caught.value.seen == certificate.fingerprint


def test_the_fingerprint_of_a_host(port, certificate):
    assert fingerprint_at("127.0.0.1", port, seconds=30) == certificate.fingerprint


def test_the_fingerprint_of_no_host():
    assert fingerprint_at("127.0.0.1", 1, seconds=30) is None
    assert fingerprint_at("a" * 80, 1, seconds=30) is None


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
        (verification_error(23), TlsFailed, "what OpenSSL says"),
        (ssl_error("WRONG_VERSION_NUMBER"), PortWithoutTls, "wrong version number"),
        (ssl_error("HTTP_REQUEST"), PortWithoutTls, "http request"),
        (ssl_error("RECORD_LAYER_FAILURE"), PortWithoutTls, "record layer failure"),
        (ssl_error("NO_PROTOCOLS_AVAILABLE"), TlsFailed, "no protocols available"),
        (WrongFingerprint("AA:BB"), FingerprintMismatch, "AA:BB"),
    ],
)
def test_what_errors_mean(cause, kind, detail):
    error = tls_error(URL, [ValueError(), cause], fingerprints={"C", "B"})
    assert (type(error), error.url, error.detail) == (kind, URL, detail)
    if kind is FingerprintMismatch:
        assert error.expected == ("B", "C")


def test_other_errors_mean_nothing_here():
    assert tls_error(URL, [ValueError(), OSError()], fingerprints=()) is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ssl_error("NO_CIPHERS"), "no ciphers"),
        (OSError(2, "No such file or directory"), "No such file or directory"),
        (ValueError("a text"), "a text"),
        (ValueError(), "ValueError"),
    ],
)
def test_reasons(error, reason):
    assert reason_of(error) == reason
