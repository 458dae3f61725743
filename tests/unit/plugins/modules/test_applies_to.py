# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks that name their objects in other_config.applies_to, and are named by none of them."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.support.fixtures import answered
from ansible_collections.xen.xapi.tests.support.samples import ENDLESS, LONG_AGO


@pytest.fixture
def sr(pool):
    return pool.find("SR", "Local storage")


@pytest.fixture
def storage(pool, sr):
    """The object option for the SR."""
    return {"type": "SR", "uuid": pool.database.read("SR", sr)["uuid"]}


@pytest.mark.parametrize("method", ["events", "poll"])
def test_quiet_wait_on_sr_waits_for_garbage_collection(pool, wait, sr, storage, when, method):
    ref = pool.add_garbage_collection(sr)
    when(
        lambda: answered(pool, "event.from", "task.get_all_records"),
        lambda: pool.set_task(ref, status="success"),
    )
    result = wait(wait_for="none", quiet_for="1", object=storage, method=method)
    assert result["satisfied"] == [pool.record(ref)["uuid"]]


def test_garbage_collection_starting_during_quiet_wait_counts(
    pool, wait, sr, storage, when_waiting
):
    """The storage manager creates the task first, and then writes the object that it applies to."""

    def begin():
        ref = pool.add_task("Garbage Collection")
        pool.set_task(ref, other_config={"applies_to": sr})

    when_waiting(begin)
    result = wait(wait_for="none", quiet_for="2", timeout=4, object=storage, fails=True)
    assert len(result["unmet"]) == 1


@pytest.mark.parametrize("reported_by", ["reference", "uuid", "several references"])
def test_applies_to_matches_reference_uuid_and_list(pool, wait, sr, storage, reported_by):
    names = {"reference": sr, "uuid": storage["uuid"], "several references": f"OpaqueRef:x,{sr}"}
    ref = pool.add_task("export", other_config={"applies_to": names[reported_by]})
    result = wait(wait_for="none", timeout=0, object=storage, fails=True)
    assert result["unmet"] == [pool.record(ref)["uuid"]]


def test_garbage_collection_of_other_sr_is_ignored(pool, wait, sr):
    pool.add_garbage_collection(sr)
    other = pool.database.read("SR", pool.inventory.add_sr("other"))["uuid"]
    assert wait(wait_for="none", timeout=0, object={"type": "SR", "uuid": other})["unmet"] == []


def test_wait_for_tasks_of_sr_includes_garbage_collection(pool, wait, sr, storage, live):
    ref = pool.add_garbage_collection(sr)
    result = wait(object=storage, timeout=0, fails=True)
    assert result["unmet"] == [pool.record(ref)["uuid"]]


def test_cancel_by_object_selects_task_by_applies_to(pool, cancel, sr, storage):
    pool.add_task("export", other_config={"applies_to": sr}, created=LONG_AGO, life=ENDLESS)
    pool.add_task("other export", created=LONG_AGO, life=ENDLESS)
    result = cancel(object=storage)
    assert [task["name_label"] for task in result["tasks"]] == ["export"]
    assert len(result["by_action"]["cancelled"]) == 1


def test_info_by_object_returns_task_with_its_object(pool, info, sr, storage):
    pool.add_garbage_collection(sr)
    pool.add_task("other", other_config={"applies_to": "nothing"})
    (task,) = info(object=storage, with_objects=True)["tasks"]
    assert task["objects"] == [{**storage, "name_label": "Local storage", "operation": None}]


def test_info_lists_object_once_with_its_operation(pool, info, sr, storage):
    ref = pool.add_task("SR.scan", other_config={"applies_to": f"{sr},{storage['uuid']}"})
    pool.database.write("SR", sr, "current_operations", {ref: "scan"})
    vm = pool.find("VM", "web-1")
    pool.set_task(ref, other_config={"applies_to": f"{vm},{sr}"})
    (task,) = info(ref=ref, with_objects=True)["tasks"]
    operations = {item["type"]: item["operation"] for item in task["objects"]}
    assert operations == {"SR": "scan", "VM": None}
