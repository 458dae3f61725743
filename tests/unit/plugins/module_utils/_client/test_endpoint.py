# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._client.endpoint import (
    Endpoint,
    parse_address,
    parse_endpoint,
)
from ansible_collections.xen.xapi.plugins.module_utils._errors import OptionError
from ansible_collections.xen.xapi.plugins.module_utils._messages import error_message

LONGEST = ".".join(["a" * 63] * 3 + ["a" * 61])
# Names that the libraries cannot parse or would rewrite, and that cannot be DNS names.
MALFORMED = [
    "xcp1..example.com",
    ".example.com",
    "xcp1.example.com..",
    ".",
    "..",
    "*.example.com",
    "xcp*.example.com",
    "a" * 64 + ".example.com",
    "\u00fc" * 60,
    f"{LONGEST}a",
    "xcp1,xcp2",
    "xcp1|xcp2",
    "<xcp1>",
    '"xcp1"',
    "$POOL",
    "xcp1\x7f",
    "xcp\u00ad\u2024",
]


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (Endpoint.of("https", "xcp1", None), "https://xcp1"),
        (Endpoint.of("http", "xcp1", None), "http://xcp1"),
        (Endpoint.of("http", "xcp1", 443), "http://xcp1:443"),
        (Endpoint.of("https", "fd00::1", 8443), "https://[fd00::1]:8443"),
        (Endpoint.of("https", "xcp1", 8443).at("10.0.0.2"), "https://10.0.0.2:8443"),
        (Endpoint.of("http", "xcp1", None).at("fd00::2"), "http://[fd00::2]"),
    ],
)
def test_endpoint_url_has_explicit_port_and_bracketed_ipv6(endpoint, url):
    assert endpoint.url == url


@pytest.mark.parametrize(
    ("hostname", "port", "url"),
    [
        ("xcp1", None, "https://xcp1"),
        ("xcp1", 8443, "https://xcp1:8443"),
        ("xcp1:444", 8443, "https://xcp1:444"),
        ("xcp1.example.com", 443, "https://xcp1.example.com"),
        ("10.0.0.1:444", None, "https://10.0.0.1:444"),
        ("https://xcp1", None, "https://xcp1"),
        ("HTTPS://xcp1/", None, "https://xcp1"),
        ("https://xcp1:444/", 8443, "https://xcp1:444"),
        ("http://xcp1", None, "http://xcp1"),
        ("http://xcp1", 8080, "http://xcp1:8080"),
        ("http://xcp1:8081", 8080, "http://xcp1:8081"),
        ("[fd00::1]", None, "https://[fd00::1]"),
        ("[fd00::1]:444", 8443, "https://[fd00::1]:444"),
        ("http://[fd00::1]", 8080, "http://[fd00::1]:8080"),
        ("[fe80::1%eth0]", None, "https://[fe80::1%eth0]"),
        (" xcp1 ", None, "https://xcp1"),
        ("xcp1.example.com.", None, "https://xcp1.example.com."),
        ("my_xcp-1", None, "https://my_xcp-1"),
        ("a" * 63 + ".example.com", None, "https://" + "a" * 63 + ".example.com"),
        (LONGEST, None, f"https://{LONGEST}"),
        (f"{LONGEST}.", None, f"https://{LONGEST}."),
        ("b\u00fcro.example.com", None, "https://b\u00fcro.example.com"),
    ],
)
def test_valid_hostname_becomes_endpoint_url(hostname, port, url):
    assert parse_endpoint(hostname, port=port).url == url


@pytest.mark.parametrize(
    "hostname",
    [
        "",
        "  ",
        "fd00::1",
        "[xcp1]",
        "[fd00::1",
        "[%eth0]",
        "xcp1:",
        "xcp1:https",
        "xcp1:0",
        "xcp1:65536",
        "xcp1:123456",
        "ftp://xcp1",
        # This character is equal to a letter of the scheme if case is ignored.
        "http\u017f://xcp1",
        "https://",
        "https://xcp1/jsonrpc",
        "xcp1?x",
        "xcp1#x",
        "xcp%31",
        "a b",
        *MALFORMED,
        *(f"https://{name}:443" for name in MALFORMED),
        "https:\\\\xcp1",
    ],
)
def test_invalid_hostname_is_rejected(hostname):
    with pytest.raises(OptionError) as caught:
        parse_endpoint(hostname, port=None)
    assert caught.value.option == "hostname"
    assert caught.value.value == hostname


@pytest.mark.parametrize(
    "hostname",
    [
        "https://root:secret-word@xcp1",
        "[root:secret-word@xcp1]",
        "https://[secret-word@b]:99999",
    ],
)
def test_password_in_hostname_is_not_repeated_in_error(hostname):
    with pytest.raises(OptionError) as caught:
        parse_endpoint(hostname, port=None)
    assert "secret-word" not in repr(vars(caught.value))
    assert "@" not in error_message(caught.value)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("xcp1.example.com", "xcp1.example.com"),
        ("xcp1.example.com.", "xcp1.example.com."),
        ("fd00::1", "fd00::1"),
        ("[fd00::1]", "fd00::1"),
    ],
)
def test_valid_master_address_is_accepted_without_brackets(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://10.0.0.1",
        "//10.0.0.1",
        "10.0.0.1/evil",
        "10.0.0.1:444",
        "[fd00::1]:444",
        "root@10.0.0.1",
        "10.0.0.1 ",
        " fd00::1",
        "10.0.0.1\n",
        "a b",
        "10.0.0.1?",
        "10.0.0.1#",
        "10.0.0.1\\",
        "fe80::1%eth0",
        "[10.0.0.1]",
        "[]",
        "xcp%31",
        *MALFORMED,
    ],
)
def test_invalid_master_address_is_rejected(text):
    assert parse_address(text) is None


@pytest.mark.parametrize(
    ("hostname", "words"),
    [
        ("xcp1..example.com", "has an empty label"),
        ("*.example.com", "contains '*'"),
        ("a" * 64, "has a label of more than 63 characters"),
        (f"{LONGEST}a", "is longer than 253 characters"),
    ],
)
def test_malformed_hostname_error_gives_reason_and_example(hostname, words):
    with pytest.raises(OptionError) as caught:
        parse_endpoint(hostname, port=None)
    message = error_message(caught.value)
    assert message.startswith(f"argument 'hostname': '{hostname[:200]}")
    assert words in message
    assert "such as xcp1.example.com" in message
