# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import os
import select
import stat


def is_writable(pid: int) -> bool:
    """Return whether the standard error of another process can be written to, as far as is known.

    A worker hands each line to the main process. There, an error ends the thread that takes the
    results of all workers, and the playbook would wait forever.
    """
    if not os.path.isdir(f"/proc/{pid}/fd"):
        # Other systems than Linux do not tell.
        return True
    path = f"/proc/{pid}/fd/2"
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode):
            return os.statvfs(path).f_bavail > 0
        if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
            return _has_reader(path)
    except OSError:
        return False
    return True


def _has_reader(path: str) -> bool:
    """Return whether a pipe has a reader or a device takes bytes; an error means the same as no."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        if stat.S_ISCHR(os.fstat(descriptor).st_mode) and not os.isatty(descriptor):
            # A full device refuses a write and tells it in no other way.
            os.write(descriptor, b"\n")
        poll = select.poll()
        poll.register(descriptor, 0)
        return not poll.poll(0)
    finally:
        os.close(descriptor)
