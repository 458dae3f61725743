# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Iterable

from .._tasks.messages import format_progress, join_few, join_sentences, shorten_word
from .._tasks.model import Task
from .._tasks.query import common_returns
from .._text import quote
from .match_tracker import UnknownOutcome
from .messages import quiet_message, undecided_message, unknown_message
from .quiet import QuietCondition
from .report import WaitReport
from .task_set import Decision


class QuietReport(WaitReport):
    """The results and messages of a wait for a quiet pool."""

    _condition: QuietCondition

    def _results(self) -> dict[str, Any]:
        condition, matches = self._condition, self._condition.matches
        now = condition.context.now
        running = [last.task for last in matches.running.values()]
        ended = list(matches.ended.tasks.values())
        unknown = [outcome.subject for outcome in matches.unknown_outcomes.values()]
        disappeared = [subject for subject in unknown if isinstance(subject, Task)]

        def dicts(tasks: list[Task], *, gone: bool = False) -> list[dict[str, Any]]:
            return [
                {**task.to_dict(now=now, clocks=condition.context.clocks), "gone": gone}
                for task in tasks
            ]

        return {
            "tasks": [*dicts(running), *dicts(ended), *dicts(disappeared, gone=True)],
            "satisfied": [task.uuid for task in ended],
            "unmet": [task.uuid for task in matches.blocking.values()],
            "stalled": [task.uuid for task in matches.stalled],
            "unexpected": [],
            "gone": [task.uuid for task in disappeared],
            **common_returns(
                self._session,
                server_time=now,
                missing={"uuid": [], "ref": []},
                excluded=condition.excluded,
            ),
        }

    def _failure_message(self) -> str:
        return _format_unknown(self._condition.matches.unknown_outcomes.values())

    def _pending_message(self) -> str:
        return f"waiting for the pool to be quiet: {self._activity()}"

    def _met_warnings(self) -> list[str]:
        matches, excluded = self._condition.matches, self._condition.excluded
        unknown = [*matches.unknown_outcomes.values(), *matches.undecided]
        warnings = []
        if unknown:
            reasons = _format_unknown(unknown)
            warnings.append(f"The wait succeeded only because on_gone is ok: {reasons}")
        if matches.stalled:
            stalled = join_few([format_progress(task) for task in matches.stalled])
            warnings.append(
                "The wait succeeded although these tasks make no progress (ignore_stalled): "
                f"{stalled}."
            )
        if excluded:
            labels = join_few([quote(task["name_label"]) for task in excluded])
            warnings.append(f"The wait succeeded while excluded tasks were running: {labels}.")
        return warnings

    def _check_mode_message(self) -> str:
        if self._condition.decision is Decision.MET:
            return "The pool is quiet now."
        if self._is_busy:
            return f"The module would wait, since {self._activity()}"
        return f"No matching task is running; {self._activity()}"

    @property
    def _is_busy(self) -> bool:
        return bool(self._condition.matches.blocking or self._condition.held)

    def _activity(self) -> str:
        """Return why the pool has not been quiet for long enough."""
        condition, matches = self._condition, self._condition.matches
        if self._is_busy:
            return self._running_matches()
        if matches.undecided:
            return join_sentences(
                [undecided_message(one.subject, one.reason) for one in matches.undecided]
            )
        return quiet_message(
            condition.window.quiet,
            condition.window.quiet_for,
            list(matches.ended.tasks.values()),
            matches.ended.count,
        )

    def _running_matches(self) -> str:
        matches = self._condition.matches
        busy = [format_progress(task) for task in matches.blocking.values()]
        busy += [
            f"{shorten_word(operation)} on the object, by a task that cannot be identified"
            for ref, operation in self._condition.held.items()
            if ref not in matches.running
        ]
        count = "1 match is" if len(busy) == 1 else f"{len(busy)} matches are"
        selected = f" (of {self._selected})" if self._selected else ""
        return f"{count} running{selected}: {join_few(busy)}."


def _format_unknown(outcomes: Iterable[UnknownOutcome]) -> str:
    return join_sentences([unknown_message(one.subject, one.reason) for one in outcomes])
