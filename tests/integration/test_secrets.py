# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Neither a password nor a session is told: not in outputs, errors, files, logs or to others."""

from __future__ import annotations

import json
import os
import subprocess
import traceback
from pathlib import Path

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

from ansible_collections.xen.xapi.plugins.module_utils._errors import XapiError
from ansible_collections.xen.xapi.plugins.module_utils._session import Session
from ansible_collections.xen.xapi.plugins.modules import task_info
from ansible_collections.xen.xapi.tests.pools import session_on

HERE = Path(__file__).parent
LOGIN = "session.login_with_password"
PASSWORDS = {
    "ordinary": "hunter2-hunter2",
    "quotes": """it's "so" \\secret\\""",
    "unicode": "pässwörd-日本-🔑",
    "template": "{{ not_a_variable }}-{% raw %}",
    "yaml": "# secret: [of, %yaml, &all]",
}


def sides(secret):
    """What would give a secret away: itself, and as text in JSON, in Python and in YAML."""
    written = {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], ascii(secret)[1:-1]}
    return written | {secret.replace("'", "''"), secret.encode("unicode_escape").decode()}


def assert_untold(text, *secrets):
    assert [side for secret in secrets for side in sides(secret) if side in text] == []


@pytest.fixture(params=PASSWORDS.values(), ids=PASSWORDS)
def password(request):
    return request.param


@pytest.fixture
def wreck(start_pool):
    """Starts a pool of one password on which something goes wrong, by the name of the trouble."""

    def start(trouble, password):
        pool = start_pool(password=password, tls=trouble == "certificate")
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
        }[trouble]()
        options = {
            "other pool": {"pool_uuid": "00000000-0000-4000-8000-000000000000"},
            "option": {"uuid": "abc"},
            "late": {"request_timeout": "0.2"},
        }
        return pool, options.get(trouble, {})

    return start


TROUBLES = [
    *("nothing", "certificate", "login", "echo", "page", "body", "cut", "late", "booting"),
    *("session", "right", "other pool", "option"),
]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_module_tells_no_secret(wreck, capsys, monkeypatch, password, trouble):
    """In its output, its logs, and in any exception on the way."""
    told = []
    monkeypatch.setattr(
        basic.AnsibleModule, "log", lambda _module, text, log_args=None: told.append((text, log_args))
    )
    raised = XapiError.__init__

    def keep(error, *arguments, **options):
        raised(error, *arguments, **options)
        told.append((error, repr(error)))

    monkeypatch.setattr(XapiError, "__init__", keep)
    leave = Session.__exit__

    def look(session, kind, error, trace):
        told.append(repr(session))
        told.extend(traceback.format_exception(kind, error, trace) if error else [])
        leave(session, kind, error, trace)

    monkeypatch.setattr(Session, "__exit__", look)
    pool, options = wreck(trouble, password)
    arguments = {"hostname": pool.url, "password": password, "_ansible_verbosity": 4, **options}
    with patch_module_args(arguments), pytest.raises(SystemExit) as ended:
        task_info.main()
    output = capsys.readouterr()
    assert bool(ended.value.code) is (trouble != "nothing"), output.out
    for entry in told:
        error = entry[0] if isinstance(entry, tuple) else None
        told = [*told, str(vars(error))] if isinstance(error, XapiError) else told
    sessions = {call.session for call in pool.log if call.session}
    assert_untold(output.out + output.err + str(told), password, *sessions)
    assert "invocation" in json.loads(output.out)
    if trouble == "session":
        for left in pool.sessions():
            pool.logout(left)


@pytest.mark.parametrize("trouble", ["nothing", "echo", "gone"])
def test_a_given_session_is_not_told(pool, capsys, monkeypatch, trouble):
    logged = []
    monkeypatch.setattr(
        basic.AnsibleModule, "log", lambda _module, text, log_args=None: logged.append((text, log_args))
    )
    with session_on(pool) as ref:
        if trouble == "echo":
            pool.fail("task.get_all_records", error=["INTERNAL_ERROR", f"no {ref}"])
        if trouble == "gone":
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


def test_a_play_tells_no_secret_and_leaves_none_behind(start_pool, play, home, environment, password):
    pool = start_pool(password=password)
    with session_on(pool) as given:
        output = play(
            "secrets",
            "-vvvv",
            environment=environment,
            pool_url=pool.url,
            dead_url="http://127.0.0.1:1",
            pool_password={"__ansible_unsafe": password},
            given_session=given,
        )
    sessions = {call.session for call in pool.log if call.session} | {given}
    assert len(sessions) > 1
    assert "module_args" in output
    assert_untold(output, password, *sessions)
    assert (home / "log").read_text()
    assert list(files_with([password, *sessions], home)) == []


def test_no_process_shows_a_secret(start_pool, tmp_path, environment, password):
    pool = start_pool(password=password)
    pool.fail("task.get_all_records", delay=600)
    variables = tmp_path / "variables.json"
    unsafe = {"__ansible_unsafe": password}
    variables.write_text(json.dumps({"pool_url": pool.url, "pool_password": unsafe}))
    command = [
        "ansible-playbook",
        f"--inventory={HERE / 'inventory.yml'}",
        f"--extra-vars=@{variables}",
        HERE / "playbooks" / "environment_of_play.yml",
    ]
    with subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as playbook:
        while not pool.log.of("task.get_all_records"):
            assert playbook.poll() is None
        shown = [line for line in command_lines() if "task_info" in line]
        everything = "\n".join(command_lines())
        playbook.terminate()
    while pool.sessions():
        pass
    sessions = {call.session for call in pool.log if call.session}
    assert shown
    assert_untold(everything, password, *sessions)


def command_lines():
    """Of every process of this machine, with its arguments as one line."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return lines
