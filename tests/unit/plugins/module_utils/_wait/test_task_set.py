# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import (
    CompletionRules,
    Decision,
    TaskSet,
    decide,
)
from ansible_collections.xen.xapi.tests.simulator.tasks import FINAL

MET, FAILED, PENDING = Decision.MET, Decision.FAILED, Decision.PENDING


def task(ref="a", status="pending", **fields):
    record = {
        "uuid": f"uuid-{ref}",
        "name_label": "copy",
        "status": status,
        "progress": 0.2,
        "allowed_operations": ["cancel"],
        "other_config": {},
    }
    return Task(ref, {**record, **fields})


def kinds_of(tasks, ref="a"):
    sets = ("running", "satisfied", "unexpected", "gone")
    return [name for name in sets if ref in getattr(tasks, name)]


@pytest.mark.parametrize(
    ("expect", "satisfying"),
    [(["success"], {"success"}), (["cancelled", "failure"], {"cancelled", "failure"})],
)
@pytest.mark.parametrize("status", FINAL)
def test_final_status_is_satisfied_only_if_expected(status, expect, satisfying):
    tasks = TaskSet(expect)
    tasks.update(task())
    tasks.update(task(status=status))
    assert kinds_of(tasks) == ["satisfied" if status in satisfying else "unexpected"]


@pytest.mark.parametrize("status", ["pending", "cancelling", "resting", "SUCCESS", ""])
@pytest.mark.parametrize("progress", [0.0, 1.0, None])
def test_other_statuses_stay_running_at_any_progress(status, progress):
    tasks = TaskSet(FINAL)
    tasks.update(task(status=status, progress=progress, finished="20261123T10:11:42Z"))
    assert kinds_of(tasks) == ["running"]


@pytest.mark.parametrize("later", ["pending", "cancelling", *FINAL])
@pytest.mark.parametrize("first", FINAL)
def test_first_final_status_is_never_revised(first, later):
    tasks = TaskSet()
    tasks.update(task(status=first))
    assert not tasks.update(task(status=later))
    assert kinds_of(tasks) == ["satisfied" if first == "success" else "unexpected"]
    assert tasks.tasks["a"].status == first


@pytest.mark.parametrize("later", ["pending", *FINAL])
def test_disappeared_task_is_never_satisfied(later):
    tasks = TaskSet(FINAL)
    tasks.update(task())
    tasks.mark_gone("a")
    assert not tasks.update(task(status=later))
    assert kinds_of(tasks) == ["gone"]
    assert tasks.tasks["a"].status == "pending"


def test_keeps_latest_record_in_first_seen_order():
    tasks = TaskSet()
    for ref, progress in (("b", 0.1), ("a", 0.1), ("b", 0.7)):
        tasks.update(task(ref, progress=progress))
    assert [(ref, seen.progress) for ref, seen in tasks.tasks.items()] == [("b", 0.7), ("a", 0.1)]


@pytest.mark.parametrize("identity", ["a", "uuid-a"])
def test_seen_ref_or_uuid_is_removed_from_missing(identity):
    tasks = TaskSet()
    tasks.missing.update([identity, "another"])
    tasks.update(task())
    assert tasks.missing == {"another"}
    assert tasks.is_incomplete


def test_finished_task_completes_unmatched_selection():
    tasks = TaskSet()
    tasks.is_unmatched = True
    assert tasks.is_incomplete
    tasks.update(task(status="success"))
    assert not tasks.is_incomplete


@pytest.mark.parametrize(
    ("change", "is_significant"),
    [
        ({}, False),
        ({"progress": 0.3}, False),
        ({"progress": None}, False),
        ({"progress": 0.99}, False),
        ({"progress": 1.0}, True),
        ({"allowed_operations": []}, True),
        ({"status": "cancelling"}, True),
        ({"status": "success"}, True),
        ({"status": "failure"}, True),
        ({"other_config": {"key": "value"}}, True),
    ],
    ids=str,
)
def test_unchanged_task_or_partial_progress_is_not_significant(change, is_significant):
    tasks = TaskSet()
    assert tasks.update(task())
    assert tasks.update(task(**change)) is is_significant


# What each kind of task, on its own, means to a condition with wait_for: all.
GOOD, BAD, COMING, LEFT_OUT = "good", "bad", "coming", "left out"
KINDS = ("running", "satisfied", "unexpected", "gone", "missing", "unmatched")


def meaning(kind, rules):
    by_option = {"fail": BAD, "ok": LEFT_OUT, "wait": COMING}
    return {
        "running": COMING,
        "satisfied": GOOD,
        "unexpected": BAD,
        "gone": by_option[rules.on_gone],
        "missing": by_option[rules.on_missing],
        "unmatched": by_option[rules.on_missing],
    }[kind]


def decision_by_the_design(kinds, rules):
    """Section 5 as a list: the first meaning of those that are there decides."""
    if rules.wait_for == "any":
        order = [(GOOD, MET), (COMING, PENDING)]
        otherwise = FAILED
    else:
        order = [(BAD, FAILED), (COMING, PENDING)]
        order = order if rules.fail_fast else order[::-1]
        otherwise = MET
    meanings = {meaning(kind, rules) for kind in kinds}
    return next((decision for what, decision in order if what in meanings), otherwise)


def set_of(kinds):
    tasks = TaskSet()
    tasks.is_unmatched = "unmatched" in kinds
    tasks.missing = {"unknown"} if "missing" in kinds else set()
    for kind in kinds:
        if kind in ("running", "satisfied", "unexpected", "gone"):
            getattr(tasks, kind).add(kind)
            tasks.tasks[kind] = task(kind)
    return tasks


def all_rules():
    options = (["all", "any"], [True, False], ["fail", "ok", "wait"], ["fail", "ok"])
    for wait_for, fail_fast, on_missing, on_gone in itertools.product(*options):
        yield CompletionRules(
            wait_for=wait_for, fail_fast=fail_fast, on_missing=on_missing, on_gone=on_gone
        )


def test_decision_for_every_task_set_under_all_rules():
    """All sets by what is in them, under all rules."""
    count = 0
    for rules in all_rules():
        for size in range(len(KINDS) + 1):
            for kinds in itertools.combinations(KINDS, size):
                expected = decision_by_the_design(kinds, rules)
                assert decide(set_of(kinds), rules) is expected, (kinds, rules)
                count += 1
    assert count == 24 * 64


@pytest.mark.parametrize(
    ("kinds", "options", "decision"),
    [
        ([], {}, MET),
        ([], {"wait_for": "any"}, FAILED),
        (["satisfied"], {}, MET),
        (["satisfied", "running"], {}, PENDING),
        (["satisfied", "running"], {"wait_for": "any"}, MET),
        (["satisfied", "unexpected"], {"wait_for": "any"}, MET),
        (["unexpected", "running"], {}, FAILED),
        (["unexpected", "running"], {"fail_fast": False}, PENDING),
        (["unexpected", "satisfied"], {"fail_fast": False}, FAILED),
        (["unexpected", "running"], {"wait_for": "any"}, PENDING),
        (["gone"], {}, FAILED),
        (["gone"], {"on_gone": "ok"}, MET),
        (["gone"], {"on_gone": "ok", "wait_for": "any"}, FAILED),
        (["missing"], {}, FAILED),
        (["missing"], {"on_missing": "ok"}, MET),
        (["missing"], {"on_missing": "ok", "wait_for": "any"}, FAILED),
        (["missing", "satisfied"], {"on_missing": "wait"}, PENDING),
        (["unmatched"], {"on_missing": "wait"}, PENDING),
        (["unmatched"], {}, FAILED),
    ],
    ids=str,
)
def test_decision_for_selected_task_sets_and_rules(kinds, options, decision):
    assert decide(set_of(kinds), CompletionRules(**options)) is decision
