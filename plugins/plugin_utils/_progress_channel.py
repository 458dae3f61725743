# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import tempfile
import threading
import time
from typing import Callable

from ._progress_lines import MAX_INTERVAL, LinePacer, ReportDecoder

FOLDER_PREFIX = "xen-xapi-progress-"
LAST_LINE = "last-line"
_CHUNK = 65536
_JOIN_TIMEOUT = 2.0
"""Seconds to wait for a display that blocks, before the result of the module is returned."""


class ProgressChannel:
    """Reads the reports of a module from a pipe and shows lines, in a thread of its own.

    The pipe is in a folder that only the user can enter, and is removed as soon as the module has
    opened it. The folder also holds the line that is shown if Ansible is interrupted, since a
    worker that is stopped cannot show anything any more.

    Large because it owns the pipe, the folder and the thread, which end together.
    """

    def __init__(
        self,
        folder: str,
        host: str,
        show: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The folder has to exist, and show displays one line."""
        self._show = show
        self._clock = clock
        self._pacer = LinePacer(host, now=clock())
        self._decoder = ReportDecoder()
        # Signal handlers set this, and one may interrupt another: an event could wait for itself.
        self._is_over = False
        self._showing = threading.Lock()
        self._parent = os.getppid()
        self._last_line = ""
        self._folder = tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=folder)
        self.path = os.path.join(self._folder, "pipe")
        self._pipe = self._own_end = -1
        try:
            os.mkfifo(self.path, 0o600)
            self._pipe = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
            # As long as there is a writer, a read does not report the end of the file.
            self._own_end = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
            self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
            self._start_thread()
        except BaseException:
            self._release()
            raise

    def close(self) -> None:
        """Stop the thread, and remove the pipe and its folder."""
        if self._stop():
            self._release()

    def silence(self) -> None:
        """Show no more lines, and wait until the display has taken the current one.

        Call this before the worker is killed. A worker that is killed while it hands a line to the
        main process keeps a lock, and the main process would wait for that lock forever.
        """
        self._is_over = True
        if self._showing.acquire(timeout=_JOIN_TIMEOUT):
            self._showing.release()

    def abandon(self) -> None:
        """Show no more lines and remove the folder, since the main process may be ended as well.

        After Ctrl-C it is not: Ansible interrupts a worker first, ends it if that takes long, and
        removes the folder when it has shown the last line.
        """
        is_interrupted = self._is_over
        self.silence()
        if not is_interrupted:
            self.remove()

    def remove(self) -> None:
        """Remove the folder with its files; the thread and the descriptors stay."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def interrupt(self, *, worker_continues: bool) -> None:
        """Stop because the wait was interrupted; the last line is shown here or by the parent."""
        if self._stop() and worker_continues:
            line = self._pacer.last_line()
            if line:
                with contextlib.suppress(Exception):
                    self._show(line)
            self._release()

    def _start_thread(self) -> None:
        """Start the thread so that no signal reaches it.

        The handlers of Python run in the main thread, which waits for the module. A signal that
        the system delivers to another thread would not end this wait.
        """
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _stop(self) -> bool:
        """Return whether the thread has ended; a display that blocks must not hold up the task."""
        self._is_over = True
        with contextlib.suppress(OSError):
            os.write(self._own_end, b"\n")
        self._thread.join(_JOIN_TIMEOUT)
        if self._thread.is_alive():
            self.remove()
            return False
        return True

    def _release(self) -> None:
        for descriptor in (self._pipe, self._own_end):
            if descriptor >= 0:
                os.close(descriptor)
        self.remove()

    def _run(self) -> None:
        # An error here must not affect the module and its result.
        with contextlib.suppress(Exception):
            self._show_lines()

    def _show_lines(self) -> None:
        reader = select.poll()
        reader.register(self._pipe, select.POLLIN)
        while not self._is_over:
            seconds = min(self._pacer.next_in(self._clock()), MAX_INTERVAL)
            if reader.poll(seconds * 1000):
                self._read()
            if os.getppid() != self._parent:
                # The main process was killed: it can neither show a line nor remove the folder.
                self.remove()
                return
            with self._showing:
                line = "" if self._is_over else self._pacer.next_line(self._clock())
                if line:
                    self._show(line)

    def _read(self) -> None:
        reports = self._decoder.feed(os.read(self._pipe, _CHUNK))
        if not reports:
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self._pacer.take(reports[-1], self._clock())
        line = self._pacer.last_line()
        if line != self._last_line:
            self._last_line = line
            with open(os.path.join(self._folder, LAST_LINE), "w", encoding="utf-8") as file:
                file.write(line)
