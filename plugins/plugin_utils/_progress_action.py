# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import atexit
import contextlib
import glob
import multiprocessing
import os
import signal
import threading
from types import FrameType
from typing import Any, Callable, Iterator

from ansible import constants as C
from ansible.module_utils.parsing.convert_bool import BOOLEANS_FALSE
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display

from ..module_utils._progress import PIPE_VARIABLE, SWITCH_VARIABLE
from ..module_utils._text import escape
from ._progress_channel import FOLDER_PREFIX, LAST_LINE, ProgressChannel
from ._standard_error import STANDARD_ERROR, is_writable

_MAX_LAST_LINE = 1000


class ProgressAction(NormalAction):  # type: ignore[misc]
    """Runs the module of the same name as Ansible does, and shows its progress."""

    _pipe: str | None = None

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        with self._progress_shown(task_vars or {}):
            result: dict[str, Any] = super().run(tmp, task_vars)
        return result

    def _compute_environment_string(self, raw_environment_out: Any = None) -> str:
        """Return Ansible's own environment of the module, with the path of the pipe added."""
        environment: str = super()._compute_environment_string(raw_environment_out)
        if self._pipe is not None:
            with contextlib.suppress(Exception):
                named = self._connection._shell.env_prefix(**{PIPE_VARIABLE: self._pipe})
                environment = f"{environment} {named}".strip()
        return environment

    @contextlib.contextmanager
    def _progress_shown(self, task_vars: dict[str, Any]) -> Iterator[None]:
        channel = self._open_channel(task_vars)
        if channel is None:
            yield
            return
        self._pipe = channel.path
        try:
            with contextlib.ExitStack() as handlers:
                handlers.enter_context(_before_signal(signal.SIGINT, channel.silence))
                # Ansible ends a worker with SIGTERM, and so does a terminal with SIGHUP.
                for number in (signal.SIGTERM, signal.SIGHUP):
                    handlers.enter_context(_before_signal(number, channel.abandon))
                yield
        except KeyboardInterrupt:
            channel.interrupt(worker_continues=False)
            raise
        except BaseException:
            # The keyword timeout of a task ends the wait, too.
            channel.interrupt(worker_continues=True)
            raise
        else:
            channel.close()
        finally:
            self._pipe = None

    def _open_channel(self, task_vars: dict[str, Any]) -> ProgressChannel | None:
        """Return the channel, or None if no lines are to be shown or can be shown."""
        is_silent = (
            self._connection.transport != "local"
            or self._task.check_mode
            or self._task.async_val
            or self._task.no_log
            or (
                "progress" not in self._task.args
                and os.environ.get(SWITCH_VARIABLE, "").lower() in BOOLEANS_FALSE
            )
        )
        if not is_silent:
            host = str(task_vars.get("inventory_hostname", ""))
            # The task must run without lines as well.
            with contextlib.suppress(Exception):
                return ProgressChannel(C.DEFAULT_LOCAL_TMP, host, _show_in_main_process)
        return None


@contextlib.contextmanager
def _before_signal(number: int, callback: Callable[[], None]) -> Iterator[None]:
    """Call a function before the handler of a signal, which may end the worker."""
    before = signal.getsignal(number)
    is_main = threading.current_thread() is threading.main_thread()
    if before is None or before is signal.SIG_IGN or not is_main:
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        callback()
        if callable(before):
            before(number, frame)
        else:
            signal.signal(number, before)
            os.kill(os.getpid(), number)

    signal.signal(number, handle)
    try:
        yield
    finally:
        signal.signal(number, before)


def _show_in_main_process(line: str) -> None:
    # The display of a worker hands it to the main process.
    if is_writable(STANDARD_ERROR):
        _show(line)


def _show(line: str) -> None:
    Display().display(line, stderr=True)


def _show_last_lines() -> None:
    """Show the last lines of interrupted workers; Ansible removes the folders after this."""
    if multiprocessing.parent_process() is not None:
        return
    folders = os.path.join(glob.escape(C.DEFAULT_LOCAL_TMP), f"{FOLDER_PREFIX}*", LAST_LINE)
    lines = []
    for path in glob.glob(folders):
        with contextlib.suppress(OSError), open(path, encoding="utf-8") as file:
            lines.append(escape(file.read(_MAX_LAST_LINE), limit=_MAX_LAST_LINE))
    for line in sorted(filter(None, lines)):
        with contextlib.suppress(Exception):
            _show(line)


# The main process loads an action plugin before it starts the worker that runs it.
atexit.register(_show_last_lines)
