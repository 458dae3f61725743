# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules in a Python in which something has replaced the TLS of the standard library.

A sitecustomize.py is what does it here. In the field it is the .pth file of a package, so that
neither the author of a playbook nor the module has a say.
"""

from __future__ import annotations

import json

import pytest

from ansible_collections.xen.xapi.tests.support.connect_proxy import ConnectProxy
from ansible_collections.xen.xapi.tests.support.module_runner import start_module_process

OTHER = ":".join(["AA"] * 32)
TRUSTSTORE = """
import truststore
truststore.inject_into_ssl()
"""
# It looks for the copy in pip first, and makes a context of the old kind before.
PIP_SYSTEM_CERTS = """
import ssl
try:
    from pip._vendor import truststore
except ImportError:
    import truststore
ssl.create_default_context()
truststore.inject_into_ssl()
"""
PYOPENSSL = """
import urllib3.contrib.pyopenssl
urllib3.contrib.pyopenssl.inject_into_urllib3()
"""
NEEDED = {TRUSTSTORE: "truststore", PIP_SYSTEM_CERTS: "truststore", PYOPENSSL: "OpenSSL"}
IDS = ["truststore", "pip-system-certs", "pyOpenSSL"]


@pytest.fixture
def tls(start_pool):
    return start_pool(tls=True)


@pytest.fixture(params=NEEDED, ids=IDS)
def replaced(request, tmp_path, tls):
    """Runs task_info where TLS is replaced, and returns the exit code and the result."""
    pytest.importorskip(NEEDED[request.param])
    libraries, done = tmp_path / "libraries", tmp_path / "done"
    libraries.mkdir()
    code = f"{request.param}\nopen({str(done)!r}, 'w').close()\n"
    (libraries / "sitecustomize.py").write_text(code)

    def run(**options):
        process = start_module_process(tmp_path, "task_info", tls, options, libraries=(libraries,))
        out, err = process.communicate(timeout=60)
        assert done.exists(), err
        return process.returncode, json.loads(out)

    return run


@pytest.mark.parametrize("options", [{}, {"validate_certs": False}], ids=str)
def test_pinned_certificate_is_accepted(tls, replaced, options):
    code, result = replaced(cert_fingerprint=[OTHER, tls.certificate.sha256], **options)
    assert (code, result["count"]) == (0, 0)
    assert tls.log.of("session.logout")


@pytest.mark.parametrize("options", [{}, {"validate_certs": False}], ids=str)
def test_no_request_is_sent_to_unpinned_certificate(tls, replaced, options):
    code, result = replaced(cert_fingerprint=OTHER, **options)
    assert code == 1
    assert f"has the fingerprint {colons(tls.certificate.sha256)}" in result["msg"]
    assert "nothing was sent" in result["msg"]
    assert list(tls.log) == []


def test_pins_are_checked_through_proxy(tls, replaced, monkeypatch):
    with ConnectProxy() as tunnel:
        monkeypatch.setenv("https_proxy", tunnel.url)
        assert replaced(cert_fingerprint=tls.certificate.sha256)[0] == 0
        calls = len(tls.log)
        code, result = replaced(cert_fingerprint=OTHER)
        assert len(tunnel.asked) == 2
    assert (code, len(tls.log)) == (1, calls)
    assert "nothing was sent" in result["msg"]


def test_untrusted_certificate_is_rejected_with_its_fingerprint(tls, replaced):
    code, result = replaced()
    assert code == 1
    assert "is not signed by a trusted authority" in result["msg"]
    assert f'cert_fingerprint: "{colons(tls.certificate.sha256)}"' in result["msg"]
    assert list(tls.log) == []


def test_certificate_in_ca_path_is_accepted(tls, replaced):
    assert replaced(ca_path=str(tls.certificate.pem))[0] == 0


def colons(digits):
    return ":".join(digits[place : place + 2] for place in range(0, len(digits), 2))
