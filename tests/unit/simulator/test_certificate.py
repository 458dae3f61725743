# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS: a certificate made at start, which the checks of ssl accept."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import ssl

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.simulator.certificate import Certificate
from ansible_collections.xen.xapi.tests.support.polling import TIMEOUT
from ansible_collections.xen.xapi.tests.unit.simulator.client import Start

CALL = json.dumps({"method": "task.get_all", "params": ["x"], "id": 1})


@pytest.fixture
def secure(start: Start) -> Simulator:
    return start(tls=True)


def trust(certificate: Certificate | None) -> ssl.SSLContext:
    assert certificate is not None
    return ssl.create_default_context(cafile=str(certificate.pem))


def ask(simulator: Simulator, name: str, context: ssl.SSLContext) -> bytes:
    port = simulator.hosts[0].port
    connection = http.client.HTTPSConnection(name, port, timeout=TIMEOUT, context=context)
    try:
        connection.request("POST", "/jsonrpc", CALL)
        return connection.getresponse().read()
    finally:
        connection.close()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_certificate_is_valid_for_loopback_names(secure: Simulator, name: str) -> None:
    assert b"SESSION_INVALID" in ask(secure, name, trust(secure.certificate))


def test_certificate_is_valid_for_supporters(start: Start) -> None:
    simulator = start(tls=True, supporters=1)
    assert simulator.hosts[1].url.startswith("https://127.0.0.2:")
    context = trust(simulator.certificate)
    assert b"SESSION_INVALID" in ask(simulator, "127.0.0.2", context)


def test_certificate_is_invalid_for_other_addresses(secure: Simulator) -> None:
    context = trust(secure.certificate)
    with (
        socket.create_connection(("127.0.0.1", secure.hosts[0].port), timeout=TIMEOUT) as plain,
        pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"),
    ):
        context.wrap_socket(plain, server_hostname="127.0.0.5")


def test_certificate_is_rejected_without_its_ca_bundle(secure: Simulator) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(secure, "127.0.0.1", ssl.create_default_context())
    assert b"SESSION_INVALID" in ask(secure, "localhost", trust(secure.certificate))


def test_fingerprint_matches_served_certificate(secure: Simulator) -> None:
    address = ("127.0.0.1", secure.hosts[0].port)
    der = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(address, timeout=TIMEOUT))
    assert secure.certificate is not None
    assert secure.certificate.sha256 == hashlib.sha256(der).hexdigest().upper()


def test_each_simulator_has_different_certificate(start: Start) -> None:
    first, second = start(tls=True), start(tls=True)
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(first, "127.0.0.1", trust(second.certificate))


def test_private_key_is_not_kept_on_disk(secure: Simulator) -> None:
    assert secure.certificate is not None
    folder = secure.certificate.pem.parent
    assert [path.name for path in folder.iterdir()] == ["certificate.pem"]
    assert "PRIVATE" not in secure.certificate.pem.read_text()
    secure.__exit__(None, None, None)
    assert not folder.exists()


def test_expired_certificate_is_rejected() -> None:
    certificate = Certificate(["localhost"], valid_from=0, days=1)
    with Simulator(tls=True) as simulator:
        simulator.hosts[0]._tls = certificate.context
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            ask(simulator, "localhost", trust(certificate))
    certificate.remove()


def test_unknown_file_over_https_gets_404(secure: Simulator) -> None:
    port = secure.hosts[0].port
    context = trust(secure.certificate)
    connection = http.client.HTTPSConnection("localhost", port, timeout=TIMEOUT, context=context)
    connection.request("GET", "/<x>")
    answer = connection.getresponse()
    page = answer.read().decode()
    connection.close()
    assert (answer.status, answer.headers.get("content-type")) == (404, None)
    assert "The requested URL /&lt;x&gt; was not found on this server." in page


def test_plain_http_has_no_certificate(simulator: Simulator) -> None:
    assert simulator.certificate is None
    assert simulator.url.startswith("http://")
