# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source as a program of its own, which prints events."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.fixtures import secrets_of
from ansible_collections.xen.xapi.tests.support.polling import TIMEOUT, wait_until

MODULE = "ansible_collections.xen.xapi.extensions.eda.plugins.event_source.task_events"
COPY = "Async.VM.copy"


def source_file():
    return (
        Path(os.environ["ANSIBLE_COLLECTIONS_PATH"]).joinpath(*MODULE.split(".")).with_suffix(".py")
    )


@contextlib.contextmanager
def program(pool, *arguments, by_module=False, stdout=subprocess.PIPE):
    """A running source; it is killed if the test fails."""
    called = ["-m", MODULE] if by_module else [str(source_file())]
    env = {**os.environ, "XAPI_HOST": pool.url, "XAPI_PASSWORD": pool.password}
    if by_module:
        env["PYTHONPATH"] = os.environ["ANSIBLE_COLLECTIONS_PATH"]
    else:
        env.pop("PYTHONPATH", None)
    running = subprocess.Popen(
        [sys.executable, *called, *arguments],
        env=env,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )
    with running:
        try:
            yield running
        finally:
            running.kill()


def is_listed(pool):
    """Wait until the tasks are listed; the second call waits for changes since then."""
    return wait_until(lambda: len(pool.log.of("event.from")) > 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_ends_it_with_a_logout(pool, number):
    with program(pool) as running:
        assert is_listed(pool)
        assert len(pool.sessions()) == 1
        running.send_signal(number)
        out, err = running.communicate(timeout=TIMEOUT)
    assert (running.returncode, out) == (0, "")
    assert pool.sessions() == []
    assert "Traceback" not in err


@pytest.mark.parametrize("by_module", [True, False])
def test_prints_one_line_of_json_for_each_end(pool, by_module):
    ref = pool.add_task(COPY, life=Life(duration=None))
    with program(pool, "kind=[copy]", by_module=by_module) as running:
        assert is_listed(pool)
        pool.set_task(ref, status="success")
        event = json.loads(running.stdout.readline())
        running.terminate()
        out, err = running.communicate(timeout=TIMEOUT)
    assert (event["type"], event["task"]["ref"]) == ("success", ref)
    text = json.dumps(event) + out + err
    assert not [secret for secret in secrets_of(pool) if secret in text]


def test_closed_pipe_ends_it_with_a_logout(pool):
    ref = pool.add_task(COPY, life=Life(duration=None))
    with program(pool) as running:
        assert is_listed(pool)
        running.stdout.close()
        pool.set_task(ref, status="success")
        assert running.wait(TIMEOUT) == 1
        assert "Traceback" not in running.stderr.read()
    assert pool.sessions() == []


@pytest.fixture
def full_pipe():
    """The end of a full pipe that a program can write to, though it is not read."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x")
    os.set_blocking(writer, True)
    yield writer
    os.close(writer)
    os.close(reader)


def test_signal_ends_it_with_a_logout_while_its_output_is_not_read(pool, full_pipe):
    ref = pool.add_task(COPY, life=Life(duration=None))
    with program(pool, stdout=full_pipe) as running:
        assert is_listed(pool)
        asked = len(pool.log.of("event.from"))
        pool.set_task(ref, status="success")
        # The next request shows that the event was passed on.
        assert wait_until(lambda: len(pool.log.of("event.from")) > asked)
        running.terminate()
        assert running.wait(TIMEOUT) == 0
        assert "Traceback" not in running.stderr.read()
    assert pool.sessions() == []


def test_options_can_come_from_a_file(pool, tmp_path):
    path = tmp_path / "options.yml"
    path.write_text(f"hostname: [{pool.url}]\npassword: {pool.password}\nbuffer_size: 0\n")
    with program(pool, f"@{path}") as running:
        _out, err = running.communicate(timeout=TIMEOUT)
    assert running.returncode == 1
    assert err.endswith("ERROR: argument 'buffer_size': 0 is not from 1 to 1000000 events.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["password=pw1"], "argument 'password' would be visible in the list of processes"),
        (["hostname"], "'hostname' is not an option: write NAME=VALUE or @FILE."),
        (["@/no/file"], "'/no/file' cannot be read: "),
        (["kind=["], "'kind' is not valid YAML."),
        (["kind=[x]"], "value of kind must be one or more of"),
    ],
)
def test_wrong_arguments_are_named(pool, arguments, message):
    with program(pool, *arguments) as running:
        _out, err = running.communicate(timeout=TIMEOUT)
    assert running.returncode == 1
    assert err.startswith(f"ERROR: {message}")
    assert "pw1" not in err
