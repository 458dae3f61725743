# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import multiprocessing
import os
import socket
import sys

import pytest

from ansible_collections.xen.xapi.plugins.plugin_utils import _standard_error
from ansible_collections.xen.xapi.plugins.plugin_utils._standard_error import is_writable


@pytest.fixture
def pipe():
    """Makes a pipe, whose reading end a test may close."""
    reader, writer = os.pipe()
    yield reader, writer
    os.close(writer)


def fill(writer):
    """Write until it would block, and return how many bytes that were."""
    os.set_blocking(writer, False)
    written = 0
    try:
        while True:
            written += os.write(writer, b"x" * 1024)
    except BlockingIOError:
        pass
    os.set_blocking(writer, True)
    return written


def test_pipe_is_writable_as_long_as_it_has_a_reader(pipe):
    reader, writer = pipe
    assert is_writable(writer)
    os.close(reader)
    assert not is_writable(writer)


def test_full_pipe_is_not_writable_until_it_is_read(pipe):
    reader, writer = pipe
    size = fill(writer)
    assert not is_writable(writer)
    os.read(reader, 1)
    assert not is_writable(writer)
    os.read(reader, size)
    assert is_writable(writer)
    os.close(reader)


def test_pipe_keeps_room_for_lines_of_other_workers(pipe):
    reader, writer = pipe
    os.write(writer, b"x" * 20000)
    assert not is_writable(writer)
    os.read(reader, 10000)
    assert is_writable(writer)
    os.close(reader)


def test_socket_is_writable_until_its_reader_is_gone():
    reader, writer = socket.socketpair()
    with writer:
        assert is_writable(writer.fileno())
        reader.close()
        assert not is_writable(writer.fileno())


def test_socket_that_is_full_is_not_writable():
    reader, writer = socket.socketpair()
    with reader, writer:
        fill(writer.fileno())
        assert not is_writable(writer.fileno())


def test_socket_that_is_only_written_to_is_writable():
    """The journal of systemd gives a service such a socket."""
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.shutdown(socket.SHUT_RD)
        reader.shutdown(socket.SHUT_WR)
        assert is_writable(writer.fileno())


def test_connection_is_not_writable_after_the_other_side_closed_it():
    """The first write would succeed, and the second one fail."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as writer,
    ):
        reader, _address = server.accept()
        assert is_writable(writer.fileno())
        reader.close()
        assert not is_writable(writer.fileno())


def test_terminal_is_writable_until_it_is_gone():
    controller, terminal = os.openpty()
    assert is_writable(terminal)
    os.close(controller)
    assert not is_writable(terminal)
    os.close(terminal)


@pytest.mark.parametrize(("path", "expected"), [("/dev/null", True), ("/dev/full", False)])
def test_devices_are_tried(path, expected):
    with open(path, "wb") as device:
        assert is_writable(device.fileno()) is expected


def test_file_is_writable_and_left_as_it_is(tmp_path):
    path = tmp_path / "log"
    with path.open("wb") as log:
        assert is_writable(log.fileno())
    assert path.read_bytes() == b""


def test_file_that_is_only_read_is_not_writable(tmp_path):
    path = tmp_path / "log"
    path.touch()
    with path.open("rb") as log:
        assert not is_writable(log.fileno())


def test_full_disk_is_not_writable(tmp_path, monkeypatch):
    full = os.statvfs_result([0] * 11)
    monkeypatch.setattr(os, "fstatvfs", lambda _descriptor: full)
    with (tmp_path / "log").open("wb") as log:
        assert not is_writable(log.fileno())


def test_missing_standard_error_is_not_writable(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert not is_writable(_standard_error._duplicate())


def test_worker_takes_the_descriptor_of_the_main_process_or_none(monkeypatch, pipe):
    """The standard error of a worker is another one, which can be written to in any case."""
    reader, writer = pipe
    with open(writer, "w", closefd=False) as file:
        monkeypatch.setattr(sys, "stderr", file)
        copy = _standard_error._duplicate()
        assert is_writable(copy)
        os.close(reader)
        assert not is_writable(copy)
        os.close(copy)
        monkeypatch.setattr(multiprocessing, "parent_process", lambda: "main")
        assert _standard_error._duplicate() == -1
