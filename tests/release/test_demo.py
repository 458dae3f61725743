# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo shows its five scenes in any environment, and can be interrupted at any moment."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.support.polling import LONG_TIMEOUT, wait_until
from scripts.callbacks.demo_lines import format_lines
from tests.support.collection import ROOT

SUMMARY = "All five scenes went as they should, and no session is left on the pool."
UUID = "9c2ee352-3f95-0e0a-8f77-4c4e7a3f2d11"
DEMO = [sys.executable, "-m", "scripts.demo"]
UNUSUAL = {
    "ANSIBLE_COLLECTIONS_PATH": "/nonexistent",
    "ANSIBLE_STDOUT_CALLBACK": "no_such_callback",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "REQUESTS_CA_BUNDLE": "/nonexistent",
    "XENSERVER_USER": "nobody",
}
# An interrupt can reach Ansible between the fork of a worker and its entry in the list of them:
# then the worker's module continues until its own timeout, which is a minute in the demo.
TIMEOUT = 90.0
# Python, while it starts, and Ansible, while it forks, print tracebacks of their own.
OUR_FRAME = re.compile(rf'File "(?:{re.escape(str(ROOT))}/(?!\.)|.*ansible_collections/xen/).*')


@pytest.fixture
def mark() -> str:
    return f"DEMO_TEST_MARK={uuid.uuid4()}"


def processes(mark: str) -> Iterator[int]:
    """Yield the processes that inherited the mark, directly or not."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (entry / "environ").read_bytes():
                yield int(entry.name)
        except OSError:
            continue


def environ(mark: str, **changes: str) -> dict[str, str]:
    name, value = mark.split("=")
    return {**os.environ, name: value, **changes}


def run(mark: str, **changes: str) -> subprocess.CompletedProcess[str]:
    env = environ(mark, **changes)
    return subprocess.run(
        DEMO, cwd=ROOT, env=env, capture_output=True, text=True, timeout=LONG_TIMEOUT, check=False
    )


@contextlib.contextmanager
def running(mark: str, **changes: str) -> Iterator[subprocess.Popen[str]]:
    env = environ(mark, **changes)
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(DEMO, cwd=ROOT, env=env, text=True, **output) as demo:
        yield demo


def test_demo_succeeds_despite_unusual_environment(mark: str) -> None:
    done = run(mark, **UNUSUAL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "xapi-secret" not in done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line[:3] for line in lines if line[:1].isdigit()] == ["1. ", "2. ", "3. ", "4. ", "5. "]
    # The playbook fails if a gate does not have to wait.
    assert len(re.findall(r"It held for [\d.]+ s, with \d+ requests\.", done.stdout)) == 2
    for words in ("VM_BAD_POWER_STATE", "   would be cancelled ", "   cancelled  "):
        assert words in done.stdout
    assert "   None" not in lines
    assert lines[-1] == SUMMARY
    assert 30 <= len(lines) <= 50
    assert max(map(len, lines)) < 80
    assert list(processes(mark)) == []


def test_gates_of_demo_fail_if_they_do_not_wait() -> None:
    for scene in ("scene_2_gate.yml", "scene_4_quiet.yml"):
        tasks = yaml.safe_load(
            (ROOT / "playbooks" / "tasks" / "demo" / scene).read_text(encoding="utf-8")
        )
        (place,) = (n for n, task in enumerate(tasks) if "xen.xapi.task_wait" in task)
        assert tasks[place]["register"] == "demo_gate"
        assert tasks[place + 1]["ansible.builtin.assert"]["that"] == "demo_gate.waited"


def test_failed_demo_prints_reason(mark: str) -> None:
    with Simulator(tasks=3) as pool:
        done = run(mark, XAPI_HOST=pool.url, XAPI_PASSWORD="wrong")
    assert done.returncode == 2
    assert "Failed: " in done.stdout
    assert SUMMARY not in done.stdout


def test_long_lines_of_messages_are_wrapped_and_uuids_cut() -> None:
    row = f"too young  {UUID}  Async.VM.copy"
    assert format_lines([row]) == ["   too young  9c2ee352-…  Async.VM.copy"]
    assert format_lines(f"{'uuid':36}  label") == ["   uuid        label"]
    assert format_lines("2. A scene.") == ["", "2. A scene."]
    lines = format_lines(f"Task 'backup' (uuid {UUID}) " + "ended as failure " * 8)
    assert len(lines) == 3
    assert all(line.startswith("   ") and len(line) < 80 for line in lines)


@pytest.mark.parametrize("moment", ["A simulated pool", "1. task_info", "The gate waits"])
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_demo_leaves_no_process(mark: str, moment: str, signum: signal.Signals) -> None:
    with running(mark) as demo:
        assert demo.stdout
        seen = ""
        while moment not in seen and (line := demo.stdout.readline()):
            seen += line
        demo.send_signal(signum)
        seen += demo.stdout.read()
    assert demo.returncode == 128 + signum, seen
    assert not OUR_FRAME.findall(seen), seen
    assert wait_until(lambda: not list(processes(mark)), within=TIMEOUT)


def test_demo_only_reads_real_pool(mark: str) -> None:
    with Simulator(tasks=3) as pool:
        done = run(mark, XAPI_HOST=pool.url, XAPI_PASSWORD="xapi-secret")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "xapi-secret" not in done.stdout + done.stderr
        assert not [call for call in pool.log if call.method.startswith(("Async.", "task.cancel"))]
        assert pool.sessions() == []


def test_interrupted_demo_leaves_no_session(mark: str) -> None:
    with Simulator(tasks=3) as pool:
        pool.fail("task.*", delay=20)
        with running(mark, XAPI_HOST=pool.url, XAPI_PASSWORD="xapi-secret") as demo:
            assert wait_until(
                lambda: any(call.method.startswith("task.") for call in pool.log), within=TIMEOUT
            )
            demo.send_signal(signal.SIGINT)
        assert demo.returncode == 128 + signal.SIGINT
        assert wait_until(lambda: pool.sessions() == [], within=TIMEOUT)
        assert wait_until(lambda: not list(processes(mark)), within=TIMEOUT)


def test_demo_requires_password_for_real_pool(mark: str) -> None:
    done = run(mark, XAPI_HOST="pool.example.com")
    assert done.returncode == 2
    assert done.stderr == "XAPI_HOST is set and XAPI_PASSWORD is not.\n"
