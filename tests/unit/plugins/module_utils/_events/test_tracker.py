# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.xen.xapi.plugins.module_utils._events.tracker import EndTracker
from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task


def task(ref, status, label="x"):
    return Task(ref, {"status": status, "name_label": label})


def apply(tracker, *tasks, selects=lambda task: task.name_label == "x"):
    ends = tracker.update(tasks, is_selected=selects, remember=lambda task: task)
    return [(one.ref, one.status) for one in ends]


def started(*tasks):
    tracker = EndTracker()
    apply(tracker, *tasks)
    tracker.complete_listing([one.ref for one in tasks])
    return tracker


def test_tasks_that_had_ended_at_start_are_not_reported():
    assert apply(EndTracker(), task("a", "success")) == []
    tracker = started(task("a", "success"))
    assert apply(tracker, task("a", "success")) == []


def test_end_of_running_task_is_reported_once():
    tracker = started(task("a", "pending"))
    assert apply(tracker, task("a", "failure")) == [("a", "failure")]
    assert apply(tracker, task("a", "failure"), task("a", "success")) == []
    tracker.complete_listing(["a"])
    assert apply(tracker, task("a", "failure")) == []


def test_task_first_seen_finished_ran_between_two_answers():
    tracker = started()
    assert apply(tracker, task("a", "success"), task("b", "success", label="y")) == [
        ("a", "success")
    ]


def test_finished_task_that_is_written_to_again_is_not_reported_again():
    tracker = started(task("a", "pending"))
    apply(tracker, task("a", "success"))
    assert apply(tracker, task("a", "pending")) == []
    assert tracker.running == {}
    assert apply(tracker, task("a", "cancelled")) == []


def test_task_that_was_selected_while_running_stays_selected():
    tracker = started(task("a", "pending"))
    assert apply(tracker, task("a", "success", label="renamed")) == [("a", "success")]


def test_deleted_and_unlisted_tasks_are_forgotten():
    tracker = started(*(task(str(number), "success") for number in range(100)))
    tracker.forget({"1", "2"})
    tracker.complete_listing(["3"])
    assert tracker._settled == {"3"}
