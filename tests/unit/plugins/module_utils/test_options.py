# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.module_utils.common.parameters import AnsibleFallbackNotFound

from ansible_collections.xen.xapi.plugins.module_utils._errors import OptionError
from ansible_collections.xen.xapi.plugins.module_utils._options import (
    connection_of,
    first_set_in_environment,
)

CONNECTION = {
    "hostname": ["xcp1"],
    "port": None,
    "username": "root",
    "password": "secret-word",
    "validate_certs": True,
    "ca_path": None,
}


def connection(**options):
    return connection_of({**CONNECTION, **options}, given=options)


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
        (" xcp1 ", None, "https://xcp1"),
    ],
)
def test_hosts(hostname, port, url):
    assert [e.url for e in connection(hostname=[hostname], port=port).endpoints] == [url]


def test_hosts_keep_their_order():
    endpoints = connection(hostname=["b", "a", "c"]).endpoints
    assert [endpoint.host for endpoint in endpoints] == ["b", "a", "c"]


@pytest.mark.parametrize(
    "hostname",
    [
        "",
        "  ",
        "fd00::1",
        "[xcp1]",
        "[fd00::1",
        "xcp1:",
        "xcp1:https",
        "xcp1:0",
        "xcp1:65536",
        "xcp1:123456",
        "ftp://xcp1",
        "https://",
        "https://xcp1/jsonrpc",
        "xcp1?x",
        "xcp1#x",
        "a b",
        "https:\\\\xcp1",
    ],
)
def test_what_is_no_host(hostname):
    with pytest.raises(OptionError) as caught:
        connection(hostname=["fine", hostname])
    assert caught.value.option == "hostname"
    assert caught.value.value == hostname


def test_a_password_in_a_hostname_is_not_repeated():
    with pytest.raises(OptionError) as caught:
        connection(hostname=["https://root:secret-word@xcp1"])
    assert "secret-word" not in repr(vars(caught.value))


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"hostname": None}, "hostname"),
        ({"hostname": []}, "hostname"),
        ({"hostname": ["xcp1", None]}, "hostname"),
        ({"hostname": [["xcp1"]]}, "hostname"),
        ({"hostname": [7]}, "hostname"),
        ({"username": None}, "username"),
        ({"username": ""}, "username"),
        ({"password": None}, "password"),
        ({"password": ""}, "password"),
        ({"port": 0}, "port"),
        ({"port": -1}, "port"),
        ({"port": 65536}, "port"),
    ],
)
def test_values_of_the_connection_that_cannot_be_meant(options, option):
    with pytest.raises(OptionError) as caught:
        connection(**options)
    assert caught.value.option == option
    assert "secret-word" not in repr(vars(caught.value))


@pytest.mark.parametrize("option", ["username", "password"])
def test_a_null_is_one_where_core_makes_a_text_of_it(option):
    with pytest.raises(OptionError):
        connection_of({**CONNECTION, option: "None"}, given={option: None})


def test_a_connection_does_not_show_its_password():
    assert "secret-word" not in repr(connection())


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"A": "1", "B": "2"}, "1"),
        ({"B": "2"}, "2"),
        ({"A": "", "B": "2"}, "2"),
    ],
)
def test_the_first_variable_that_holds_anything_counts(monkeypatch, environment, expected):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert first_set_in_environment("A", "B") == expected


@pytest.mark.parametrize("environment", [{}, {"A": ""}, {"A": "", "B": ""}])
def test_empty_variables_count_as_unset(monkeypatch, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AnsibleFallbackNotFound):
        first_set_in_environment("A", "B")
