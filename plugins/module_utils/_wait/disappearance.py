# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Collection, Mapping, NamedTuple

from .._client import schema as records
from .._client.retry import none_if_gone
from .._client.session import Session
from .._tasks.model import Task
from .._tasks.times import parse_seconds

# The server deletes an older task whose progress stands still, although its work continues
# (db_gc_util.ml). The age is an option of xapi.conf, which the API does not show.
_MAX_AGE = 86400
_MAX_CLOCK_DIFFERENCE = 600
MAX_LATENCY = 1.0
"""Seconds within which events must be answered to be prompt; a restart of XAPI takes longer."""
_START = "agent_start_time"
SESSION_LOST = (
    "the session was lost, as happens when XAPI on the master restarts or another host becomes "
    "master, which makes the pool forget all tasks"
)
HOST_UNKNOWN = "its host is not live or not known"
HOST_RESTARTED = "XAPI restarted on its host, which makes the server delete the host's tasks"
HOST_DISABLED = "its host is disabled and may be restarting XAPI"
TOO_OLD = (
    "the server deletes tasks that are over 24 hours old and make no progress, while their work "
    "continues"
)
_ENDED = (
    "it had ended, and its client deleted the record before its outcome was read, as xe and Xen "
    "Orchestra do"
)


class HostState(NamedTuple):
    """The fields of a host that show whether XAPI restarted on it."""

    start: str
    """The start time of XAPI as the host wrote it; empty if it is not there."""
    is_enabled: bool
    metrics: str
    """The reference of its host_metrics."""


class LastSeen(NamedTuple):
    """A running task, and the state of the hosts when it was last read."""

    task: Task
    session_generation: int
    hosts: Mapping[str, HostState]

    @property
    def host(self) -> str:
        """The reference of the host that runs the task."""
        return str(self.task.record.get("resident_on", ""))


class Finding(NamedTuple):
    """The finding on a task that disappeared while running."""

    last: LastSeen
    reason: str
    """Why its work may continue; empty if the task has ended."""


class Disappearances:
    """Finds out whether tasks that disappeared while running have ended.

    The server deletes the record of a running task for three reasons other than its end: its age, a
    restart of XAPI on the master, which loses all tasks and sessions, and a restart on another
    host. In the last case `Pool.hello` disables the host before it deletes the host's tasks
    (xapi_pool.ml). The host enables itself only after its start-up, when its new start time is
    written (dbsync_slave.ml). So a host that is enabled after the deletion, with an unchanged start
    time, has not restarted. Until it is enabled, the task is undecided.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._hosts: Mapping[str, HostState] = {}
        self.undecided: dict[str, LastSeen] = {}
        """The tasks whose hosts are disabled, by reference."""

    def update_hosts(self, hosts: Mapping[str, Mapping[str, Any]]) -> None:
        """Apply records of hosts, by reference."""
        if hosts:
            self._hosts = {**self._hosts, **_states(hosts)}

    def remember(self, task: Task) -> LastSeen:
        """Return a running task with the current state of the hosts."""
        return LastSeen(task, self._session.generation, self._hosts)

    def refresh_hosts(self, last: LastSeen) -> LastSeen:
        """Return a task with the current hosts; a task on a supporter keeps the former ones."""
        if last.host != self._session.pool.master_ref:
            # The former start time is needed to detect a restart.
            return last
        return last._replace(hosts=self._hosts)

    def examine(
        self,
        gone: Collection[LastSeen],
        *,
        expected_time: int | None,
        was_watched: bool = False,
    ) -> list[Finding]:
        """Return the findings on tasks that are gone, and on undecided ones.

        The server's time and the hosts are read here, after the confirmation, so that they show the
        state at the deletion. The time is compared with the expected one, in seconds since 1970, in
        case the server's clock was set back. Tasks were watched if every change of their records
        was reported, so that none was forwarded to another host long before it disappeared. One
        event may stand for both changes, though: XAPI reports only the last.
        """
        if not gone and not self.undecided:
            return []
        now = parse_seconds(self._session.read_server_time()) if gone else None
        if now is not None and expected_time is not None:
            now = max(now, expected_time)
        hosts = self._read_hosts()
        old = [last for last in gone if _is_old(last.task, now)]
        pending = {**self.undecided, **{last.task.ref: last for last in gone if last not in old}}
        live = self._read_live(hosts, pending.values())
        watched = {last.task.ref for last in gone} if was_watched else set()
        findings = [Finding(last, self._session_reason(last) or TOO_OLD) for last in old]
        for ref, last in pending.items():
            reason = self._deletion_reason(last, hosts, live, was_watched=ref in watched)
            findings.append(Finding(last, reason))
        self.undecided = {
            last.task.ref: last for last, reason in findings if reason == HOST_DISABLED
        }
        return [finding for finding in findings if finding.reason != HOST_DISABLED]

    def check_hosts(self, tasks: Collection[LastSeen]) -> dict[str, str]:
        """Return the problems of the hosts of running tasks, by the reference of the task."""
        hosts = self._read_hosts()
        live = self._read_live(hosts, tasks)
        reasons = {last.task.ref: self._host_reason(last, hosts, live) for last in tasks}
        return {ref: reason for ref, reason in reasons.items() if reason}

    def explain(self, gone: Collection[LastSeen]) -> dict[str, str]:
        """Return the likeliest reason why each task is gone, by reference, for a message.

        No former state of the hosts is needed: a host whose XAPI started after the task was created
        has restarted since. Both times are by that host's clock.
        """
        reasons = {last.task.ref: self._session_reason(last) for last in gone}
        if all(reasons.values()):
            return reasons
        now = parse_seconds(self._session.read_server_time())
        hosts = self._read_hosts()
        live = self._read_live(hosts, gone)
        for last in gone:
            reason = self._session_reason(last)
            if not reason and _is_old(last.task, now):
                reason = TOO_OLD
            is_elsewhere = last.host != self._session.pool.master_ref
            if not reason and is_elsewhere and _has_started_since(last, hosts):
                reason = HOST_RESTARTED
            last_known = last._replace(hosts=hosts)
            reasons[last.task.ref] = reason or self._host_reason(last_known, hosts, live) or _ENDED
        return reasons

    def _session_reason(self, last: LastSeen) -> str:
        return SESSION_LOST if self._session.generation != last.session_generation else ""

    def _deletion_reason(
        self,
        last: LastSeen,
        hosts: Mapping[str, HostState],
        live: Collection[str],
        *,
        was_watched: bool,
    ) -> str:
        """Return why the work of a deleted task may continue; empty if the task has ended."""
        reason = self._session_reason(last)
        reason = reason or self._host_reason(last, hosts, live, was_watched=was_watched)
        if not reason and last.host == self._session.pool.master_ref:
            reason = _disabled_reason(last, hosts)
        return reason

    def _host_reason(
        self,
        last: LastSeen,
        hosts: Mapping[str, HostState],
        live: Collection[str],
        *,
        was_watched: bool = True,
    ) -> str:
        before, after = last.hosts.get(last.host), hosts.get(last.host)
        if after is None or (before is None and last.hosts):
            return HOST_UNKNOWN
        master = self._session.pool.master_ref
        if last.host == master:
            others = {ref: state for ref, state in hosts.items() if ref != master}
            return "" if was_watched else _forwarded_reason(last, others)
        if last.host not in live or (before is None and not _is_older(after, last.task)):
            return HOST_UNKNOWN
        if before is not None and after.start != before.start:
            return HOST_RESTARTED
        return "" if after.is_enabled else HOST_DISABLED

    def _read_hosts(self) -> Mapping[str, HostState]:
        return _states(self._session.read(records.hosts, "host.get_all_records"))

    def _read_live(
        self, hosts: Mapping[str, HostState], tasks: Collection[LastSeen]
    ) -> Collection[str]:
        """Read which hosts of the tasks are live, except the master, which is."""
        refs = {last.host for last in tasks} & hosts.keys() - {self._session.pool.master_ref}
        return {ref for ref in refs if self._is_live(hosts[ref].metrics)}

    def _is_live(self, metrics: str) -> bool:
        method = "host_metrics.get_live"
        return none_if_gone(lambda: self._session.call(method, metrics)) is True


def _forwarded_reason(last: LastSeen, others: Mapping[str, HostState]) -> str:
    """Return why a task that was last read on the master may have been deleted on another host.

    The master forwards tasks, which changes their host, and that change may have been missed. A
    host that was disabled before may have restarted as well.
    """
    before = last.hosts
    known = [(before[ref], state) for ref, state in others.items() if ref in before]
    if any(old.start != new.start for old, new in known):
        return HOST_RESTARTED
    unknown = [state for ref, state in others.items() if ref not in before]
    is_recent = any(not _is_older(state, last.task) for state in unknown)
    if is_recent or any(not state.is_enabled for state in others.values()):
        return HOST_DISABLED
    return ""


def _disabled_reason(last: LastSeen, hosts: Mapping[str, HostState]) -> str:
    """Return why a task that was on the master may have been deleted just after it was forwarded.

    Only a host that was disabled after the task was last known to exist can have deleted it.
    """
    enabled = [ref for ref, state in last.hosts.items() if state.is_enabled]
    is_disabled = any(ref in hosts and not hosts[ref].is_enabled for ref in enabled)
    return HOST_DISABLED if is_disabled else ""


def _has_started_since(last: LastSeen, hosts: Mapping[str, HostState]) -> bool:
    """Return whether XAPI on the host of a task started after the task was created."""
    host, created = hosts.get(last.host), last.task.created
    if host is None or created is None:
        return False
    # The start time has whole seconds, and is written some seconds later.
    return _seconds(host.start) > created + 1


def _is_older(host: HostState, task: Task) -> bool:
    """Return whether XAPI on the host started well before the task; their clocks may differ."""
    created = task.created
    return created is not None and _seconds(host.start) < created - _MAX_CLOCK_DIFFERENCE


def _is_old(task: Task, now: int | None) -> bool:
    created = task.created
    return created is None or now is None or now - created >= _MAX_AGE


def _states(hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, HostState]:
    return {
        ref: HostState(
            str(host.get("other_config", {}).get(_START, "")), host["enabled"], host["metrics"]
        )
        for ref, host in hosts.items()
    }


def _seconds(start: str) -> float:
    try:
        return float(start)
    except ValueError:
        return 0.0
