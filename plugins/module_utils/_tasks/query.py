# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping, Sequence

from .._client import schema as records
from .._client.retry import none_if_gone
from .._client.session import Session
from .._errors import OptionError
from .._text import escape, quote
from .._validators import is_ref, is_uuid
from .api import Tasks
from .clocks import read_time
from .model import Task
from .regex_timeout import limit_matching
from .selection import (
    NOWHERE,
    ObjectOption,
    Selection,
    SelectionContext,
    is_excluded,
    is_selected,
    matches,
    undated,
    without_ages,
)
from .times import iso_time

_MAX_NAMED = 5
_MAX_UUID = 100


@dataclass
class Found:
    """The selected tasks, those that exclude left out, and the ids that no task has.

    The server's time was read before the tasks, so that a later task cannot look older.
    """

    server_time: int | None
    tasks: list[Task] = field(default_factory=list)
    excluded: list[Task] = field(default_factory=list)
    missing_uuids: list[str] = field(default_factory=list)
    missing_refs: list[str] = field(default_factory=list)
    doubts: list[OptionError] = field(default_factory=list)
    """Regular expressions that read like the labels of tasks that they do not match."""
    undated: list[Task] = field(default_factory=list)
    """The tasks that match except that their age is not known."""
    context: SelectionContext = NOWHERE

    @property
    def missing(self) -> dict[str, list[str]]:
        return {"uuid": self.missing_uuids, "ref": self.missing_refs}

    @property
    def excluded_briefly(self) -> list[dict[str, str]]:
        """Return the running tasks that exclude left out, as modules return them."""
        return [task.brief() for task in self.excluded if not task.is_finished]


def common_returns(
    session: Session,
    *,
    server_time: int | None,
    missing: Mapping[str, list[str]],
    excluded: list[dict[str, str]],
) -> dict[str, Any]:
    """Return the values that every module returns of a pool that was reached."""
    return {
        "missing": missing,
        "excluded": excluded,
        "pool": session.pool.to_dict(),
        "server_time": iso_time(server_time),
        "requests": session.requests,
    }


def find(
    session: Session, selection: Selection, *, clock: Callable[[], float] = time.monotonic
) -> Found:
    """Read the selected tasks: one by its own calls, several or unknown ones by one listing."""
    context, present = list_candidates(session, selection, clock=clock)
    found = select(present, selection, context)
    if selection.has_regexes:
        # Most selections have none, and a module run should start quickly.
        from .literal_regexes import find_literal

        with limit_matching(selection):
            found.doubts = find_literal(present, selection)
    return found


def list_candidates(
    session: Session, selection: Selection, *, clock: Callable[[], float] = time.monotonic
) -> tuple[SelectionContext, list[Task]]:
    """Read the context of a selection, and then the tasks that it selects from."""
    context = resolve_context(session, selection, clock=clock)
    login = session.generation
    present = candidates(Tasks(session), selection)
    if session.generation != login:
        # Another host may be the master now, and the clock of that one counts.
        context = resolve_context(session, selection, clock=clock)
        present = candidates(Tasks(session), selection)
    return context, present


def select(present: Iterable[Task], selection: Selection, context: SelectionContext) -> Found:
    """Return the tasks that are selected among those that exist."""
    found = Found(context.now, context=context)
    present = list(present)
    anew = without_ages(selection)
    with limit_matching(selection):
        found.undated = [
            task
            for task in undated(present, selection, context)
            if is_selected(task, anew, context)
        ]
        matching = present
        if not selection.matches_all:
            matching = [task for task in present if matches(task, selection, context)]
        for task in matching:
            (found.excluded if is_excluded(task, selection) else found.tasks).append(task)
    if selection.by_id:
        uuids, refs = {task.uuid for task in present}, {task.ref for task in present}
        found.missing_uuids = [uuid for uuid in selection.uuids or () if uuid not in uuids]
        found.missing_refs = [ref for ref in selection.refs or () if ref not in refs]
    return found


def candidates(tasks: Tasks, selection: Selection) -> list[Task]:
    """Return tasks among which are all that can be selected."""
    if selection.by_id and not selection.identities:
        return []
    if len(selection.identities) != 1:
        return tasks.get_all_records()
    (identity,) = selection.identities
    ref: str | None = identity
    if not is_ref(identity):
        ref = tasks.get_by_uuid(identity)
    task = None if ref is None else tasks.get_record(ref)
    return [] if task is None else [task]


def resolve_context(
    session: Session,
    selection: Selection,
    *,
    ages: Sequence[str] = (),
    clock: Callable[[], float] = time.monotonic,
) -> SelectionContext:
    """Read the context of a selection, before its tasks are read.

    The options in ages need the ages of tasks, in addition to those of the selection.
    """
    now, clocks = read_time(session, [*selection.ages, *ages], clock=clock)
    object_ref, object_uuid, object_tasks = _object(session, selection)
    return SelectionContext(
        now=now,
        object_ref=object_ref,
        object_uuid=object_uuid,
        object_tasks=object_tasks,
        parent_ref=_parent_ref(session, selection),
        host_ref=_host_ref(session, selection),
        clocks=clocks,
    )


def current_operations(session: Session, kind: str, ref: str) -> Mapping[str, str] | None:
    """Return the operations on an object by the references of their tasks; None if it is gone."""
    method = f"{kind}.get_current_operations"
    return none_if_gone(lambda: session.read(records.texts_by_key, method, ref))


def _object(session: Session, selection: Selection) -> tuple[str, str, frozenset[str]]:
    """Return the object's reference and uuid, and the tasks that it names as working on it."""
    option = selection.object
    if option is None:
        return "", "", frozenset()
    kind, uuid = option.type, option.uuid or _uuid_by_name(session, option)
    ref = none_if_gone(lambda: session.read(records.name, f"{kind}.get_by_uuid", uuid))
    operations = None if ref is None else current_operations(session, kind, ref)
    if ref is None or operations is None:
        raise OptionError("object.uuid", value=uuid, problem=f"is no {kind} of this pool")
    return ref, uuid, frozenset(operations)


def _uuid_by_name(session: Session, option: ObjectOption) -> str:
    """Return the uuid of the one object of a class that has a name."""
    kind, name = option.type, option.name_label or ""
    if kind == "pool":
        # XAPI has no method that finds a pool by its name (datamodel_pool.ml).
        count, uuids = 1, [session.pool.uuid] if session.pool.name_label == name else []
    else:
        refs = session.read(records.names, f"{kind}.get_by_name_label", name)
        named = [_uuid(session, kind, ref) for ref in refs[:_MAX_NAMED]]
        count, uuids = len(refs), [uuid for uuid in named if uuid]
    if count > 1:
        more = f" and {count - len(uuids)} more" if count > len(uuids) else ""
        found = ", ".join(f"{quote(name)} (uuid {escape(uuid, limit=_MAX_UUID)})" for uuid in uuids)
        problem = f"is the name of {count} {kind}s of this pool: {found}{more}; give a uuid"
        raise OptionError("object.name_label", value=name, problem=problem)
    if not uuids:
        problem = f"is not the name of any {kind} of this pool"
        raise OptionError("object.name_label", value=name, problem=problem)
    return uuids[0]


def _uuid(session: Session, kind: str, ref: str) -> str | None:
    return none_if_gone(lambda: session.read(records.name, f"{kind}.get_uuid", ref))


def _parent_ref(session: Session, selection: Selection) -> str:
    parent = selection.subtask_of
    if parent is None:
        return ""
    tasks = Tasks(session)
    if is_ref(parent):
        ref = parent if tasks.get_record(parent) else None
    else:
        ref = tasks.get_by_uuid(parent)
    if ref is None:
        problem = "is no task of this pool; it may have been deleted"
        raise OptionError("subtask_of", value=parent, problem=problem)
    return ref


def _host_ref(session: Session, selection: Selection) -> str:
    host = selection.resident_on
    if host is None:
        return ""
    refs = _hosts(session, host)
    if len(refs) > 1:
        problem = f"is the name of {len(refs)} hosts of this pool; give the uuid of one"
        raise OptionError("resident_on", value=host, problem=problem)
    if not refs:
        raise OptionError("resident_on", value=host, problem="is no host of this pool")
    return refs[0]


def _hosts(session: Session, host: str) -> list[str]:
    """Return the references of the hosts with a uuid or a name."""
    if not is_uuid(host):
        return session.read(records.names, "host.get_by_name_label", host)
    uuid = host.lower()
    ref = none_if_gone(lambda: session.read(records.name, "host.get_by_uuid", uuid))
    return [] if ref is None else [ref]
