# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session is opened by options alone, without AnsibleModule."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._client.connection import connect
from ansible_collections.xen.xapi.plugins.module_utils._client.options import (
    parse_connection_options,
)
from ansible_collections.xen.xapi.plugins.module_utils._errors import Interrupted, XapiFailure

DEFAULTS = {
    "port": None,
    "username": "root",
    "password": "xapi-secret",
    "validate_certs": True,
    "ca_path": None,
    "cert_fingerprint": None,
    "session_ref": None,
    "pool_uuid": None,
    "request_timeout": "30",
    "follow_master": True,
}


def options_for(pool):
    params = {**DEFAULTS, "hostname": [pool.url]}
    return parse_connection_options(params, raw_params={"hostname": [pool.url]})


@pytest.fixture
def callbacks():
    """Reports of connect: warnings, session references and calls."""
    return {"warnings": [], "secrets": [], "calls": []}


@pytest.fixture
def connected(pool, callbacks):
    """A function that connects to the pool with a callable to stop with."""

    def connect_to_pool(stop=lambda: None):
        return connect(
            options_for(pool),
            stop=stop,
            warn=callbacks["warnings"].append,
            add_secret=callbacks["secrets"].append,
            record=callbacks["calls"].append,
        )

    return connect_to_pool


def test_connect_yields_session_and_logs_out(pool, connected, callbacks):
    with connected() as session:
        assert session.call("task.get_all") == []
        assert pool.sessions() == callbacks["secrets"]
    assert pool.sessions() == []
    assert callbacks["warnings"] == [
        f"The password is sent unencrypted to {pool.url}: use https.",
    ]
    assert callbacks["calls"][0].method == "session.login_with_password"
    assert callbacks["calls"][-1].method == "session.logout"


def test_session_is_logged_out_if_stop_raises(pool, connected, callbacks):
    def stop():
        if callbacks["secrets"]:
            raise Interrupted("SIGTERM")

    with pytest.raises(Interrupted), connected(stop) as session:
        session.call("task.get_all")
    assert len(callbacks["secrets"]) == 1
    assert pool.sessions() == []
    assert len(callbacks["warnings"]) == 1


def test_warnings_follow_logout_if_block_raises(pool, connected, callbacks):
    pool.fail("session.logout", http=(502, "<html>"), count=None)
    with pytest.raises(XapiFailure), connected() as session:
        session.call("task.fly")
    assert callbacks["warnings"][-1].startswith("The logout failed, so the session stays")
    pool.logout_all()
