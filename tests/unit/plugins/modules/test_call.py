# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What call does on a pool: it starts an operation once, waits, and says how it ended."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._call import candidates
from ansible_collections.xen.xapi.plugins.modules import call as call_module
from ansible_collections.xen.xapi.tests.simulator import Life
from ansible_collections.xen.xapi.tests.support.fixtures import session_on
from ansible_collections.xen.xapi.tests.support.samples import ENDLESS, UNCANCELLABLE

SNAPSHOT = "Async.VM.snapshot"
WEB = {"class": "VM", "name_label": "web-1"}
ARGS = [WEB, "before the update"]


@pytest.fixture(autouse=True)
def _short_lives(pool, monkeypatch):
    monkeypatch.setattr(candidates, "_PAUSES", (0.01, 0.01))
    for method in ("VM.snapshot", "VM.start", "VM.clean_shutdown", "SR.scan", "VDI.resize"):
        pool.operations.lives[method] = Life(duration=0.1)


def started(pool, label=SNAPSHOT):
    return [
        ref for ref, task in pool.database.records("task").items() if task["name_label"] == label
    ]


def test_starts_task_and_waits_for_its_result(pool, call):
    result = call(method="VM.snapshot", args=ARGS)
    made = pool.find("VM", "before the update")
    assert (result["outcome"], result["changed"], result["waited"]) == ("success", True, True)
    assert result["method"] == SNAPSHOT
    assert result["object"] == {
        "class": "VM",
        "ref": made,
        "uuid": pool.database.read("VM", made)["uuid"],
        "name_label": "before the update",
    }
    assert result["result_value"] == made
    assert result["result"] == f"<value>{made}</value>"
    assert [result["task"]["ref"]] == started(pool)
    assert result["timeline"][-1]["status"] == "success"
    assert [call.params for call in pool.log.of(SNAPSHOT)] == [
        [pool.find("VM", "web-1"), "before the update"]
    ]


def test_getter_returns_value_and_changes_nothing(pool, call):
    result = call(method="VM.get_power_state", args=[WEB])
    assert (result["result_value"], result["changed"]) == ("Running", False)
    assert (result["task"], result["outcome"], result["server_time"]) == (None, "success", None)


def test_getter_of_reference_names_the_object(pool, call):
    result = call(method="VM.get_resident_on", args=[WEB])
    assert result["object"]["class"] == "host"
    assert result["object"]["name_label"] == "host-1"


def test_void_result_is_null(call):
    result = call(method="VM.clean_shutdown", args=[WEB])
    assert (result["result_value"], result["object"]) == (None, None)


def test_arguments_are_sent_as_numbers_and_booleans(pool, call):
    call(method="VM.start", args=[{"class": "VM", "name_label": "db-1"}, "false", "True"])
    assert pool.log.of("Async.VM.start")[0].params[1:] == [False, True]
    vdi, disk = next(iter(pool.database.records("VDI").items()))
    call(method="VDI.resize", args=[{"class": "VDI", "uuid": disk["uuid"]}, "1073741824"])
    assert pool.log.of("Async.VDI.resize")[0].params == [vdi, 1073741824]


def test_failed_task_fails_with_the_server_error(call):
    result = call(method="VM.start", args=[WEB, False, False], fails=True)
    assert (result["outcome"], result["changed"]) == ("failure", True)
    assert result["error"]["code"] == "VM_BAD_POWER_STATE"
    assert "ended as failure: VM_BAD_POWER_STATE" in result["msg"]
    assert result["msg"].endswith("expected success.")


def test_expected_failure_is_no_failure(call):
    result = call(method="VM.start", args=[WEB, False, False], expect=["failure"])
    assert result["outcome"] == "failure"


def test_cancelled_task_fails(pool, call, when_waiting):
    pool.operations.lives["VM.snapshot"] = Life(duration=60)
    when_waiting(lambda: pool.set_task(started(pool)[0], status="cancelled"))
    result = call(method="VM.snapshot", args=ARGS, fails=True)
    assert result["outcome"] == "cancelled"


def test_without_wait_the_task_is_returned_at_once(pool, call):
    pool.operations.lives["VM.snapshot"] = ENDLESS
    result = call(method="VM.snapshot", args=ARGS, wait=False)
    assert [result["task"]["ref"]] == started(pool)
    assert (result["outcome"], result["waited"], result["wait_method"]) == ("running", False, None)
    assert pool.record(result["task"]["ref"])["status"] == "pending"


def test_lost_record_does_not_lose_the_reference_of_the_task(pool, call):
    pool.operations.lives["VM.snapshot"] = ENDLESS
    pool.fail("task.get_record", cut="before", count=None)
    result = call(method="VM.snapshot", args=ARGS, wait=False, fails=True)
    assert [result["task"]["ref"]] == started(pool)
    assert result["outcome"] == "running"
    assert f"{SNAPSHOT} was started" in result["msg"]


def test_task_outlives_the_session_that_started_it(pool, call, wait):
    result = call(method="VM.snapshot", args=ARGS, wait=False)
    assert pool.sessions() == []
    assert wait(ref=[result["task"]["ref"]])["satisfied"] == [result["task"]["uuid"]]


def test_timeout_says_that_the_operation_goes_on(pool, call):
    pool.operations.lives["VM.snapshot"] = UNCANCELLABLE
    result = call(method="VM.snapshot", args=ARGS, timeout="0.5", fails=True)
    assert (result["outcome"], result["timed_out"]) == ("running", True)
    assert result["msg"].startswith("Timed out after 0.5 s waiting for 'Async.VM.snapshot'")
    assert result["msg"].endswith("and it may still be running.")


def test_disappeared_task_has_unknown_outcome(pool, call, when_waiting):
    pool.operations.lives["VM.snapshot"] = ENDLESS
    when_waiting(lambda: pool.destroy_task(started(pool)[0]))
    result = call(method="VM.snapshot", args=ARGS, fails=True)
    assert (result["outcome"], result["task"]["gone"]) == ("unknown", True)
    assert "disappeared, so the outcome of the call is unknown" in result["msg"]


def test_task_that_is_never_seen_has_unknown_outcome(pool, call):
    pool.operations.lives["VM.snapshot"] = ENDLESS
    pool.fail("task.get_record", error=["HANDLE_INVALID", "task", "x"], count=None)
    result = call(method="VM.snapshot", args=ARGS, fails=True)
    assert result["outcome"] == "unknown"
    assert "disappeared before it was read, so the outcome" in result["msg"]


def test_refused_wait_says_what_was_started(pool, call):
    pool.operations.lives["VM.snapshot"] = ENDLESS
    pool.fail("task.get_record", error=["RBAC_PERMISSION_DENIED", "task", "x"], count=None)
    result = call(method="VM.snapshot", args=ARGS, fails=True)
    assert (result["outcome"], result["error"]["code"]) == ("running", "RBAC_PERMISSION_DENIED")
    assert f"{SNAPSHOT} was started, and it may still be running." in result["msg"]
    assert [result["task"]["ref"]] == started(pool)


@pytest.mark.parametrize("cut", ["after", "half"])
def test_lost_answer_is_not_repeated_and_candidates_are_listed(pool, call, cut):
    other = pool.add_task(SNAPSHOT, age=3600)
    parent = pool.add_task("backup")
    child = pool.add_task(SNAPSHOT, subtask_of=parent)
    pool.fail(SNAPSHOT, cut=cut)
    result = call(method="VM.snapshot", args=ARGS, fails=True)
    assert len(pool.log.of(SNAPSHOT)) == 1
    (made,) = set(started(pool)) - {other, child}
    assert (result["outcome"], result["changed"], result["task"]) == ("unknown", True, None)
    assert [task["ref"] for task in result["candidates"]] == [made]
    assert (
        "It is not known whether Async.VM.snapshot was started, and it was not called again"
        in result["msg"]
    )
    assert "Tasks that it may have started: 'Async.VM.snapshot'" in result["msg"]


def test_lost_call_without_candidates_is_unknown_all_the_same(pool, call):
    pool.fail(SNAPSHOT, cut="before")
    result = call(method="VM.snapshot", args=ARGS, fails=True)
    assert (result["outcome"], result["candidates"]) == ("unknown", [])
    assert "No task with this label has been created since the call." in result["msg"]


def test_candidates_that_cannot_be_read_are_said_to_be(pool, call):
    pool.fail(SNAPSHOT, cut="before")
    pool.fail("task.get_all_records", cut="before", count=None)
    result = call(method="VM.snapshot", args=ARGS, fails=True)
    assert "The tasks of the pool could not be read. The connection to" in result["msg"]


def test_restart_of_the_master_during_the_call_is_named(pool, call, when):
    pool.fail(SNAPSHOT, delay=1, cut="before")
    when(lambda: pool.log.of(SNAPSHOT), pool.restart_master)
    result = call(method="VM.snapshot", args=ARGS, fails=True)
    assert result["outcome"] == "unknown"
    assert "makes the pool forget all tasks" in result["msg"]


def test_call_refused_for_a_lost_session_is_repeated(pool, call):
    pool.fail(SNAPSHOT, error=["SESSION_INVALID", "x"])
    result = call(method="VM.snapshot", args=ARGS)
    assert result["outcome"] == "success"
    assert len(started(pool)) == 1
    pool.logout_all()


def test_call_refused_twice_for_a_lost_session_was_not_started(pool, call):
    pool.fail(SNAPSHOT, error=["SESSION_INVALID", "x"], count=None)
    result = call(method="VM.snapshot", args=ARGS, fails=True)
    assert (result["outcome"], result["changed"]) == ("not_started", False)
    assert len(pool.log.of(SNAPSHOT)) == 2
    pool.logout_all()


def test_session_lost_in_a_call_without_task_is_not_repeated(pool, call):
    vm = pool.find("VM", "web-1")
    method = "VM.add_to_other_config"
    pool.fail(method, error=["SESSION_INVALID", "x"])
    result = call(method=method, args=[vm, "key", "value"], fails=True)
    assert (result["outcome"], len(pool.log.of(method))) == ("unknown", 1)
    pool.logout_all()


def test_given_session_that_is_lost_leaves_outcome_unknown(pool, call):
    with session_on(pool) as ref:
        pool.fail(SNAPSHOT, error=["SESSION_INVALID", ref])
        result = call(method="VM.snapshot", args=ARGS, session_ref=ref, fails=True)
    assert result["outcome"] == "unknown"


def test_unspecific_error_in_place_of_a_task_is_unknown(pool, call):
    pool.fail(SNAPSHOT, error=["INTERNAL_ERROR", "x"], late=True)
    result = call(method="VM.snapshot", args=ARGS, fails=True)
    assert (result["outcome"], result["error"]["code"]) == ("unknown", "INTERNAL_ERROR")
    assert [task["ref"] for task in result["candidates"]] == started(pool)


def test_answer_that_is_no_reference_is_unknown(pool, call):
    pool.fail(SNAPSHOT, body='{"jsonrpc": "2.0", "id": 6, "result": 5}', late=True)
    result = call(method="VM.snapshot", args=[pool.find("VM", "web-1"), "x"], fails=True)
    assert result["outcome"] == "unknown"


def test_setter_without_task_is_called_once(pool, call):
    vm = pool.find("VM", "web-1")
    result = call(method="VM.add_to_other_config", args=[WEB, "key", 5])
    assert (result["outcome"], result["changed"], result["task"]) == ("success", True, None)
    assert pool.database.read("VM", vm)["other_config"]["key"] == "5"
    again = call(method="VM.add_to_other_config", args=[WEB, "key", 5], fails=True)
    assert (again["outcome"], again["error"]["code"]) == ("failure", "MAP_DUPLICATE_KEY")


def test_task_false_waits_for_the_answer(pool, call):
    result = call(method="VM.snapshot", args=ARGS, task=False)
    assert result["method"] == "VM.snapshot"
    assert result["object"]["name_label"] == "before the update"
    assert started(pool) == []


def test_task_true_on_method_without_asynchronous_form(call):
    result = call(method="VM.add_to_other_config", args=[WEB, "a", "b"], task=True, fails=True)
    assert "VM.add_to_other_config has no asynchronous form: write task: false." in result["msg"]
    assert result["outcome"] == "not_started"


def test_task_true_on_getter_waits_and_changes_nothing(pool, call):
    pool.fail("Async.host.get_log", error=["Fault", "No async mode"])
    host = {"class": "host", "name_label": "host-1"}
    result = call(method="host.get_log", args=[host], task=True, fails=True)
    assert (result["method"], result["changed"]) == ("Async.host.get_log", False)


@pytest.mark.parametrize(
    ("method", "args", "said"),
    [
        ("VM.get_power_stat", [WEB], "Do you mean VM.get_power_state"),
        ("vm.snapshot", ["x"], "Do you mean VM.snapshot"),
        (
            "weather.get_rain",
            [],
            "The description of xapi v26.17.0 does not have this method, either.",
        ),
        (
            "VM.checkpoint",
            [WEB, "x", "y"],
            "The description of xapi v26.17.0 has VM.checkpoint(vm: VM ref",
        ),
        (
            "VM.get_power_state",
            [WEB, 1],
            "The description of xapi v26.17.0 has VM.get_power_state(self",
        ),
    ],
)
def test_refused_call_says_what_was_expected(call, method, args, said):
    result = call(method=method, args=args, fails=True)
    assert said in result["msg"]
    assert (result["changed"], result["task"]) == (False, None)
    if "get_" not in method:
        assert result["outcome"] == "not_started"


def test_method_that_only_the_description_has_suggests_another_version(pool, call):
    pool.fail("host.get_log", error=["MESSAGE_METHOD_UNKNOWN", "host.get_log"])
    args = [{"class": "host", "name_label": "host-1"}]
    assert "the pool is older or newer" in call(method="host.get_log", args=args, fails=True)["msg"]


def test_role_that_is_needed_is_named(call):
    args = [WEB, "x"]
    result = call(method="VM.snapshot", args=args, username="read-only", task=False, fails=True)
    assert "The method needs the role vm-power-admin." in result["msg"]
    assert result["outcome"] == "not_started"


def test_several_objects_of_a_name_are_listed(pool, call):
    pool.inventory.add_vm("web-1")
    result = call(method="VM.snapshot", args=ARGS, fails=True)
    uuids = [
        vm["uuid"] for vm in pool.database.records("VM").values() if vm["name_label"] == "web-1"
    ]
    assert "is the name of 2 VMs of this pool" in result["msg"]
    assert all(uuid in result["msg"] for uuid in uuids)
    assert result["outcome"] == "not_started"
    assert not pool.log.of(SNAPSHOT)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"class": "VM", "name_label": "no"},
            "'args[0].name_label': 'no' is not the name of any VM",
        ),
        ({"class": "VM", "uuid": "0" * 8 + "-0000-0000-0000-" + "0" * 12}, "is no VM of this pool"),
    ],
)
def test_object_that_is_not_there_is_an_error(pool, call, given, message):
    result = call(method="VM.snapshot", args=[given, "x"], fails=True)
    assert message in result["msg"]
    assert not pool.log.of(SNAPSHOT)


def test_objects_are_found_at_any_depth(pool, call):
    ref, disk = next(iter(pool.database.records("VDI").items()))
    call(method="VM.snapshot", args=[WEB, "x", [{"class": "VDI", "uuid": disk["uuid"]}]])
    assert pool.log.of(SNAPSHOT)[0].params[2] == [ref]


def test_class_without_names_is_looked_up_by_uuid_alone(call):
    result = call(method="task.get_status", args=[{"class": "pool", "name_label": "x"}], fails=True)
    assert "is not the class that is expected" in result["msg"]
    result = call(method="pool.get_uuid", args=[{"class": "pool", "name_label": "x"}], fails=True)
    assert "XAPI finds no pool by its name; give its uuid" in result["msg"]


def test_check_mode_calls_nothing_and_checks_arguments(pool, call):
    check = {"_ansible_check_mode": True}
    result = call(method="VM.snapshot", args=ARGS, **check)
    assert (result["changed"], result["outcome"]) == (True, "not_started")
    assert result["method"] == SNAPSHOT
    assert "Check mode: did not call Async.VM.snapshot." in result["warnings"]
    assert not pool.log.of(SNAPSHOT)
    assert not call(method="VM.get_power_state", args=[WEB], **check)["changed"]
    wrong = [{"class": "VM", "name_label": "no"}, "x"]
    result = call(method="VM.snapshot", args=wrong, fails=True, **check)
    assert (result["changed"], result["outcome"]) == (False, "not_started")


def test_unreadable_object_is_a_warning(pool, call):
    pool.fail("VM.get_name_label", error=["RBAC_PERMISSION_DENIED", "x", "y"])
    result = call(method="VM.snapshot", args=ARGS)
    assert result["object"]["uuid"] is None
    assert any("The object of the result could not be read" in one for one in result["warnings"])


def test_wrong_password_starts_nothing(call):
    result = call(method="VM.snapshot", args=ARGS, password="wrong", fails=True)
    assert (result["outcome"], result["changed"]) == ("not_started", False)
    assert result["error"]["code"] == "SESSION_AUTHENTICATION_FAILED"


def test_rejected_login_before_a_call_without_arguments_starts_nothing(call):
    result = call(method="pool.sync_database", password="wrong", fails=True)
    assert (result["outcome"], result["changed"]) == ("not_started", False)


def test_pool_that_is_away_starts_nothing(run):
    options = {"hostname": "http://127.0.0.1:1", "password": "x", "method": "VM.snapshot"}
    result = run(call_module.main, {**options, "args": ["OpaqueRef:NULL", "x"]}, fails=True)
    assert result["outcome"] == "not_started"
    assert "refused the connection" in result["msg"]
