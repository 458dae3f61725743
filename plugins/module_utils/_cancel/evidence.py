# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Callable, Collection, Iterable, Mapping

from .._client import schema as records
from .._client.session import Session
from .._errors import XapiFailure
from .._tasks.ages import Bounds, Clocks, Doubt, estimate_creation, is_within
from .._tasks.api import Tasks
from .._tasks.api_classes import CLASSES, HOLDERS
from .._tasks.clocks import read_time
from .._tasks.model import Task
from .._wait.disappearance import Disappearances, LastSeen

_MIN_AGE = 3600
_KNOWN_FOR = 5.0
"""Seconds for which evidence that was read may be acted on."""
_ASYNC = re.compile(r"(?:Async|InternalAsync)\.")
_METHOD = re.compile(r"([A-Za-z_]+)\.[A-Za-z0-9_]+\Z")
_PATH = re.compile(r"/[a-z0-9_]+\Z")
_APPLIES_TO = "applies_to"
_WITHOUT_ONCE = ("pool", "VTPM")
"""Classes that got current_operations later than others."""


@dataclass
class Evidence:
    """The signs in a pool, other than the task's own record, that work continues."""

    now: int | None
    clocks: Clocks
    held_by: frozenset[str]
    """The tasks that objects name in their current_operations."""
    parents: frozenset[str]
    """The tasks with a running subtask, at any depth."""
    hosts: Mapping[str, str]
    """The problems of the tasks' hosts, by the reference of the task."""


def read_evidence(
    session: Session, seen: Collection[LastSeen], *, clock: Callable[[], float]
) -> Evidence:
    """Read the signs of work on some tasks, given as they were first read."""
    now, clocks = read_time(session, ["force"], clock=clock)
    held: set[str] = set()
    for name in HOLDERS:
        held.update(_read_holders(session, name))
    has_subtasks = any(last.task.record.get("subtasks") for last in seen)
    parents = _parents(Tasks(session).get_all_records()) if has_subtasks else frozenset()
    hosts = Disappearances(session).check_hosts(seen)
    return Evidence(now, clocks, frozenset(held), parents, hosts)


class EvidenceCache:
    """Reads evidence, and keeps it for some seconds."""

    def __init__(self, session: Session, *, clock: Callable[[], float]) -> None:
        self._session = session
        self._clock = clock
        self._evidence: Evidence | None = None
        self._read_at = -math.inf

    @property
    def server_time(self) -> int | None:
        """The server's time in the latest evidence."""
        return None if self._evidence is None else self._evidence.now

    def clear(self) -> None:
        self._evidence = None

    def read(self, seen: Collection[LastSeen]) -> Evidence:
        """Return the evidence on some tasks; read it again if it is too old."""
        if self._evidence is None or self._clock() - self._read_at > _KNOWN_FOR:
            self._read_at = self._clock()
            self._evidence = read_evidence(self._session, seen, clock=self._clock)
        return self._evidence


def explain_refusal(task: Task, evidence: Evidence) -> str:
    """Return a sign that a task is not an abandoned record, or an empty string."""
    if task.ref in evidence.hosts:
        return evidence.hosts[task.ref]
    record = task.record
    created = estimate_creation(
        task.created, record.get("resident_on"), clocks=evidence.clocks, now=evidence.now
    )
    old_enough = Bounds(latest=(evidence.now or -math.inf) - _MIN_AGE)
    if created.problem or not is_within(created, old_enough, Doubt.LEAVE):
        return "it is not known to be older than an hour"
    if _is_own_label(task.name_label):
        return "its label is the name of a method, so the server itself works on it"
    if record.get("result"):
        return "it has a result"
    if task.ref in evidence.held_by:
        return "an object names it in its current_operations"
    if record.get("other_config", {}).get(_APPLIES_TO):
        return "it names an object that it works on, in other_config: applies_to"
    if task.ref in evidence.parents:
        return "it has a subtask that is running"
    return ""


def _is_own_label(label: str) -> bool:
    """Return whether the server itself gives this label to tasks.

    It names a task after the called method or, for an HTTP request without a task of the client,
    after the path (context.ml).
    """
    method = _METHOD.match(label)
    is_method = method is not None and method[1] in CLASSES
    return is_method or bool(_ASYNC.match(label) or _PATH.match(label))


def _parents(tasks: Iterable[Task]) -> frozenset[str]:
    """Return the tasks with a running subtask, at any depth."""
    parent_of = {task.ref: task.record.get("subtask_of", "") for task in tasks}
    found: set[str] = set()
    for task in tasks:
        parent = "" if task.is_finished else parent_of[task.ref]
        while parent in parent_of and parent not in found:
            found.add(parent)
            parent = parent_of[parent]
    return frozenset(found)


def _read_holders(session: Session, name: str) -> set[str]:
    """Read the tasks that objects of a class name; none if the server does not know the class."""
    schema = records.holding_on_new_servers if name in _WITHOUT_ONCE else records.holding
    try:
        found = session.read(schema, f"{name}.get_all_records")
    except XapiFailure as failure:
        if failure.code == "MESSAGE_METHOD_UNKNOWN":
            return set()
        raise
    return {ref for operations in found.values() for ref in operations}
