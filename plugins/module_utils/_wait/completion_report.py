# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any

from .._tasks.query import common_returns
from .completion import CompletionCondition
from .messages import failure_message, format_dropped, no_match_message, pending_message
from .report import WaitReport
from .task_set import Decision


class CompletionReport(WaitReport):
    """The results and messages of a wait for a set of tasks."""

    _condition: CompletionCondition

    def _results(self) -> dict[str, Any]:
        condition, tasks, found = self._condition, self._condition.set, self._condition.found
        now, clocks = condition.context.now, condition.context.clocks
        in_order = sorted(tasks.tasks.values(), key=condition.selection.place_of)

        def uuids(refs: set[str]) -> list[str]:
            return [task.uuid for task in in_order if task.ref in refs]

        missing = {
            kind: [name for name in names if name in tasks.missing]
            for kind, names in found.missing.items()
        }
        return {
            "tasks": [
                {**task.to_dict(now=now, clocks=clocks), "gone": task.ref in tasks.gone}
                for task in in_order
            ],
            "satisfied": uuids(tasks.satisfied),
            "unmet": uuids(tasks.running),
            "stalled": [],
            "unexpected": uuids(tasks.unexpected),
            "gone": uuids(tasks.gone),
            **common_returns(
                self._session,
                server_time=now,
                missing=missing,
                excluded=found.excluded_briefly,
            ),
        }

    def _failure_message(self) -> str:
        return failure_message(
            self._condition.set, self._condition.rules, unmatched=self._unmatched()
        )

    def _pending_message(self) -> str:
        return f"waiting for {self._pending_tasks()}"

    def _met_warnings(self) -> list[str]:
        tasks = self._condition.set
        if self._condition.rules.wait_for != "all":
            return []
        if format_dropped(tasks):
            return [
                f"The wait succeeded without the outcome of all tasks: {format_dropped(tasks)}."
            ]
        if not tasks.tasks:
            why = self._unmatched() if tasks.is_unmatched else "uuid and ref are empty."
            return [f"The wait succeeded without any task to wait for: {why}"]
        return []

    def _check_mode_message(self) -> str:
        decision = self._condition.decision
        if decision is Decision.MET:
            return "The condition is already met."
        if decision is Decision.FAILED:
            return f"The module would fail: {self._failure_message()}"
        return f"The module would wait for {self._pending_tasks()}"

    def _pending_tasks(self) -> str:
        return pending_message(
            self._condition.set, self._condition.rules, unmatched=self._unmatched()
        )

    def _unmatched(self) -> str:
        found = self._condition.found
        includes_finished = self._condition.selection.includes_finished
        return no_match_message(
            self._selected,
            [] if includes_finished else [task for task in found.tasks if task.is_finished],
            excluded=len(found.excluded_briefly),
            now=found.server_time,
        )
