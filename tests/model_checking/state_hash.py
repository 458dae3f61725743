# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When two runs have come to the same: client, server and what the judge has noted are equal.

A state is taken between two steps of the waiter's loop, where nothing of the client's is on the
stack. It holds every field that is reached from the waiter, but those that only end up in a report,
and all moments as they are. References and generations are names: of a session it counts whether it
is alive, of logins how many lie between, and of generations and tokens their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._wait.waiter import Waiter
from ansible_collections.xen.xapi.tests.model_checking.invariants import (
    is_settled_early,
    promptness_of,
)
from ansible_collections.xen.xapi.tests.model_checking.model import SmallPool
from ansible_collections.xen.xapi.tests.model_checking.scripted_transport import ScriptedWire

ONLY_REPORTED = frozenset(
    [
        "CachedContext._selection",
        "Cancel.error",
        "CompletionCondition.found",
        "CompletionCondition.rules",
        "CompletionCondition.timeline",
        "EventWatcher._token",
        "LeftSessions._unanswered_at",
        "LeftSessions._unended",
        "LeftSessions.logout_errors",
        "MasterConnection._ref",
        "MasterConnection._rpc",
        "MatchTracker._selection",
        "MatchTracker.ended",
        "MatchTracker.timeline",
        "Members._endpoints",
        "Members.skipped_errors",
        "ObjectHolds._selection",
        "PasswordLogin._add_secret",
        "PasswordLogin._password",
        "QuietCondition._selection",
        "Session._transport",
        "SetTracker.timeline",
        "TransientErrors.count",
        "TransientErrors.is_disconnected",
        "TransientErrors.latest",
        "Waiter._observe",
        "Waiter.elapsed",
        "Waiter.waited",
    ]
)
"""Attributes that no decision depends on, each as Class.attribute."""
GENERATIONS = frozenset(
    [
        "CachedContext._session_generation",
        "EventFallback._failed_in",
        "LastSeen.session_generation",
        "ObjectHolds._session_generation",
        "QuietWindow._session_generation",
    ]
)
"""Attributes that number sessions: only the distance to the current session counts."""
SESSION_GENERATION = "MasterConnection.generation"
"""Only whether there has been a session counts."""


def state_of(rule: str, waiter: Waiter, pool: SmallPool, wire: ScriptedWire) -> object:
    found = _Found(waiter._session)
    client = found.frozen(waiter)
    condition: Any = waiter._condition
    return (
        pool.now(),
        client,
        getattr(condition, "found", None) is None,
        _server(rule, pool, waiter),
        _actual_state(rule, pool, wire),
    )


def _server(rule: str, pool: SmallPool, waiter: Waiter) -> object:
    tasks, hosts = pool.database["task"], pool.database["host"]
    token = getattr(waiter._fallback.watch, "_token", "")
    deletions = {gone.ref: gone for gone in tasks.deletions}
    moments: list[object] = [int(token.split(",")[0]) if token else None]
    records: list[object] = []
    for ref in pool.refs:
        row, gone = tasks.rows.get(ref), deletions.get(ref)
        records.append(None if row is None else _record(row.fields))
        moments += [None, None] if row is None else [row.created, row.modified]
        moments += [None, None] if gone is None else [gone.created, gone.deleted]
    for host in pool.members if rule == "none" else ():
        row = hosts.rows[host.ref]
        moments.append(row.modified)
        records.append(row.fields["other_config"]["agent_start_time"])
        records.append(row.fields["enabled"])
    return tuple(records), _in_order(moments), tuple(pool.unborn), _sessions(pool, waiter)


def _sessions(pool: SmallPool, waiter: Waiter) -> object:
    session = waiter._session
    connection = session._connection
    is_known = connection._ref in pool.database["session"]
    return connection.is_open, is_known, len(session._left)


def _actual_state(rule: str, pool: SmallPool, wire: ScriptedWire) -> object:
    """What the judge goes by, as far as it does for the rule. The deadline is still to come."""
    refs = pool.refs
    found: list[object] = [
        [pool.reached.get(ref) for ref in refs],
        [ref in pool.gone for ref in refs],
        [wire.told_end.get(ref) for ref in refs],
        len(set(pool.sessions()) & wire.told_sessions),
        promptness_of(pool, wire.troubled_at[-1]),
    ]
    if rule == "none":
        found += [
            [ref in pool.restarted_over for ref in refs],
            [ref in wire.told_running_at for ref in refs],
            [pool.is_broken_off, pool.has_lost, pool.master.address],
            is_settled_early(pool.settled_at, wire.troubled_at[-1]),
            wire.quiet_since,
            None if wire.quiet_since is None else wire.answered_at,
        ]
    if rule == "cancel":
        found += [
            [wire.told_running_at.get(ref) for ref in refs],
            sorted(set(wire.cancels)),
            sorted(wire.taken),
            [ref in pool.restarted_over for ref in refs],
            len(wire.unexpected),
        ]
    return repr(found)


def _record(fields: Mapping[str, Any]) -> object:
    operations = tuple(sorted(fields["current_operations"].values()))
    return fields["status"], fields["progress"], operations


def _in_order(moments: Iterable[object]) -> tuple[object, ...]:
    """Numbers by their place among each other."""
    moments = list(moments)
    places = {one: place for place, one in enumerate(sorted({m for m in moments if m is not None}))}
    return tuple(None if one is None else places[one] for one in moments)


class _Found:
    """The client's objects as values, each of them once."""

    def __init__(self, session: Session) -> None:
        self._generation = session.generation
        self._seen: set[int] = set()

    def frozen(self, value: Any) -> object:
        if value is None or isinstance(value, (str, int, float, Enum)):
            return value
        if isinstance(value, Task):
            return value.ref, _record(value.record)
        if isinstance(value, Mapping):
            return tuple((key, self.frozen(value[key])) for key in sorted(value))
        if isinstance(value, (set, frozenset)):
            return tuple(sorted(value))
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return self._fields(type(value), value._asdict())
        if isinstance(value, (list, tuple)):
            return tuple(self.frozen(item) for item in value)
        if id(value) in self._seen:
            return type(value).__name__
        self._seen.add(id(value))
        return type(value).__name__, self._fields(type(value), vars(value))

    def _fields(self, owner: type, fields: Mapping[str, Any]) -> object:
        found = []
        for name in sorted(fields):
            value = fields[name]
            names = {f"{one.__name__}.{name}" for one in owner.__mro__}
            if SESSION_GENERATION in names:
                value = value > 0
            elif not names.isdisjoint(GENERATIONS) and value is not None:
                value = self._generation - value
            if names.isdisjoint(ONLY_REPORTED):
                found.append((name, self.frozen(value)))
        return tuple(found)
