# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from itertools import combinations

import pytest

from ansible_collections.xen.xapi.plugins.modules import task_info
from ansible_collections.xen.xapi.tests.simulator import Life
from ansible_collections.xen.xapi.tests.support.module_runner import by_core
from ansible_collections.xen.xapi.tests.support.samples import NO_REF, NO_UUID

EPOCH_OF_TASKS = 1795428000  # 2026-11-23T10:00:00Z


def labels(result):
    return [task["name_label"] for task in result["tasks"]]


@pytest.fixture
def samples(pool):
    """One task for each trait, and the filter that finds it."""
    pool.inventory.add_host("same name", "127.0.0.9")
    pool.inventory.add_host("same name", "127.0.0.10")
    other_host = pool.inventory.add_host("other", "127.0.0.8")
    parent = pool.add_task("parent", progress=0.9)
    vm = pool.find("VM", "web-1")
    working = pool.add_task("working", progress=0.1, allowed_operations=["cancel"])
    pool.database.add_to_map("VM", vm, "current_operations", working, "snapshot")
    pool.add_task("Async.VM.copy", status="failure", created="20261123T10:00:00Z")
    pool.add_task("part", subtask_of=parent, created="20261123T10:00:30Z")
    pool.add_task("elsewhere", resident_on=other_host, created="20261123T10:01:00Z")
    pool.add_task("marked", other_config={"by": "me", "on": "true"}, status="success")
    pool.set_task(working, name_description="web-1 (on xcp1)")
    return {
        "name_label": {"name_label": "working"},
        "name_regex": {"name_regex": r"VM\.|part|marked"},
        "name_description": {"name_description": "web-1 (on xcp1)"},
        "kind": {"kind": ["copy", "scan"]},
        "backup": {"kind": ["backup"]},
        "status": {"status": ["failure", "pending"]},
        "min_age": {"min_age": "1h"},
        "max_age": {"max_age": "1h"},
        "created_after": {"created_after": "2026-11-23T10:00:30Z"},
        "created_before": {"created_before": "2026-11-23T11:00:30+01:00"},
        "cancellable": {"cancellable": True},
        "not_cancellable": {"cancellable": False},
        "object": {"object": {"type": "VM", "uuid": pool.database.read("VM", vm)["uuid"]}},
        "object_by_name": {"object": {"type": "VM", "name_label": "web-1"}},
        "subtask_of": {"subtask_of": parent},
        "subtask_of_uuid": {"subtask_of": pool.record(parent)["uuid"].upper()},
        "resident_on": {"resident_on": "other"},
        "resident_on_uuid": {"resident_on": pool.database.read("host", other_host)["uuid"].upper()},
        "other_config": {"other_config": {"by": "me", "on": True}},
        "exclude": {"exclude": ["parent", "elsewhere"]},
    }


@pytest.fixture
def clock_of_the_pool(pool, monkeypatch):
    """Two minutes after the tasks with a date were made."""
    monkeypatch.setattr(pool.clock, "now", lambda: EPOCH_OF_TASKS + 2 * 3600.0)


ALONE = {
    "name_label": {"working"},
    "name_regex": {"Async.VM.copy", "part", "marked"},
    "kind": {"Async.VM.copy"},
    "backup": {"Async.VM.copy"},
    "status": {"parent", "working", "Async.VM.copy", "part", "elsewhere"},
    "min_age": {"Async.VM.copy", "part", "elsewhere"},
    "max_age": {"parent", "working", "marked"},
    "created_after": {"parent", "working", "part", "elsewhere", "marked"},
    "created_before": {"Async.VM.copy", "part"},
    "cancellable": {"working"},
    "not_cancellable": {"parent", "Async.VM.copy", "part", "elsewhere", "marked"},
    "object": {"working"},
    "object_by_name": {"working"},
    "name_description": {"working"},
    "subtask_of": {"part"},
    "subtask_of_uuid": {"part"},
    "resident_on": {"elsewhere"},
    "resident_on_uuid": {"elsewhere"},
    "other_config": {"marked"},
    "exclude": {"working", "Async.VM.copy", "part", "marked"},
}


@pytest.mark.usefixtures("clock_of_the_pool")
def test_each_filter_alone_returns_matching_tasks(samples, info):
    assert samples.keys() == ALONE.keys()
    for name, options in samples.items():
        assert set(labels(info(**options))) == ALONE[name], name


@pytest.mark.usefixtures("clock_of_the_pool")
def test_pair_of_filters_returns_tasks_matching_both(samples, info):
    for one, other in combinations(samples, 2):
        options = {**samples[one], **samples[other]}
        if {"name_label", "name_regex"} <= options.keys() or samples[one].keys() == samples[
            other
        ].keys():
            continue
        assert set(labels(info(**options))) == ALONE[one] & ALONE[other], (one, other)


def test_excluded_lists_only_running_tasks(pool, info):
    left_out = pool.add_task("SR.scan")
    pool.add_task("SR.scan", status="success")
    pool.add_task("SR.scan.more")
    result = info(exclude=r"SR\.scan", name_regex="SR")
    assert labels(result) == ["SR.scan.more"]
    assert result["count"] == 1
    (entry,) = result["excluded"]
    uuid = pool.record(left_out)["uuid"]
    assert entry == {"uuid": uuid, "ref": left_out, "name_label": "SR.scan", "status": "pending"}


def test_task_removed_by_filter_is_not_missing(pool, info):
    ref = pool.add_task("there", status="success")
    result = info(ref=[ref], status=["pending"])
    assert (result["tasks"], result["missing"]) == ([], {"uuid": [], "ref": []})


def test_regex_that_matches_only_as_text_adds_warning(pool, info):
    pool.add_task("[XO] Exporting content of VDI web-1_0", status="success")

    def warnings(**options):
        return [one for one in info(**options)["warnings"] if "plain text" in one]

    (warning,) = warnings(name_regex="[XO] Exporting content")
    assert r"write '\[XO\] Exporting content' to match the text, or give" in warning
    (warning,) = warnings(exclude="[XO] Exporting content.*")
    assert warning.startswith(
        "argument 'exclude': '[XO] Exporting content.*' does not match the task '[XO] Exporting"
    )
    assert warnings(name_regex=r"\[XO\] Exporting content") == []


def test_overlong_label_is_returned_despite_name_regex_and_exclude(pool, info):
    label = "Async.VM." * 1000
    pool.add_task(label)
    assert labels(info(name_regex=r"SR\.scan")) == [label]
    assert labels(info(exclude=r"(Async\.VM\.)+")) == [label]


def test_slow_exclude_is_rejected(pool, info):
    pool.add_task("a" * 1000)
    message = info(exclude="(a+)+b", fails=True)["msg"]
    assert message.startswith("argument 'exclude': '(a+)+b' took more than 2 s on the labels")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"object": {"type": "VM", "uuid": NO_UUID}}, f"'object.uuid': '{NO_UUID}' is no VM"),
        ({"object": {"type": "SR", "uuid": NO_UUID}}, f"'object.uuid': '{NO_UUID}' is no SR"),
        ({"object": {"type": "VDI", "uuid": NO_UUID}}, f"'object.uuid': '{NO_UUID}' is no VDI"),
        ({"object": {"type": "host", "uuid": NO_UUID}}, f"'object.uuid': '{NO_UUID}' is no host"),
        ({"object": {"type": "network", "uuid": NO_UUID}}, "is no network of this pool"),
        ({"object": {"type": "pool", "uuid": NO_UUID}}, "is no pool of this pool"),
        (
            {"object": {"type": "VM", "name_label": "web-9"}},
            "'object.name_label': 'web-9' is not the name of any VM of this pool",
        ),
        (
            {"object": {"type": "pool", "name_label": "production"}},
            "'object.name_label': 'production' is not the name of any pool of this pool",
        ),
        ({"subtask_of": NO_UUID}, f"'subtask_of': '{NO_UUID}' is no task"),
        ({"subtask_of": NO_REF}, f"'subtask_of': '{NO_REF}' is no task"),
        ({"resident_on": NO_UUID}, f"'resident_on': '{NO_UUID}' is no host"),
        ({"resident_on": "nowhere"}, "'resident_on': 'nowhere' is no host"),
        ({"resident_on": "same name"}, "'resident_on': 'same name' is the name of 2 hosts"),
    ],
)
def test_unknown_or_ambiguous_filter_target_is_rejected(samples, info, options, words):
    assert words in info(fails=True, **options)["msg"]


@pytest.mark.parametrize("count", [2, 7])
def test_ambiguous_object_name_error_lists_up_to_five_objects(pool, info, count):
    refs = [pool.inventory.add_vm("same name") for _number in range(count)]
    uuids = [pool.database.read("VM", ref)["uuid"] for ref in refs]
    message = info(object={"type": "VM", "name_label": "same name"}, fails=True)["msg"]
    assert f"'object.name_label': 'same name' is the name of {count} VMs of this pool" in message
    assert sum(f"'same name' (uuid {uuid})" in message for uuid in uuids) == min(count, 5)
    assert ("and 2 more; give a uuid." in message) is (count == 7)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("VM", "web-1"),
        ("host", "host-1"),
        ("SR", "Local storage"),
        ("VDI", "web-1 disk 0"),
        ("network", "Pool-wide network associated with eth0"),
        ("pool", ""),
        ("pool", "production"),
    ],
)
def test_every_object_type_is_found_by_name_and_uuid(pool, info, kind, name):
    ref = pool.inventory.pool if kind == "pool" else pool.find(kind, name)
    if kind == "pool":
        pool.database.write("pool", ref, "name_label", name)
    working = pool.add_task("working")
    pool.add_task("idle")
    pool.database.write(kind, ref, "current_operations", {working: "work"})
    uuid = pool.database.read(kind, ref)["uuid"]
    for identity in ({"uuid": uuid}, {"name_label": name}):
        (task,) = info(object={"type": kind, **identity}, with_objects=True)["tasks"]
        assert task["ref"] == working
        (named,) = task["objects"]
        assert named == {"type": kind, "uuid": uuid, "name_label": name, "operation": "work"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name_regex": ".*"}, "'name_regex': '.*' matches the empty string"),
        ({"name_regex": "("}, "'name_regex': '(' is not a valid regular expression"),
        ({"name_regex": ["a"]}, "'name_regex': ['a'] must be a single string"),
        ({"name_regex": "a", "name_label": "a"}, "mutually exclusive"),
        ({"name_regex": "a", "uuid": []}, "mutually exclusive"),
        ({"exclude": ""}, "'exclude': '' is empty"),
        ({"exclude": [None]}, "'exclude' has a null in its list"),
        ({"min_age": "a while"}, "'min_age': 'a while' is not a valid duration"),
        ({"max_age": -1}, "'max_age': '-1' is not a valid duration"),
        ({"min_age": "2h", "max_age": "1h"}, "'min_age': '2h' is above max_age (1h)"),
        ({"created_after": "2026-11-23T10:00:00"}, "has no UTC offset"),
        ({"created_before": "yesterday"}, "'created_before': 'yesterday' is not a valid time"),
        ({"status": ["done"]}, "status"),
        ({"status": []}, "'status': [] is empty"),
        ({"kind": ["backups"]}, "value of kind must be one or more of: export, import, copy"),
        ({"kind": "exports"}, "value of kind must be one or more of: export, import, copy"),
        ({"kind": []}, "'kind': [] is empty"),
        (
            {"kind": [None]},
            by_core("value of kind must be one or more of", of_2_18="'kind' is of type"),
        ),
        ({"kind": None}, "value of kind must be one of: export, import, copy"),
        ({"cancellable": None}, "'cancellable' is null"),
        ({"object": None}, "'object' is null"),
        ({"object": {"type": "VM", "uuid": "web-1"}}, "'object.uuid': 'web-1' is not a valid UUID"),
        ({"object": {"type": "disk", "uuid": NO_UUID}}, "type"),
        ({"object": {"type": "VM"}}, "one of the following is required: uuid, name_label found"),
        ({"object": {"type": "VM", "uuid": None}}, "'object.uuid' is null"),
        ({"object": {"type": "VM", "uuid": NO_UUID, "name_label": "a"}}, "mutually exclusive"),
        ({"object": {"type": "VM", "name_label": ""}}, "'object.name_label': '' is empty"),
        (
            {"object": {"type": "VM", "name_label": ["a"]}},
            "'object.name_label': ['a'] must be a single string",
        ),
        ({"object": {"type": "pool", "name_label": " "}}, "'object.name_label': ' ' has leading"),
        ({"name_description": ""}, "'name_description': '' is empty"),
        ({"name_description": ["a"]}, "'name_description': ['a'] must be a single string"),
        ({"subtask_of": "web-1"}, "'subtask_of': 'web-1' is not a valid UUID"),
        ({"resident_on": " "}, "'resident_on': ' ' has leading or trailing whitespace"),
        ({"other_config": {}}, "'other_config': {} is empty"),
        ({"other_config": {"k": None}}, "'other_config.k' is null; write the text"),
        ({"sort": "age"}, "sort"),
        ({"limit": 0}, "'limit': 0 is below 1"),
    ],
)
def test_invalid_options_are_rejected_before_any_request(pool, info, options, words):
    assert words in info(fails=True, **options)["msg"]
    assert len(pool.log) == 0


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (None, ["b", "c", "a"]),
        ("-created", ["b", "c", "a"]),
        ("created", ["a", "c", "b"]),
        ("progress", ["c", "a", "b"]),
        ("name_label", ["a", "b", "c"]),
    ],
)
def test_limit_truncates_sorted_tasks_but_not_counts(pool, info, sort, order):
    pool.add_task("a", created="20261123T10:00:00Z", progress=0.5)
    pool.add_task("b", created="20261123T10:00:02Z", progress=0.7)
    pool.add_task("c", created="20261123T10:00:01Z", progress=0.2)
    options = {} if sort is None else {"sort": sort}
    assert labels(info(**options)) == order
    first = info(limit=2, **options)
    assert labels(first) == order[:2]
    assert (first["count"], first["by_status"]["pending"]) == (3, 3)


def test_with_objects_returns_objects_and_host_name_of_task(start_pool, run):
    pool = start_pool(supporters=1)
    pool.operations.lives["VM.pool_migrate"] = Life(duration=None)
    vm, host = pool.find("VM", "web-1"), pool.hosts[1].ref
    session = login(pool)
    migration = pool.call("Async.VM.pool_migrate", session, vm, host, {})
    pool.logout(session)
    lonely = pool.add_task("lonely", resident_on=NO_REF)
    result = run(
        task_info.main,
        {"hostname": pool.url, "password": pool.password, "with_objects": True},
    )
    tasks = {task["ref"]: task for task in result["tasks"]}
    assert tasks[migration]["resident_on_name"] == "host-1"
    assert sorted(tasks[migration]["objects"], key=lambda found: found["type"]) == [
        {
            "type": "VM",
            "uuid": pool.database.read("VM", vm)["uuid"],
            "name_label": "web-1",
            "operation": "pool_migrate",
        },
        {
            "type": "host",
            "uuid": pool.database.read("host", host)["uuid"],
            "name_label": "host-2",
            "operation": "vm_migrate",
        },
    ]
    assert tasks[lonely]["objects"] == []
    assert tasks[lonely]["resident_on_name"] is None


def login(pool):
    return pool.call("session.login_with_password", pool.username, pool.password)


def test_ten_thousand_tasks_are_listed_in_one_call(start_pool, run):
    pool = start_pool(tasks=10_000, collects=False)
    result = run(task_info.main, {"hostname": pool.url, "password": pool.password, "limit": 3})
    assert result["count"] == sum(result["by_status"].values()) == 10_000
    assert len(result["tasks"]) == 3
    assert len(pool.log.of("task.get_all_records")) == 1
