# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._client.options import connection_spec
from ansible_collections.xen.xapi.plugins.module_utils._progress import SWITCH_VARIABLE
from ansible_collections.xen.xapi.plugins.modules import task_info
from ansible_collections.xen.xapi.tests.support.collection import ROOT
from ansible_collections.xen.xapi.tests.support.doc_examples import rows
from ansible_collections.xen.xapi.tests.support.fixtures import session_on

TABLE = rows("docs/connection.md")
SPEC = connection_spec()


def quoted(cell):
    return re.findall(r"`([^`]+)`", cell)


def test_table_lists_every_option():
    assert [row.option for row in TABLE] == [
        *("hostname", "port", "username", "password", "session_ref", "pool_uuid"),
        *("validate_certs", "ca_path", "cert_fingerprint", "request_timeout", "follow_master"),
    ]
    assert {row.option for row in TABLE} == SPEC.keys()


def test_environment_table_lists_every_variable():
    text = (ROOT / "docs" / "environment_variables.md").read_text(encoding="utf-8")
    written = re.findall(r"^\| (`[A-Z_`, ]+) \| `(\w+)` \|", text, re.MULTILINE)
    assert {option: quoted(variables) for variables, option in written} == {
        **{name: option["fallback"][1] for name, option in SPEC.items() if "fallback" in option},
        "progress": [SWITCH_VARIABLE],
    }


@pytest.mark.parametrize("row", TABLE, ids=[row.option for row in TABLE])
def test_table_states_default_of_option(row):
    option, (_meaning, default) = SPEC[row.option], row.cells
    if option.get("required"):
        assert default == "required"
    elif "default" in option:
        assert quoted(default) == [json.dumps(option["default"]).strip('"')]
    else:
        assert row.option in ("port", "password") or not quoted(default)


@pytest.mark.parametrize("row", TABLE, ids=[row.option for row in TABLE])
def test_table_example_connects_to_pool(start_pool, run, row):
    """As printed, except for the values of this pool."""
    pool = start_pool(tls=True)
    port = pool.hosts[0].port
    assert list(row.example) == [row.option]
    with session_on(pool) as ref:
        own = {
            "xcp1.example.com": "localhost",
            "xcp2.example.com": "localhost",
            '{"port": 443}': json.dumps({"port": port}),
            "OpaqueRef:2a6d2f3e-55a1-4d3c-9f0b-0d6f5f1f7c11": ref,
            "3c1f9d0a-9d3e-6b0c-5a5b-1e2f3a4b5c6d": pool.pool_uuid,
            "/etc/ssl/certs/pool.pem": str(pool.certificate.pem),
            "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:"
            "27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55": pool.certificate.sha256,
        }
        text = json.dumps(row.example)
        for printed, real in own.items():
            text = text.replace(printed, real)
        trust = {"ca_path": str(pool.certificate.pem), "password": pool.password}
        options = {"hostname": "localhost", "port": port, **trust, **json.loads(text)}
        assert run(task_info.main, options)["pool"]["uuid"] == pool.pool_uuid
