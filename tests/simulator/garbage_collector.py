# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Garbage collection: the server's own deletions, every 30 seconds (db_gc_util.ml)."""

from __future__ import annotations

import calendar
import sys
import time

from .clock import WallClock
from .database import Database, Record
from .sessions import Sessions
from .tasks import FINAL, Tasks
from .values import NULL_REF

INTERVAL = 30.0
COMPLETED_TASK_TIMEOUT = 3900.0
PENDING_TASK_TIMEOUT = 86400.0
MAX_TASKS = 200
INACTIVE_SESSION_TIMEOUT = 86400.0
MAX_SESSIONS_PER_GROUP = 500
MAX_SESSIONS_WITHOUT_ORIGINATOR = 400


class Collector:
    """One pass at a time; `culls_like` is whose rule of 200 tasks holds: `25.37` or `25.36`."""

    def __init__(
        self,
        database: Database,
        clock: WallClock,
        tasks: Tasks,
        sessions: Sessions,
        *,
        culls_like: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._tasks = tasks
        self._sessions = sessions
        self._kept = {"25.37": _kept_since_25_37, "25.36": _kept_before_25_37}[culls_like]
        self._progress_before: dict[str, float] = {}

    def collect(self) -> None:
        with self._database.lock:
            self._collect_tasks()
            self._collect_sessions()

    def _collect_tasks(self) -> None:
        now = self._clock.now()
        completed, pending = {}, {}
        for ref, record in self._database.records("task").items():
            if record["status"] not in FINAL:
                pending[ref] = record
            elif (
                "destroy" in record["current_operations"].values()
                or moment(record["finished"]) < now - COMPLETED_TASK_TIMEOUT
            ):
                self._tasks.delete(ref)
            else:
                completed[ref] = record
        still = self._without_hung(pending, now)
        if len(completed) + still > MAX_TASKS:
            newest_first = sorted(
                completed, key=lambda ref: completed[ref]["finished"], reverse=True
            )
            for ref in newest_first[self._kept(len(completed), still) :]:
                self._tasks.delete(ref)

    def _without_hung(self, pending: dict[str, Record], now: float) -> int:
        """Delete day-old tasks whose progress stood since the last pass; count the others."""
        seen, hung = {}, []
        for ref, record in pending.items():
            if moment(record["created"]) < now - PENDING_TASK_TIMEOUT:
                seen[record["uuid"]] = record["progress"]
                before = self._progress_before.get(record["uuid"])
                if before is not None and record["progress"] - before <= sys.float_info.min:
                    hung.append(ref)
        self._progress_before = seen
        for ref in hung:
            self._tasks.delete(ref)
        return len(pending) - len(hung)

    def _collect_sessions(self) -> None:
        groups: dict[tuple[str, str], list[str]] = {}
        busy = self._busy_sessions()
        for ref, record in self._database.records("session").items():
            if ref not in busy:
                groups.setdefault(_group(record), []).append(ref)
        oldest_allowed = self._clock.now() - INACTIVE_SESSION_TIMEOUT
        for group, members in groups.items():
            most = (
                MAX_SESSIONS_WITHOUT_ORIGINATOR
                if group == ("originator", "")
                else MAX_SESSIONS_PER_GROUP
            )
            newest_first = sorted(members, key=self._sessions.last_active, reverse=True)
            for place, ref in enumerate(newest_first):
                if place >= most or self._sessions.last_active(ref) <= oldest_allowed:
                    self._sessions.logout(ref)

    def _busy_sessions(self) -> set[str]:
        return {
            row.hidden.get("session", NULL_REF)
            for row in self._database["task"].rows.values()
            if row.fields["status"] not in FINAL
        }


def moment(date: str) -> float:
    """A date of the server as POSIX time."""
    return float(calendar.timegm(time.strptime(date, "%Y%m%dT%H:%M:%SZ")))


def _group(session: Record) -> tuple[str, str]:
    if session["auth_user_name"] in ("", "root"):
        return ("originator", session["originator"])
    return ("user", session["auth_user_name"])


def _kept_since_25_37(completed: int, _pending: int) -> int:
    return max(0, MAX_TASKS - completed)


def _kept_before_25_37(_completed: int, pending: int) -> int:
    return max(0, MAX_TASKS - pending)
