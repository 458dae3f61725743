# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lives: how a task goes on and ends."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Life, RealClock, Simulator
from ansible_collections.xen.xapi.tests.support.polling import wait_until
from ansible_collections.xen.xapi.tests.unit.simulator.client import Client, now


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("a<b", "<value>a&lt;b</value>"),
        (True, "<value><boolean>1</boolean></value>"),
        (5, "<value>5</value>"),
        (0.5, "<value><double>0.5</double></value>"),
        (["a"], "<value><array><data><value>a</value></data></array></value>"),
        ({}, "<value><struct></struct></value>"),
    ],
)
def test_result_is_stored_as_xml_rpc_value(still: Simulator, result: Any, text: str) -> None:
    task = still.add_task("x", life=Life(duration=1, result=result))
    still.advance(1)
    assert now(still, task, "result") == text


@pytest.mark.parametrize(
    ("life", "error_info"),
    [
        (Life(), []),
        (Life(cancel_error=True), ["TASK_CANCELLED", "the task"]),
        (Life(outcome="cancelled"), []),
    ],
)
def test_cancelled_task_has_full_progress_and_optional_error(
    still: Simulator, root: Client, life: Life, error_info: list[str]
) -> None:
    task = still.add_task("x", life=life)
    if life.outcome != "cancelled":
        root("task.cancel", task)
    still.advance(2)
    assert now(still, task, "status", "progress", "allowed_operations") == ("cancelled", 1.0, [])
    shown = [task if word == "the task" else word for word in error_info]
    assert now(still, task, "error_info") == shown


def test_cancel_takes_effect_after_configured_delay(still: Simulator, root: Client) -> None:
    task = still.add_task("x", life=Life(duration=10, cancel_after=3))
    root("task.cancel", task)
    still.advance(2)
    assert now(still, task, "status") == "pending"
    still.advance(1)
    assert now(still, task, "status", "finished") == ("cancelled", "20270115T08:00:03Z")


@pytest.mark.parametrize("cancel_after", [None, 5.0])
def test_task_succeeds_if_cancel_is_ignored_or_too_late(
    still: Simulator, root: Client, cancel_after: float | None
) -> None:
    life = Life(duration=4, cancel_after=cancel_after, result="done")
    task = still.add_task("x", life=life)
    assert root("task.cancel", task) == ""
    still.advance(60)
    assert now(still, task, "status", "result") == ("success", "<value>done</value>")


def test_task_without_duration_runs_until_cancelled(still: Simulator, root: Client) -> None:
    task = still.add_task("x", life=Life(duration=None))
    still.advance(3600)
    assert now(still, task, "status", "progress") == ("pending", 0.0)
    root("task.cancel", task)
    still.advance(0)
    assert now(still, task, "status") == "cancelled"


SUCCESS = ["allowed_operations", "finished", "progress", "result", "status"]


FAILURE = ["progress", "error_info", "backtrace", "finished", "allowed_operations", "status"]


CANCEL = ["progress", "finished", "status", "allowed_operations"]


@pytest.mark.parametrize(
    ("outcome", "order"), [("success", SUCCESS), ("failure", FAILURE), ("cancelled", CANCEL)]
)
def test_task_end_writes_one_field_at_a_time(
    still: Simulator, outcome: str, order: list[str]
) -> None:
    still.advance(1)
    task = still.add_task("x", life=Life(duration=1, steps=1, outcome=outcome, result="x", gap=5))
    before = now(still, task, *order)
    still.advance(1)
    for place, _unused in enumerate(order):
        changed = [a != b for a, b in zip(before, now(still, task, *order), strict=True)]
        assert changed == [True] * (place + 1) + [False] * (len(order) - place - 1)
        still.advance(5)


def test_each_write_at_task_end_increments_generation(still: Simulator) -> None:
    task = still.add_task("x", life=Life(duration=1, steps=1))
    before = still.database.generation
    still.advance(1)
    assert still.database.generation - before == len(SUCCESS)
    assert still.database["task"][task].modified == still.database.generation


@pytest.mark.parametrize("gap", [0.0, 1.0])
def test_scheduled_end_does_not_change_finished_task(still: Simulator, gap: float) -> None:
    task = still.add_task("x", life=Life(duration=5, gap=gap, result="late"))
    still.set_task(task, status="failure")
    before = still.record(task)
    still.advance(4.9)
    still.advance(10)
    assert still.record(task) == {**(before or {}), "progress": 0.75}


def test_allowed_cancel_can_change_over_time(still: Simulator) -> None:
    flicker = ((0.0, False), (1.0, True), (2.0, False), (3.0, True))
    task = still.add_task("x", life=Life(duration=4, steps=1, cancellable=flicker))
    seen = []
    for _unused in range(5):
        seen.append(now(still, task, "allowed_operations"))
        still.advance(1)
    assert seen == [[], ["cancel"], [], ["cancel"], []]


def test_uncancellable_task_allows_no_operations(still: Simulator) -> None:
    task = still.add_task("x", life=Life(cancellable=False))
    assert now(still, task, "allowed_operations") == []


@pytest.mark.parametrize(("after", "status"), [(1, "pending"), (5, "success")])
def test_record_is_deleted_at_configured_time(still: Simulator, after: float, status: str) -> None:
    task = still.add_task("x", life=Life(duration=4, deleted_after=after))
    still.advance(after - 0.5)
    assert now(still, task, "status") == status
    still.advance(0.5)
    assert still.record(task) is None
    still.advance(60)


def test_additional_writes_happen_at_configured_times(still: Simulator) -> None:
    writes = ((1, "name_description", "half way"), (2, "other_config", {"a": "b"}))
    task = still.add_task("x", life=Life(duration=4, writes=writes))
    still.advance(1)
    assert now(still, task, "name_description", "other_config") == ("half way", {})
    still.advance(1)
    assert now(still, task, "other_config") == {"a": "b"}


def test_from_data_converts_lists_and_rejects_unknown_keys() -> None:
    data = {"duration": 1, "error": ["A", "b"], "cancellable": [[0, True], [1, False]]}
    life = Life.from_data(data)
    assert (life.error, life.cancellable) == (("A", "b"), ((0, True), (1, False)))
    with pytest.raises(ValueError, match="a life has no"):
        Life.from_data({"durance": 1})


def test_real_clock_speed_shortens_task_duration() -> None:
    with Simulator(clock=RealClock(speed=1000)) as simulator:
        task = simulator.add_task("x", life=Life(duration=30))
        assert wait_until(lambda: now(simulator, task, "status") == "success")
