# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Callable

from .._client.session import Session
from .._tasks.literal_regexes import check_literal, is_found_as_text
from .._tasks.messages import format_task, join_few
from .._tasks.model import Task
from .._tasks.query import Found, list_candidates, select
from .._tasks.regex_timeout import limit_matching
from .._tasks.selection import (
    Selection,
    SelectionContext,
    is_excluded,
    is_long,
    is_selected,
    matches,
    undated,
    without_ages,
)
from .._wait.disappearance import LastSeen
from .evidence import explain_refusal, read_evidence
from .options import CancelOptions

_MAX_NAMED = 10


@dataclass
class Targets:
    """The tasks that the selectors name, and those of them that may be cancelled."""

    found: Found
    session_generation: int
    """The session in which the tasks were read."""
    running: list[Task] = field(default_factory=list)
    """Running tasks that may be cancelled."""
    finished: list[Task] = field(default_factory=list)
    """Tasks named by uuid or ref that have ended."""
    skipped: list[tuple[Task, str]] = field(default_factory=list)
    """Running tasks that the selectors name, each with the reason why it is not cancelled."""
    partial_matches: list[Task] = field(default_factory=list)
    """Running tasks whose label name_regex matches only in part."""


def select_targets(
    session: Session, selection: Selection, *, clock: Callable[[], float] = time.monotonic
) -> Targets:
    """Read the selected tasks, and decide by the other options which may be cancelled."""
    context, present = list_candidates(session, selection, clock=clock)
    with limit_matching(selection):
        check_literal(present, selection)
        generation = session.generation
        return _targets_among(present, selection, context, session_generation=generation)


def _targets_among(
    present: list[Task], selection: Selection, context: SelectionContext, *, session_generation: int
) -> Targets:
    named, ageless = _without_filters(selection), without_ages(selection)
    targets = Targets(select(present, named, context), session_generation)
    targets.found.undated = [
        task
        for task in undated(present, selection, context)
        if not task.is_finished and is_selected(task, ageless, context)
    ]
    targets.partial_matches = [
        task
        for task in present
        if not task.is_finished
        and _is_found_anywhere(task, selection)
        and not matches(task, named, context)
    ]
    for task in (*targets.found.tasks, *targets.found.excluded):
        if task.is_finished:
            if selection.by_id:
                targets.finished.append(task)
            continue
        reason = _explain_skip(task, selection, context)
        if reason:
            targets.skipped.append((task, reason))
        else:
            targets.running.append(task)
    return targets


def _is_found_anywhere(task: Task, selection: Selection) -> bool:
    """Return whether a label contains name_regex, as an expression or as text."""
    regex, label = selection.name_regex, task.name_label
    if regex is None or is_long(label):
        return False
    return regex.search(label) is not None or is_found_as_text(regex.pattern, label)


def _without_filters(selection: Selection) -> Selection:
    """Return the selectors without filters; object, then kind, is one if there is no other."""
    is_named = selection.by_id or selection.by_label
    is_related = selection.object is not None
    return Selection(
        uuids=selection.uuids,
        refs=selection.refs,
        name_label=selection.name_label,
        name_regex=selection.name_regex,
        object=None if is_named else selection.object,
        kind=None if is_named or is_related else selection.kind,
        exclude=selection.exclude,
        excludes_housekeeping=selection.excludes_housekeeping,
        is_destructive=True,
    )


def _explain_skip(task: Task, selection: Selection, context: SelectionContext) -> str:
    if is_excluded(task, selection):
        return "excluded"
    old_enough = Selection(min_age=selection.min_age)
    if not matches(task, old_enough, context):
        return "too young"
    return "" if matches(task, selection, context) else "filtered"


def guard_violations(
    targets: Targets,
    options: CancelOptions,
    session: Session,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> list[str]:
    """Return a sentence for each reason not to send any cancel request."""
    problems = []
    limit, running = options.max_tasks, targets.running
    if limit is not None and len(running) > limit:
        problems.append(
            f"max_tasks is {limit}, and {len(running)} running tasks match: {_names(running)}."
        )
    if options.on_missing == "fail":
        problems += _missing(targets, options.selection)
    if options.fail_if_not_running:
        problems += _not_running(targets, options.selection)
    if options.on_uncancellable == "fail":
        uncancellable = [task for task in running if not task.is_cancellable]
        if uncancellable:
            problems.append(f"The server does not offer to cancel {_names(uncancellable)}.")
    if options.force and running:
        seen = [LastSeen(task, targets.session_generation, {}) for task in running]
        evidence = read_evidence(session, seen, clock=clock)
        for task in running:
            reason = explain_refusal(task, evidence)
            if reason:
                problems.append(f"force is refused for {format_task(task)}: {reason}.")
    return problems


def _missing(targets: Targets, selection: Selection) -> list[str]:
    names = [f"uuid {uuid}" for uuid in targets.found.missing_uuids]
    names += [f"ref {ref}" for ref in targets.found.missing_refs]
    if names:
        return [f"No task has the {join_few(names, max_parts=_MAX_NAMED)} (on_missing: fail)."]
    is_unmatched = not (targets.running or targets.finished or targets.skipped)
    if is_unmatched and not selection.by_id:
        return ["No running task matches (on_missing: fail)."]
    return []


def _not_running(targets: Targets, selection: Selection) -> list[str]:
    if targets.finished:
        ended = [f"{format_task(task)} ended as {task.status}" for task in targets.finished]
        return [f"Not running (fail_if_not_running): {join_few(ended)}."]
    missing = [*targets.found.missing_uuids, *targets.found.missing_refs]
    if missing:
        return [f"Not running (fail_if_not_running): no task has {join_few(missing)}."]
    if not targets.running and not (selection.by_id and not selection.identities):
        return ["No task that may be cancelled is running (fail_if_not_running)."]
    return []


def _names(tasks: list[Task]) -> str:
    return join_few([format_task(task) for task in tasks], max_parts=_MAX_NAMED)
