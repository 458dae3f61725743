# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import os
import re
import signal
import stat
import threading
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._progress import ProgressWriter
from ansible_collections.xen.xapi.plugins.plugin_utils import _progress_action, _progress_channel
from ansible_collections.xen.xapi.plugins.plugin_utils._progress_channel import ProgressChannel
from ansible_collections.xen.xapi.tests.support.polling import wait_until

REPORT = {"line": ["copy 43 %"], "mark": "1", "left": "'copy' (pending)"}
LAST = "xcp1 | stopped waiting; running in the pool when last seen: 'copy' (pending)"


@pytest.fixture
def lines():
    return []


@pytest.fixture
def open_channel(tmp_path, lines):
    """Opens channels whose clock is 10 seconds ahead at each look, so that each line is due."""
    opened = []

    def open_one(show=lines.append):
        ticks = itertools.count(0, 10)
        opened.append(ProgressChannel(str(tmp_path), "xcp1", show, clock=lambda: next(ticks)))
        return opened[-1]

    yield open_one
    for channel in opened:
        channel._is_over = True


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if not path.is_dir())


def test_reports_are_shown_while_the_channel_is_open(open_channel, lines, tmp_path):
    channel = open_channel()
    writer = ProgressWriter(channel.path)
    writer.send(REPORT)
    assert wait_until(lambda: lines)
    assert lines[0] == "xcp1 | copy 43 %"
    writer.send({**REPORT, "mark": "2", "line": ["copy 50 %"]})
    assert wait_until(lambda: "xcp1 | copy 50 %" in lines)
    channel.close()
    assert list(tmp_path.iterdir()) == []


def test_only_the_user_can_enter_the_folder(open_channel, tmp_path):
    channel = open_channel()
    (folder,) = tmp_path.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(os.stat(channel.path).st_mode) == 0o600
    channel.close()


def test_pipe_is_removed_once_the_module_has_it(open_channel, lines, tmp_path):
    channel = open_channel()
    ProgressWriter(channel.path).send(REPORT)
    assert wait_until(lambda: files(tmp_path) == ["last-line"])
    channel.close()
    assert list(tmp_path.iterdir()) == []


def test_module_that_is_killed_leaves_the_channel_usable(open_channel, lines, tmp_path):
    channel = open_channel()
    writer = ProgressWriter(channel.path)
    os.write(writer._pipe, b'\n{"line": ["copy 4')
    writer.close()
    channel.close()
    assert lines == []
    assert list(tmp_path.iterdir()) == []


# Python would print the traceback of a thread.
@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_display_that_fails_ends_nothing_but_the_lines(open_channel, tmp_path):
    shown = []

    def fail(line):
        shown.append(line)
        raise ValueError("defect")

    channel = open_channel(fail)
    writer = ProgressWriter(channel.path)
    writer.send(REPORT)
    assert wait_until(lambda: not channel._thread.is_alive())
    for _number in range(10_000):
        writer.send(REPORT)
    channel.close()
    assert len(shown) == 1
    assert list(tmp_path.iterdir()) == []


def test_display_that_blocks_does_not_hold_up_the_result(open_channel, tmp_path, monkeypatch):
    monkeypatch.setattr(_progress_channel, "_JOIN_TIMEOUT", 0.01)
    is_shown, may_go_on = threading.Event(), threading.Event()

    def block(_line):
        is_shown.set()
        may_go_on.wait()

    channel = open_channel(block)
    ProgressWriter(channel.path).send(REPORT)
    assert is_shown.wait(60)
    channel.close()
    assert list(tmp_path.iterdir()) == []
    may_go_on.set()


def test_interrupted_worker_leaves_last_line_to_the_main_process(open_channel, lines, tmp_path):
    channel = open_channel()
    ProgressWriter(channel.path).send(REPORT)
    assert wait_until(lambda: lines)
    channel.interrupt(worker_continues=False)
    assert LAST not in lines
    (file,) = tmp_path.rglob("last-line")
    assert file.read_text() == LAST


def test_worker_that_goes_on_shows_last_line(open_channel, lines, tmp_path):
    channel = open_channel()
    ProgressWriter(channel.path).send(REPORT)
    assert wait_until(lambda: lines)
    channel.interrupt(worker_continues=True)
    assert lines[-1] == LAST
    assert list(tmp_path.iterdir()) == []


def test_wait_without_running_tasks_has_no_last_line(open_channel, lines, tmp_path):
    channel = open_channel()
    ProgressWriter(channel.path).send({**REPORT, "left": ""})
    assert wait_until(lambda: lines)
    channel.interrupt(worker_continues=True)
    assert lines[-1] != LAST


def test_folder_is_removed_if_the_main_process_is_gone(open_channel, lines, tmp_path, monkeypatch):
    channel = open_channel()
    writer = ProgressWriter(channel.path)
    writer.send(REPORT)
    assert wait_until(lambda: lines)
    monkeypatch.setattr(os, "getppid", lambda: 1)
    writer.send({**REPORT, "mark": "2"})
    assert wait_until(lambda: not channel._thread.is_alive())
    assert list(tmp_path.iterdir()) == []
    channel.close()


def test_channel_without_a_folder_is_refused(tmp_path):
    with pytest.raises(OSError, match="missing"):
        ProgressChannel(str(tmp_path / "missing"), "xcp1", print)


def test_channel_without_a_pipe_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_arguments):
        raise OSError("no pipes here")

    monkeypatch.setattr(os, "mkfifo", fail)
    with pytest.raises(OSError, match="no pipes here"):
        ProgressChannel(str(tmp_path), "xcp1", print)
    assert list(tmp_path.iterdir()) == []


def blocked_signals(thread):
    """The signals that the system does not deliver to a thread."""
    status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
    mask = int(re.search(r"^SigBlk:\s*(\w+)", status, re.MULTILINE)[1], 16)
    return {number for number in signal.Signals if mask & 1 << (number - 1)}


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")
def test_signals_reach_the_thread_that_waits_for_the_module(open_channel):
    """A signal that another thread gets does not end the wait of the main thread."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    channel = open_channel()
    assert blocked_signals(channel._thread) >= {signal.SIGINT, signal.SIGTERM, signal.SIGALRM}
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
    channel.close()


def test_worker_is_not_killed_while_it_hands_over_a_line(open_channel):
    """It would keep the lock of the queue, and the main process would wait for that forever."""
    events, is_shown, may_go_on = [], threading.Event(), threading.Event()

    def hand_over(_line):
        is_shown.set()
        may_go_on.wait()
        events.append("handed over")

    channel = open_channel(hand_over)
    ProgressWriter(channel.path).send(REPORT)
    assert is_shown.wait(60)
    killer = threading.Thread(target=lambda: (channel.silence(), events.append("killed")))
    killer.start()
    assert wait_until(lambda: channel._is_over)
    may_go_on.set()
    killer.join()
    assert events == ["handed over", "killed"]
    channel.close()


def test_worker_that_is_ended_removes_the_folder(open_channel, tmp_path):
    channel = open_channel()
    channel.abandon()
    assert list(tmp_path.iterdir()) == []
    channel.close()


def test_worker_that_is_ended_after_ctrl_c_leaves_its_last_line(open_channel, lines, tmp_path):
    channel = open_channel()
    ProgressWriter(channel.path).send(REPORT)
    assert wait_until(lambda: lines)
    channel.silence()
    channel.abandon()
    assert files(tmp_path) == ["last-line"]
    channel.close()


def test_no_line_follows_the_signal(open_channel, lines):
    channel = open_channel()
    writer = ProgressWriter(channel.path)
    writer.send(REPORT)
    assert wait_until(lambda: lines)
    channel.silence()
    shown = len(lines)
    writer.send({**REPORT, "mark": "2"})
    assert wait_until(lambda: not channel._thread.is_alive())
    assert len(lines) == shown
    channel.close()


def test_second_signal_in_the_handler_of_the_first_does_not_wait_for_it(open_channel, monkeypatch):
    monkeypatch.setattr(_progress_channel, "_JOIN_TIMEOUT", 0.01)
    channel = open_channel()
    with channel._showing:
        channel.silence()
    channel.close()


@pytest.mark.parametrize("is_writable", [True, False])
def test_line_is_shown_only_where_standard_error_takes_it(monkeypatch, lines, is_writable):
    monkeypatch.setattr(_progress_action, "is_writable", lambda _descriptor: is_writable)
    monkeypatch.setattr(_progress_action, "_show", lines.append)
    _progress_action._show_in_main_process("copy 43 %")
    assert lines == (["copy 43 %"] if is_writable else [])
