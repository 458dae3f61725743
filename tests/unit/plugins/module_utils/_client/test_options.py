# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.module_utils.common.parameters import AnsibleFallbackNotFound

from ansible_collections.xen.xapi.plugins.module_utils._client.options import (
    parse_connection_options,
    read_environment,
)
from ansible_collections.xen.xapi.plugins.module_utils._errors import OptionError

SESSION = "OpaqueRef:5e55e55e-0000-4000-8000-00000000beef"
UUID = "12345678-9ABC-def0-1234-56789abcdef0"
FINGERPRINT = ":".join(["AB"] * 32)
CONNECTION = {
    "hostname": ["xcp1"],
    "port": None,
    "username": "root",
    "password": "secret-word",
    "session_ref": None,
    "validate_certs": True,
    "ca_path": None,
    "cert_fingerprint": None,
    "pool_uuid": None,
    "request_timeout": "30",
    "follow_master": True,
}
SECRETS = ("secret-word", SESSION[len("OpaqueRef:") :])


def connection(**options):
    return parse_connection_options({**CONNECTION, **options}, raw_params=options)


def test_endpoints_keep_hostname_order():
    endpoints = connection(hostname=["b", "a:444", "http://c"], port=8443).endpoints
    assert [e.url for e in endpoints] == ["https://b:8443", "https://a:444", "http://c:8443"]


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
        ({"session_ref": ""}, "session_ref"),
        ({"session_ref": SESSION + " "}, "session_ref"),
        ({"session_ref": SESSION[1:]}, "session_ref"),
        ({"session_ref": SESSION, "username": ""}, "username"),
        ({"pool_uuid": ""}, "pool_uuid"),
        ({"pool_uuid": UUID[1:]}, "pool_uuid"),
        ({"cert_fingerprint": []}, "cert_fingerprint"),
        ({"cert_fingerprint": [""]}, "cert_fingerprint"),
        ({"cert_fingerprint": [FINGERPRINT, None]}, "cert_fingerprint"),
        ({"cert_fingerprint": [FINGERPRINT[:-3]]}, "cert_fingerprint"),
        ({"cert_fingerprint": [FINGERPRINT], "hostname": ["a", "http://b"]}, "cert_fingerprint"),
        ({"request_timeout": ""}, "request_timeout"),
        ({"request_timeout": "0"}, "request_timeout"),
        ({"request_timeout": "-1"}, "request_timeout"),
        ({"request_timeout": "soon"}, "request_timeout"),
        ({"request_timeout": "25h"}, "request_timeout"),
    ],
)
def test_invalid_connection_values_are_rejected_without_secrets(options, option):
    with pytest.raises(OptionError) as caught:
        connection(**options)
    assert caught.value.option == option
    assert not [secret for secret in SECRETS if secret in repr(vars(caught.value))]


def test_repr_of_connection_hides_secrets():
    shown = repr(connection(session_ref=SESSION))
    assert not [secret for secret in SECRETS if secret in shown]


def test_session_ref_needs_no_password():
    options = connection(session_ref=SESSION, password=None)
    assert (options.session_ref, options.password) == (SESSION, None)


def test_omitted_connection_options_get_defaults():
    options = connection()
    assert (options.session_ref, options.pool_uuid, options.fingerprints) == (None, None, ())
    assert (options.request_timeout, options.follow_master) == (30, True)


def test_uuid_timeout_and_fingerprints_are_normalized():
    options = connection(
        pool_uuid=UUID,
        request_timeout="2m",
        cert_fingerprint=["ab" * 32, f" SHA256:{FINGERPRINT.lower()}"],
    )
    assert options.pool_uuid == UUID.lower()
    assert options.request_timeout == 120
    assert options.fingerprints == (FINGERPRINT, FINGERPRINT)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"A": "1", "B": "2"}, "1"),
        ({"B": "2"}, "2"),
        ({"A": "", "B": "2"}, "2"),
    ],
)
def test_first_nonempty_environment_variable_is_used(monkeypatch, environment, expected):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert read_environment("A", "B") == expected


@pytest.mark.parametrize("environment", [{}, {"A": ""}, {"A": "", "B": ""}])
def test_empty_environment_variables_count_as_unset(monkeypatch, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AnsibleFallbackNotFound):
        read_environment("A", "B")
