# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tasks task_cancel selects: doubt spares a task."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.support.samples import ENDLESS, LONG_AGO

IMPORT = "[XO] Importing content into VDI XO CloudConfigDrive (on xcp1)"


@pytest.fixture
def old(pool):
    """Adds a task that has been running for years."""

    def add(label, **fields):
        return pool.add_task(label, created=LONG_AGO, life=ENDLESS, **fields)

    return add


def actions(result):
    return {action: len(uuids) for action, uuids in result["by_action"].items() if uuids}


@pytest.mark.parametrize("exclude", [{}, {"exclude": []}, {"exclude": "plugin"}], ids=str)
def test_housekeeping_is_skipped_regardless_of_exclude(cancel, old, exclude):
    old("SR.scan")
    result = cancel(name_regex=r"SR\..*", **exclude)
    assert (actions(result), len(result["excluded"])) == ({"skipped": 1}, 1)


def test_include_housekeeping_cancels_housekeeping(cancel, old):
    old("SR.scan")
    assert actions(cancel(name_regex=r"SR\..*", include_housekeeping=True)) == {"cancelled": 1}


def test_exclude_skips_tasks_in_addition_to_housekeeping(cancel, old):
    for label in ("SR.scan", "SR.probe", "SR.update"):
        old(label)
    result = cancel(name_regex=r"SR\..*", exclude="probe", max_tasks=3)
    assert actions(result) == {"cancelled": 1, "skipped": 2}


def test_kind_selects_and_has_the_guards_of_a_regex(pool, cancel, old):
    old("Async.VM.copy")
    old("Async.VM.snapshot")
    pool.add_task("Async.VDI.copy", life=ENDLESS)
    assert actions(cancel(kind=["copy"])) == {"cancelled": 1, "skipped": 1}
    for label in ("Async.VM.copy", "Async.VDI.copy"):
        old(label)
    message = cancel(kind=["copy"], fails=True)["msg"]
    assert "max_tasks is 1, and 2 running tasks match" in message
    assert len(pool.log.of("task.cancel")) == 1


def test_kind_backup_only_cancels_tasks_of_known_clients(cancel, old):
    for label in ("[XO] VM export", "Export of VM", "VM.export", "Async.VM.copy", "export"):
        old(label)
    result = cancel(kind=["backup"], max_tasks=9)
    assert {task["client"] for task in result["tasks"]} == {"xo", "xe"}
    assert actions(result) == {"cancelled": 2}


def test_kind_narrows_other_selectors(cancel, old):
    for label in ("Async.VM.copy", "Async.VDI.copy", "Async.VM.snapshot"):
        old(label)
    result = cancel(name_regex=r"Async\.VM\..*", kind=["copy"])
    assert actions(result) == {"cancelled": 1, "skipped": 1}
    assert {task["reason"] for task in result["tasks"]} == {None, "filtered"}


@pytest.mark.parametrize("kind", ["scan", "metrics", "console"])
def test_kind_spares_housekeeping_unless_included(cancel, old, kind):
    labels = {"scan": "SR.scan", "metrics": "/rrd_updates", "console": "Connection to VM console"}
    old(labels[kind])
    assert actions(cancel(kind=[kind])) == {"skipped": 1}
    assert actions(cancel(kind=[kind], include_housekeeping=True)) == {"cancelled": 1}


def test_kind_housekeeping_alone_is_rejected(pool, cancel):
    message = cancel(kind=["housekeeping"], fails=True)["msg"]
    assert message == (
        "argument 'kind': 'housekeeping' needs include_housekeeping: true, without which such "
        "tasks are spared."
    )
    assert len(pool.log) == 0


@pytest.mark.parametrize(
    ("regex", "escaped"),
    [
        ("[XO] Importing content into VDI .*", r"\[XO\] Importing content into VDI .*"),
        ("[XO] (Importing|Exporting) content.*", r"\[XO\] (Importing|Exporting) content.*"),
    ],
)
def test_name_regex_that_matches_only_as_text_is_rejected(pool, cancel, old, regex, escaped):
    old(IMPORT)
    message = cancel(name_regex=regex, fails=True)["msg"]
    assert message == (
        f"argument 'name_regex': '{regex}' does not match the task '{IMPORT}' as a regular "
        f"expression, but would as plain text: write '{escaped}' to match the text, or give the "
        "whole label in name_label."
    )
    assert not pool.log.of("task.cancel")
    assert actions(cancel(name_regex=escaped)) == {"cancelled": 1}


def test_exclude_that_matches_only_as_text_is_rejected(pool, cancel, old):
    old(IMPORT)
    options = {"name_regex": r"\[XO\] .*"}
    message = cancel(**options, exclude="[XO] Importing", fails=True)["msg"]
    assert r"write '\[XO\] Importing' to match the text." in message
    assert not pool.log.of("task.cancel")
    assert actions(cancel(**options, exclude=r"\[XO\] Importing")) == {"skipped": 1}


def test_name_regex_matching_part_of_label_as_text_adds_warning(cancel, old):
    old(IMPORT)
    warnings = cancel(name_regex="[XO] Importing content")["warnings"]
    assert any(one.startswith("name_regex must match the whole label here") for one in warnings)


def test_task_with_overlong_label_is_not_cancelled(pool, cancel, old):
    old("Async.VM." * 1000)
    assert cancel(name_regex=r"(Async\.VM\.)+")["tasks"] == []
    assert actions(cancel(object=work_on_vm(pool), exclude="nothing")) == {"skipped": 1}


def work_on_vm(pool):
    """Let a VM name all tasks, and return the option that selects it."""
    vm = pool.find("VM", "web-1")
    entries = dict.fromkeys(pool.database.records("task"), "copy")
    pool.database.write("VM", vm, "current_operations", entries)
    return {"type": "VM", "uuid": pool.database.read("VM", vm)["uuid"]}


def test_slow_name_regex_is_rejected(pool, cancel, old):
    old("a" * 1000)
    message = cancel(name_regex="(a+)+b", fails=True)["msg"]
    assert message == (
        "argument 'name_regex': '(a+)+b' took more than 2 s on the labels of this pool; write a "
        "simpler expression."
    )
    assert not pool.log.of("task.cancel")


def test_name_label_that_matches_only_as_regex_is_rejected(pool, cancel, wait, old):
    old("Async.VM.copy")
    said = (
        "argument 'name_label': 'Async.VM.*' does not select the task 'Async.VM.copy', but would "
        "as a regular expression: an exact text is expected here, so give it in name_regex, or "
        "the whole label."
    )
    assert cancel(name_label="Async.VM.*", fails=True)["msg"] == said
    assert wait(wait_for="none", name_label="Async.VM.*", timeout=0, fails=True)["msg"] == said
    assert not pool.log.of("task.cancel")
