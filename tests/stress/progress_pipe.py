# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pipe by which modules report their progress, as the action plugin makes it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

from ansible_collections.xen.xapi.plugins.module_utils._progress import PIPE_VARIABLE

CAPACITY = 1 << 20


@contextlib.contextmanager
def progress_pipe(folder: Path) -> Iterator[Callable[[], str]]:
    """Give the modules that are started meanwhile a pipe; yield a function that reads from it.

    Nothing reads from the pipe until then, so that it may become full.
    """
    path = folder / "progress"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def read() -> str:
        # An empty pipe that a process still has open raises an error.
        with contextlib.suppress(BlockingIOError):
            return os.read(reader, CAPACITY).decode()
        return ""

    try:
        with mock.patch.dict(os.environ, {PIPE_VARIABLE: str(path)}):
            yield read
    finally:
        os.close(reader)
