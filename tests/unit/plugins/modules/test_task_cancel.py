# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal

import pytest

from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.fixtures import answered, session_on
from ansible_collections.xen.xapi.tests.support.polling import wait_until
from ansible_collections.xen.xapi.tests.support.samples import (
    ENDLESS,
    LONG_AGO,
    NO_REF,
    NO_UUID,
    UNCANCELLABLE,
)

LABEL = "Async.VM.copy"


@pytest.fixture
def endless(pool):
    """Adds a task that goes on until it is cancelled, and has done so for years."""

    def add(label=LABEL, life=ENDLESS, **fields):
        return pool.add_task(label, life=life, **{"created": LONG_AGO, **fields})

    return add


def cancels(pool):
    return [call.params[0] for call in pool.log.of("task.cancel")]


def actions(result):
    return {action: len(uuids) for action, uuids in result["by_action"].items() if uuids}


def test_task_that_honors_cancel_is_cancelled(pool, cancel, endless):
    ref = endless()
    result = cancel(ref=ref)
    assert (result["changed"], actions(result)) == (True, {"cancelled": 1})
    assert [(task["status"], task["action"]) for task in result["tasks"]] == [
        ("cancelled", "cancelled")
    ]
    assert result["diff"]["before"].endswith(": pending\n")
    assert result["diff"]["after"].endswith(": cancelled\n")
    assert cancels(pool) == [ref]


@pytest.mark.parametrize("by", ["uuid", "ref", "name_label", "name_regex"])
def test_second_run_sends_no_cancel_and_reports_unchanged(pool, cancel, endless, by):
    ref = endless()
    value = {"uuid": pool.record(ref)["uuid"], "ref": ref, "name_label": LABEL}
    options = {by: value.get(by, r"Async\.VM\.copy")}
    predicted = cancel(**options, _ansible_check_mode=True)
    assert cancels(pool) == []
    first, second = cancel(**options), cancel(**options)
    assert (predicted["changed"], first["changed"], second["changed"]) == (True, True, False)
    assert predicted["diff"] == first["diff"]
    assert len(cancels(pool)) == 1


def test_task_that_ignores_cancel_is_still_running_at_timeout(pool, cancel, endless):
    result = cancel(ref=endless(life=UNCANCELLABLE), timeout=3, fails=True)
    assert actions(result) == {"still_running": 1}
    assert "is still running 3 s after cancellation was requested" in result["msg"]
    assert result["changed"] is False


def test_task_that_succeeds_despite_cancel_is_finished_first(pool, cancel, endless, when):
    ref = endless(life=UNCANCELLABLE)
    when(lambda: answered(pool, "task.cancel"), lambda: pool.set_task(ref, status="success"))
    result = cancel(ref=ref)
    assert (actions(result), result["changed"]) == ({"finished_first": 1}, False)
    assert result["tasks"][0]["status"] == "success"


def test_task_that_disappears_after_cancel_is_reported_gone(pool, cancel, endless, when):
    ref = pool.add_task(LABEL, life=UNCANCELLABLE)
    when(lambda: answered(pool, "task.cancel"), lambda: pool.destroy_task(ref))
    result = cancel(ref=ref)
    assert (actions(result), result["changed"]) == ({"gone": 1}, True)


def test_day_old_task_that_disappears_after_cancel_is_unknown(start_pool, cancel, when):
    pool = start_pool(collects=False)
    ref = pool.add_task(LABEL, life=UNCANCELLABLE, created=LONG_AGO)
    when(lambda: answered(pool, "task.cancel"), lambda: pool.destroy_task(ref))
    result = cancel(hostname=pool.url, ref=ref, fails=True)
    assert (actions(result), result["changed"]) == ({"unknown": 1}, False)
    assert "disappeared after cancellation was requested; it may still be running" in result["msg"]
    assert "over 24 hours old" in result["msg"]
    assert "over 24 hours old" in result["tasks"][0]["reason"]


@pytest.mark.parametrize(
    ("startup", "words"), [(0, "XAPI restarted on its host"), (600, "its host is disabled")]
)
def test_task_of_host_restarted_after_cancel_is_unknown(start_pool, cancel, when, startup, words):
    pool = start_pool(supporters=1)
    ref = pool.add_task(LABEL, life=UNCANCELLABLE, resident_on=pool.hosts[1].ref)
    when(
        lambda: answered(pool, "task.cancel"),
        lambda: pool.restart_supporter(1, startup=startup),
    )
    result = cancel(hostname=pool.url, ref=ref, timeout=3, fails=True)
    assert (actions(result), result["changed"]) == ({"unknown": 1}, False)
    assert words in result["msg"]


def test_waits_for_disabled_host_before_reporting_task_gone(start_pool, cancel, when):
    pool = start_pool(supporters=1)
    supporter = pool.hosts[1].ref
    ref = pool.add_task(LABEL, life=UNCANCELLABLE, resident_on=supporter)

    def disable_and_delete():
        pool.inventory.set_enabled(supporter, False)
        pool.destroy_task(ref)

    when(lambda: answered(pool, "task.cancel"), disable_and_delete)
    when(
        lambda: pool.log.of("host_metrics.get_live"),
        lambda: pool.inventory.set_enabled(supporter, True),
    )
    result = cancel(hostname=pool.url, ref=ref)
    assert (actions(result), result["changed"]) == ({"gone": 1}, True)


def test_cancel_with_lost_response_is_not_resent_without_wait(pool, cancel, endless):
    ref = endless(life=UNCANCELLABLE)
    pool.fail("task.cancel", cut="after")
    result = cancel(ref=ref, wait=False)
    assert (actions(result), result["changed"]) == ({"requested": 1}, True)
    assert len(cancels(pool)) == 1


def test_task_lost_with_session_after_cancel_is_unknown(pool, cancel, endless, when_waiting):
    when_waiting(pool.restart_master)
    result = cancel(ref=endless(life=UNCANCELLABLE), fails=True)
    assert actions(result) == {"unknown": 1}
    assert "the session was lost" in result["msg"]


def test_task_lost_with_session_before_cancel_is_sent(pool, cancel, endless, when):
    ref = endless()
    pool.fail("event.from", cut="before")
    when(lambda: [call for call in pool.log if call.fault], pool.restart_master)
    result = cancel(ref=ref, fails=True)
    assert (actions(result), result["changed"], cancels(pool)) == ({"unknown": 1}, False, [])
    assert "the session was lost" in result["msg"]
    assert "after it was asked" not in result["msg"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_task_that_disappears_during_idle_watch_is_gone_or_unknown(
    start_pool, cancel, when_waiting, check_mode
):
    pool = start_pool(supporters=1)
    hosts = [host.ref for host in pool.hosts]
    deleted, restarted = (
        pool.add_task(LABEL, life=UNCANCELLABLE, resident_on=host) for host in hosts
    )

    def happen():
        before = len(answered(pool, "host.get_all_records"))
        pool.destroy_task(deleted)
        assert wait_until(lambda: len(answered(pool, "host.get_all_records")) > before)
        pool.restart_supporter(1)

    when_waiting(happen, pool=pool)
    result = cancel(
        hostname=pool.url,
        name_label=LABEL,
        min_age=0,
        max_tasks=2,
        idle_for="2",
        fails=True,
        _ansible_check_mode=check_mode,
    )
    assert {task["ref"]: task["action"] for task in result["tasks"]} == {
        deleted: "gone",
        restarted: "unknown",
    }
    assert (result["changed"], cancels(pool)) == (False, [])
    assert "disappeared; it may still be running: XAPI restarted on its host" in result["msg"]


def test_task_lost_during_idle_watch_is_unknown_after_late_host_restart(
    start_pool, cancel, when_waiting
):
    pool = start_pool(supporters=1)
    ref = pool.add_task(LABEL, life=UNCANCELLABLE, resident_on=pool.hosts[1].ref)
    when_waiting(lambda: pool.restart_supporter(1, startup=3), pool=pool)
    result = cancel(hostname=pool.url, ref=ref, idle_for="1", fails=True)
    assert actions(result) == {"unknown": 1}
    assert "it may still be running: XAPI restarted on its host" in result["msg"]


def test_cancel_reports_error_for_invalid_host_handle(pool, cancel, endless):
    pool.fail("task.cancel", error=["HANDLE_INVALID", "host", NO_REF])
    result = cancel(ref=endless(), fails=True)
    assert (actions(result), result["changed"]) == ({"error": 1}, False)


def test_cancel_in_flight_at_sigterm_is_reported_as_requested(pool, cancel, endless, when):
    ref = endless()
    pool.fail("task.cancel", delay=2)
    when(lambda: cancels(pool), lambda: os.kill(os.getpid(), signal.SIGTERM))
    result = cancel(ref=ref, fails=True)
    assert result["msg"] == "Stopped by SIGTERM."
    assert (actions(result), result["changed"]) == ({"requested": 1}, True)
    assert "the request may not have arrived" in result["tasks"][0]["reason"]


def test_reports_lost_cancel_response_if_pool_stops_answering(pool, cancel, endless, when):
    pool.fail("task.cancel", cut="after")
    when(lambda: cancels(pool), lambda: pool.fail(count=None, cut="before"))
    result = cancel(ref=endless(life=UNCANCELLABLE), wait=False, timeout=2, fails=True)
    pool.heal()
    assert (actions(result), result["changed"]) == ({"requested": 1}, True)
    assert "was requested; the answer to the request was lost" in result["msg"]
    pool.logout_all()


def test_cancel_on_dead_host_fails_and_others_are_cancelled(start_pool, cancel):
    pool = start_pool(supporters=1)
    session = pool.call("session.login_with_password", "root", pool.password)
    vm = pool.find("VM", "web-1")
    pool.database.write("VM", vm, "resident_on", pool.hosts[1].ref)
    dead = pool.call("Async.VM.snapshot", session, vm, "x")
    well = pool.add_task(LABEL, life=ENDLESS)
    pool.logout(session)
    pool.take_down(1)
    result = cancel(hostname=pool.url, ref=[dead, well], fails=True)
    assert actions(result) == {"error": 1, "cancelled": 1}
    assert result["tasks"][0]["error"]["code"] == "HOST_OFFLINE"
    assert "failed (The host" in result["msg"]
    assert result["changed"] is True


def test_cancel_of_task_of_other_user_is_denied(pool, cancel):
    with session_on(pool):
        ref = pool.add_task(LABEL, life=ENDLESS)
        result = cancel(ref=ref, username="vm-admin", fails=True)
    assert actions(result) == {"denied": 1}
    assert "role pool-operator or above" in result["msg"]
    assert result["tasks"][0]["error"]["code"] == "RBAC_PERMISSION_DENIED"
    assert pool.record(ref)["status"] == "pending"


def test_own_task_can_be_cancelled_only_while_its_session_exists(pool, cancel):
    session = pool.call("session.login_with_password", "vm-admin", pool.password)
    ref = pool.call("task.create", session, "mine", "")
    result = cancel(ref=ref, username="vm-admin", timeout=3, fails=True)
    assert actions(result) == {"still_running": 1}
    pool.logout(session)
    # Without the session, its account may not cancel the task any more.
    result = cancel(ref=ref, username="vm-admin", timeout=3, fails=True)
    assert actions(result) == {"denied": 1}
    assert actions(cancel(ref=ref, username="pool-operator", timeout=3, fails=True)) == {
        "still_running": 1
    }


def test_second_run_without_wait_reports_unchanged(pool, cancel, endless):
    ref = endless(life=UNCANCELLABLE)
    predicted = cancel(ref=ref, wait=False, _ansible_check_mode=True)
    first, second = cancel(ref=ref, wait=False), cancel(ref=ref, wait=False)
    for result in (predicted, first, second):
        assert actions(result) == {"requested": 1}
    assert (predicted["changed"], first["changed"], second["changed"]) == (True, True, False)


def test_finished_task_gets_no_cancel(pool, cancel):
    ref = pool.add_task(LABEL, status="failure")
    result = cancel(ref=ref, uuid=[NO_UUID])
    assert (actions(result), result["changed"]) == ({"already_finished": 1}, False)
    assert result["missing"] == {"uuid": [NO_UUID], "ref": []}
    assert cancels(pool) == []


def test_more_matches_than_max_tasks_are_rejected(pool, cancel, endless):
    for _number in range(3):
        endless()
    for most in (None, 2):
        options = {} if most is None else {"max_tasks": most}
        result = cancel(name_label=LABEL, **options, fails=True)
        assert f"max_tasks is {most or 1}, and 3 running tasks match: '{LABEL}'" in result["msg"]
        assert actions(result) == {"not_sent": 3}
    assert cancels(pool) == []
    assert actions(cancel(name_label=LABEL, max_tasks=3)) == {"cancelled": 3}


def test_young_task_is_skipped_unless_given_by_ref(pool, cancel, endless):
    young = pool.add_task(LABEL, life=ENDLESS)
    old = endless()
    result = cancel(name_label=LABEL)
    assert actions(result) == {"cancelled": 1, "skipped": 1}
    assert {task["ref"]: task["reason"] for task in result["tasks"]} == {
        young: "too young",
        old: None,
    }
    assert cancels(pool) == [old]
    assert actions(cancel(ref=young)) == {"cancelled": 1}


def test_age_is_measured_by_server_clock(pool, cancel, endless, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 4_000_000_000.0)
    pool.add_task(LABEL, life=ENDLESS)
    assert actions(cancel(name_label=LABEL)) == {"skipped": 1}


def test_name_regex_must_match_whole_label(pool, cancel, endless):
    endless("Async.VM.copy_to_elsewhere")
    result = cancel(name_regex=r"Async\.VM\.copy")
    assert actions(result) == {}
    assert any("'Async.VM.copy_to_elsewhere'" in warning for warning in result["warnings"])
    assert actions(cancel(name_regex=r"VM\.copy_to_elsewhere")) == {}
    assert cancels(pool) == []


def test_exclude_matches_any_part_of_label(pool, cancel, endless):
    ref = endless("nightly backup of web-1")
    result = cancel(name_regex=".*backup.*|nightly.+", exclude="web")
    assert [task["reason"] for task in result["tasks"]] == ["excluded"]
    assert [task["ref"] for task in result["excluded"]] == [ref]
    assert cancels(pool) == []


def test_housekeeping_is_skipped_unless_given_by_exact_label(pool, cancel, endless):
    endless("SR.scan")
    assert actions(cancel(name_regex=r"SR\..+")) == {"skipped": 1}
    assert actions(cancel(name_label="SR.scan")) == {"cancelled": 1}


def test_filter_skips_task_given_by_ref(pool, cancel, endless):
    ref, other = endless(other_config={"job": "a"}), endless(other_config={"job": "b"})
    result = cancel(ref=[ref, other], other_config={"job": "a"})
    assert {task["ref"]: task["reason"] for task in result["tasks"]} == {
        ref: None,
        other: "filtered",
    }
    assert cancels(pool) == [ref]


def test_object_selects_only_tasks_that_work_on_it(pool, cancel):
    session = pool.call("session.login_with_password", "root", pool.password)
    vms = [pool.find("VM", name) for name in ("web-1", "web-2")]
    pool.operations.lives["VM.snapshot"] = ENDLESS
    ours, _other = [pool.call("Async.VM.snapshot", session, vm, "x") for vm in vms]
    pool.logout(session)
    uuid = pool.database.read("VM", vms[0])["uuid"]
    result = cancel(object={"type": "VM", "uuid": uuid}, min_age=0)
    assert [task["ref"] for task in result["tasks"]] == [ours]
    assert cancels(pool) == [ours]


def test_idle_for_skips_task_with_changing_progress(pool, cancel, endless):
    moving = endless(life=Life(duration=20, steps=400))
    idle = endless()
    result = cancel(name_label=LABEL, idle_for="0.5", max_tasks=2)
    assert {task["ref"]: task["reason"] for task in result["tasks"]} == {
        moving: "not idle",
        idle: None,
    }
    assert cancels(pool) == [idle]


def test_task_with_reverted_progress_change_is_not_idle(pool, cancel, endless, when_waiting):
    ref = endless()

    def move_and_move_back():
        pool.set_task(ref, progress=0.5)
        seen = len(pool.log.of("event.from"))
        assert wait_until(lambda: len(pool.log.of("event.from")) > seen)
        pool.set_task(ref, progress=0.0)

    when_waiting(move_and_move_back)
    assert actions(cancel(ref=ref, idle_for="1.5")) == {"skipped": 1}


def test_transient_error_during_idle_watch_adds_warning(pool, cancel, endless):
    pool.fail("event.from", nth=2, cut="before")
    result = cancel(ref=endless(), idle_for="0.5")
    assert actions(result) == {"cancelled": 1}
    assert any("The connection to the pool failed" in warning for warning in result["warnings"])


def test_task_is_not_cancelled_if_idle_watch_is_impossible(pool, cancel, endless, when_waiting):
    when_waiting(lambda: pool.fail(count=None, cut="before"))
    result = cancel(ref=endless(), idle_for="1", timeout=1, fails=True)
    pool.heal()
    assert result["msg"] == (
        "Nothing was cancelled. The tasks could not be watched for the 1 s of idle_for in 2 s."
    )
    assert actions(result) == {"not_sent": 1}
    pool.logout_all()


def test_cancels_are_not_sent_after_deadline(pool, cancel, endless):
    refs = [endless() for _number in range(10)]
    pool.fail("task.cancel", delay=0.4, count=None)
    result = cancel(ref=refs, timeout=3, fails=True)
    pool.heal()
    assert actions(result)["not_sent"] >= 1
    assert len(cancels(pool)) <= 8
    assert "No cancel request was sent for task" in result["msg"]
    assert "within 3 s" in result["msg"]


def test_task_created_during_idle_watch_is_skipped(pool, cancel, endless, when_waiting):
    idle = endless()
    when_waiting(endless)
    result = cancel(name_label=LABEL, idle_for="1", max_tasks=2)
    assert actions(result) == {"cancelled": 1, "skipped": 1}
    assert cancels(pool) == [idle]


@pytest.mark.parametrize(
    ("what", "outcome", "sent"),
    [("try", "cancelled", 2), ("skip", "not_cancellable", 1), ("fail", "not_cancellable", 0)],
)
def test_on_uncancellable_tries_skips_or_fails(pool, cancel, endless, what, outcome, sent):
    offered = endless()
    other = endless(life=Life(duration=None, cancellable=False))
    result = cancel(ref=[offered, other], on_uncancellable=what, fails=what == "fail")
    assert {task["ref"]: task["action"] for task in result["tasks"]}[other] == outcome
    assert len(cancels(pool)) == sent


def test_guards_are_checked_again_after_idle_watch(pool, cancel, endless, when_waiting):
    ref = endless()
    when_waiting(lambda: pool.set_task(ref, allowed_operations=[]))
    result = cancel(ref=ref, idle_for="0.5", on_uncancellable="fail", fails=True)
    assert "The server does not offer to cancel" in result["msg"]
    assert cancels(pool) == []


def test_task_with_alternating_cancel_permission_is_cancelled(pool, cancel, endless):
    flicker = tuple((step / 10, bool(step % 2)) for step in range(50))
    ref = endless(life=Life(duration=None, cancellable=flicker, cancel_after=0.3))
    assert actions(cancel(ref=ref)) == {"cancelled": 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"uuid": [NO_UUID], "on_missing": "fail"}, "No task has the uuid"),
        ({"name_label": "nothing", "on_missing": "fail"}, "No running task matches"),
        ({"uuid": [NO_UUID], "fail_if_not_running": True}, "Not running"),
        ({"name_label": "nothing", "fail_if_not_running": True}, "is running"),
    ],
)
def test_required_task_that_is_missing_fails_before_any_cancel(
    pool, cancel, endless, options, message
):
    ref = endless()
    refs = {"ref": [ref]} if "uuid" in options else {}
    result = cancel(**refs, **options, fails=True)
    assert result["msg"].startswith("Nothing was cancelled. ")
    assert message in result["msg"]
    assert cancels(pool) == []


def test_finished_task_fails_with_fail_if_not_running(pool, cancel, endless):
    ended = pool.add_task(LABEL, status="success")
    result = cancel(ref=[ended, endless()], fail_if_not_running=True, fails=True)
    assert "ended as success" in result["msg"]
    assert cancels(pool) == []


def test_empty_uuid_list_selects_no_task(pool, cancel, endless):
    endless()
    assert (actions(cancel(uuid=[])), cancels(pool)) == ({}, [])


def test_error_on_one_task_does_not_stop_others(pool, cancel, endless):
    refs = [endless() for _number in range(3)]
    pool.fail("task.cancel", ref=refs[1], error=["INTERNAL_ERROR", "Not_found"])
    result = cancel(ref=refs, fails=True)
    assert actions(result) == {"cancelled": 2, "error": 1}


@pytest.mark.parametrize("cut", ["before", "after", "half"])
def test_connection_cut_is_retried_with_warning(pool, cancel, endless, cut):
    refs = [endless() for _number in range(3)]
    pool.fail("task.cancel", nth=2, cut=cut)
    result = cancel(ref=refs)
    assert (actions(result), result["changed"]) == ({"cancelled": 3}, True)
    assert any("The connection to the pool failed" in warning for warning in result["warnings"])


def test_thousand_cancels_need_at_most_1020_requests(pool, cancel, endless):
    refs = [endless() for _number in range(1000)]
    result = cancel(ref=refs)
    assert actions(result) == {"cancelled": 1000}
    assert sorted(cancels(pool)) == sorted(refs)
    assert result["requests"] <= 1020
    assert pool.hosts[0].connections <= 2
