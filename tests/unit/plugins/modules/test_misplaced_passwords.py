# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A password that somebody wrote into a host name, or anywhere else, is masked in every output."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils import basic
from ansible.module_utils.ansible_release import __version__

from ansible_collections.xen.xapi.plugins.modules import call, task_cancel, task_info, task_wait

# From 2.20 on, Ansible itself adds them to the result of a module.
RETURNS_ARGUMENTS = tuple(map(int, __version__.split(".")[:2])) < (2, 20)
VALID = {"hostname": "127.0.0.1:1", "password": "xapi-secret"}
FORMS = {
    "user and password": ("root:hunter2@xcp1", "hunter2"),
    "URL": ("https://root:hunter2@xcp1:443/x", "hunter2"),
    "list": (["xcp2", "root:hunter2@xcp1"], "hunter2"),
    "list as a text": ("xcp2,root:hunter2@xcp1,https://root:hunter2@xcp3", "hunter2"),
    "list of lists": ([["root:hunter2@xcp1"]], "hunter2"),
    "dict": ({"name": "root:hunter2@xcp1"}, "hunter2"),
    "JSON as a text": ('["root:hunter2@xcp1"]', "hunter2"),
    "no user": ("hunter2@xcp1", "hunter2"),
    "comma": ("root:hunter2,2retnuh@xcp1", "hunter2,2retnuh"),
    "slash": ("https://root:hunter2/2retnuh@xcp1", "hunter2/2retnuh"),
    "at sign": ("root:hunter2@2retnuh@xcp1", "hunter2@2retnuh"),
    "colon": ("root:hunter2:2retnuh@xcp1", "hunter2:2retnuh"),
    "quotes": ("""root:hunter2"'\\2retnuh@xcp1""", """hunter2"'\\2retnuh"""),
    "letters": ("root:hünter2-\u00a02retnuh@xcp1", "hünter2-\u00a02retnuh"),
}
# Other errors; core finds the first of them, the module the others.
ERRORS = [
    {},
    {"bogus": 1},
    {"port": "https"},
    {"validate_certs": "perhaps"},
    {"sort": "by_age"},
    {"uuid": ["x"], "name_label": "y"},
    {"limit": 0},
    {"port": None},
    {"password": None},
    {"password": ""},
    {"username": ""},
    {"uuid": "abc"},
    {"name_regex": "["},
    {"pool_uuid": "abc"},
    {"cert_fingerprint": "AB"},
    {"request_timeout": "soon"},
    {"min_age": "old"},
]
CONNECTION = [
    *("port", "ca_path", "pool_uuid", "username", "validate_certs", "request_timeout"),
    *("cert_fingerprint", "follow_master"),
]
SELECTOR = [
    *("uuid", "ref", "name_label", "name_regex", "object", "other_config", "exclude"),
    *("subtask_of", "resident_on", "created_after", "min_age", "status"),
]


@pytest.fixture
def logged(monkeypatch):
    """Return the messages of core to the system's log, where tests must not write."""
    texts = []
    log = basic.AnsibleModule.log

    def keep(module, text, log_args=None):
        texts.append(str(log_args))
        log(module, text, log_args)

    monkeypatch.setattr(basic, "has_journal", False)
    monkeypatch.setattr(basic.AnsibleModule, "log", keep)
    monkeypatch.setattr(
        basic.AnsibleModule, "_log_to_syslog", lambda _module, text: texts.append(text)
    )
    return texts


@pytest.fixture
def refused(run, capsys, logged):
    """Runs a module that fails, and returns all that it told anybody."""

    def run_module(main=task_info.main, **options):
        result = run(main, {**VALID, "_ansible_verbosity": 4, **options}, fails=True)
        assert "invocation" in result or not RETURNS_ARGUMENTS
        return json.dumps(result, ensure_ascii=False) + str(result) + "".join(logged)

    return run_module


def pieces_in(told, password):
    """The pieces of a password that stand in a text: the longer words of it."""
    words = password.replace("2retnuh", "\n2retnuh").replace("hunter2", "hunter2\n")
    return [word for word in words.split("\n") if len(word) > 3 and word in told]


@pytest.mark.parametrize("error", ERRORS, ids=str)
@pytest.mark.parametrize("form", FORMS)
def test_redacts_password_in_hostname_despite_other_errors(refused, form, error):
    hostname, password = FORMS[form]
    assert pieces_in(refused(hostname=hostname, **error), password) == []


def test_longer_values_are_masked_before_their_parts(refused, monkeypatch):
    orders = []
    remove_values = basic.remove_values

    def note_order(value, no_log_strings):
        orders.append(list(no_log_strings))
        return remove_values(value, no_log_strings)

    monkeypatch.setattr(basic, "remove_values", note_order)
    refused(hostname="root:hunter2@2retnuh@xcp1")
    assert any("hunter2@2retnuh" in order for order in orders)
    assert [order for order in orders if order != sorted(order, key=len, reverse=True)] == []


@pytest.mark.parametrize("main", [task_wait.main, task_cancel.main])
@pytest.mark.parametrize("error", [{"timeout": "abc"}, {"bogus": 1}, {"name_label": "x"}], ids=str)
def test_wait_and_cancel_redact_password_in_hostname(refused, main, error):
    told = refused(main, hostname="root:hunter2@xcp1", **error)
    assert pieces_in(told, "hunter2") == []


@pytest.mark.parametrize("error", [{}, {"timeout": "abc"}, {"bogus": 1}], ids=str)
@pytest.mark.parametrize(
    "argument",
    [
        {"password": "hunter2"},
        {"device_config": {"chappassword": "hunter2"}},
        [{"PRIVATE_KEY": ["hunter2"]}],
        "root:hunter2@xcp1",
    ],
    ids=str,
)
def test_call_redacts_password_in_arguments(refused, argument, error):
    told = refused(call.main, method="VM.snapshot", args=[argument, "x"], **error)
    assert pieces_in(told, "hunter2") == []


@pytest.mark.parametrize("option", [*CONNECTION, *SELECTOR, "bogus"])
@pytest.mark.parametrize("form", sorted(FORMS.keys() - {"no user"}))
def test_redacts_password_in_other_option_of_rejected_call(refused, option, form):
    value, password = FORMS[form]
    assert pieces_in(refused(**{option: value, "limit": 0}), password) == []


@pytest.mark.parametrize(
    "name",
    [
        *("XAPI_HOST", "XENSERVER_HOST", "XAPI_PORT", "XAPI_USERNAME", "XENSERVER_USER"),
        *("XAPI_CA_PATH", "XAPI_POOL_UUID", "XAPI_VALIDATE_CERTS", "XAPI_REQUEST_TIMEOUT"),
        *("XAPI_CERT_FINGERPRINT", "XAPI_FOLLOW_MASTER"),
    ],
)
@pytest.mark.parametrize("error", [{}, {"limit": 0}, {"bogus": 1}], ids=str)
def test_redacts_password_in_environment_variable(run, logged, monkeypatch, name, error):
    monkeypatch.setenv(name, "root:hunter2@127.0.0.1")
    options = {"password": "xapi-secret", "_ansible_verbosity": 4, **error}
    if "HOST" not in name:
        options["hostname"] = "127.0.0.1:1"
    result = run(task_info.main, options, fails=True)
    assert pieces_in(str(result) + "".join(logged), "hunter2") == []


def test_password_in_hostname_is_not_logged(run, logged):
    """Core logs the options before the module can say that hostname is none."""
    run(task_info.main, {**VALID, "hostname": "root:hunter2@xcp1"}, fails=True)
    assert logged
    assert "hunter2" not in "".join(logged)


@pytest.mark.parametrize("label", ["[XO] Backup: web@night", "user:name@host", "a@b"])
def test_label_with_at_sign_is_not_redacted(pool, info, label):
    pool.add_task(label)
    result = info(name_label=label)
    assert [task["name_label"] for task in result["tasks"]] == [label]
    if RETURNS_ARGUMENTS:
        assert result["invocation"]["module_args"]["name_label"] == label


def test_call_redacts_password_in_url_after_its_options_were_checked(pool, run):
    args = [{"class": "host", "name_label": "host-1"}, "ftp://bob:hunter2@xcp1/x", {}]
    options = {"hostname": pool.url, "password": pool.password, "_ansible_verbosity": 4}
    result = run(
        call.main, {**options, "method": "host.bugreport_upload", "args": args}, fails=True
    )
    assert "hunter2" not in str(result)
    assert pool.log.of("Async.host.bugreport_upload")


def test_username_with_domain_is_not_redacted(pool, info):
    result = info(username="root@example.com", fails=True)
    if RETURNS_ARGUMENTS:
        assert result["invocation"]["module_args"]["username"] == "root@example.com"


def test_redacts_real_password_inside_label(pool, info):
    pool.password = "hunter2"
    pool._sessions._passwords["root"] = "hunter2"
    result = info(password="hunter2", name_label="user:hunter2@host")
    assert "hunter2" not in str(result)
