# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from types import FrameType
from typing import Iterator

from .._errors import OptionError
from .selection import Selection

_MAX_SECONDS = 2.0
_AGAIN = 0.1
"""Seconds until the next try, where the error was raised in code that ignores errors."""


class _Limit:
    """A signal handler that ends the matching."""

    def __init__(self, error: OptionError) -> None:
        self._error = error
        self.is_over = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        if not self.is_over:
            raise self._error


@contextmanager
def limit_matching(selection: Selection, *, seconds: float = _MAX_SECONDS) -> Iterator[None]:
    """Raise OptionError if the user's regular expressions need too long for one pass over tasks.

    An expression can need time that is exponential in the length of a label, and labels are written
    by others. Python looks for signals while it matches. Only processor time counts, so that
    waiting for a pool, or a busy or suspended machine, is no reason to fail.

    Signals are only handled in the main thread, so in any other thread there is no limit. A limit
    within a limit has no effect of its own.
    """
    is_main = threading.current_thread() is threading.main_thread()
    is_limited = isinstance(signal.getsignal(signal.SIGVTALRM), _Limit)
    if not selection.has_regexes or not is_main or is_limited:
        yield
        return
    limit = _Limit(_error(selection, seconds))
    before = signal.signal(signal.SIGVTALRM, limit)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds, _AGAIN)
        try:
            yield
        finally:
            limit.is_over = True
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        # None stands for a handler that was not set from Python, and cannot be set again.
        signal.signal(signal.SIGVTALRM, signal.SIG_DFL if before is None else before)


def _error(selection: Selection, seconds: float) -> OptionError:
    written = {"exclude": [regex.pattern for regex in selection.exclude]}
    if selection.name_regex is not None:
        written = {"name_regex": [selection.name_regex.pattern], **written}
    written.update({name: [regex.pattern] for name, regex in selection.texts_like_regexes.items()})
    options = [option for option, patterns in written.items() if patterns]
    patterns = [pattern for option in options for pattern in written[option]]
    problem = f"took more than {seconds:g} s on the labels of this pool; write a simpler expression"
    value = patterns[0] if len(patterns) == 1 else patterns
    return OptionError(", ".join(options), value=value, problem=problem)
