# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo does what it says, whatever the user's environment, and can be interrupted anywhere."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.support.polling import LONG_TIMEOUT, wait_until
from tests.support.collection import ROOT

DEMO = [sys.executable, "-m", "scripts.demo"]
ODD = {
    "ANSIBLE_COLLECTIONS_PATH": "/nonexistent",
    "ANSIBLE_STDOUT_CALLBACK": "no_such_callback",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "REQUESTS_CA_BUNDLE": "/nonexistent",
    "XENSERVER_USER": "nobody",
}
# An interrupt can reach Ansible between the fork of a worker and its entry in the list of them:
# then the worker's module goes on until its own timeout, which the demo keeps at 30 seconds.
TIMEOUT = 60.0
# What Python itself says of an interrupt while it starts, or in the middle of a fork of Ansible's.
OF_PYTHON = ("Fatal Python error: init", "Exception ignored in", "Could not import runpy module")


@pytest.fixture
def mark() -> str:
    return f"DEMO_TEST_MARK={uuid.uuid4()}"


def processes(mark: str) -> Iterator[int]:
    """Those that inherited the mark, at whatever distance."""
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
    done = run(mark, **ODD)
    assert done.returncode == 0, done.stdout + done.stderr
    for said in (
        "web-1 has a snapshot",
        "ended as failure: VM_BAD_POWER_STATE",
        "- would be cancelled ",
        "- cancelled  ",
    ):
        assert said in done.stdout
    assert "xapi-secret" not in done.stdout + done.stderr
    assert list(processes(mark)) == []


@pytest.mark.parametrize("moment", ["A simulated pool", "List the tasks", "Wait for the tasks"])
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
    assert "Traceback" not in seen or any(words in seen for words in OF_PYTHON), seen
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
