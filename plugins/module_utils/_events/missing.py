# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Callable, Mapping, NamedTuple

from .._client.session import Session
from .._tasks.api import Tasks
from .._tasks.model import Task
from .._wait.disappearance import HOST_DISABLED, Disappearances, Finding, LastSeen
from .tracker import EndTracker

_MAX_UNDECIDED = 600.0
"""Seconds until a task that disappeared from a disabled host is reported as unknown."""


class Missing(NamedTuple):
    """A task that disappeared while it was running."""

    task: Task
    reason: str
    """Why its work may continue; empty if the task has ended."""
    after_gap: bool


class Unlisted(NamedTuple):
    """The facts about tasks that a listing does not have."""

    found: list[Task]
    """Those that exist nevertheless."""
    gone: list[str]
    findings: list[Finding]
    """What is known of those that are gone, and of those that were undecided until now."""


class _Undecided(NamedTuple):
    since: float
    after_gap: bool


class MissingTasks:
    """Finds out what became of tracked tasks that a listing does not have."""

    def __init__(
        self, session: Session, tracker: EndTracker, *, clock: Callable[[], float]
    ) -> None:
        self._tasks = Tasks(session)
        self._tracker = tracker
        self._clock = clock
        self._disappearances = Disappearances(session)
        self._undecided: dict[str, _Undecided] = {}

    @property
    def undecided(self) -> int:
        """The number of tasks that disappeared from hosts that may be restarting XAPI."""
        return len(self._undecided)

    def update_hosts(self, hosts: Mapping[str, Mapping[str, Any]]) -> None:
        """Apply records of hosts, by reference."""
        self._disappearances.update_hosts(hosts)

    def refresh_hosts(self, deleted: frozenset[str]) -> None:
        """Store the current state of the hosts with each running task that was not deleted."""
        running = self._tracker.running
        for ref in running.keys() - deleted:
            running[ref] = self._disappearances.refresh_hosts(running[ref])

    def remember(self, task: Task) -> LastSeen:
        """Return a running task with the current state of the hosts."""
        return self._disappearances.remember(task)

    def examine(
        self, unseen: list[str], *, expected_time: int | None, was_watched: bool
    ) -> Unlisted:
        """Read what became of tasks that a listing did not have, and of the undecided ones.

        No task is removed yet, since the ends in the listing come first.
        """
        found, gone = self._tasks.confirm(unseen)
        findings = self._disappearances.examine(
            [self._tracker.running[ref] for ref in gone],
            expected_time=expected_time,
            was_watched=was_watched,
        )
        return Unlisted(found, gone, findings)

    def settle(self, unlisted: Unlisted, *, after_gap: bool) -> list[Missing]:
        """Remove the tasks that are gone; return those whose fate is known now.

        A task that disappeared from a disabled host stays undecided for some time.
        """
        for ref in unlisted.gone:
            self._tracker.remove(ref)
            self._undecided[ref] = _Undecided(self._clock(), after_gap)
        found = [
            Missing(last.task, reason, self._undecided.pop(last.task.ref).after_gap)
            for last, reason in unlisted.findings
        ]
        return [*found, *self._expired()]

    def _expired(self) -> list[Missing]:
        now, left = self._clock(), self._disappearances.undecided
        old = [ref for ref, one in self._undecided.items() if now - one.since >= _MAX_UNDECIDED]
        return [
            Missing(left.pop(ref).task, HOST_DISABLED, self._undecided.pop(ref).after_gap)
            for ref in old
        ]
