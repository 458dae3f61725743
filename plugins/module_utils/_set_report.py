# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Mapping

from ._session import Session
from ._set_gate import SetGate
from ._task import iso_time
from ._task_set import Verdict
from ._wait_report import of_waiting, timed_out, trouble
from ._wait_sentences import closed, left_out, no_match, selected_by, unfinished
from ._waiter import Waiter


class SetReport:
    """What task_wait returns and says of a set of tasks, in the middle of a wait too."""

    def __init__(
        self, session: Session, gate: SetGate, waiter: Waiter, *, params: Mapping[str, Any]
    ) -> None:
        self._session = session
        self._gate = gate
        self._waiter = waiter
        self._params = params

    def to_dict(self) -> dict[str, Any]:
        gate, tasks, found = self._gate, self._gate.set, self._gate.found
        asked = of_waiting(self._waiter, self._session)
        if found is None:
            return asked
        now = gate.server_time
        in_order = sorted(tasks.tasks.values(), key=gate.selection.place_of)

        def uuids(refs: set[str]) -> list[str]:
            return [task.uuid for task in in_order if task.ref in refs]

        return {
            **asked,
            "tasks": [
                {**task.to_dict(now=now), "gone": task.ref in tasks.gone} for task in in_order
            ],
            "satisfied": uuids(tasks.satisfied),
            "unmet": uuids(tasks.running),
            "unexpected": uuids(tasks.unexpected),
            "gone": uuids(tasks.gone),
            "timeline": gate.timeline.to_list(),
            "missing": {
                "uuid": [uuid for uuid in found.missing_uuids if uuid in tasks.missing],
                "ref": [ref for ref in found.missing_refs if ref in tasks.missing],
            },
            "excluded": found.excluded_briefly,
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
        found, tasks = trouble(self._waiter), self._gate.set
        if self._gate.verdict is Verdict.OPEN and self._params["wait_for"] == "all":
            if left_out(tasks):
                found.append(f"Opened without knowing of all tasks: {left_out(tasks)}.")
            elif not tasks.tasks:
                why = self._no_match() if tasks.is_unmatched else "uuid and ref are empty."
                found.append(f"Opened without any task to wait for: {why}")
        return found

    def in_check_mode(self) -> str:
        outcome = {
            Verdict.OPEN: "What was asked for is the case by now.",
            Verdict.CLOSED: f"By now the module would fail: {self._closed()}",
            Verdict.UNDECIDED: f"The module would wait for {self._unfinished()}",
        }[self._gate.verdict]
        return f"Nothing was waited for in check mode. {outcome}"

    def _closed(self) -> str:
        message = closed(self._gate.set, self._gate.rules, unmatched=self._no_match())
        if self._gate.set.gone and self._session.logins > 1:
            message += (
                " The session was lost while waiting, as it is when XAPI on the master restarts or "
                "another host becomes master: all tasks are forgotten then."
            )
        return message

    def _unfinished(self) -> str:
        return unfinished(self._gate.set, self._gate.rules, unmatched=self._no_match())

    def _timed_out(self) -> str:
        return timed_out(
            self._waiter,
            f"waiting for {self._unfinished()}",
            was_reached=self._gate.found is not None,
        )

    def _no_match(self) -> str:
        found = self._gate.found
        if found is None:
            return ""
        return no_match(
            selected_by(self._params),
            [task for task in found.tasks if task.is_finished],
            excluded=len(found.excluded_briefly),
            now=found.server_time,
        )
