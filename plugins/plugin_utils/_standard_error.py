# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import contextlib
import fcntl
import multiprocessing
import os
import select
import socket
import stat
import sys
import termios

_MAX_UNREAD = 16384
"""Bytes in a pipe; other workers may write before the line comes, and a full pipe has 65536."""


def is_writable(descriptor: int) -> bool:
    """Return whether a line can be written without an error and without waiting for a reader.

    A worker hands each line to the main process. There, an error ends the thread that takes the
    results of all workers, and the playbook would wait forever. A write that blocks holds that
    thread up.
    """
    try:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            return False
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISREG(mode):
            return os.fstatvfs(descriptor).f_bavail > 0
        if not _takes_bytes(descriptor, is_socket=stat.S_ISSOCK(mode)):
            return False
        if stat.S_ISFIFO(mode):
            return _count_unread(descriptor) <= _MAX_UNREAD
        if stat.S_ISCHR(mode) and not os.isatty(descriptor):
            # Only a write shows that a device is full.
            os.write(descriptor, b"\n")
    except (OSError, ValueError):
        return False
    return True


def _takes_bytes(descriptor: int, *, is_socket: bool) -> bool:
    """Return whether there is a reader, and space for some bytes: in a pipe, for PIPE_BUF."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT | (_closed_event(descriptor) if is_socket else 0))
    return poll.poll(0) == [(descriptor, select.POLLOUT)]


def _closed_event(descriptor: int) -> int:
    """Return the event that shows that the other side may have closed a connection.

    Otherwise only the answer to the next write would show it. A local socket shows it at once, and
    also has this event if the other side merely never reads.
    """
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        return 0 if connection.family == socket.AF_UNIX else getattr(select, "POLLRDHUP", 0)


def _count_unread(descriptor: int) -> int:
    answer = fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4)
    return int.from_bytes(answer, sys.byteorder)


def _duplicate() -> int:
    """Return another descriptor of the standard error of the main process, or -1.

    A worker inherits it, while its own standard error is not that of Ansible. It may not be allowed
    to open the file of the main process again, for example after su, and cannot open a socket.
    """
    if multiprocessing.parent_process() is None and sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            return os.dup(sys.stderr.fileno())
    return -1


# The main process imports this with the action plugin, before it starts the worker that runs it.
STANDARD_ERROR = _duplicate()
