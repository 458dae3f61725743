# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._progress import MAX_MESSAGE, ProgressWriter

REPORT = {"line": ["Async.VM.copy 43 %"], "mark": "1", "left": ""}


@pytest.fixture
def pipe(tmp_path):
    """The path of a pipe, and the descriptor of its reader."""
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    yield path, reader
    os.close(reader)


def read_reports(reader):
    return [json.loads(line) for line in os.read(reader, 1 << 20).split(b"\n") if line]


def test_reports_arrive_one_per_line(pipe):
    path, reader = pipe
    writer = ProgressWriter(path)
    writer.send(REPORT)
    writer.send({**REPORT, "mark": "2"})
    writer.close()
    assert read_reports(reader) == [REPORT, {**REPORT, "mark": "2"}]


def test_full_pipe_neither_blocks_nor_fails(pipe):
    path, reader = pipe
    writer = ProgressWriter(path)
    for _number in range(10_000):
        writer.send(REPORT)
    assert writer.is_open
    assert len(os.read(reader, 1 << 20)) < 10_000 * len(json.dumps(REPORT))
    writer.send({**REPORT, "mark": "2"})
    assert read_reports(reader)[-1]["mark"] == "2"


def test_writer_stops_when_reader_is_gone(tmp_path):
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = ProgressWriter(path)
    os.close(reader)
    writer.send(REPORT)
    assert not writer.is_open
    writer.send(REPORT)


def test_pipe_without_reader_is_not_opened(tmp_path):
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    assert not ProgressWriter(path).is_open


@pytest.mark.parametrize("kind", ["file", "link", "missing", "folder"])
def test_only_a_pipe_is_opened(tmp_path, pipe, kind):
    path = tmp_path / kind
    if kind == "file":
        path.write_text("kept")
    elif kind == "link":
        path.symlink_to(pipe[0])
    elif kind == "folder":
        path.mkdir()
    assert not ProgressWriter(str(path)).is_open
    assert kind != "file" or path.read_text() == "kept"


@pytest.mark.parametrize("path", [None, "", "a\0b"])
def test_writer_without_usable_path_does_nothing(path):
    writer = ProgressWriter(path)
    writer.send(REPORT)
    writer.close()
    assert not writer.is_open


def test_report_that_is_too_long_is_left_out(pipe):
    path, reader = pipe
    writer = ProgressWriter(path)
    writer.send({**REPORT, "left": "x" * MAX_MESSAGE})
    writer.send(REPORT)
    assert read_reports(reader) == [REPORT]


def test_secrets_are_masked(pipe):
    path, reader = pipe
    writer = ProgressWriter(path, mask=lambda report: {**report, "line": ["***"]})
    writer.send(REPORT)
    assert read_reports(reader)[0]["line"] == ["***"]
