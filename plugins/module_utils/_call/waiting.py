# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Callable

from .._client.session import Session
from .._tasks.selection import Selection
from .._wait.completion import CompletionCondition
from .._wait.observer import Sink
from .._wait.progress import observe
from .._wait.task_set import CompletionRules
from .._wait.waiter import Waiter
from .report import CallReport


def wait_for_task(
    session: Session,
    report: CallReport,
    ref: str,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    progress: Sink,
) -> None:
    """Wait for the task that a call started; the report has the outcome, also after an error."""
    options = report.options
    condition = CompletionCondition(
        session,
        Selection(refs=(ref,), is_gate=True),
        CompletionRules(expect=options.expect),
        clock=clock,
    )
    waiter = Waiter(
        session,
        condition,
        timeout=options.timeout,
        method=options.wait_method,
        clock=clock,
        sleep=sleep,
        observe=observe(condition, progress, clock=clock),
    )
    report.condition, report.waiter = condition, waiter
    with report.interruptions():
        waiter.wait()
