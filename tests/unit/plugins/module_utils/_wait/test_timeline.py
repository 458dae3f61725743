# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._wait.timeline import Timeline

MAX_ROWS = 200


def task(ref="a", status="pending", progress=0.0):
    return Task(ref, {"uuid": f"uuid-{ref}", "status": status, "progress": progress})


def note_all(timeline, *tasks):
    for at, one in enumerate(tasks):
        timeline.note(one, at)


def steps_of(timeline):
    return [(row["status"], row["progress"]) for row in timeline.to_list()]


def test_row_has_time_uuid_status_and_progress():
    timeline = Timeline()
    timeline.note(task(progress=0.47), 1_795_428_672)
    assert timeline.to_list() == [
        {
            "at": "2026-11-23T10:11:12Z",
            "uuid": "uuid-a",
            "status": "pending",
            "progress": 0.47,
        }
    ]


def test_row_time_is_null_without_server_time():
    timeline = Timeline()
    timeline.note(task(), None)
    assert timeline.to_list()[0]["at"] is None


def test_progress_within_same_tenth_adds_no_row():
    timeline = Timeline()
    note_all(timeline, task(), task(), task(progress=0.05), task(progress=0.099))
    assert steps_of(timeline) == [("pending", 0.0)]


def test_each_tenth_of_progress_adds_row():
    timeline = Timeline()
    note_all(timeline, *(task(progress=hundredth / 100) for hundredth in range(101)))
    assert [round(progress * 10) for _status, progress in steps_of(timeline)] == list(range(11))


def test_row_shows_first_progress_in_tenth():
    timeline = Timeline()
    note_all(timeline, task(progress=0.12), task(progress=0.38), task(progress=0.39))
    assert steps_of(timeline) == [("pending", 0.12), ("pending", 0.38)]


def test_status_change_at_same_progress_adds_row():
    timeline = Timeline()
    note_all(timeline, task(progress=1.0), task("a", "failure", 1.0))
    assert steps_of(timeline) == [("pending", 1.0), ("failure", 1.0)]


def test_unknown_progress_is_shown_as_null():
    timeline = Timeline()
    note_all(timeline, task(progress=None), task(progress=10**400), task("a", "success", None))
    assert steps_of(timeline) == [("pending", None), ("success", None)]


def test_given_status_overrides_task_status():
    timeline = Timeline()
    timeline.note(task(progress=0.4), 1)
    timeline.note(task(progress=0.4), 2, status="gone")
    assert steps_of(timeline) == [("pending", 0.4), ("gone", 0.4)]


def test_tracks_progress_of_each_task_separately():
    timeline = Timeline()
    note_all(timeline, task("a"), task("b"), task("a"), task("b", progress=0.5))
    rows = [(row["uuid"], row["progress"]) for row in timeline.to_list()]
    assert rows == [("uuid-a", 0.0), ("uuid-b", 0.0), ("uuid-b", 0.5)]


def progress_to_and_fro(timeline, count, began):
    for number in range(count):
        timeline.note(task(progress=0.2 if number % 2 else 0.1), began + number)


@pytest.mark.parametrize("count", [MAX_ROWS - 1, MAX_ROWS, MAX_ROWS + 1, 3 * MAX_ROWS])
def test_keeps_at_most_200_rows_in_time_order(count):
    timeline = Timeline()
    progress_to_and_fro(timeline, count, 0)
    rows = timeline.to_list()
    assert len(rows) == min(count, MAX_ROWS)
    assert rows == sorted(rows, key=lambda row: row["at"])


def test_excess_progress_rows_are_dropped_oldest_first():
    timeline = Timeline()
    progress_to_and_fro(timeline, 3 * MAX_ROWS, 0)
    last = timeline.to_list()[-1]
    assert last["at"] == "1970-01-01T00:09:59Z"
    # The first of all is the beginning of the task, which is no step.
    assert timeline.to_list()[0]["at"] == "1970-01-01T00:00:00Z"
    assert timeline.to_list()[1]["at"] == "1970-01-01T00:06:41Z"


@pytest.mark.parametrize("changes", [1, 50, MAX_ROWS - 1, MAX_ROWS])
def test_status_changes_take_precedence_over_progress_rows(changes):
    timeline = Timeline()
    for number in range(changes):
        timeline.note(task(f"early-{number}", "success", 1.0), number)
    timeline.note(task(), 10_000)
    progress_to_and_fro(timeline, 3 * MAX_ROWS, 20_000)
    rows = timeline.to_list()
    kept = [row for row in rows if row["uuid"] != "uuid-a"]
    assert len(rows) == MAX_ROWS
    # With 200 ends the beginning of the other one is the 201st change.
    assert len(kept) == min(changes, MAX_ROWS - 1)
    assert sum(row["uuid"] == "uuid-a" for row in rows) == MAX_ROWS - len(kept)


def test_excess_status_changes_are_dropped_oldest_first():
    timeline = Timeline()
    note_all(timeline, *(task(f"{number}", "success", 1.0) for number in range(MAX_ROWS + 50)))
    uuids = [row["uuid"] for row in timeline.to_list()]
    assert uuids == [f"uuid-{number}" for number in range(50, MAX_ROWS + 50)]


def test_progress_and_status_rows_keep_arrival_order():
    timeline = Timeline()
    note_all(
        timeline,
        task("a"),
        task("a", progress=0.5),
        task("b"),
        task("b", progress=0.3),
        task("a", "success", 1.0),
    )
    rows = [(row["uuid"][-1], row["progress"]) for row in timeline.to_list()]
    assert rows == [("a", 0.0), ("a", 0.5), ("b", 0.0), ("b", 0.3), ("a", 1.0)]
