# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Mapping

from ._quiet_gate import Lost, QuietGate
from ._session import Session
from ._task import Task, iso_time
from ._task_set import Verdict
from ._wait_report import of_waiting, timed_out, trouble
from ._wait_sentences import listed, quiet_of, selected_by, under_way, unknown
from ._waiter import Waiter


class QuietReport:
    """What task_wait returns and says of a pool that is to be quiet, in the middle of it too."""

    def __init__(
        self, session: Session, gate: QuietGate, waiter: Waiter, *, params: Mapping[str, Any]
    ) -> None:
        self._session = session
        self._gate = gate
        self._waiter = waiter
        self._selected = selected_by(params)

    def to_dict(self) -> dict[str, Any]:
        gate = self._gate
        asked = of_waiting(self._waiter, self._session)
        if not gate.was_reached:
            return asked
        now = gate.server_time
        running = [last.task for last in gate.running.values()]
        ended = list(gate.ended.values())
        lost = [lost.what for lost in gate.lost.values() if isinstance(lost.what, Task)]

        def dicts(tasks: list[Task], *, gone: bool = False) -> list[dict[str, Any]]:
            return [{**task.to_dict(now=now), "gone": gone} for task in tasks]

        return {
            **asked,
            "tasks": [*dicts(running), *dicts(ended), *dicts(lost, gone=True)],
            "satisfied": [task.uuid for task in ended],
            "unmet": [task.uuid for task in running],
            "unexpected": [],
            "gone": [task.uuid for task in lost],
            "timeline": gate.timeline.to_list(),
            "missing": {"uuid": [], "ref": []},
            "excluded": [task.brief() for task in gate.excluded],
            "pool": self._session.pool.to_dict(),
            "server_time": iso_time(now),
        }

    def failure(self) -> dict[str, Any]:
        """Why the gate did not open; empty if it did."""
        verdict = self._gate.verdict
        if verdict is Verdict.OPEN:
            return {}
        message = self._closed() if verdict is Verdict.CLOSED else self._timed_out()
        return {"failed": True, "msg": message}

    def warnings(self) -> list[str]:
        """What the reader should know of a gate that opened or did not."""
        found = trouble(self._waiter)
        if self._gate.verdict is Verdict.OPEN and self._gate.lost:
            found.append(f"Opened all the same, since on_gone is ok: {self._closed()}")
        return found

    def in_check_mode(self) -> str:
        outcome = {
            Verdict.OPEN: "The pool is quiet at this moment.",
            Verdict.CLOSED: "",
            Verdict.UNDECIDED: f"The module would wait, since {self._unquiet()}",
        }[self._gate.verdict]
        if self._gate.verdict is Verdict.UNDECIDED and not self._is_busy:
            outcome = f"Nothing that counts is running now; {self._unquiet()}"
        return f"Nothing was waited for in check mode. {outcome}"

    @property
    def _is_busy(self) -> bool:
        return bool(self._gate.running or self._gate.held)

    def _closed(self) -> str:
        return listed([self._unknown(lost) for lost in self._gate.lost.values()], " ")

    def _unknown(self, lost: Lost) -> str:
        return unknown(lost.what, lost.reason)

    def _timed_out(self) -> str:
        return timed_out(
            self._waiter,
            f"waiting until it is quiet: {self._unquiet()}",
            was_reached=self._gate.was_reached,
        )

    def _unquiet(self) -> str:
        gate = self._gate
        if not self._is_busy:
            return quiet_of(gate.quiet, gate.quiet_for, list(gate.ended.values()))
        busy = [under_way(last.task) for last in gate.running.values()]
        busy += [
            f"{operation} on the object, whose task cannot be told"
            for ref, operation in gate.held.items()
            if ref not in gate.running
        ]
        count = "1 match is" if len(busy) == 1 else f"{len(busy)} matches are"
        selected = f" (of {self._selected})" if self._selected else ""
        return f"{count} running{selected}: {listed(busy, ', ')}."
