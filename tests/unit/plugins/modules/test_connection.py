# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the connection, as the user of a module sees them."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from ansible_collections.xen.xapi.plugins.modules import task_info
from ansible_collections.xen.xapi.tests.simulator.certificate import Certificate
from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.connect_proxy import ConnectProxy
from ansible_collections.xen.xapi.tests.support.fixtures import session_on

LOGIN = "session.login_with_password"
NOBODY = "OpaqueRef:5e55e55e-0000-4000-8000-00000000beef"
OTHER_FINGERPRINT = ":".join(["AB"] * 32)
DEAD = "127.0.0.1:1"


@pytest.fixture
def why_not(info):
    """Runs task_info with options with which it fails, and returns its message."""
    return lambda **options: info(fails=True, **options)["msg"]


def test_modules_work_with_pool_that_answers_with_id_zero(start_pool, info, wait, cancel):
    """XenServer 7.0 to 7.2; the events of such a pool work too."""
    pool = start_pool(legacy_ids=True)
    ref = pool.add_task("Async.VM.copy", life=Life(duration=0.5))
    at = {"hostname": pool.url}
    assert len(wait(**at, ref=[ref])["satisfied"]) == 1
    assert info(**at)["by_status"]["success"] == 1
    running = pool.add_task("Async.VM.copy", life=Life(duration=None, cancel_after=0))
    assert cancel(**at, ref=[running])["changed"]
    assert pool.log.of("event.from")
    assert pool.sessions() == []


@pytest.fixture
def tls(start_pool):
    return start_pool(tls=True)


def another_certificate(pool, *names, **validity):
    """Give the hosts of a pool another certificate, which is trusted where the old one was."""
    other = Certificate(list(names), **validity)
    pool.certificate.remove()
    pool.certificate = other
    for host in pool.hosts:
        host._tls = other.context
    return other


class Listening:
    """Replaces the dispatcher of a host, and keeps the headers of requests."""

    def __init__(self, dispatcher, heads):
        self._dispatcher = dispatcher
        self._heads = heads

    def call(self, endpoint, request):
        self._heads.append(request.headers)
        return self._dispatcher.call(endpoint, request)


@contextlib.contextmanager
def web_server():
    """The port of something that answers everything at once with a page."""

    def serve():
        with contextlib.suppress(OSError):
            accepted, _address = listener.accept()
            accepted.recv(4096)
            accepted.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            accepted.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def test_connection_options_are_read_from_environment(run, tls, monkeypatch):
    fingerprint = tls.certificate.fingerprint
    for name, value in {
        "XAPI_HOST": tls.url,
        "XAPI_PASSWORD": tls.password,
        "XAPI_CERT_FINGERPRINT": f"{OTHER_FINGERPRINT},{fingerprint}",
        "XAPI_POOL_UUID": tls.pool_uuid.upper(),
        "XAPI_REQUEST_TIMEOUT": "1m",
        "XAPI_FOLLOW_MASTER": "no",
    }.items():
        monkeypatch.setenv(name, value)
    assert run(task_info.main, {})["pool"]["uuid"] == tls.pool_uuid


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("XAPI_CERT_FINGERPRINT", OTHER_FINGERPRINT, "'cert_fingerprint' cannot be checked"),
        ("XAPI_POOL_UUID", NOBODY[10:], "This is another pool"),
        ("XAPI_REQUEST_TIMEOUT", "soon", "'request_timeout': 'soon' is not a valid duration"),
        ("XAPI_FOLLOW_MASTER", "false", "list the master in hostname, or set follow_master"),
    ],
)
def test_environment_variable_applies_unless_empty(
    start_pool, info, why_not, monkeypatch, name, value, words
):
    pool = start_pool(supporters=1)
    hostname = pool.hosts[1].url
    monkeypatch.setenv(name, "")
    info(hostname=hostname)
    monkeypatch.setenv(name, value)
    assert words in why_not(hostname=hostname)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"session_ref": ""}, "'session_ref' is empty."),
        ({"session_ref": None}, "'session_ref' is null; leave it out, or use omit."),
        ({"session_ref": "x"}, "'session_ref' is not a valid reference, such as"),
        ({"pool_uuid": ""}, "'pool_uuid': '' is empty."),
        ({"pool_uuid": None}, "'pool_uuid' is null; leave it out, or use omit."),
        ({"pool_uuid": "abc"}, "'pool_uuid': 'abc' is not a valid UUID"),
        ({"cert_fingerprint": []}, "'cert_fingerprint' is an empty list"),
        ({"cert_fingerprint": None}, "'cert_fingerprint' is null; leave it out, or use omit."),
        (
            {"cert_fingerprint": OTHER_FINGERPRINT},
            "'cert_fingerprint' cannot be checked on http://",
        ),
        ({"hostname": "a", "cert_fingerprint": "AB"}, "'cert_fingerprint': 'AB' is not a SHA-256"),
        ({"request_timeout": 0}, "'request_timeout': '0' leaves no time"),
        ({"request_timeout": "2d"}, "'request_timeout': '2d' is longer than a day."),
        ({"finger_print": "x"}, "Unsupported parameters"),
    ],
)
def test_invalid_option_is_rejected_before_any_request(pool, why_not, options, words):
    assert words in why_not(**options)
    assert len(pool.log) == 0


@pytest.mark.parametrize("hostname", ["xcp1..example.com", "*.example.com", "a" * 64, "x" * 254])
def test_malformed_host_name_is_rejected_immediately(wait, hostname):
    words = wait(hostname=hostname, name_label="x", timeout="1h", fails=True)["msg"]
    assert words.startswith(f"argument 'hostname': '{hostname[:200]}")
    assert "such as xcp1.example.com" in words


def test_malformed_master_address_is_rejected(start_pool, why_not):
    pool = start_pool(supporters=1)
    pool.hosts[1].master_address = lambda: "xcp1..example.com"
    words = why_not(hostname=pool.hosts[1].url)
    assert "names 'xcp1..example.com' as the pool's master, which is not a plain host" in words


def test_host_name_with_trailing_dot_is_looked_up(why_not):
    assert "The name in https://nobody.invalid. cannot be resolved" in why_not(
        hostname="nobody.invalid."
    )


def test_refused_connection_is_reported(why_not):
    assert why_not(hostname=DEAD).startswith(f"https://{DEAD} refused the connection")


def test_unresolvable_host_name_is_reported(why_not):
    assert "The name in https://nobody.invalid cannot be resolved" in why_not(
        hostname="nobody.invalid"
    )


def test_exceeded_request_timeout_is_reported(pool, why_not):
    pool.fail(LOGIN, delay=60)
    words = why_not(request_timeout="0.2s")
    assert f"{pool.url} did not answer within 0.2 s" in words
    assert "request_timeout" in words


def test_wrong_password_reports_credentials_to_check(why_not):
    assert "Check username and password." in why_not(password="wrong")


def test_html_response_is_reported_as_not_xapi(pool, why_not):
    pool.fail(http=(200, "<html>Welcome</html>"), count=None)
    assert "answered, but not with a response of XAPI (HTTP status 200, 'text/html')" in why_not()


def test_permission_error_reports_denied_method_and_username(pool, why_not):
    pool.fail("task.get_all_records", error=["RBAC_PERMISSION_DENIED", "task.get_all", "text"])
    words = why_not()
    assert f"{pool.url} denies task.get_all_records to this account." in words
    assert "username" in words


def test_hosts_still_starting_are_reported(start_pool, why_not):
    one, two = start_pool(), start_pool()
    one.boot()
    two.boot()
    assert why_not(hostname=one.url).startswith(f"{one.url} is still starting")
    words = why_not(hostname=[one.url, two.url])
    assert words.startswith(f"All 2 hosts in hostname are still starting ({one.url}, {two.url})")


def test_untrusted_certificate_error_reports_usable_fingerprint(info, why_not, tls):
    words = why_not(hostname=tls.url)
    (line,) = [line for line in words.splitlines() if line.startswith("cert_fingerprint: ")]
    assert line == f'cert_fingerprint: "{tls.certificate.fingerprint}"'
    assert "openssl x509 -noout -fingerprint -sha256 -in /etc/xensource/xapi-ssl.pem" in words
    fingerprint = line.partition('"')[2].strip('"')
    assert info(hostname=tls.url, cert_fingerprint=fingerprint)["count"] == 0


@pytest.mark.parametrize(
    "write", [str.lower, lambda text: text.replace(":", ""), lambda text: f"sha256:{text}"]
)
def test_fingerprint_is_accepted_in_other_notations(info, tls, write):
    info(hostname=tls.url, cert_fingerprint=[write(tls.certificate.fingerprint)])


@pytest.mark.parametrize("validate_certs", [True, False])
def test_mismatched_fingerprint_is_rejected_before_any_request(why_not, tls, validate_certs):
    words = why_not(
        hostname=tls.url, cert_fingerprint=OTHER_FINGERPRINT, validate_certs=validate_certs
    )
    assert f"has the fingerprint {tls.certificate.fingerprint}" in words
    assert f"cert_fingerprint has {OTHER_FINGERPRINT}" in words
    assert len(tls.log) == 0


def test_certificate_for_other_name_is_rejected(why_not, tls):
    own = another_certificate(tls, "xcp1.example.com")
    words = why_not(hostname=tls.url, ca_path=str(own.pem))
    assert f"The certificate of {tls.url} is for another name" in words
    assert "127.0.0.1" in words


@pytest.mark.parametrize(
    ("valid_from", "words"), [(0.0, "has expired"), (4_000_000_000.0, "not yet valid")]
)
def test_expired_or_future_certificate_is_rejected_unless_pinned(
    info, why_not, tls, valid_from, words
):
    own = another_certificate(tls, "127.0.0.1", valid_from=valid_from, days=1)
    message = why_not(hostname=tls.url, ca_path=str(own.pem))
    assert f"The certificate of {tls.url} is not valid at this time" in message
    assert words in message
    info(hostname=tls.url, cert_fingerprint=own.sha256)


def test_port_without_tls_is_reported(why_not):
    with web_server() as port:
        words = why_not(hostname=f"127.0.0.1:{port}")
    assert "answers without TLS" in words
    assert "Check port" in words


def test_reaches_master_if_first_host_refuses_and_next_is_supporter(start_pool, info):
    pool = start_pool(supporters=1)
    result = info(hostname=[DEAD, pool.hosts[1].url, pool.url])
    assert result["pool"]["master"] == "host-1"


def test_master_address_with_certificate_error_is_skipped_with_warning(start_pool, info, why_not):
    pool = start_pool(tls=True, supporters=1)
    supporter = pool.hosts[1]
    supporter.master_address = lambda: "127.1"
    trust = {"ca_path": str(pool.certificate.pem)}
    (warning,) = info(hostname=[supporter.url, pool.url], **trust)["warnings"]
    words = why_not(hostname=supporter.url, **trust)
    assert warning == f"Another member was used. {words}"
    assert "is for another name" in words
    assert f"({supporter.url} names it as the pool's master.)" in words


def test_wrong_pool_is_rejected_before_tasks_are_read(start_pool, why_not, pool):
    other = start_pool()
    words = why_not(pool_uuid=other.pool_uuid)
    assert words.startswith(f"This is another pool: {pool.url} belongs to the pool")
    assert pool.pool_uuid in words
    assert other.pool_uuid in words
    assert [call.method for call in pool.log][1:] == ["pool.get_all_records", "session.logout"]


def test_session_ref_replaces_login(run, pool):
    with session_on(pool) as ref:
        result = run(task_info.main, {"hostname": pool.url, "session_ref": ref})
        assert result["count"] == 0
        assert result["requests"] == len(pool.log)
        assert not pool.log.of(LOGIN)


def test_session_ref_takes_precedence_over_password(info, pool):
    with session_on(pool) as ref:
        info(session_ref=ref, password="wrong")


def test_unknown_session_ref_is_reported_and_redacted(pool, why_not):
    words = why_not(session_ref=NOBODY)
    assert f"{pool.url} does not know the session of session_ref" in words
    assert NOBODY[10:] not in words


def test_given_session_that_ends_during_run_fails_and_is_redacted(pool, why_not):
    with session_on(pool) as ref:
        pool.fail("task.get_all_records", error=["SESSION_INVALID", ref])
        words = why_not(session_ref=ref)
    assert "so the outcome is unknown" in words
    assert ref not in words


def test_own_session_that_ends_during_run_is_replaced(pool, info):
    pool.fail("task.get_all_records", error=["SESSION_INVALID", "x"])
    pool.add_task("label")
    assert info()["count"] == 1
    assert len(pool.log.of(LOGIN)) == 2
    # The fault only pretends that the first one is gone.
    pool.logout_all()


@pytest.mark.parametrize("how", ["ca_path", "cert_fingerprint", "validate_certs"])
def test_invalid_ca_bundle_from_environment_is_ignored_when_unused(
    info, tls, monkeypatch, tmp_path, how
):
    useless = tmp_path / "bundle.pem"
    useless.write_text("no certificate")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(useless))
    trust = {
        "ca_path": str(tls.certificate.pem),
        "cert_fingerprint": tls.certificate.sha256,
        "validate_certs": False,
    }
    info(hostname=tls.url, **{how: trust[how]})


def test_missing_ca_bundle_from_environment_is_reported(why_not, tls, monkeypatch, tmp_path):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    assert f"REQUESTS_CA_BUNDLE names {tmp_path}/missing.pem" in why_not(hostname=tls.url)


def test_netrc_credentials_are_not_sent(info, pool, monkeypatch, tmp_path):
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login someone password of-netrc\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    heads = []
    services = pool.hosts[0]._services
    listening = Listening(services.dispatcher, heads)
    pool.hosts[0]._services = services._replace(dispatcher=listening)
    info()
    assert heads
    assert not [headers for headers in heads if "authorization" in headers]


def test_environment_proxy_is_used_unless_no_proxy_matches(info, tls, monkeypatch):
    with ConnectProxy() as tunnel:
        monkeypatch.setenv("https_proxy", tunnel.url)
        info(hostname=tls.url, ca_path=str(tls.certificate.pem))
        info(hostname=tls.url, cert_fingerprint=tls.certificate.sha256)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        info(hostname=tls.url, validate_certs=False)
    assert tunnel.asked == [f"CONNECT 127.0.0.1:{tls.hosts[0].port}"] * 2


def test_fingerprint_is_not_shown_behind_proxy(why_not, tls, monkeypatch):
    with ConnectProxy() as tunnel:
        monkeypatch.setenv("https_proxy", tunnel.url)
        words = why_not(hostname=tls.url)
    assert "not signed by a trusted authority" in words
    assert 'cert_fingerprint: "' not in words


def test_unreachable_proxy_is_reported_without_its_password(why_not, tls, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://someone:of-proxy@127.0.0.1:1")
    words = why_not(hostname=tls.url)
    assert f"The proxy of the environment cannot reach {tls.url}" in words
    assert "https_proxy, http_proxy and no_proxy" in words
    assert "of-proxy" not in words
