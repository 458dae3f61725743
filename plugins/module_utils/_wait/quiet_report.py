# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any

from .._tasks.messages import format_progress, join_few, join_sentences, shorten_word
from .._tasks.model import Task
from .._tasks.query import common_returns
from .._text import quote
from .messages import quiet_message, undecided_message, unknown_message
from .quiet import QuietCondition
from .report import WaitReport
from .task_set import Decision


class QuietReport(WaitReport):
    """What is returned and said of a pool that is to be quiet."""

    _condition: QuietCondition

    def _seen(self) -> dict[str, Any]:
        gate = self._condition
        now = gate.server_time
        running = [last.task for last in gate.running.values()]
        stalled = [task.uuid for task in gate.stalled]
        ended = list(gate.ended.values())
        lost = [lost.what for lost in gate.lost.values() if isinstance(lost.what, Task)]

        def dicts(tasks: list[Task], *, gone: bool = False) -> list[dict[str, Any]]:
            return [
                {**task.to_dict(now=now, clocks=gate.context.clocks), "gone": gone}
                for task in tasks
            ]

        return {
            "tasks": [*dicts(running), *dicts(ended), *dicts(lost, gone=True)],
            "satisfied": [task.uuid for task in ended],
            "unmet": [task.uuid for task in gate.blocking.values()],
            "stalled": stalled,
            "unexpected": [],
            "gone": [task.uuid for task in lost],
            **common_returns(
                self._session,
                server_time=now,
                missing={"uuid": [], "ref": []},
                excluded=gate.excluded,
            ),
        }

    def _closed(self) -> str:
        return join_sentences(
            [unknown_message(lost.what, lost.reason) for lost in self._condition.lost.values()]
        )

    def _awaited(self) -> str:
        return f"waiting until it is quiet: {self._unquiet()}"

    def _doubts(self) -> list[str]:
        gate = self._condition
        unknown_ends = [*gate.lost.values(), *gate.undecided]
        doubts = []
        if unknown_ends:
            reasons = join_sentences(
                [unknown_message(lost.what, lost.reason) for lost in unknown_ends]
            )
            doubts.append(f"Opened all the same, since on_gone is ok: {reasons}")
        if gate.stalled:
            stalled = join_few([format_progress(task) for task in gate.stalled])
            doubts.append(f"Opened although these do not move (ignore_stalled): {stalled}.")
        if gate.excluded:
            labels = join_few([quote(task["name_label"]) for task in gate.excluded])
            doubts.append(f"Opened while excluded tasks were running: {labels}.")
        return doubts

    def _at_one_look(self) -> str:
        if self._condition.decision is Decision.MET:
            return "The pool is quiet at this moment."
        if self._is_busy:
            return f"The module would wait, since {self._unquiet()}"
        return f"Nothing that counts is running now; {self._unquiet()}"

    @property
    def _is_busy(self) -> bool:
        return bool(self._condition.blocking or self._condition.held)

    def _unquiet(self) -> str:
        gate = self._condition
        if not self._is_busy:
            if gate.undecided:
                return join_sentences(
                    [undecided_message(lost.what, lost.reason) for lost in gate.undecided]
                )
            return quiet_message(
                gate.quiet, gate.quiet_for, list(gate.ended.values()), gate.ended_count
            )
        busy = [format_progress(task) for task in gate.blocking.values()]
        busy += [
            f"{shorten_word(operation)} on the object, by a task that cannot be identified"
            for ref, operation in gate.held.items()
            if ref not in gate.running
        ]
        count = "1 match is" if len(busy) == 1 else f"{len(busy)} matches are"
        selected = f" (of {self._selected})" if self._selected else ""
        return f"{count} running{selected}: {join_few(busy)}."
