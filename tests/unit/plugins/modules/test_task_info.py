# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.modules import task_info
from ansible_collections.xen.xapi.tests.support.module_runner import by_core
from ansible_collections.xen.xapi.tests.support.samples import NO_REF, NO_UUID

NO_STATUS = {"pending": 0, "cancelling": 0, "success": 0, "failure": 0, "cancelled": 0}


def parse_uuid(pool, ref):
    return pool.record(ref)["uuid"]


def refs(result):
    return {task["ref"] for task in result["tasks"]}


def test_returns_all_tasks_and_counts_by_status(pool, info):
    tasks = {
        pool.add_task("running", progress=0.4),
        pool.add_task("done", status="success"),
        pool.add_task("broken", status="failure", error_info=["SR_FULL", "2", "1"]),
    }
    result = info()
    assert refs(result) == tasks
    assert result["changed"] is False
    assert result["count"] == 3
    assert result["by_status"] == {**NO_STATUS, "pending": 1, "success": 1, "failure": 1}
    assert result["missing"] == {"uuid": [], "ref": []}
    assert result["pool"]["uuid"] == pool.pool_uuid
    assert result["requests"] == len(pool.log) == 6


def test_empty_pool_returns_no_tasks(info):
    result = info()
    assert (result["tasks"], result["count"], result["by_status"]) == ([], 0, NO_STATUS)


def test_unknown_status_is_counted(pool, info):
    ref = pool.add_task("strange")
    pool.set_task(ref, status="paused")
    assert info()["by_status"] == {**NO_STATUS, "paused": 1}


def test_newest_task_comes_first(pool, info):
    times = ["20261123T10:00:02Z", "20261123T10:00:00Z", "20261123T10:00:01Z"]
    for created in times:
        pool.add_task("label", created=created)
    created = [task["created"] for task in info()["tasks"]]
    assert created == sorted(created, reverse=True)
    assert len(set(created)) == 3


def test_age_is_measured_by_server_clock(pool, info):
    pool.add_task("old", created="20060101T00:00:00Z")
    result = info()
    assert result["server_time"].startswith("20")
    assert result["tasks"][0]["age"] > 20 * 365 * 86400


def test_uuid_is_read_without_listing_all_tasks(pool, info):
    wanted, _other = pool.add_task("wanted"), pool.add_task("other")
    result = info(uuid=parse_uuid(pool, wanted).upper())
    assert refs(result) == {wanted}
    assert not pool.log.of("task.get_all_records")


def test_ref_is_read_without_listing_all_tasks(pool, info):
    wanted, _other = pool.add_task("wanted"), pool.add_task("other")
    assert refs(info(ref=[wanted])) == {wanted}
    assert not pool.log.of("task.get_all_records")


def test_uuids_and_refs_are_combined_without_duplicates(pool, info):
    first, second, _third = [pool.add_task("label") for _time in range(3)]
    result = info(uuid=[parse_uuid(pool, first), NO_UUID], ref=[first, second, NO_REF])
    assert refs(result) == {first, second}
    assert result["count"] == 2
    assert result["missing"] == {"uuid": [NO_UUID], "ref": [NO_REF]}
    assert len(pool.log.of("task.get_all_records")) == 1


@pytest.mark.parametrize("option", ["uuid", "ref"])
def test_empty_list_selects_no_task(pool, info, option):
    pool.add_task("label")
    result = info(**{option: []})
    assert (result["tasks"], result["count"]) == ([], 0)


def test_name_label_returns_all_tasks_with_that_label(pool, info):
    states = ["pending", "success", "failure"]
    same = {pool.add_task("Async.VM.start", status=status) for status in states}
    pool.add_task("VM.start")
    assert refs(info(name_label="Async.VM.start")) == same


@pytest.mark.parametrize(
    ("option", "identity"), [("uuid", NO_UUID), ("ref", NO_REF), ("name_label", "nothing")]
)
def test_nonexistent_task_is_not_an_error(info, option, identity):
    result = info(**{option: identity})
    missing = {"uuid": [], "ref": []}
    if option != "name_label":
        missing[option] = [identity]
    assert (result["tasks"], result["missing"]) == ([], missing)


def test_task_that_disappears_between_lookup_and_read_is_missing(pool, info):
    uuid = parse_uuid(pool, pool.add_task("label"))
    pool.fail("task.get_record", error=["HANDLE_INVALID", "task", NO_REF])
    assert info(uuid=uuid)["missing"] == {"uuid": [uuid], "ref": []}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"uuid": None}, "'uuid' is null"),
        ({"uuid": [None]}, by_core("'uuid' has a null", of_2_18="'uuid' is of type")),
        ({"uuid": ""}, "'uuid': '' is empty"),
        ({"uuid": "abc"}, "'uuid': 'abc' is not a valid UUID"),
        ({"ref": None}, "'ref' is null"),
        ({"ref": NO_UUID}, f"'ref': '{NO_UUID}' is not a valid reference"),
        ({"name_label": None}, "'name_label' is null"),
        ({"name_label": ["a"]}, "'name_label': ['a'] must be a single string"),
        ({"name_label": "a "}, "'name_label': 'a ' has leading or trailing whitespace"),
        ({"uuid": [], "name_label": "a"}, "mutually exclusive: uuid|name_label"),
        ({"ref": NO_REF, "name_label": "a"}, "mutually exclusive: ref|name_label"),
        ({"name_lable": "a"}, "name_lable"),
        ({"hostname": None}, "'hostname' is of type"),
        ({"hostname": []}, "'hostname' is required"),
        ({"username": None}, by_core("'username' is null", of_2_18="'username' is of type")),
        ({"password": None}, "'password' is null"),
        ({"password": ""}, "'password' is required"),
        ({"port": 0}, "'port': 0 is not a valid port"),
    ],
)
def test_invalid_options_are_rejected_before_any_request(pool, info, options, words):
    assert words in info(fails=True, **options)["msg"]
    assert len(pool.log) == 0


@pytest.mark.parametrize("missing", ["hostname", "password"])
def test_hostname_and_password_are_required(run, pool, missing):
    options = {"hostname": pool.url, "password": pool.password}
    del options[missing]
    assert missing in run(task_info.main, options, fails=True)["msg"]


def test_connection_options_are_read_from_environment(run, pool, monkeypatch):
    monkeypatch.setenv("XAPI_HOST", "")
    monkeypatch.setenv("XENSERVER_HOST", f"http://127.0.0.1:1,{pool.url}")
    monkeypatch.setenv("XENSERVER_USER", "read-only")
    monkeypatch.setenv("XAPI_PASSWORD", pool.password)
    monkeypatch.setenv("XENSERVER_PASSWORD", "not this one")
    assert run(task_info.main, {})["count"] == 0
    (login,) = pool.log.of("session.login_with_password")
    assert login.params[0] == "read-only"


def test_check_mode_returns_tasks(pool, info):
    pool.add_task("label")
    assert info(_ansible_check_mode=True)["count"] == 1


def test_task_result_is_decoded(pool, info):
    ref = pool.add_task("label", status="success", result="<value><i4>7</i4></value>")
    (task,) = info(ref=ref)["tasks"]
    assert (task["result"], task["result_value"]) == ("<value><i4>7</i4></value>", 7)
