# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trust in certificates."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import subprocess
import threading

import pytest
import requests

from ansible_collections.xen.xapi.plugins.module_utils._client import http_client as _http_client
from ansible_collections.xen.xapi.plugins.module_utils._client.endpoint import Endpoint
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    CertificateInvalid,
    CertificateOutOfTime,
    CertificateUntrusted,
    CertificateWrongName,
    ConnectionCut,
    FingerprintMismatch,
    PortWithoutTls,
    TlsFailed,
    TrustUnusable,
)
from ansible_collections.xen.xapi.tests.support.connect_proxy import ConnectProxy
from ansible_collections.xen.xapi.tests.support.raw_server import (
    FOREVER,
    OK,
    LeapingClock,
    RawServer,
    post_to,
    send_and_close,
    transport_for,
)


def test_certificate_in_ca_path_file_is_trusted(certificate):
    own = certificate("127.0.0.1")
    assert post_to(own, ca_path=str(own.pem)).body == b"{}"


def test_ca_path_directory_trusts_only_its_certificates(certificate, tmp_path):
    own = certificate("127.0.0.1")
    (tmp_path / f"{subject_hash(own.pem)}.0").write_bytes(own.pem.read_bytes())
    assert post_to(own, ca_path=str(tmp_path)).body == b"{}"
    with pytest.raises(CertificateUntrusted):
        post_to(certificate("127.0.0.1"), ca_path=str(tmp_path))


def test_self_signed_certificate_error_includes_fingerprint(certificate):
    own = certificate("127.0.0.1")
    with pytest.raises(CertificateUntrusted) as caught:
        post_to(own)
    assert "self" in caught.value.detail
    assert caught.value.fingerprint == own.fingerprint
    assert not caught.value.sent


def test_certificate_outside_ca_path_is_rejected(certificate):
    with pytest.raises(CertificateUntrusted):
        post_to(certificate("127.0.0.1"), ca_path=str(certificate("localhost").pem))


class OneHandshake:
    """Stands for a context; records a second handshake and does not answer it."""

    def __init__(self, context, tell):
        self._contexts = [context]
        self._tell = tell
        self.forever = threading.Event()

    def wrap_socket(self, connection, **options):
        if not self._contexts:
            self._tell()
            self.forever.wait(FOREVER)
            raise OSError
        return self._contexts.pop().wrap_socket(connection, **options)


def test_unreadable_fingerprint_is_omitted_from_error(certificate):
    clock = LeapingClock()
    context = OneHandshake(certificate("127.0.0.1").context, clock.leap)
    with RawServer(OK, context=context) as wire, pytest.raises(CertificateUntrusted) as caught:
        transport_for(clock=clock).post(wire.endpoint, "/", b"{}")
    context.forever.set()
    assert caught.value.fingerprint is None


def test_certificate_for_other_name_is_rejected(certificate):
    own = certificate("other.example")
    with pytest.raises(CertificateWrongName) as caught:
        post_to(own, ca_path=str(own.pem))
    assert "127.0.0.1" in caught.value.detail


@pytest.mark.parametrize(
    ("valid_from", "detail"), [(0.0, "expired"), (4_000_000_000.0, "not yet valid")]
)
def test_expired_or_future_certificate_is_rejected(certificate, valid_from, detail):
    own = certificate("127.0.0.1", valid_from=valid_from, days=1)
    with pytest.raises(CertificateOutOfTime) as caught:
        post_to(own, ca_path=str(own.pem))
    assert detail in caught.value.detail


def test_https_to_plain_http_port_raises_port_without_tls(transport):
    with RawServer(OK) as wire, pytest.raises(PortWithoutTls) as caught:
        transport.post(wire.endpoint._replace(scheme="https"), "/", b"{}")
    assert "_ssl.c" not in caught.value.detail
    assert not caught.value.sent


def reset(_wire, connection):
    """Reset a connection, as a firewall does that rejects an open one."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("end", [send_and_close(b""), reset], ids=["EOF", "reset"])
def test_handshake_closed_by_peer_raises_connection_cut(transport, end):
    with RawServer(end) as wire, pytest.raises(ConnectionCut) as caught:
        transport.post(wire.endpoint._replace(scheme="https"), "/", b"{}")
    assert not caught.value.sent


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"220 mail ESMTP\r\n", OK])
def test_non_tls_response_raises_port_without_tls(transport, answer):
    with RawServer(send_and_close(answer)) as wire, pytest.raises(PortWithoutTls):
        transport.post(wire.endpoint._replace(scheme="https"), "/", b"{}")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_tls_older_than_1_2_is_rejected(certificate):
    own = certificate("127.0.0.1")
    own.context.minimum_version = own.context.maximum_version = ssl.TLSVersion.TLSv1_1
    own.context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(TlsFailed):
        post_to(own, ca_path=str(own.pem))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_tls_older_than_1_2_is_rejected_if_context_allows_it(certificate, monkeypatch):
    """A context that replaces CPython's may ignore minimum_version."""

    def soften(context):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("ALL:@SECLEVEL=0")

    monkeypatch.setattr(_http_client, "harden", soften)
    own = certificate("127.0.0.1")
    own.context.minimum_version = own.context.maximum_version = ssl.TLSVersion.TLSv1_1
    own.context.set_ciphers("ALL:@SECLEVEL=0")
    with RawServer(OK, context=own.context) as wire:
        with pytest.raises(TlsFailed) as caught:
            transport_for(ca_path=str(own.pem)).post(wire.endpoint, "/", b"{}")
        assert wire.hung_up.wait(60)
    assert caught.value.detail == "TLSv1.1 is older than TLS 1.2"
    assert wire.received == b""


@pytest.mark.parametrize("validate_certs", [True, False])
@pytest.mark.parametrize("proxied", [None, "http", "https"])
def test_fingerprint_alone_decides_trust(certificate, monkeypatch, validate_certs, proxied):
    """The certificate is unknown, for another name, and expired."""
    own, other = certificate("other.example", valid_from=0.0), certificate("127.0.0.1")
    proxy = other.context if proxied == "https" else None
    with ConnectProxy(proxy) as tunnel, RawServer(OK, OK, context=own.context) as wire:
        if proxied:
            monkeypatch.setenv("https_proxy", tunnel.url)
        trust = {"validate_certs": validate_certs, "ca_path": str(other.pem)}
        for fingerprints in ([own.fingerprint], [other.fingerprint, own.fingerprint]):
            transport = transport_for(fingerprints=fingerprints, **trust)
            assert transport.post(wire.endpoint, "/", b"{}").body == b"{}"
            transport.close()
        with pytest.raises(FingerprintMismatch) as caught:
            transport_for(fingerprints=[other.fingerprint], **trust).post(wire.endpoint, "/", b"{}")
        assert (caught.value.seen, caught.value.expected) == (own.fingerprint, (other.fingerprint,))
        assert not caught.value.sent
        assert len(wire.requests) == 2
        assert len(tunnel.asked) == (3 if proxied else 0)


def test_no_data_is_sent_on_fingerprint_mismatch(certificate):
    """The server must not receive a byte after the handshake."""
    with RawServer(OK, context=certificate("127.0.0.1").context) as wire:
        with pytest.raises(FingerprintMismatch):
            transport_for(fingerprints=["AA"]).post(wire.endpoint, "/", b"{}")
        assert wire.hung_up.wait(60)
    assert wire.received == b""


def test_fingerprint_matches_openssl_output(certificate):
    own = certificate("127.0.0.1")
    with os.popen(f"openssl x509 -noout -fingerprint -sha256 -in {own.pem}") as output:
        line = output.read().strip() or pytest.skip("there is no openssl command here")
    with pytest.raises(CertificateUntrusted) as caught:
        post_to(own)
    assert line.partition("=")[2] == caught.value.fingerprint


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_ca_bundle_from_environment_is_used_unless_overridden(certificate, monkeypatch, variable):
    own, other = certificate("127.0.0.1"), certificate("127.0.0.1")
    monkeypatch.setenv(variable, str(own.pem))
    assert post_to(own).body == b"{}"
    with pytest.raises(CertificateUntrusted):
        post_to(own, ca_path=str(other.pem))
    monkeypatch.setenv(variable, str(other.pem))
    with pytest.raises(CertificateUntrusted):
        post_to(own)
    assert post_to(own, ca_path=str(own.pem)).body == b"{}"
    assert post_to(own, validate_certs=False).body == b"{}"


def test_validate_certs_false_accepts_any_certificate_silently(certificate, recwarn):
    assert post_to(certificate("other.example"), validate_certs=False).body == b"{}"
    assert [str(warning.message) for warning in recwarn] == []


@pytest.fixture(params=[None, "", "no certificate"])
def useless(request, tmp_path):
    """A CA bundle without certificates."""
    path = tmp_path / "ca.pem"
    if request.param is not None:
        path.write_text(request.param)
    return str(path)


@pytest.mark.parametrize("source", ["ca_path", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_unusable_ca_bundle_raises_trust_unusable(monkeypatch, certificate, useless, source):
    if source != "ca_path":
        monkeypatch.setenv(source, useless)
    with pytest.raises(TrustUnusable) as caught:
        post_to(certificate("127.0.0.1"), ca_path=useless if source == "ca_path" else None)
    assert (caught.value.source, caught.value.path) == (source, useless)
    assert caught.value.detail


def test_invalid_ca_bundle_is_ignored_when_unused(monkeypatch, certificate, useless):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", useless)
    own = certificate("127.0.0.1")
    assert post_to(own, ca_path=str(own.pem)).body == b"{}"
    assert post_to(own, validate_certs=False).body == b"{}"
    assert post_to(own, fingerprints=[own.fingerprint]).body == b"{}"
    with RawServer(OK) as wire:
        assert transport_for().post(wire.endpoint, "/", b"{}").body == b"{}"


def test_name_mismatch_error_of_older_urllib3_is_recognized(transport, monkeypatch):
    class CertificateError(ValueError):
        pass

    error = requests.exceptions.SSLError(CertificateError("hostname 'a' doesn't match 'b'"))

    def fail(*_arguments, **_options):
        raise error

    monkeypatch.setattr(requests.Session, "send", fail)
    with pytest.raises(CertificateWrongName):
        transport.post(Endpoint.of("https", "a", None), "/", b"{}")


@pytest.fixture
def home_made(tmp_path):
    """A context with a certificate without key identifiers, and the path of its CA certificate."""
    (tmp_path / "ext").write_text(
        "subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=none\nsubjectKeyIdentifier=none\n"
    )
    key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    commands = [
        f"req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=home-made",
        f"req {key} -keyout host.key -out host.csr -subj /CN=127.0.0.1",
        "x509 -req -in host.csr -CA ca.pem -CAkey ca.key -set_serial 1 -out host.pem -extfile ext",
    ]
    for command in commands:
        try:
            done = subprocess.run(
                ["openssl", *command.split()], cwd=tmp_path, capture_output=True, check=False
            )
        except OSError:
            pytest.skip("there is no openssl command here")
        assert done.returncode == 0, done.stderr
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "host.pem", tmp_path / "host.key")
    return context, str(tmp_path / "ca.pem")


def test_certificate_rejected_by_strict_python_reports_fingerprint(home_made, monkeypatch):
    """Python 3.13 and urllib3 are strict; older versions accept the same certificate."""
    context, ca_path = home_made

    def harden(own):
        own.verify_flags |= ssl.VERIFY_X509_STRICT

    monkeypatch.setattr(_http_client, "harden", harden)
    with RawServer(OK, context=context) as wire, pytest.raises(CertificateInvalid) as caught:
        transport_for(ca_path=ca_path).post(wire.endpoint, "/", b"{}")
    assert caught.value.detail == "Missing Authority Key Identifier"
    with RawServer(OK, context=context) as wire:
        transport = transport_for(fingerprints=[caught.value.fingerprint])
        assert transport.post(wire.endpoint, "/", b"{}").body == b"{}"


def subject_hash(pem):
    command = f"openssl x509 -noout -subject_hash -in {pem}"
    with os.popen(command) as output:
        return output.read().strip() or pytest.skip("there is no openssl command here")
