# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping, NamedTuple, Protocol

from .._client import schema as records
from .._client.session import Session
from .._tasks.api import Tasks
from .._tasks.model import Task
from .._tasks.query import current_operations
from .intervals import RESYNC_INTERVAL

# XAPI takes 300 KiB of request, and a reference with its class takes 55 bytes of it.
MAX_REFS = 5000
_EVENTS = "event.from"


class WatchScope(NamedTuple):
    """What is watched: some tasks or, with None, all of them; an object by class and ref; hosts."""

    refs: tuple[str, ...] | None
    object: tuple[str, str] | None = None
    hosts: bool = False


@dataclass(frozen=True)
class Update:
    """What one answer told of a scope."""

    tasks: list[Task] = field(default_factory=list)
    deleted: frozenset[str] = frozenset()
    """The references of which an event said that they were deleted."""
    operations: Mapping[str, str] | None = None
    """The object's current_operations; None where the answer does not tell them."""
    hosts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The records of hosts, by reference."""
    is_answer: bool = True
    """Whether the pool was asked; if not, nothing is known of what changed."""


class Watch(Protocol):
    """A way to learn what becomes of tasks."""

    method: str
    refresh_interval: float
    """Seconds after which it is time to look again."""

    def refresh(self, scope: WatchScope) -> Update:
        """Read the whole scope now. A task that is not there may have gone; an object has."""

    def wait(self, seconds: float) -> Update:
        """What changes of the scope, as soon as it does; nothing after so many seconds."""


class EventWatcher:
    """Watches by event.from (xapi_event.ml).

    A token is only good for the scope that it came with: what was changed before the token and is
    added to the scope later would stay silent. So each look begins with the empty token, which
    has all that there is in the answer; nothing that is gone can be in it.
    """

    method = "events"
    refresh_interval = RESYNC_INTERVAL

    def __init__(self, session: Session) -> None:
        self._session = session
        self._classes: list[str] = []
        self._object: tuple[str, str] | None = None
        self._token = ""
        self.has_failed = False
        """Whether the latest call of event.from failed."""

    def refresh(self, scope: WatchScope) -> Update:
        self._object = scope.object
        self._classes = _classes(scope)
        self._token = ""
        return self._ask(0.0)

    def wait(self, seconds: float) -> Update:
        return self._ask(seconds)

    def _ask(self, seconds: float) -> Update:
        self.has_failed = True
        answer = self._session.read_events(self._classes, self._token, seconds)
        update, self._token = self._session.validate(self._read, _EVENTS, answer)
        self.has_failed = False
        return update

    def _read(self, answer: Any) -> tuple[Update, str]:
        batch = records.batch(answer)
        return _update_from(batch.events, self._object), batch.token


class PollingWatcher:
    """Watches by reading again and again, for pools that do not let us wait for events."""

    method = "poll"

    def __init__(
        self, session: Session, *, interval: float, sleep: Callable[[float], None]
    ) -> None:
        self.refresh_interval = interval
        self._session = session
        self._sleep = sleep

    def refresh(self, scope: WatchScope) -> Update:
        operations = None
        if scope.object is not None:
            operations = current_operations(self._session, *scope.object)
        hosts: Mapping[str, Mapping[str, Any]] = {}
        if scope.hosts:
            hosts = self._session.read(records.hosts, "host.get_all_records")
        return Update(tasks=self._tasks(scope.refs), operations=operations, hosts=hosts)

    def wait(self, seconds: float) -> Update:
        self._sleep(seconds)
        return Update(is_answer=False)

    def _tasks(self, refs: tuple[str, ...] | None) -> list[Task]:
        tasks = Tasks(self._session)
        return tasks.get_all_records() if refs is None else tasks.present(refs)


def _classes(scope: WatchScope) -> list[str]:
    is_listed = scope.refs is not None and len(scope.refs) <= MAX_REFS
    classes = [f"task/{ref}" for ref in scope.refs or ()] if is_listed else ["task"]
    if scope.object is not None:
        kind, ref = scope.object
        classes.append(f"{kind}/{ref}")
    if scope.hosts:
        classes.append("host")
    return classes


def _update_from(events: Iterable[records.Event], watched: tuple[str, str] | None) -> Update:
    """A batch has at most one event of each object, with its record unless it was deleted."""
    tasks, deleted, hosts = [], set(), {}
    operations: Mapping[str, str] | None = None
    for kind, operation, ref, snapshot in events:
        if kind == "task":
            if operation == "del":
                deleted.add(ref)
            else:
                tasks.append(Task(ref, records.task(snapshot)))
        if kind == "host" and snapshot is not None:
            hosts[ref] = records.host(snapshot)
        if watched is not None and ref == watched[1]:
            # Whether the object has gone for good is for the next look to find out.
            operations = {} if snapshot is None else records.parse_operations(snapshot)
    return Update(tasks, frozenset(deleted), operations, hosts)
