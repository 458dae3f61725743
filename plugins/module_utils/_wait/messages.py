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
    "it may have ended and been deleted by its client, as xe and Xen Orchestra do, or the server "
    "deleted it"
)
_MISSING = (
    "it may have finished and been deleted, or the master restarted since; on_missing decides"
)


def selected_by(params: Mapping[str, Any]) -> str:
    """The options that select, as they were written."""
    options = ("name_label", "name_regex", *FILTERS)
    given = {name: params[name] for name in options if params.get(name) is not None}
    if "object" in given:
        # Ansible adds the part that was not given.
        given["object"] = {part: item for part, item in given["object"].items() if item is not None}
    parts = [f"{name}={show_value(value)}" for name, value in given.items()]
    return join_limited(parts, max_parts=len(options))


def describe_end(task: Task, expect: Collection[str]) -> str:
    """How a task ended that should have ended otherwise."""
    info = task.to_dict(now=None)["error_info"] or []
    reason = ""
    if info:
        code, *params = info
        words, code = describe_error(code, params).rstrip("."), shorten_word(code)
        # Without better words they are the code and its parameters.
        reason = f": {words}" if words.startswith(code) else f": {code} ({words})"
    expected = " or ".join(sorted(expect))
    return f"Task {format_task(task)} ended as {task.status}{reason}; expected {expected}"


def describe_transient_errors(errors: TransientErrors) -> list[str]:
    """Return a warning if there were transient errors, else an empty list."""
    if errors.latest is None:
        return []
    times = "once" if errors.count == 1 else f"{errors.count} times"
    message = f"The way to the pool failed {times} while waiting, the last time like this: "
    return [message + error_message(errors.latest)]


def failure_message(tasks: TaskSet, rules: CompletionRules, *, unmatched: str) -> str:
    """Why a gate will not open any more; unmatched says why a selection has no task."""
    sentences = _what_went_wrong(tasks, rules)
    if tasks.is_unmatched:
        sentences.append(unmatched)
    if rules.wait_for == "any":
        expected = " or ".join(sorted(rules.expect))
        if not sentences:
            return "uuid and ref are empty, so no task is left that could open the gate."
        return join_sentences(sentences, before=f"No task is left that could end as {expected}. ")
    return join_sentences(sentences)


def pending_message(tasks: TaskSet, rules: CompletionRules, *, unmatched: str) -> str:
    """What a gate still waits for, as the rest of a sentence."""
    if tasks.is_unmatched:
        return f"a task to match: {unmatched}"
    coming = sorted(tasks.missing) if rules.on_missing == "wait" else []
    parts = [format_progress(task) for task in _of(tasks, tasks.running)]
    parts += [f"{_identity(name)} (not found yet)" for name in coming]
    count = len(tasks.tasks) + len(coming)
    share = f"any of {count}" if rules.wait_for == "any" else f"{len(parts)} of {count}"
    noun = "task" if count == 1 else "tasks"
    if not parts:
        return (
            "a last listing, which has to show that no further task matches: "
            f"none of those that are known ({count}) is still running."
        )
    wrong = _what_went_wrong(tasks, rules)
    besides = join_sentences(wrong, before=" Besides: ") if wrong else ""
    return f"{share} {noun}: {join_few(parts)}.{besides}"


def format_dropped(tasks: TaskSet) -> str:
    """The tasks without which the gate opened, empty where there are none."""
    parts = [
        *(f"{format_task(task)} disappeared" for task in _of(tasks, tasks.gone)),
        *(f"{_identity(name)} was not found" for name in sorted(tasks.missing)),
    ]
    return join_few(parts)


def no_match(selected: str, finished: list[Task], *, excluded: int, now: int | None) -> str:
    """Why a selection has no task that counts."""
    if excluded:
        noun = "1 running one is" if excluded == 1 else f"{excluded} running ones are"
        return f"No running task matches {selected}; {noun} left out by exclude."
    if not finished:
        return f"No task matches {selected}."
    latest = max(finished, key=lambda task: _ended(task) or 0)
    count = len(finished)
    which = "1 finished one does" if count == 1 else f"{count} finished ones do, the latest"
    it = "it" if count == 1 else "them"
    when = _ago(_ended(latest), now)
    return (
        f"No running task matches {selected}; {which} ({latest.status}{when}): "
        f"give created_after to count {it}."
    )


def _what_went_wrong(tasks: TaskSet, rules: CompletionRules) -> list[str]:
    """A sentence for each task that the rules hold against the gate."""
    wrong = [describe_end(task, rules.expect) for task in _of(tasks, tasks.unexpected)]
    if rules.on_gone == "fail" or rules.wait_for == "any":
        wrong += [
            _disappeared(task, tasks.gone_reasons.get(task.ref, _ANY_REASON))
            for task in _of(tasks, tasks.gone)
        ]
    if rules.on_missing == "fail" or (rules.wait_for == "any" and rules.on_missing == "ok"):
        wrong += [
            f"No task has the {_identity(name)}; {_MISSING}" for name in sorted(tasks.missing)
        ]
    return wrong


def unknown_message(what: Task | str, reason: str) -> str:
    """Something that kept a pool busy and disappeared without a trace of its end."""
    return f"{_gone(what)}; it may still be running: {reason}; on_gone decides."


def undecided_message(what: Task | str, reason: str) -> str:
    """Something that disappeared, and that may have ended or not."""
    return f"{_gone(what)}; it is not known yet whether it ended: {reason}."


def quiet_message(seconds: float, wanted: float, ended: list[Task], count: int) -> str:
    """How far a pool that is quiet is from having been so for long enough."""
    last = f"; the last to end was {format_task(ended[-1])}" if ended else ""
    others = f", after {count} that ended while waiting" if count > 1 else ""
    return f"it had been quiet for {int(seconds)} s of {wanted:g} s{last}{others}."


def _gone(what: Task | str) -> str:
    if isinstance(what, Task):
        return f"Task {format_task(what)} disappeared while {_state(what)}"
    return f"{escape_parameter(what)} disappeared"


def _disappeared(task: Task, reason: str) -> str:
    return f"{_gone(task)}, so its outcome is unknown: {reason}; on_gone decides"


def _state(task: Task) -> str:
    status = shorten_word(task.status)
    return status if task.progress is None else f"{status} ({percent(task)})"


def _identity(name: str) -> str:
    return f"ref {name}" if name.startswith("OpaqueRef:") else f"uuid {name}"


def _of(tasks: TaskSet, refs: Collection[str]) -> list[Task]:
    return [task for ref, task in tasks.tasks.items() if ref in refs]


def _ended(task: Task) -> int | None:
    # The server writes 1970 where it sets no time.
    return parse_seconds(task.record.get("finished")) or task.created


def _ago(moment: int | None, now: int | None) -> str:
    if moment is None or now is None:
        return ""
    seconds = max(now - moment, 0)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f", {seconds // size} {unit} ago"
    return f", {seconds} s ago"
