# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.support.samples import NO_UUID


def connection(pool):
    trust = {"pool_ca_path": str(pool.certificate.pem)} if pool.certificate else {}
    return {"pool_url": pool.url, "pool_password": pool.password, "no_uuid": NO_UUID, **trust}


def tasks(pool):
    """Two running tasks of one label and a failed one, as the playbook read.yml expects them."""
    running = {"progress": 0.4, "allowed_operations": ["cancel"]}
    failed = pool.add_task("VM.clone", status="failure", error_info=["SR_FULL", "20", "10"])
    return {
        "first": pool.add_task("Async.VM.start", **running),
        "second": pool.add_task("Async.VM.start", **running),
        "failed": failed,
        "failed_uuid": pool.record(failed)["uuid"],
        "pool_uuid": pool.pool_uuid,
    }


@pytest.mark.parametrize(
    ("tls", "options"),
    [(False, []), (True, []), pytest.param(False, ["--check", "--diff"], marks=pytest.mark.cores)],
    ids=["http", "tls", "check"],
)
def test_read_playbook_succeeds_over_http_tls_and_in_check_mode(start_pool, play, tls, options):
    pool = start_pool(tls=tls)
    output = play("read", *options, **connection(pool), **tasks(pool))
    assert ("is sent unencrypted" in output) is not tls
    assert not [call.method for call in pool.log if call.method.startswith("task.set")]


def test_invalid_values_are_rejected_before_login(pool, play):
    play("values", **connection(pool))
    # The last task leaves the option out, and is the only one to get through.
    assert len(pool.log.of("session.login_with_password")) == 1


def test_unusable_hosts_are_reported_or_bypassed(start_pool, play):
    pool, tls, pair, booting, web = (
        start_pool(),
        start_pool(tls=True),
        start_pool(supporters=1),
        start_pool(),
        start_pool(),
    )
    booting.boot()
    web.fail(http=(404, "<html>Welcome</html>"), count=None)
    play(
        "hosts",
        **connection(pool),
        tls_url=tls.url,
        supporter_url=pair.hosts[1].url,
        booting_url=booting.url,
        web_url=web.url,
    )


@pytest.mark.parametrize(
    "names",
    [
        ("XAPI_HOST", "XAPI_USERNAME", "XAPI_PASSWORD", "XAPI_VALIDATE_CERTS"),
        ("XENSERVER_HOST", "XENSERVER_USER", "XENSERVER_PASSWORD", "XENSERVER_VALIDATE_CERTS"),
    ],
    ids=["XAPI", "XENSERVER"],
)
def test_environment_fills_options_missing_from_task(start_pool, play, names):
    pool = start_pool(tls=True)
    values = (f"127.0.0.1:1,{pool.url}", "read-only", pool.password, "false")
    # Empty variables count as not set: with them, the names of the other family are used.
    empty = dict.fromkeys(["XAPI_HOST", "XAPI_PASSWORD", "XAPI_PORT", "XAPI_CA_PATH"], "")
    environment = {**empty, **dict(zip(names, values, strict=True))}
    play("environment", environment=environment, pool_uuid=pool.pool_uuid)
    (login,) = pool.log.of("session.login_with_password")
    assert login.params[0] == "read-only"


def test_environment_sets_port_and_ca_path(start_pool, play):
    pool = start_pool(tls=True)
    environment = {
        "XAPI_HOST": "127.0.0.1",
        "XAPI_PORT": str(pool.hosts[0].port),
        "XAPI_PASSWORD": pool.password,
        "XAPI_CA_PATH": str(pool.certificate.pem),
    }
    play("environment", environment=environment, pool_uuid=pool.pool_uuid)
