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

# XAPI accepts requests of up to 300 KiB, and a reference with its class takes 55 bytes.
MAX_REFS = 5000
_EVENTS = "event.from"


class WatchScope(NamedTuple):
    """The scope of a watch: tasks, or all with None; an object by class and ref; the hosts."""

    refs: tuple[str, ...] | None
    object: tuple[str, str] | None = None
    hosts: bool = False


@dataclass(frozen=True)
class Update:
    """The content of one answer."""

    tasks: list[Task] = field(default_factory=list)
    deleted: frozenset[str] = frozenset()
    """The references that an event reported as deleted."""
    operations: Mapping[str, str] | None = None
    """The object's current_operations; None if they are not in the answer."""
    hosts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The records of hosts, by reference."""
    is_answer: bool = True
    """Whether the pool was asked; if not, there may have been any change."""


class Watch(Protocol):
    """A method to follow tasks: by events or by polling."""

    method: str
    refresh_interval: float
    """Seconds after which the next refresh is due."""

    def refresh(self, scope: WatchScope) -> Update:
        """Read the whole scope. A task that is not in it may be gone; an object is gone."""

    def wait(self, seconds: float) -> Update:
        """Return changes of the scope as soon as there are any, or an empty update in time."""


class EventWatcher:
    """Watches by event.from (xapi_event.ml).

    A token is valid only for its scope: a change before the token, of an object that is added to
    the scope later, would not be reported. So each refresh begins with the empty token. Its answer
    has all existing objects of the scope, and no deleted ones.
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
    """Watches by repeated reading, for pools that do not allow waiting for events."""

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
    """Convert a batch, which has at most one event of each object."""
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
            # The next refresh finds out whether the object is deleted.
            operations = {} if snapshot is None else records.parse_operations(snapshot)
    return Update(tasks, frozenset(deleted), operations, hosts)
