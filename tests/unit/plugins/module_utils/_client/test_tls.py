# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._client.tls import (
    check_peer,
    compute_fingerprint,
    fetch_fingerprint,
    harden,
)
from ansible_collections.xen.xapi.plugins.module_utils._client.tls_errors import (
    WrongFingerprint,
    format_reason,
)
from ansible_collections.xen.xapi.tests.simulator.certificate import Certificate


@pytest.fixture(scope="module")
def certificate():
    made = Certificate(["127.0.0.1"])
    yield made
    made.remove()


@pytest.fixture
def port(certificate):
    """The port of a server that accepts one TLS handshake."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        accepted, _address = listener.accept()
        # A client that rejects the certificate closes the connection.
        with contextlib.suppress(OSError):
            certificate.context.wrap_socket(accepted, server_side=True).recv(1)
        accepted.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.close()


class Connected:
    """Stands for a socket after the handshake."""

    def __init__(self, version, certificate=b"certificate"):
        self._version = version
        self._certificate = certificate

    def version(self):
        return self._version

    def getpeercert(self, *, binary_form):
        assert binary_form
        return self._certificate


def test_sha256_fingerprint_is_colon_separated_uppercase_hex(certificate):
    der = ssl.PEM_cert_to_DER_cert(certificate.pem.read_text())
    assert compute_fingerprint(der) == certificate.fingerprint


def test_hardened_context_requires_tls_1_2_or_later():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    harden(context)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3", "TLSv1.4", "TLSv2"])
def test_peer_with_tls_1_2_or_later_is_accepted(version):
    check_peer(Connected(version), ())


@pytest.mark.parametrize("version", ["SSLv3", "TLSv1", "TLSv1.1", "Unknown", "", None])
def test_peer_with_old_or_unknown_tls_version_is_rejected(version):
    with pytest.raises(ssl.SSLError) as caught:
        check_peer(Connected(version), ())
    assert "older than TLS 1.2" in format_reason(caught.value)


def test_peer_with_pinned_certificate_is_accepted():
    check_peer(Connected("TLSv1.3"), {"AA:BB", compute_fingerprint(b"certificate")})


@pytest.mark.parametrize("certificate", [b"other", b"", None])
def test_peer_with_unpinned_or_missing_certificate_is_rejected(certificate):
    with pytest.raises(WrongFingerprint) as caught:
        check_peer(
            Connected("TLSv1.3", certificate), {"AA:BB", compute_fingerprint(b"certificate")}
        )
    assert caught.value.seen == compute_fingerprint(certificate or b"")


def test_fingerprint_of_served_certificate_is_returned(port, certificate):
    assert fetch_fingerprint("127.0.0.1", port, seconds=30) == certificate.fingerprint


def test_fingerprint_of_unreachable_host_is_none():
    assert fetch_fingerprint("127.0.0.1", 1, seconds=30) is None
    assert fetch_fingerprint("a" * 80, 1, seconds=30) is None
