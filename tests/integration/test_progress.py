# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of progress, in a terminal and elsewhere; and that nothing else depends on them."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import termios
import threading
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.tests.simulator import Life
from ansible_collections.xen.xapi.tests.support.polling import LONG_TIMEOUT, wait_until
from ansible_collections.xen.xapi.tests.support.samples import ENDLESS, LONG_AGO

LABEL = "Async.VM.copy"
LAST = "stopped waiting; running in the pool when last seen: "
# A line would come in this time if any came.
SILENCE = 8
# What differs from one run to the next, whatever is shown.
VOLATILE = ("elapsed", "requests", "server_time", "age", "duration", "eta", "at")

JSON_CALLBACK = """
import json
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "stdout", "only_json"
    def v2_playbook_on_stats(self, stats):
        self._display.display(json.dumps({"ok": dict(stats.ok)}))
"""
CONNECTION = """
DOCUMENTATION = '''
name: elsewhere
short_description: The controller, as if it were another machine
description: Runs everything on the controller.
extends_documentation_fragment: [connection_pipelining]
'''
from ansible.plugins.connection.local import Connection as Local

class Connection(Local):
    transport = "elsewhere"
"""


class Terminal:
    """A playbook on a terminal; its standard output can go elsewhere."""

    def __init__(self, call, environment, *, stdout=None, stderr=None):
        controller, terminal = os.openpty()
        self.output = ""
        self.process = subprocess.Popen(
            call,
            env=environment,
            stdin=terminal,
            stdout=terminal if stdout is None else stdout,
            stderr=terminal if stderr is None else stderr,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(terminal)
        self._controller = controller
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        # The read fails when the last process that has the terminal is gone.
        with contextlib.suppress(OSError):
            while data := os.read(self._controller, 65536):
                self.output += data.decode(errors="replace")

    def press_ctrl_c(self):
        os.write(self._controller, b"\x03")

    def lines_of(self, host):
        return [line for line in self.output.splitlines() if line.startswith(f"{host} | ")]

    def shows(self, *texts):
        return wait_until(lambda: all(text in self.output for text in texts), within=LONG_TIMEOUT)

    def wait(self):
        code = self.process.wait(LONG_TIMEOUT)
        self._reader.join(10)
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def start(tmp_path):
    """Starts a play of one task on some hosts, which are all the controller."""
    started = []
    (tmp_path / "home").mkdir()

    def start_play(
        pool,
        options,
        *arguments,
        hosts=("xcp1",),
        module="task_wait",
        environment=None,
        play=None,
        stdout=None,
        stderr=None,
        **keywords,
    ):
        inventory, playbook = tmp_path / "inventory.json", tmp_path / "play.json"
        variables = hosts if isinstance(hosts, dict) else {host: {} for host in hosts}
        common = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        }
        members = {host: {**common, **own} for host, own in variables.items()}
        inventory.write_text(json.dumps({"all": {"hosts": members}}))
        connection = {"hostname": pool.url, "password": pool.password}
        body = {
            "hosts": "all",
            "gather_facts": False,
            "module_defaults": {"group/xen.xapi.xapi": connection},
            "tasks": [{"name": "Work", f"xen.xapi.{module}": options, **keywords}],
            **(play or {}),
        }
        playbook.write_text(json.dumps([body]))
        call = ["ansible-playbook", f"--inventory={inventory}", *arguments, str(playbook)]
        own = {"ANSIBLE_HOME": str(tmp_path / "home"), "ANSIBLE_NOCOLOR": "1"}
        started.append(
            Terminal(
                call, {**os.environ, **own, **(environment or {})}, stdout=stdout, stderr=stderr
            )
        )
        return started[-1]

    yield start_play
    for one in started:
        one.kill()


def finish(pool, *refs):
    for ref in refs:
        pool.set_task(ref, progress=1.0, status="success")


def left_behind(folder):
    """What is left of the folders of progress; those of Ansible itself do not count."""
    return [str(path) for path in folder.rglob("xen-xapi-progress-*")]


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_hosts_show_lines_side_by_side(pool, start, tmp_path, strategy):
    refs = [pool.add_task(LABEL, life=ENDLESS, progress=0.43) for _number in range(3)]
    hosts = {f"xcp{number}": {"wanted": ref} for number, ref in enumerate(refs)}
    terminal = start(
        pool, {"ref": "{{ wanted }}"}, "--forks=3", hosts=hosts, play={"strategy": strategy}
    )
    assert terminal.shows(*(f"{host} | {LABEL} 43 %" for host in hosts))
    assert "ok: [" not in terminal.output
    finish(pool, *refs)
    assert terminal.wait() == 0
    assert left_behind(tmp_path) == []


@pytest.mark.cores
def test_loop_shows_lines_of_each_item(pool, start):
    refs = [pool.add_task(f"copy {number}", life=ENDLESS, progress=0.5) for number in range(2)]
    terminal = start(pool, {"ref": "{{ item }}"}, loop=refs)
    for number, ref in enumerate(refs):
        assert terminal.shows(f"xcp1 | copy {number} 50 %")
        finish(pool, ref)
    assert terminal.wait() == 0


@pytest.mark.cores
def test_lines_come_only_where_they_should(pool, start, tmp_path):
    """One play in which each host has another reason to show lines, or to show none."""
    ref = pool.add_task(LABEL, life=ENDLESS, progress=0.43)
    (tmp_path / "elsewhere.py").write_text(CONNECTION)
    vault, secret = tmp_path / "vault.json", tmp_path / "vault-password"
    secret.write_text("of the vault")
    vault.write_text(json.dumps({"vaulted": LABEL}))
    call = ["ansible-vault", "encrypt", f"--vault-password-file={secret}", str(vault)]
    subprocess.run(call, check=True, capture_output=True)
    shown = {
        "plain": {},
        "become": {"ansible_become": True, "ansible_become_method": "ansible.builtin.su"},
        "pipelined": {"ansible_pipelining": True},
        "delegated": {"to": "plain"},
        "vault": {"label": "{{ vaulted }}"},
    }
    silent = {
        "option": {"show": False},
        "variable": {"switch": "false"},
        "check": {"check": True},
        "async": {"seconds": 60},
        "hidden": {"hide": True},
        "elsewhere": {"ansible_connection": "elsewhere"},
    }
    terminal = start(
        pool,
        {
            "ref": "{{ omit if label is defined else wanted }}",
            "name_label": "{{ label | default(omit) }}",
            "progress": "{{ show | default(omit) }}",
            "timeout": SILENCE,
        },
        "--forks=11",
        f"--extra-vars=wanted={ref}",
        f"--extra-vars=@{vault}",
        f"--vault-password-file={secret}",
        hosts={**shown, **silent},
        environment={"ANSIBLE_CONNECTION_PLUGINS": str(tmp_path)},
        play={"environment": {"XAPI_PROGRESS": "{{ switch | default('true') }}"}},
        check_mode="{{ check | default(false) }}",
        no_log="{{ hide | default(false) }}",
        delegate_to="{{ to | default(inventory_hostname) }}",
        ignore_errors=True,
        poll=1,
        **{"async": "{{ seconds | default(0) }}"},
    )
    assert terminal.wait() == 0, terminal.output
    assert {host for host in shown if terminal.lines_of(host)} == set(shown), terminal.output
    assert {host for host in silent if terminal.lines_of(host)} == set(), terminal.output


@pytest.mark.cores
def test_standard_output_has_only_what_the_callback_prints(pool, start, tmp_path):
    ref = pool.add_task(LABEL, life=ENDLESS, progress=0.43)
    (tmp_path / "only_json.py").write_text(JSON_CALLBACK)
    with (tmp_path / "stdout").open("wb") as stdout:
        terminal = start(
            pool,
            {"ref": ref},
            stdout=stdout,
            environment={
                "ANSIBLE_CALLBACK_PLUGINS": str(tmp_path),
                "ANSIBLE_STDOUT_CALLBACK": "only_json",
            },
        )
    assert terminal.shows(f"xcp1 | {LABEL} 43 %")
    finish(pool, ref)
    assert terminal.wait() == 0
    assert json.loads((tmp_path / "stdout").read_text()) == {"ok": {"xcp1": 1}}


def test_log_has_the_lines(pool, start, tmp_path):
    ref = pool.add_task(LABEL, life=ENDLESS, progress=0.43)
    log = tmp_path / "log"
    terminal = start(pool, {"ref": ref}, environment={"ANSIBLE_LOG_PATH": str(log)})
    assert terminal.shows(f"xcp1 | {LABEL} 43 %")
    finish(pool, ref)
    assert terminal.wait() == 0
    assert f"xcp1 | {LABEL} 43 %" in log.read_text()


@pytest.mark.parametrize(
    "label", ["\x1b[2J\x1b]0;title\x07\r\nok: [xcp1] {{ 6 * 7 }}", "copy" * 75 * 1024]
)
def test_labels_of_other_people_do_no_harm(pool, start, label):
    ref = pool.add_task(label, life=ENDLESS, progress=0.43)
    terminal = start(pool, {"ref": ref})
    assert terminal.shows("xcp1 | ", "43 %")
    (line, *_rest) = terminal.lines_of("xcp1")
    assert line.isprintable()
    assert len(line) < 250
    assert "ok: [" not in terminal.output.replace(line, "")
    finish(pool, ref)
    assert terminal.wait() == 0


def test_cancel_shows_lines(pool, start):
    life = ENDLESS
    ref = pool.add_task("deaf", created=LONG_AGO, progress=0.43)
    ended = pool.add_task("obeys", created=LONG_AGO, life=life)
    terminal = start(pool, {"ref": [ref, ended], "timeout": 600}, module="task_cancel")
    assert terminal.shows("xcp1 | deaf 43 %", "1 of 2 tasks running; ended: obeys (cancelled)")
    pool.set_task(ref, status="cancelled")
    assert terminal.wait() == 0


@pytest.mark.cores
def test_ctrl_c_names_what_is_still_running(pool, start, tmp_path):
    ref = pool.add_task(LABEL, life=ENDLESS, progress=0.43)
    terminal = start(pool, {"ref": ref}, hosts=["xcp1", "xcp2"])
    assert terminal.shows(f"xcp1 | {LABEL} 43 %", f"xcp2 | {LABEL} 43 %")
    terminal.press_ctrl_c()
    assert terminal.wait() != 0
    uuid = pool.record(ref)["uuid"]
    named = f"{LAST}'{LABEL}' (uuid {uuid}, pending, 43 %)"
    assert terminal.output.splitlines()[-2:] == [f"xcp1 | {named}", f"xcp2 | {named}"]
    assert left_behind(tmp_path) == []
    assert wait_until(lambda: not pool.sessions(), within=LONG_TIMEOUT)


def test_terminated_playbook_leaves_nothing(pool, start, tmp_path):
    ref = pool.add_task(LABEL, life=ENDLESS, progress=0.43)
    terminal = start(pool, {"ref": ref})
    assert terminal.shows(f"xcp1 | {LABEL} 43 %")
    assert left_behind(tmp_path)
    terminal.process.terminate()
    assert terminal.wait() != 0
    # Before ansible-core 2.19, the worker goes on to the end of the module.
    finish(pool, ref)
    assert wait_until(lambda: not left_behind(tmp_path), within=LONG_TIMEOUT)
    assert wait_until(lambda: not pool.sessions(), within=LONG_TIMEOUT)


def test_killed_playbook_leaves_nothing(pool, start, tmp_path):
    ref = pool.add_task(LABEL, life=ENDLESS, progress=0.43)
    terminal = start(pool, {"ref": ref})
    assert terminal.shows(f"xcp1 | {LABEL} 43 %")
    terminal.kill()
    # The worker and the module go on; the next report shows that the main process is gone.
    pool.set_task(ref, progress=0.5)
    assert wait_until(lambda: not left_behind(tmp_path), within=LONG_TIMEOUT)
    finish(pool, ref)
    assert wait_until(lambda: not pool.sessions(), within=LONG_TIMEOUT)


@pytest.mark.cores
def test_task_timeout_names_what_is_still_running(pool, start, tmp_path):
    ref = pool.add_task(LABEL, life=ENDLESS, progress=0.43)
    terminal = start(pool, {"ref": ref}, timeout=15)
    assert terminal.wait() != 0
    assert f"xcp1 | {LAST}'{LABEL}'" in terminal.output
    assert left_behind(tmp_path) == []
    assert wait_until(lambda: not pool.sessions(), within=LONG_TIMEOUT)


def module_below(pid):
    """The process of the module among those that a process started."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if b"AnsiballZ_" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[1]:
            return int(child)
        found = module_below(child)
        if found:
            return found
    return None


@pytest.fixture
def forget_sessions(pool):
    """A module that is killed leaves its session."""
    yield
    for session in pool.sessions():
        pool.logout(session)


@pytest.mark.cores
@pytest.mark.usefixtures("forget_sessions")
def test_module_that_is_killed_fails_as_without_lines(pool, start, tmp_path):
    ref = pool.add_task(LABEL, life=ENDLESS, progress=0.43)
    terminal = start(pool, {"ref": ref})
    assert terminal.shows(f"xcp1 | {LABEL} 43 %")
    os.kill(module_below(terminal.process.pid), signal.SIGKILL)
    assert terminal.wait() == 2
    assert "failed=1" in terminal.output
    assert LAST not in terminal.output
    assert left_behind(tmp_path) == []


def open_bad_standard_error(kind):
    """Return the end to write to, and the other one if it has to stay open."""
    if kind == "full device":
        return os.open("/dev/full", os.O_WRONLY), None
    if kind == "socket without reader":
        reader, writer = socket.socketpair()
        reader.close()
        return writer.detach(), None
    unread, stderr = os.pipe()
    if kind == "pipe without reader":
        os.close(unread)
        return stderr, None
    os.set_blocking(stderr, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(stderr, b"x" * 4096)
    os.set_blocking(stderr, True)
    return stderr, unread


@pytest.mark.parametrize(
    "kind", ["pipe without reader", "full pipe", "socket without reader", "full device"]
)
def test_standard_error_that_fails_changes_nothing(start_pool, start, kind):
    pool = start_pool(tls=True)
    ref = pool.add_task(LABEL, life=ENDLESS, progress=0.43)
    stderr, unread = open_bad_standard_error(kind)
    options = {"ref": ref, "validate_certs": False, "timeout": SILENCE}
    terminal = start(pool, options, stderr=stderr, ignore_errors=True)
    os.close(stderr)
    assert terminal.wait() == 0
    assert "ignored=1" in terminal.output
    if unread is not None:
        os.close(unread)


def test_ansible_runner_has_the_lines_as_events(pool, tmp_path):
    """AWX and ansible-navigator show these events; a job that sends none may be ended."""
    runner = pytest.importorskip("ansible_runner")
    ref = pool.add_task(LABEL, life=Life(duration=10, steps=10))
    options = {"hostname": pool.url, "password": pool.password, "ref": ref}
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    ended = runner.run(
        private_data_dir=str(tmp_path),
        playbook=[
            {"hosts": "all", "gather_facts": False, "tasks": [{"xen.xapi.task_wait": options}]}
        ],
        inventory={"all": {"hosts": {"xcp1": host}}},
        envvars={"ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]},
        quiet=True,
    )
    assert ended.status == "successful"
    lines = [event["stdout"] for event in ended.events if event["event"] == "verbose"]
    assert [line for line in lines if line.startswith(f"xcp1 | {LABEL} ")]


def without_volatile(value):
    if isinstance(value, dict):
        items = value.items()
        return {key: without_volatile(one) for key, one in items if key not in VOLATILE}
    return [without_volatile(one) for one in value] if isinstance(value, list) else value


@pytest.mark.cores
def test_results_are_the_same_with_and_without_lines(pool, start, tmp_path):
    """A wait that times out, and a task that Ansible rejects before the module does anything."""
    result = tmp_path / "result.json"
    ref = pool.add_task(LABEL, life=ENDLESS, progress=0.43)
    tasks = [
        {
            "xen.xapi.task_wait": {"ref": ref, "timeout": SILENCE, **wrong},
            "register": name,
            "ignore_errors": True,
        }
        for name, wrong in (("shown", {}), ("rejected", {"nonsense": 1}))
    ]
    content = "{{ [shown, rejected] | to_json }}"
    tasks.append({"ansible.builtin.copy": {"content": content, "dest": str(result)}})
    results = []
    for switch in ("true", "no"):
        terminal = start(pool, {}, environment={"XAPI_PROGRESS": switch}, play={"tasks": tasks})
        assert terminal.wait() == 0
        results.append(json.dumps(without_volatile(json.loads(result.read_text()))))
        assert bool(terminal.lines_of("xcp1")) is (switch == "true")
        assert "Unsupported parameters" in results[-1]
    assert results[0] == results[1]
