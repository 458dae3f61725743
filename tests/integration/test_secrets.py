# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Neither a password nor a session is told: not in outputs, errors, files, logs or to others."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from traceback import format_exception

import pytest
from ansible.module_utils import basic

from ansible_collections.xen.xapi.plugins.module_utils import _messages
from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.modules import task_info
from ansible_collections.xen.xapi.tests.support.fixtures import secrets_of, session_on
from ansible_collections.xen.xapi.tests.support.module_runner import patch_module_args
from ansible_collections.xen.xapi.tests.support.polling import wait_until

LOGIN = "session.login_with_password"
PASSWORDS = {
    "ordinary": "hunter2-hunter2",
    "quotes": """it's "so" \\secret\\""",
    "unicode": "pässwörd-日本-🔑",
    "template": "{{ not_a_variable }}-{% raw %}",
    "yaml": "# secret: [of, %yaml, &all]",
}


def sides(secret):
    """Return the forms of a secret: itself, and as text in JSON, in Python and in YAML."""
    written = {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], ascii(secret)[1:-1]}
    return written | {secret.replace("'", "''"), secret.encode("unicode_escape").decode()}


def assert_untold(text, *secrets):
    assert [side for secret in secrets for side in sides(secret) if side in text] == []


def keep_log(monkeypatch, told):
    """Keep the messages of a module to the system's log, so that tests do not write there."""

    def log(_module, text, log_args=None):
        told.append((text, log_args))

    monkeypatch.setattr(basic.AnsibleModule, "log", log)


@pytest.fixture(params=PASSWORDS.values(), ids=PASSWORDS)
def password(request):
    return request.param


@pytest.fixture
def wreck(start_pool):
    """Starts a pool of one password on which something goes wrong, by the name of the fault."""

    def start(fault, password):
        pool = start_pool(password=password, tls=fault == "certificate")
        told = ["INTERNAL_ERROR", f"cannot take {password} of root"]
        {
            "nothing": lambda: None,
            "certificate": lambda: None,
            "login": lambda: pool.fail(LOGIN, error=["SESSION_AUTHENTICATION_FAILED", "root"]),
            "echo": lambda: pool.fail(LOGIN, error=told),
            "page": lambda: pool.fail(LOGIN, http=(500, f"<html>{password}</html>")),
            "body": lambda: pool.fail(LOGIN, body=json.dumps({"password": password})),
            "cut": lambda: pool.fail(LOGIN, cut="before"),
            "late": lambda: pool.fail(LOGIN, delay=60),
            "booting": pool.boot,
            "session": lambda: pool.fail("pool.*", error=["SESSION_INVALID", "x"], count=None),
            "right": lambda: pool.fail("task.*", error=["RBAC_PERMISSION_DENIED", "task", "x"]),
            "other pool": lambda: None,
            "option": lambda: None,
        }[fault]()
        options = {
            "other pool": {"pool_uuid": "00000000-0000-4000-8000-000000000000"},
            "option": {"uuid": "abc"},
            "late": {"request_timeout": "0.2"},
        }
        return pool, options.get(fault, {})

    return start


FAULTS = [
    *("nothing", "certificate", "login", "echo", "page", "body", "cut", "late", "booting"),
    *("session", "right", "other pool", "option"),
]


@pytest.fixture
def told(monkeypatch):
    """The messages of the module to the system's log, and every error that was raised in it."""
    told = []
    keep_log(monkeypatch, told)
    leave = Session.__exit__

    def look(session, kind, error, trace):
        told.append(repr(session))
        if error is not None:
            told.extend([repr(error), repr(vars(error)), *format_exception(kind, error, trace)])
        leave(session, kind, error, trace)

    describe = _messages.error_message

    def error_message(error):
        told.extend([repr(error), repr(vars(error)), *format_exception(error)])
        return describe(error)

    monkeypatch.setattr(Session, "__exit__", look)
    monkeypatch.setattr(_messages, "error_message", error_message)
    return told


@pytest.mark.parametrize("fault", FAULTS)
def test_module_output_and_errors_contain_no_secret(wreck, capsys, told, password, fault):
    pool, options = wreck(fault, password)
    arguments = {"hostname": pool.url, "password": password, "_ansible_verbosity": 4, **options}
    with patch_module_args(arguments), pytest.raises(SystemExit) as ended:
        task_info.main()
    output = capsys.readouterr()
    assert bool(ended.value.code) is (fault != "nothing"), output.out
    assert "invocation" in json.loads(output.out)
    assert_untold(output.out + output.err + "".join(map(str, told)), *secrets_of(pool))
    # A login that was answered in another way, or a fault that lies about it, leaves its session.
    pool.logout_all()


@pytest.mark.parametrize("fault", ["nothing", "echo", "gone"])
def test_output_and_logs_contain_no_given_session(pool, capsys, monkeypatch, fault):
    logged = []
    keep_log(monkeypatch, logged)
    with session_on(pool) as ref:
        if fault == "echo":
            pool.fail("task.get_all_records", error=["INTERNAL_ERROR", f"no {ref}"])
        if fault == "gone":
            pool.fail("task.get_all_records", error=["SESSION_INVALID", ref])
        arguments = {"hostname": pool.url, "session_ref": ref, "_ansible_verbosity": 4}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            task_info.main()
    output = capsys.readouterr()
    assert logged
    assert_untold(output.out + output.err + str(logged), ref)


@pytest.fixture
def home(tmp_path):
    """A home and a place for temporary files, in which anything that is left is found."""
    (tmp_path / "home" / "tmp").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def environment(home):
    return {
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(home / "local"),
        "ANSIBLE_REMOTE_TMP": str(home / "remote"),
        "ANSIBLE_LOG_PATH": str(home / "log"),
        "ANSIBLE_RETRY_FILES_ENABLED": "true",
    }


def files_with(secrets, folder):
    wanted = [side.encode() for secret in secrets for side in sides(secret)]
    for file in folder.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        if any(side in content for side in wanted):
            yield file


def test_playbook_output_and_files_contain_no_secret(start_pool, play, home, environment, password):
    pool = start_pool(password=password)
    # Another one, since the password of the option is masked wherever it stands.
    misplaced = f"misplaced-{password[::-1]}"
    with session_on(pool) as given:
        output = play(
            "secrets",
            "-vvvv",
            environment=environment,
            pool_url=pool.url,
            dead_url="http://127.0.0.1:1",
            pool_password={"__ansible_unsafe": password},
            misplaced_password={"__ansible_unsafe": misplaced},
            given_session=given,
        )
    secrets = secrets_of(pool) | {given, misplaced}
    assert len(secrets) > 2
    assert "module_args" in output
    assert_untold(output, *secrets)
    assert (home / "log").read_text()
    assert list(files_with(secrets, home)) == []


def test_process_command_lines_contain_no_secret(start_pool, start_play, environment, password):
    pool = start_pool(password=password)
    pool.fail("task.get_all_records", delay=600)
    playbook = start_play(
        {"hostname": pool.url, "password": "{{ pool_password }}"},
        environment=environment,
        variables={"pool_password": {"__ansible_unsafe": password}},
    )
    assert wait_until(lambda: pool.log.of("task.get_all_records"), within=60)
    shown = command_lines()
    playbook.terminate()
    assert wait_until(lambda: not pool.sessions(), within=60)
    assert [line for line in shown if "AnsiballZ_task_info" in line]
    assert_untold("\n".join(shown), *secrets_of(pool))


def command_lines():
    """Of every process of this machine, with its arguments as one line."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            lines.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return lines
