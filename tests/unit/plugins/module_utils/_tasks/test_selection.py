# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import (
    ObjectOption,
    Selection,
    SelectionContext,
    is_excluded,
    matches,
    undated,
)

NOW = 1_800_000_000
RECORD = {
    "uuid": "uuid-a",
    "name_label": "Async.VM.snapshot",
    "status": "pending",
    "created": "20270115T07:59:00Z",  # NOW - 60
    "allowed_operations": ["cancel"],
    "subtask_of": "OpaqueRef:parent",
    "resident_on": "OpaqueRef:host",
    "other_config": {"k": "v", "b": "true"},
}
AROUND = SelectionContext(
    now=NOW,
    object_tasks=frozenset({"OpaqueRef:a"}),
    parent_ref="OpaqueRef:parent",
    host_ref="OpaqueRef:host",
)
VM = ObjectOption(type="VM", uuid="u")


def regex(text):
    return re.compile(text)


def task(**changes):
    return Task("OpaqueRef:a", {**RECORD, **changes})


@pytest.mark.parametrize(
    ("selection", "is_met"),
    [
        ({}, True),
        ({"uuids": ("uuid-a",)}, True),
        ({"uuids": ("uuid-b",)}, False),
        ({"uuids": ()}, False),
        ({"refs": ()}, False),
        ({"uuids": (), "refs": ("OpaqueRef:a",)}, True),
        ({"uuids": ("OpaqueRef:a",), "refs": ()}, True),
        ({"name_label": "Async.VM.snapshot"}, True),
        ({"name_label": "async.vm.snapshot"}, False),
        ({"name_label": "VM.snapshot"}, False),
        ({"name_regex": regex(r"VM\.")}, True),
        ({"name_regex": regex(r"vm")}, False),
        ({"name_regex": regex(r"VM\."), "is_destructive": True}, False),
        ({"name_regex": regex(r"Async\.VM\..+"), "is_destructive": True}, True),
        ({"status": frozenset({"pending"})}, True),
        ({"status": frozenset({"success", "failure"})}, False),
        ({"min_age": 60}, True),
        ({"min_age": 61}, False),
        ({"min_age": 0}, True),
        ({"max_age": 60}, True),
        ({"max_age": 59}, False),
        ({"created_after": NOW - 60}, True),
        ({"created_after": NOW - 59}, False),
        ({"created_before": NOW - 60}, True),
        ({"created_after": NOW - 59, "max_age": 3600}, False),
        ({"created_before": NOW - 61, "min_age": 10}, False),
        ({"created_before": NOW - 61}, False),
        ({"cancellable": True}, True),
        ({"cancellable": False}, False),
        ({"object": VM}, True),
        ({"subtask_of": "OpaqueRef:parent"}, True),
        ({"resident_on": "xcp1"}, True),
        ({"other_config": {"k": "v"}}, True),
        ({"other_config": {"k": "v", "b": "true"}}, True),
        ({"other_config": {"k": "w"}}, False),
        ({"other_config": {"missing": ""}}, False),
        ({"name_label": "Async.VM.snapshot", "status": frozenset({"success"})}, False),
        # exclude has no say here
        ({"exclude": (regex("Async.VM.snapshot"),)}, True),
    ],
)
def test_matches_evaluates_each_selection_option(selection, is_met):
    assert matches(task(), Selection(**selection), AROUND) is is_met


@pytest.mark.parametrize(
    ("changes", "selection", "is_met"),
    [
        ({"created": "20270115T08:00:01Z"}, {"min_age": 0}, False),
        ({"created": "20270115T08:00:01Z"}, {"max_age": 5}, True),
        ({"created": "garbage"}, {"min_age": 0}, False),
        ({"created": "garbage"}, {"created_before": NOW}, False),
        ({"created": "garbage"}, {"max_age": 9}, True),
        ({"created": "garbage"}, {"created_after": NOW}, True),
        ({"created": "garbage"}, {}, True),
        ({"status": "success"}, {"cancellable": True}, False),
        ({"status": "success"}, {"cancellable": False}, True),
        ({"allowed_operations": []}, {"cancellable": True}, False),
        ({"status": "cancelling"}, {"cancellable": True}, True),
        ({"subtask_of": "OpaqueRef:NULL"}, {"subtask_of": "x"}, False),
        ({"resident_on": "OpaqueRef:other"}, {"resident_on": "x"}, False),
        ({"other_config": None}, {"other_config": {"k": "v"}}, False),
    ],
)
def test_matches_handles_atypical_dates_states_and_references(changes, selection, is_met):
    assert matches(task(**changes), Selection(**selection), AROUND) is is_met


AGES = [
    {"min_age": 30},
    {"max_age": 100},
    {"created_after": NOW - 100},
    {"created_before": NOW},
    {"min_age": 30, "max_age": 100},
]


@pytest.mark.parametrize("ages", AGES)
@pytest.mark.parametrize(
    ("changes", "now"),
    [
        ({"created": "19700101T00:00:05Z"}, NOW),
        ({"created": "20041231T23:59:59Z"}, NOW),
        ({"created": "20270115T08:01:01Z"}, NOW),
        ({"created": "garbage"}, NOW),
        ({"created": ""}, NOW),
        ({}, None),
    ],
)
def test_unknown_age_counts_for_gate_and_as_new_in_listing(ages, changes, now):
    context = SelectionContext(now=now)
    is_new = not {"min_age", "created_before"} & ages.keys()
    assert not matches(task(**changes), Selection(**ages, is_destructive=True), context)
    assert matches(task(**changes), Selection(**ages, is_gate=True), context)
    assert matches(task(**changes), Selection(**ages), context) is is_new
    assert undated([task(**changes)], Selection(**ages), context)


@pytest.mark.parametrize("ages", AGES)
@pytest.mark.parametrize("created", ["20270115T07:59:00Z", "20050101T00:00:00Z"])
def test_task_with_known_age_is_not_reported_as_undated(ages, created):
    assert not undated([task(created=created)], Selection(**ages), AROUND)


def test_undated_task_is_not_reported_if_no_option_needs_age():
    assert not undated([task(created="garbage")], Selection(), AROUND)


def test_task_not_listed_in_object_operations_does_not_match():
    context = SelectionContext(now=NOW, object_tasks=frozenset({"OpaqueRef:b"}))
    assert not matches(task(), Selection(object=VM), context)


@pytest.mark.parametrize(
    ("applies_to", "is_met"),
    [
        ("OpaqueRef:sr", True),
        ("uuid-sr", True),
        ("OpaqueRef:vm, OpaqueRef:sr", True),
        ("OpaqueRef:sr-2", False),
        ("", False),
        (",", False),
    ],
)
def test_task_matches_object_named_in_applies_to(applies_to, is_met):
    context = SelectionContext(now=NOW, object_ref="OpaqueRef:sr", object_uuid="uuid-sr")
    collection = task(other_config={"applies_to": applies_to})
    assert matches(collection, Selection(object=VM), context) is is_met
    assert not matches(collection, Selection(object=VM), SelectionContext(now=NOW))
    assert not matches(task(other_config=None), Selection(object=VM), context)


@pytest.mark.parametrize(
    ("exclude", "is_destructive", "is_left_out"),
    [
        ((), False, False),
        (("SR",), False, False),
        (("Async.VM.snapshot",), False, True),
        (("VM",), False, False),
        (("VM",), True, True),
        (("SR", "VM"), True, True),
        (("SR",), True, False),
    ],
)
def test_exclude_matches_whole_label_or_part_if_destructive(exclude, is_destructive, is_left_out):
    selection = Selection(exclude=tuple(map(regex, exclude)), is_destructive=is_destructive)
    assert is_excluded(task(), selection) is is_left_out


LONG = "Async.VM.copy" * 100


@pytest.mark.parametrize("is_destructive", [False, True])
def test_long_label_bypasses_regex_and_is_spared_by_clean_up(is_destructive):
    """In doubt it counts for a gate, and is spared by a clean-up."""
    hostile = task(name_label=LONG)
    named = Selection(name_regex=regex("Async.*copy"), is_destructive=is_destructive)
    other = Selection(name_regex=regex("SR"), is_destructive=is_destructive)
    assert matches(hostile, named, AROUND) is not is_destructive
    assert matches(hostile, other, AROUND) is not is_destructive
    for pattern in ("x?(Async.VM.copy)+", "SR"):
        excluding = Selection(exclude=(regex(pattern),), is_destructive=is_destructive)
        assert is_excluded(hostile, excluding) is is_destructive
    assert matches(hostile, Selection(name_label=LONG), AROUND)


@pytest.mark.parametrize("name", [field.name for field in fields(Selection)])
def test_all_tasks_match_only_without_an_option_that_selects(name):
    leaves_out_or_decides_doubts = {
        "exclude",
        "excludes_housekeeping",
        "is_destructive",
        "is_gate",
    }
    selection = replace(Selection(), **{name: ("a value",)})
    assert Selection().matches_all
    assert selection.matches_all == (name in leaves_out_or_decides_doubts)


@pytest.mark.parametrize("is_destructive", [False, True])
@pytest.mark.parametrize(
    ("label", "is_spared_by_gate"),
    [
        ("SR.scan", True),
        ("nightly SR.scan of all", False),
        ("SR.update_snapshot_info_" + "x" * 1000, False),
        ("x" * 1001, False),
    ],
)
def test_clean_up_spares_what_may_be_housekeeping_and_gate_what_is(
    is_destructive, label, is_spared_by_gate
):
    selection = Selection(excludes_housekeeping=True, is_destructive=is_destructive)
    assert is_excluded(task(name_label=label), selection) is (is_destructive or is_spared_by_gate)
