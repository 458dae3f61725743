# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import contextlib
import math
import re
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Iterable, Mapping

from .ages import NO_CLOCKS, Bounds, Clocks, Creation, Doubt, estimate_creation, is_within
from .kinds import contains_housekeeping, is_of_kind
from .model import Task

IDENTITIES = ("uuid", "ref", "name_label", "name_regex")
OBJECT_TYPES = ("VM", "host", "SR", "VDI", "network", "pool")
AGES = ("min_age", "max_age", "created_after", "created_before")
_MAX_LABEL = 1000
"""Characters of a label; longer ones, which any account can write, would keep a regex busy."""
# Parts of regular expressions that labels hardly ever have.
_LIKE_REGEX = re.compile(r"\.[*+]|\\[^\w\s]|\\[dsw]|\A\^|\$\Z|\([^()]*\|")
_EXACT_TEXTS = ("name_label", "name_description")
FILTERS = (
    "kind",
    "name_description",
    "status",
    "min_age",
    "max_age",
    "created_after",
    "created_before",
    "cancellable",
    "object",
    "subtask_of",
    "resident_on",
    "other_config",
)


@dataclass(frozen=True)
class ObjectOption:
    """The object whose tasks are selected, by either its uuid or its name."""

    type: str
    uuid: str | None = None
    name_label: str | None = None


@dataclass(frozen=True)
class Selection:
    """The options that select tasks: None without a value, empty if the value names no task.

    With is_destructive, selecting one task too many is worse than one too few; without it, the
    opposite. Large because it has one attribute for each option.
    """

    uuids: tuple[str, ...] | None = None
    refs: tuple[str, ...] | None = None
    name_label: str | None = None
    name_regex: re.Pattern[str] | None = None
    name_description: str | None = None
    kind: frozenset[str] | None = None
    """Kinds and groups of them."""
    status: frozenset[str] | None = None
    min_age: float | None = None
    max_age: float | None = None
    created_after: float | None = None
    created_before: float | None = None
    cancellable: bool | None = None
    object: ObjectOption | None = None
    subtask_of: str | None = None
    resident_on: str | None = None
    other_config: Mapping[str, str] = field(default_factory=dict)
    exclude: tuple[re.Pattern[str], ...] = ()
    excludes_housekeeping: bool = False
    """Whether tasks that a pool runs for itself are left out, in addition to those of exclude."""
    is_destructive: bool = False
    is_gate: bool = False
    """Whether leaving a task out may open a gate; then a task of uncertain age counts."""

    @property
    def by_id(self) -> bool:
        return self.uuids is not None or self.refs is not None

    @property
    def by_label(self) -> bool:
        return self.name_label is not None or self.name_regex is not None

    @property
    def is_whole_pool(self) -> bool:
        """Return whether no option says what tasks do; a host and times only narrow the tasks."""
        is_named = self.by_id or self.by_label or self.name_description is not None
        is_named = is_named or self.kind is not None
        is_related = self.object is not None or self.subtask_of is not None
        return not (is_named or is_related or self.other_config)

    @cached_property
    def matches_all(self) -> bool:
        """Return whether every task matches: nothing is given but what to leave out."""
        rest = replace(
            self, exclude=(), excludes_housekeeping=False, is_destructive=False, is_gate=False
        )
        return rest == Selection()

    @property
    def has_regexes(self) -> bool:
        """Return whether the user gave regular expressions, or text that is written like one."""
        return bool(self.name_regex is not None or self.exclude or self.texts_like_regexes)

    @cached_property
    def texts_like_regexes(self) -> Mapping[str, re.Pattern[str]]:
        """Return the options for an exact text whose values are written like expressions."""
        found = {}
        for option in _EXACT_TEXTS:
            text = getattr(self, option)
            if text is not None and _LIKE_REGEX.search(text):
                with contextlib.suppress(re.error, RecursionError, OverflowError, ValueError):
                    found[option] = re.compile(text)
        return found

    @property
    def includes_finished(self) -> bool:
        """Return whether finished tasks are selected too, by their ids or by a time."""
        return self.by_id or self.created_after is not None or self.max_age is not None

    @property
    def filters(self) -> list[str]:
        """Return the names of the filters that are given; neither identity nor exclude is one."""
        return [name for name in FILTERS if getattr(self, name) not in (None, {})]

    @cached_property
    def ages(self) -> tuple[str, ...]:
        """Return the names of the options by age or time that are given."""
        return tuple(name for name in AGES if getattr(self, name) is not None)

    @cached_property
    def identities(self) -> Mapping[str, int]:
        """Return the references and uuids with their places; they cannot be confused."""
        return {name: place for place, name in enumerate((self.refs or ()) + (self.uuids or ()))}

    def place_of(self, task: Task) -> int:
        """Return the place at which a task is named; all others have the same place."""
        return self.identities.get(task.ref, self.identities.get(task.uuid, 0))


@dataclass(frozen=True)
class SelectionContext:
    """The facts of the pool that a selection depends on: references, and the time."""

    now: int | None
    object_ref: str = ""
    object_uuid: str = ""
    object_tasks: frozenset[str] = frozenset()
    parent_ref: str = ""
    host_ref: str = ""
    clocks: Clocks = NO_CLOCKS


NOWHERE = SelectionContext(now=None)


def matches(task: Task, selection: Selection, context: SelectionContext) -> bool:
    """Return whether a task has the identity and passes the filters, without exclude."""
    return (
        is_named(task, selection)
        and (selection.name_description in (None, task.record.get("name_description")))
        and (selection.status is None or task.status in selection.status)
        and _is_of_kind(task, selection)
        and _is_of_age(task, selection, context)
        and (selection.cancellable is None or task.is_cancellable == selection.cancellable)
        and (selection.object is None or belongs_to_object(task, context))
        and (selection.subtask_of is None or task.record.get("subtask_of") == context.parent_ref)
        and (selection.resident_on is None or task.record.get("resident_on") == context.host_ref)
        and _matches_other_config(task, selection.other_config)
    )


def belongs_to_object(task: Task, context: SelectionContext) -> bool:
    """Return whether the object names the task in current_operations, or the task the object."""
    if task.ref in context.object_tasks:
        return True
    return not applied_objects(task).isdisjoint((context.object_ref, context.object_uuid))


def applied_objects(task: Task) -> frozenset[str]:
    """Return the references and uuids of the objects that a task itself names.

    The storage manager and XenCenter write them to other_config, separated by commas. For the
    garbage collection of an SR there is no other sign, since the SR does not name its task.
    """
    names = (task.record.get("other_config") or {}).get("applies_to")
    return frozenset(filter(None, map(str.strip, names.split(",")))) if names else frozenset()


def is_selected(task: Task, selection: Selection, context: SelectionContext) -> bool:
    """Return whether a task is selected by all of the options."""
    return matches(task, selection, context) and not is_excluded(task, selection)


def is_long(label: str) -> bool:
    """Return whether a label is too long for a regular expression, which is a case of doubt."""
    return len(label) > _MAX_LABEL


def is_excluded(task: Task, selection: Selection) -> bool:
    """Return whether a task is left out, by exclude or as housekeeping.

    An expression must match the whole label or, where sparing a task is safer, any part of it.
    """
    if not selection.exclude and not selection.excludes_housekeeping:
        return False
    label, is_destructive = task.name_label, selection.is_destructive
    if selection.excludes_housekeeping and _is_housekeeping(task, is_destructive=is_destructive):
        return True
    if not selection.exclude:
        return False
    if is_long(label):
        return is_destructive
    if is_destructive:
        return any(regex.search(label) for regex in selection.exclude)
    return any(regex.fullmatch(label) for regex in selection.exclude)


def _is_housekeeping(task: Task, *, is_destructive: bool) -> bool:
    if not is_destructive:
        return not is_long(task.name_label) and task.classification.is_housekeeping
    return is_long(task.name_label) or contains_housekeeping(task.name_label)


def is_named(task: Task, selection: Selection) -> bool:
    """Return whether a task has the identity or the label that is asked for."""
    if selection.by_id:
        return task.uuid in selection.identities or task.ref in selection.identities
    if selection.name_label is not None:
        return task.name_label == selection.name_label
    if selection.name_regex is None:
        return True
    if is_long(task.name_label):
        return not selection.is_destructive
    if selection.is_destructive:
        return selection.name_regex.fullmatch(task.name_label) is not None
    return selection.name_regex.search(task.name_label) is not None


def creation(task: Task, context: SelectionContext) -> Creation:
    """Return when a task was created, as far as that is known."""
    host = task.record.get("resident_on")
    return estimate_creation(task.created, host, clocks=context.clocks, now=context.now)


def undated(tasks: Iterable[Task], selection: Selection, context: SelectionContext) -> list[Task]:
    """Return the tasks whose age is not known, where the selection goes by it."""
    return [task for task in tasks if creation(task, context).problem] if selection.ages else []


def without_ages(selection: Selection) -> Selection:
    return replace(selection, min_age=None, max_age=None, created_after=None, created_before=None)


def _is_of_age(task: Task, selection: Selection, context: SelectionContext) -> bool:
    if not selection.ages:
        return True
    if selection.is_destructive:
        doubt = Doubt.LEAVE
    else:
        doubt = Doubt.COUNT if selection.is_gate else Doubt.YOUNG
    return is_within(creation(task, context), _bounds_of(selection, context), doubt)


def is_surely_of_age(task: Task, selection: Selection, context: SelectionContext) -> bool:
    """Return whether a task is of the age that is asked for, whichever clock wrote its record."""
    bounds = _bounds_of(selection, context)
    return not selection.ages or is_within(creation(task, context), bounds, Doubt.LEAVE)


def _bounds_of(selection: Selection, context: SelectionContext) -> Bounds:
    return _bounds(
        selection.min_age,
        selection.max_age,
        selection.created_after,
        selection.created_before,
        context.now or 0,
    )


# The bounds are the same for all tasks of a listing.
@lru_cache(maxsize=8)
def _bounds(
    min_age: float | None,
    max_age: float | None,
    created_after: float | None,
    created_before: float | None,
    now: int,
) -> Bounds:
    """Return the options by age and time as times of the server's clock."""
    earliest = -math.inf if created_after is None else created_after
    latest = math.inf if created_before is None else created_before
    if max_age is not None:
        earliest = max(earliest, now - max_age)
    if min_age is not None:
        latest = min(latest, now - min_age)
    return Bounds(earliest, latest)


def _is_of_kind(task: Task, selection: Selection) -> bool:
    if selection.kind is None:
        return True
    return is_of_kind(task.classification, selection.kind, is_destructive=selection.is_destructive)


def _matches_other_config(task: Task, wanted: Mapping[str, str]) -> bool:
    if not wanted:
        return True
    present = task.record.get("other_config") or {}
    return all(present.get(key) == value for key, value in wanted.items())
