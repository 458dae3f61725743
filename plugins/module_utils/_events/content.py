# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Callable, Mapping, NamedTuple

from .._tasks.ages import Clocks
from .._tasks.model import Task
from .._tasks.times import iso_time
from .._text import MAX_PARAMETER, bound_message, break_templates, escape
from .alarms import LONG_RUNNING
from .gaps import Gap
from .messages import (
    describe_alarm,
    describe_disappearance,
    describe_end,
    gap_message,
    loss_message,
)

_MAX_TEXT = 1000
_MAX_PARAMETERS = 10
_MAX_NUMBER = 2**53
_UNTRUSTED = ("name_label", "name_description", "result", "error_info", "other_config")
_FIELDS = (
    "ref",
    "uuid",
    "name_label",
    "name_description",
    "kind",
    "client",
    "status",
    "progress",
    "created",
    "finished",
    "age",
    "duration",
    "eta",
    "resident_on",
    "subtask_of",
    "result",
    "error_info",
    "error",
)


class PoolState(NamedTuple):
    """The state of the pool that every event reports."""

    pool: Mapping[str, str]
    now: int | None
    """The server's time."""
    clocks: Clocks
    method: str
    """The method of watching: events or poll."""
    running: int
    """The number of selected tasks that run, or may run."""
    after_gap: bool


def make_safe(value: Any, *, limit: int = _MAX_TEXT) -> Any:
    """Return a value with all strings escaped and cut, and without the beginnings of templates.

    A playbook that a rule runs gets the event as variables, which Ansible evaluates as templates.
    """
    if isinstance(value, str):
        return break_templates(escape(value, limit=limit))
    if isinstance(value, (list, tuple)):
        return [make_safe(item, limit=MAX_PARAMETER) for item in value[:_MAX_PARAMETERS]]
    if isinstance(value, dict):
        return {key: make_safe(item) for key, item in value.items()}
    return value


class EventWriter:
    """Builds the events; all text in them is masked, bounded and not a template."""

    def __init__(self, mask_all: Callable[[Any], Any]) -> None:
        """The callable returns a value with its secrets masked."""
        self._mask_all = mask_all

    def write_end(self, task: Task, state: PoolState) -> dict[str, Any]:
        """Return the event for the end of a task."""
        task = self._mask_task(task)
        return self._write(task.status, state, task, message=describe_end(task))

    def write_disappearance(self, task: Task, reason: str, state: PoolState) -> dict[str, Any]:
        """Return the event for a task that disappeared; without a reason, it has ended."""
        task = self._mask_task(task)
        return self._write(
            "disappeared",
            state,
            task,
            outcome="unknown" if reason else "ended",
            reason=reason or None,
            message=describe_disappearance(task, reason),
        )

    def write_alarm(self, kind: str, task: Task, limit: float, state: PoolState) -> dict[str, Any]:
        """Return the event for a task that is stalled or runs for long."""
        task = self._mask_task(task)
        key = "long_running_after" if kind == LONG_RUNNING else "stalled_after"
        message = describe_alarm(kind, task, limit)
        return self._write(kind, state, task, message=message, **{key: limit})

    def write_gap(self, gap: Gap, state: PoolState) -> dict[str, Any]:
        """Return the event for a time in which changes may have been missed."""
        seconds = round(gap.seconds, 1)
        reason = self._mask_all(gap.reason)
        # Both times are by the clock of the present master, which dates the next events.
        begin = None if state.now is None else int(state.now - gap.seconds)
        times = {"from": iso_time(begin), "to": iso_time(state.now)}
        details = {**times, "seconds": seconds, "reason": reason}
        return self._write("gap", state, message=gap_message(seconds, reason), **details)

    def _write(
        self,
        kind: str,
        state: PoolState,
        task: Task | None = None,
        /,
        *,
        message: str,
        **details: Any,
    ) -> dict[str, Any]:
        event: dict[str, Any] = {
            "type": kind,
            "at": iso_time(state.now),
            "pool": make_safe(self._mask_all(dict(state.pool))),
            "method": state.method,
            "running": state.running,
        }
        if task is not None:
            shown = task.to_dict(now=state.now, clocks=state.clocks)
            if shown["age"] is not None:
                # The server's time has whole seconds, and is continued by the local clock.
                shown["age"] = max(shown["age"], 0)
            event["after_gap"] = state.after_gap
            event["task"] = make_safe({name: shown[name] for name in _FIELDS})
            event["task"]["result_value"] = _plain(shown["result_value"])
        return {**event, **make_safe(details), "message": break_templates(bound_message(message))}

    def _mask_task(self, task: Task) -> Task:
        record = task.record
        masked = {name: self._mask_all(record[name]) for name in _UNTRUSTED if name in record}
        return Task(task.ref, {**record, **masked})


def write_loss(lost: int) -> dict[str, Any]:
    """Return the event for events that were lost, since the receiver was too slow."""
    return {"type": "overflow", "lost": lost, "message": loss_message(lost)}


def _plain(value: Any) -> Any:
    """Return a result that is one plain value; None for others, which the field result has."""
    if isinstance(value, str):
        return make_safe(value)
    if isinstance(value, (bool, int)) and abs(value) <= _MAX_NUMBER:
        return value
    return None
