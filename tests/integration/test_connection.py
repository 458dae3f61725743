# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.support.connect_proxy import ConnectProxy
from ansible_collections.xen.xapi.tests.support.doc_examples import blocks, play_of
from ansible_collections.xen.xapi.tests.support.fixtures import session_on

LOGIN = "session.login_with_password"
PRINTED = blocks("docs/connection.md")


def test_document_contains_at_least_seven_examples():
    assert len(PRINTED) >= 7


@pytest.mark.parametrize("number", range(len(PRINTED)))
def test_document_example_runs(start_pool, play_file, tmp_path, number):
    """As printed, except for the values of this pool and proxy."""
    pool = start_pool(tls=True)
    address = f"localhost:{pool.hosts[0].port}"
    with ConnectProxy() as tunnel:
        text = play_of(PRINTED[number])
        for printed, real in {
            "xcp1.example.com": address,
            "xcp2.example.com": address,
            "http://proxy.example.com:3128": tunnel.url,
            "3c1f9d0a-9d3e-6b0c-5a5b-1e2f3a4b5c6d": pool.pool_uuid,
            "/etc/ssl/certs/pool.pem": str(pool.certificate.pem),
            "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:"
            "27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55": pool.certificate.sha256,
        }.items():
            text = text.replace(printed, real)
        assert "example.com" not in text
        playbook = tmp_path / "printed.yml"
        playbook.write_text(text, encoding="utf-8")
        play_file(playbook, pool_password=pool.password)
        assert bool(tunnel.asked) is ("proxy" in PRINTED[number])
    assert pool.log.of("task.get_all_records")


@pytest.mark.cores
def test_connection_options_from_module_defaults_and_task(start_pool, play):
    pool, other = start_pool(tls=True), start_pool(tls=True)
    with session_on(pool) as ref:
        play(
            "connection",
            pool_url=pool.url,
            pool_port=pool.hosts[0].port,
            pool_password=pool.password,
            pool_uuid=pool.pool_uuid,
            pool_ca_path=str(pool.certificate.pem),
            pool_fingerprint=pool.certificate.sha256,
            given_session=ref,
            other_url=other.url,
            other_pool_uuid=other.pool_uuid,
        )
    assert len(other.log) == 0


@pytest.mark.cores
def test_calls_are_returned_only_at_verbosity_three(pool, play_file, tmp_path):
    playbook = tmp_path / "play.yml"
    playbook.write_text(
        play_of(
            "- xen.xapi.task_info:\n"
            "    hostname: '{{ pool_url }}'\n"
            "    password: '{{ pool_password }}'\n"
            "  register: result\n"
            "- ansible.builtin.assert:\n"
            "    that: (result.calls | default([]) | map(attribute='method') | list) == expected\n"
        ),
        encoding="utf-8",
    )
    variables = {"pool_url": pool.url, "pool_password": pool.password}
    play_file(playbook, "-vv", expected=[], **variables)
    expected = [call.method for call in pool.log]
    play_file(playbook, "-vvv", expected=expected, **variables)
