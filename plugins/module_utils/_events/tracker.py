# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Callable, Iterable

from .._tasks.model import Task
from .._wait.disappearance import LastSeen


class EndTracker:
    """Determines which records show the end of a selected task that was not reported yet.

    The end of a task is reported once: later records do not change that, since clients can write
    to the record of a finished task. A task that was selected while it was running stays selected.
    """

    def __init__(self) -> None:
        self.running: dict[str, LastSeen] = {}
        """The selected tasks that run, with their last known records, by reference."""
        self._settled: set[str] = set()
        """The finished tasks that were reported, or that are not to be reported."""
        self._has_baseline = False

    def update(
        self,
        tasks: Iterable[Task],
        *,
        is_selected: Callable[[Task], bool],
        remember: Callable[[Task], LastSeen],
    ) -> list[Task]:
        """Apply records, and return those that show a new end."""
        ends = []
        for task in tasks:
            if task.ref in self._settled:
                continue
            is_known = task.ref in self.running
            if not task.is_finished:
                if is_known or is_selected(task):
                    self.running[task.ref] = remember(task)
                continue
            self._settled.add(task.ref)
            if is_known:
                del self.running[task.ref]
                ends.append(task)
            elif self._has_baseline and is_selected(task):
                # It ran between two answers.
                ends.append(task)
        return ends

    def complete_listing(self, refs: Iterable[str]) -> None:
        """Note that all tasks of the pool were applied, and which there are.

        Tasks that had finished before the first listing are not reported.
        """
        self._has_baseline = True
        self._settled.intersection_update(refs)

    def forget(self, refs: Iterable[str]) -> None:
        """Note that finished tasks were deleted; no later record can have their references."""
        self._settled.difference_update(refs)

    def remove(self, ref: str) -> LastSeen:
        """Stop tracking a running task that disappeared."""
        return self.running.pop(ref)
