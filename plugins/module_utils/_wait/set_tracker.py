# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Callable, Collection, Iterable

from .._client.session import Session
from .._errors import HostError, NoHostAnswered
from .._tasks.api import Tasks
from .._tasks.model import Task
from .disappearance import Disappearances, LastSeen
from .task_set import TaskSet
from .timeline import Timeline


class SetTracker:
    """Keeps a set of tasks up to date, with a timeline and the reasons for disappearances."""

    def __init__(
        self, session: Session, expect: Iterable[str], *, server_time: Callable[[], int | None]
    ) -> None:
        self._server_time = server_time
        self._tasks = Tasks(session)
        self._disappearances = Disappearances(session)
        self._last_seen: dict[str, LastSeen] = {}
        self.set = TaskSet(expect)
        self.timeline = Timeline()

    def update(self, task: Task) -> bool:
        """Apply a record; return whether more than the progress of a running task changed."""
        is_significant = self.set.update(task)
        if task.ref in self.set.running:
            self._last_seen[task.ref] = self._disappearances.remember(task)
        self.timeline.note(task, self._server_time())
        return is_significant

    def confirm_missing(self, unseen: Collection[str]) -> None:
        """Read tasks that a listing did not have, and mark those as gone that do not exist."""
        present, gone = self._tasks.confirm(unseen)
        for task in present:
            self.update(task)
        self.set.gone_reasons.update(self._explain([self._last_seen[ref] for ref in gone]))
        for ref in gone:
            self.timeline.note(self.set.tasks[ref], self._server_time(), status="gone")
            self.set.mark_gone(ref)

    def _explain(self, gone: list[LastSeen]) -> dict[str, str]:
        """Find out why tasks disappeared, if the pool answers: only the message needs it."""
        try:
            return self._disappearances.explain(gone) if gone else {}
        except (HostError, NoHostAnswered):
            return {}
