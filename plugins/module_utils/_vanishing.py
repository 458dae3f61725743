# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

from ._task import Task

# The server drops a task that is older and whose progress stands still, whatever becomes of its
# work (db_gc_util.ml).
_KEPT_FOR_SURE = 86400
_START = "agent_start_time"
SESSION_LOST = "the session was lost meanwhile, as it is when XAPI on the master restarts"
HOST_UNKNOWN = "the host that carried it is not live, or not known"


class LastSeen(NamedTuple):
    """A running task as it was last seen."""

    task: Task
    login: int
    """In which session that was."""
    host_start: str | None
    """When the toolstack of its host had started, in that host's own words."""

    @property
    def host(self) -> str:
        return str(self.task.record.get("resident_on", ""))


def host_start(host: Mapping[str, Any] | None) -> str | None:
    """When a host's toolstack started; None for an unknown host, empty where it does not say."""
    if host is None:
        return None
    return str(host.get("other_config", {}).get(_START, ""))


def why_unknown(last: LastSeen, *, login: int, now: int | None) -> str:
    """Why nobody knows what became of a task that vanished while running; empty if it has ended.

    A task that is deleted in the life of one master has ended with the call that made it, unless
    the server dropped it for its age, or for a restart of the host that carried it.
    """
    if login != last.login:
        return SESSION_LOST
    created = last.task.created
    if created is None or now is None or now - created >= _KEPT_FOR_SURE:
        return "the server drops tasks of 24 hours whose progress stands, and their work goes on"
    return ""


def why_host_unknown(last: LastSeen, host: Mapping[str, Any] | None) -> str:
    """The same, as far as the host that carried the task decides it."""
    start = host_start(host)
    if start is None or last.host_start is None:
        return HOST_UNKNOWN
    if start != last.host_start:
        return "XAPI on the host that carried it restarted, upon which its tasks are deleted"
    return ""
