# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any, Collection, Mapping

from .._error_codes import describe_error, escape_parameter
from .._messages import error_message
from .._tasks.messages import (
    format_progress,
    format_task,
    join_few,
    join_sentences,
    percent,
    shorten_word,
)
from .._tasks.model import Task
from .._tasks.selection import FILTERS
from .._tasks.times import parse_seconds
from .._text import join_limited, show_value
from .task_set import CompletionRules, TaskSet
from .transient_errors import TransientErrors

_ANY_REASON = (
    "its client may have deleted it after it ended, as xe and Xen Orchestra do, or the server "
    "deleted it"
)
_MISSING = "it may have finished and been deleted, or the master restarted since; see on_missing"


def format_selection(params: Mapping[str, Any]) -> str:
    """Format the selecting options as they were written."""
    options = ("name_label", "name_regex", *FILTERS)
    given = {name: params[name] for name in options if params.get(name) is not None}
    if "object" in given:
        # Ansible adds the suboptions that were not given.
        given["object"] = {part: item for part, item in given["object"].items() if item is not None}
    parts = [f"{name}={show_value(value)}" for name, value in given.items()]
    return join_limited(parts, max_parts=len(options))


def describe_end(task: Task, expect: Collection[str]) -> str:
    """Describe the end of a task that should have ended differently."""
    info = task.to_dict(now=None)["error_info"] or []
    reason = ""
    if info:
        code, *params = info
        words, code = describe_error(code, params).rstrip("."), shorten_word(code)
        # For an unknown code, the description is the code with its parameters.
        reason = f": {words}" if words.startswith(code) else f": {code} ({words})"
    expected = " or ".join(sorted(expect))
    return f"Task {format_task(task)} ended as {task.status}{reason}; expected {expected}"


def describe_transient_errors(errors: TransientErrors) -> list[str]:
    """Return a warning if there were transient errors, else an empty list."""
    if errors.latest is None:
        return []
    times = "once" if errors.count == 1 else f"{errors.count} times"
    message = f"The connection to the pool failed {times} while waiting; the last error: "
    return [message + error_message(errors.latest)]


def failure_message(tasks: TaskSet, rules: CompletionRules, *, unmatched: str) -> str:
    """Return why a condition failed; unmatched says why a selection has no task."""
    sentences = _problems(tasks, rules)
    if tasks.is_unmatched:
        sentences.append(unmatched)
    if rules.wait_for == "any":
        expected = " or ".join(sorted(rules.expect))
        if not sentences:
            return "uuid and ref are empty, so no task can meet the condition."
        return join_sentences(sentences, before=f"No task is left that could end as {expected}. ")
    return join_sentences(sentences)


def pending_message(tasks: TaskSet, rules: CompletionRules, *, unmatched: str) -> str:
    """Return the tasks that a condition waits for, as the rest of a sentence."""
    if tasks.is_unmatched:
        return f"a task to match: {unmatched}"
    coming = sorted(tasks.missing) if rules.on_missing == "wait" else []
    parts = [format_progress(task) for task in _tasks_in(tasks, tasks.running)]
    parts += [f"{_identity(name)} (not found yet)" for name in coming]
    count = len(tasks.tasks) + len(coming)
    share = f"any of {count}" if rules.wait_for == "any" else f"{len(parts)} of {count}"
    noun = "task" if count == 1 else "tasks"
    if not parts:
        return (
            "a final listing to show that no other task matches; "
            f"none of the known tasks ({count}) is still running."
        )
    problems = _problems(tasks, rules)
    addition = join_sentences(problems, before=" In addition: ") if problems else ""
    return f"{share} {noun}: {join_few(parts)}.{addition}"


def format_dropped(tasks: TaskSet) -> str:
    """Format the tasks whose outcome is missing, or return an empty string."""
    parts = [
        *(f"{format_task(task)} disappeared" for task in _tasks_in(tasks, tasks.gone)),
        *(f"{_identity(name)} was not found" for name in sorted(tasks.missing)),
    ]
    return join_few(parts)


def no_match_message(selected: str, finished: list[Task], *, excluded: int, now: int | None) -> str:
    """Return why a selection has no task that counts."""
    if excluded:
        noun = "1 running task is" if excluded == 1 else f"{excluded} running tasks are"
        return f"No running task matches {selected}; {noun} left out by exclude."
    if not finished:
        return f"No task matches {selected}."
    latest = max(finished, key=lambda task: _ended(task) or 0)
    count = len(finished)
    matches = "1 finished task does" if count == 1 else f"{count} finished tasks do, the latest"
    it = "it" if count == 1 else "them"
    when = _ago(_ended(latest), now)
    return (
        f"No running task matches {selected}; {matches} ({latest.status}{when}); "
        f"set created_after to include {it}."
    )


def _problems(tasks: TaskSet, rules: CompletionRules) -> list[str]:
    """Return a sentence for each task that fails the condition by its rules."""
    problems = [describe_end(task, rules.expect) for task in _tasks_in(tasks, tasks.unexpected)]
    if rules.on_gone == "fail" or rules.wait_for == "any":
        problems += [
            _unknown_outcome(task, tasks.gone_reasons.get(task.ref, _ANY_REASON))
            for task in _tasks_in(tasks, tasks.gone)
        ]
    if rules.on_missing == "fail" or (rules.wait_for == "any" and rules.on_missing == "ok"):
        problems += [
            f"No task has the {_identity(name)}; {_MISSING}" for name in sorted(tasks.missing)
        ]
    return problems


def unknown_message(subject: Task | str, reason: str) -> str:
    """Return the message for a task or operation that disappeared and may still be running."""
    return f"{_disappearance(subject)}; it may still be running: {reason}; see on_gone."


def undecided_message(subject: Task | str, reason: str) -> str:
    """Return the message for a task that disappeared while its host is disabled."""
    return f"{_disappearance(subject)}; it is not known yet whether it ended: {reason}."


def quiet_message(seconds: float, wanted: float, ended: list[Task], count: int) -> str:
    """Return for how long a quiet pool has been quiet, as the rest of a sentence."""
    last = f"; the last task to end was {format_task(ended[-1])}" if ended else ""
    others = f", of {count} that ended while waiting" if count > 1 else ""
    return f"it had been quiet for {int(seconds)} s of {wanted:g} s{last}{others}."


def _disappearance(subject: Task | str) -> str:
    if isinstance(subject, Task):
        return f"Task {format_task(subject)} disappeared while {_state(subject)}"
    return f"{escape_parameter(subject)} disappeared"


def _unknown_outcome(task: Task, reason: str) -> str:
    return f"{_disappearance(task)}, so its outcome is unknown: {reason}; see on_gone"


def _state(task: Task) -> str:
    status = shorten_word(task.status)
    return status if task.progress is None else f"{status} ({percent(task)})"


def _identity(name: str) -> str:
    return f"ref {name}" if name.startswith("OpaqueRef:") else f"uuid {name}"


def _tasks_in(tasks: TaskSet, refs: Collection[str]) -> list[Task]:
    return [task for ref, task in tasks.tasks.items() if ref in refs]


def _ended(task: Task) -> int | None:
    # The server writes 1970 if the time is not set.
    return parse_seconds(task.record.get("finished")) or task.created


def _ago(moment: int | None, now: int | None) -> str:
    if moment is None or now is None:
        return ""
    seconds = max(now - moment, 0)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f", {seconds // size} {unit} ago"
    return f", {seconds} s ago"
