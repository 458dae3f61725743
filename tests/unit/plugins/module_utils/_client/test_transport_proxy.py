# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests through a proxy, and error messages about it."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._client import http_client as _http_client
from ansible_collections.xen.xapi.plugins.module_utils._client.endpoint import Endpoint
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    CertificateUntrusted,
    ProxyFailed,
    RequestFailed,
)
from ansible_collections.xen.xapi.tests.support.connect_proxy import ConnectProxy
from ansible_collections.xen.xapi.tests.support.raw_server import OK, RawServer, post_to


def test_untrusted_certificate_via_proxy_has_no_fingerprint(certificate, monkeypatch):
    with ConnectProxy() as tunnel:
        monkeypatch.setenv("https_proxy", tunnel.url)
        with pytest.raises(CertificateUntrusted) as caught:
            post_to(certificate("127.0.0.1"))
    assert caught.value.fingerprint is None
    assert len(tunnel.asked) == 1


def test_uses_proxy_from_environment(transport, monkeypatch):
    with RawServer(OK) as proxy:
        monkeypatch.setenv("http_proxy", proxy.endpoint.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        transport.post(Endpoint.of("http", "xcp1.example", None), "/jsonrpc", b"{}")
    ((head, _body),) = proxy.requests
    assert head.startswith("POST http://xcp1.example/jsonrpc ")


def test_no_proxy_hosts_bypass_proxy(transport, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with RawServer(OK) as wire:
        assert transport.post(wire.endpoint, "/", b"{}").body == b"{}"


def test_unreachable_proxy_raises_proxy_failed(transport, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    with pytest.raises(ProxyFailed):
        transport.post(Endpoint.of("https", "xcp1.example", None), "/", b"{}")


@pytest.mark.parametrize("proxy", ["http://someone:of-proxy@127.0.0.1:1", "foo://a:of-proxy@b"])
def test_errors_redact_proxy_password(transport, monkeypatch, proxy):
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises((ProxyFailed, RequestFailed)) as caught:
        transport.post(Endpoint.of("https", "xcp1.example", None), "/", b"{}")
    assert "of-proxy" not in repr(vars(caught.value))


@pytest.mark.parametrize(
    "error",
    [
        OSError("cannot connect to http://someone:of-proxy@127.0.0.1:1"),
        type("InvalidProxyURL", (ValueError,), {})("of-proxy is not a port"),
    ],
)
def test_reason_that_may_quote_address_of_proxy_is_left_out(error):
    assert _http_client._format_safe_reason(error) == type(error).__name__
