# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that calls one function, so that CPU and memory are its own."""

from __future__ import annotations

import multiprocessing
import resource
import time
import types
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any


class Worker:
    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=[other], daemon=True)
        self._process.start()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.join()

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return the result of a function that the process calls."""
        self.start(function, *args)
        return self.result()

    def start(self, function: Callable[..., Any], *args: Any) -> None:
        self._pipe.send((function, args))

    def result(self) -> Any:
        outcome, error = self._pipe.recv()
        if error is not None:
            raise error
        return outcome


def measured(function: Callable[..., dict[str, Any]], *args: Any) -> dict[str, Any]:
    """The result of a function, with its seconds of wall time and CPU, and the peak of memory."""
    began, cpu = time.perf_counter(), time.process_time()
    figures = function(*args)
    return {
        "wall": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        **figures,
    }


def _serve(pipe: Connection) -> None:
    while True:
        try:
            function, args = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((function(*args), None))
        except Exception as error:
            pipe.send((None, RuntimeError(f"{function.__name__}: {error!r}")))
