# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.plugins.plugin_utils._standard_error import is_writable

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")


@pytest.fixture
def start():
    """Starts a process with some standard error."""
    started = []

    def start_sleeper(stderr):
        call = [sys.executable, "-c", "import sys; print(); sys.stdout.flush(); sys.stdin.read()"]
        process = subprocess.Popen(
            call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr
        )
        process.stdout.readline()
        started.append(process)
        return process.pid

    yield start_sleeper
    for process in started:
        process.communicate()


def test_pipe_is_writable_as_long_as_it_has_a_reader(start):
    reader, writer = os.pipe()
    pid = start(writer)
    os.close(writer)
    assert is_writable(pid)
    os.close(reader)
    assert not is_writable(pid)


def test_terminal_is_writable_until_it_is_gone(start):
    controller, terminal = os.openpty()
    pid = start(terminal)
    os.close(terminal)
    assert is_writable(pid)
    os.close(controller)
    assert not is_writable(pid)


@pytest.mark.parametrize(("path", "expected"), [("/dev/null", True), ("/dev/full", False)])
def test_devices_are_tried(start, path, expected):
    with open(path, "wb") as device:
        assert is_writable(start(device)) is expected


def test_file_is_writable_and_left_as_it_is(start, tmp_path):
    path = tmp_path / "log"
    with path.open("wb") as log:
        assert is_writable(start(log))
    assert path.read_bytes() == b""


def test_full_disk_is_not_writable(start, tmp_path, monkeypatch):
    with (tmp_path / "log").open("wb") as log:
        pid = start(log)
    full = os.statvfs_result([0] * 11)
    monkeypatch.setattr(os, "statvfs", lambda _path: full)
    assert not is_writable(pid)


def test_process_that_is_gone_is_taken_for_writable(start):
    """As where the system tells nothing: the display is left to find out."""
    assert is_writable(2**22 + 1)
