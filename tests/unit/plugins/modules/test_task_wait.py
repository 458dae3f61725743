# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import time

import pytest

from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.simulator.values import Date
from ansible_collections.xen.xapi.tests.support.fixtures import answered
from ansible_collections.xen.xapi.tests.support.polling import wait_until
from ansible_collections.xen.xapi.tests.support.samples import LONG_AGO, NO_UUID

SOON = 0.2


@pytest.fixture
def ends(live):
    """Adds a task that ends, or vanishes, a moment after it was first seen."""

    def add(outcome, after=SOON):
        if outcome == "gone":
            return live(Life(duration=None, deleted_after=after))
        return live(Life(duration=after, outcome=outcome))

    return add


def parse_uuid(pool, ref):
    return pool.record(ref)["uuid"]


def test_waits_until_task_succeeds(pool, wait, live):
    ref = live(Life(duration=SOON, result="OpaqueRef:new"))
    result = wait(ref=[ref])
    assert result["satisfied"] == [parse_uuid(pool, ref)]
    assert [task["result_value"] for task in result["tasks"]] == ["OpaqueRef:new"]
    assert (result["changed"], result["waited"], result["timed_out"]) == (False, True, False)
    assert result["method"] == "events"
    statuses = [row["status"] for row in result["timeline"]]
    assert (statuses[0], statuses[-1]) == ("pending", "success")
    assert result["pool"]["uuid"] == pool.pool_uuid


def test_tasks_are_returned_in_order_given(pool, wait, when_waiting):
    made = [pool.add_task("Async.VM.copy", status="success") for _number in range(4)]
    uuids = [parse_uuid(pool, ref) for ref in made]
    late = "12345678-1234-1234-1234-123456789012"
    when_waiting(lambda: pool.add_task("Async.VM.copy", status="success", uuid=late))
    result = wait(ref=[made[2], made[0]], uuid=[late, uuids[3], uuids[1]], on_missing="wait")
    expected = [uuids[2], uuids[0], late, uuids[3], uuids[1]]
    assert [task["uuid"] for task in result["tasks"]] == expected
    assert result["satisfied"] == expected


def test_finished_task_is_not_waited_for(pool, wait):
    ref = pool.add_task("Async.VM.copy", status="success")
    result = wait(uuid=parse_uuid(pool, ref).upper())
    assert result["waited"] is False
    assert not pool.log.of("event.from")


# One fails, one is cancelled, one succeeds, in this order of time.
THREE = {"failure": 0.1, "cancelled": 0.2, "success": 0.3}
EXPECTATIONS = [
    list(states)
    for count in (1, 2, 3)
    for states in itertools.combinations(("success", "failure", "cancelled"), count)
]


@pytest.mark.parametrize("fail_fast", [True, False])
@pytest.mark.parametrize("expect", EXPECTATIONS, ids=",".join)
@pytest.mark.parametrize("wait_for", ["all", "any"])
def test_all_needs_every_end_state_expected_but_any_needs_one(
    pool, wait, ends, wait_for, expect, fail_fast
):
    refs = {outcome: ends(outcome, after) for outcome, after in THREE.items()}
    uuids = {outcome: parse_uuid(pool, ref) for outcome, ref in refs.items()}
    opens = wait_for == "any" or len(expect) == 3
    result = wait(
        ref=list(refs.values()),
        wait_for=wait_for,
        expect=expect,
        fail_fast=fail_fast,
        fails=not opens,
    )
    bad = [outcome for outcome in THREE if outcome not in expect]
    if opens:
        assert result["satisfied"]
    elif fail_fast:
        assert set(result["unexpected"]) & {uuids[outcome] for outcome in bad}
    else:
        assert set(result["unexpected"]) == {uuids[outcome] for outcome in bad}
        assert result["unmet"] == []
        assert all(f"ended as {outcome}" in result["msg"] for outcome in bad)


@pytest.mark.parametrize("fail_fast", [True, False])
@pytest.mark.parametrize("on_gone", ["fail", "ok"])
@pytest.mark.parametrize("wait_for", ["all", "any"])
@pytest.mark.parametrize("other", ["success", "failure"])
def test_disappeared_task_fails_all_unless_on_gone_is_ok(
    pool, wait, ends, when, wait_for, on_gone, fail_fast, other
):
    gone, stays = ends("gone"), pool.add_task("Async.VM.copy")
    # Not before it is known to be gone: one that fails would be the end of it.
    when(
        lambda: [call for call in pool.log.of("task.get_record") if call.error],
        lambda: pool.operations.play(stays, Life(duration=0.1, outcome=other)),
    )
    uuid = parse_uuid(pool, gone)
    opens = other == "success" and (wait_for == "any" or on_gone == "ok")
    options = {"wait_for": wait_for, "on_gone": on_gone, "fail_fast": fail_fast}
    result = wait(ref=[gone, stays], **options, fails=not opens)
    assert [task["uuid"] for task in result["tasks"] if task["gone"]] == result["gone"]
    if wait_for == "all" and (on_gone == "fail" or opens):
        assert result["gone"] == [uuid]
    if wait_for == "all" and on_gone == "fail":
        assert "its outcome is unknown" in result["msg"]
    if wait_for == "all" and opens:
        assert any("disappeared" in warning for warning in result["warnings"])


def test_only_disappeared_tasks_meet_all_with_warning_but_fail_any(pool, wait, ends):
    ref = ends("gone")
    result = wait(ref=[ref], on_gone="ok")
    assert (result["satisfied"], len(result["gone"])) == ([], 1)
    assert any("The wait succeeded without" in warning for warning in result["warnings"])
    assert "No task is left" in wait(ref=[ends("gone")], wait_for="any", fails=True)["msg"]


@pytest.mark.parametrize("fail_fast", [True, False])
@pytest.mark.parametrize("on_missing", ["fail", "ok", "wait"])
@pytest.mark.parametrize("wait_for", ["all", "any"])
def test_missing_task_fails_all_unless_on_missing_is_ok(
    pool, wait, ends, wait_for, on_missing, fail_fast
):
    ref = ends("success")
    opens = wait_for == "any" or on_missing == "ok"
    result = wait(
        ref=[ref],
        uuid=[NO_UUID],
        wait_for=wait_for,
        on_missing=on_missing,
        fail_fast=fail_fast,
        timeout=1,
        fails=not opens,
    )
    assert result["missing"] == {"uuid": [NO_UUID], "ref": []}
    assert result["timed_out"] is (wait_for == "all" and on_missing == "wait")
    if not opens:
        assert NO_UUID in result["msg"]
        # It is told at once, or when the others have ended.
        ended = [parse_uuid(pool, ref)]
        assert result["satisfied"] == ([] if on_missing == "fail" and fail_fast else ended)


def test_waits_for_uuid_that_appears_later(pool, wait, when_waiting):
    uuid = "12345678-1234-1234-1234-123456789012"
    when_waiting(lambda: pool.add_task("late", uuid=uuid, life=Life(duration=SOON)))
    result = wait(uuid=[uuid], on_missing="wait")
    assert (result["satisfied"], result["missing"]["uuid"]) == ([uuid], [])


@pytest.mark.parametrize("selection", [{"name_label": "late"}, {"name_regex": "^la"}])
def test_waits_for_match_that_appears_later(pool, wait, when_waiting, selection):
    pool.add_task("late", status="failure")
    when_waiting(lambda: pool.add_task("late", life=Life(duration=SOON)))
    assert len(wait(**selection, on_missing="wait")["satisfied"]) == 1


def test_waits_for_operation_that_starts_later_on_object(pool, wait, when_waiting):
    vm = pool.find("VM", "web-1")
    session = pool.call("session.login_with_password", "root", pool.password)
    pool.operations.lives["VM.snapshot"] = Life(duration=None)

    def work():
        told = len(answered(pool, "event.from"))
        task = pool.call("Async.VM.snapshot", session, vm, "before")
        assert wait_until(lambda: len(answered(pool, "event.from")) > told + 1)
        pool.call("task.cancel", session, task)
        pool.logout(session)

    when_waiting(work)
    uuid = pool.database.read("VM", vm)["uuid"]
    result = wait(object={"type": "VM", "uuid": uuid}, on_missing="wait", expect=["cancelled"])
    assert [task["name_label"] for task in result["tasks"]] == ["Async.VM.snapshot"]


def test_earlier_success_is_ignored_without_age_option(pool, wait):
    pool.add_task("Async.VM.copy", status="success")
    result = wait(name_label="Async.VM.copy", fails=True)
    assert result["msg"].startswith(
        "No running task matches name_label='Async.VM.copy'; 1 finished task does (success, "
    )
    assert result["msg"].endswith("set created_after to include it.")
    assert result["tasks"] == []


@pytest.mark.parametrize("asked_for", ["created_after", "max_age"])
def test_earlier_success_counts_with_age_option(pool, wait, asked_for):
    ref = pool.add_task("Async.VM.copy", status="success")
    value = {"created_after": "2020-01-01T00:00:00Z", "max_age": "1h"}[asked_for]
    result = wait(name_label="Async.VM.copy", **{asked_for: value})
    assert result["satisfied"] == [parse_uuid(pool, ref)]


def test_running_match_that_appears_late_counts_for_all(pool, wait, when_waiting):
    first = pool.add_task("Async.VM.copy")

    def join():
        pool.add_task("Async.VM.copy", life=Life(duration=1.0, outcome="failure"))
        pool.set_task(first, status="success")

    when_waiting(join)
    assert len(wait(name_label="Async.VM.copy", fails=True)["unexpected"]) == 1


def test_excluded_task_is_not_waited_for(pool, wait, ends):
    left_out = pool.add_task("Async.VM.copy twice", life=Life(duration=None))
    ends("success")
    result = wait(name_regex="copy", exclude=["Async.VM.copy .*"])
    assert [task["ref"] for task in result["excluded"]] == [left_out]


def test_selection_without_match_fails_unless_all_with_on_missing_ok(pool, wait):
    assert wait(name_label="nothing", fails=True)["msg"] == (
        "No task matches name_label='nothing'."
    )
    warnings = wait(name_label="nothing", on_missing="ok")["warnings"]
    assert any(warning.startswith("The wait succeeded without any task") for warning in warnings)
    wait(name_label="nothing", on_missing="ok", wait_for="any", fails=True)


def test_empty_uuid_list_meets_all_with_warning_but_fails_any(pool, wait):
    result = wait(uuid=[])
    assert (result["tasks"], result["waited"]) == ([], False)
    assert any("are empty" in warning for warning in result["warnings"])
    assert "are empty" in wait(uuid=[], wait_for="any", fails=True)["msg"]


def test_full_progress_does_not_end_wait(pool, wait, when_waiting):
    ref = pool.add_task("Async.VM.copy")

    def move_and_fail():
        told = len(answered(pool, "event.from"))
        pool.set_task(ref, progress=1.0)
        assert wait_until(lambda: len(answered(pool, "event.from")) > told)
        pool.set_task(ref, status="failure")

    when_waiting(move_and_fail)
    result = wait(ref=[ref], fails=True)
    assert result["unexpected"] == [parse_uuid(pool, ref)]
    assert {"status": "pending", "progress": 1.0} in [
        {"status": row["status"], "progress": row["progress"]} for row in result["timeline"]
    ]


@pytest.mark.parametrize("status", ["cancelling", "resting", ""])
def test_unknown_or_cancelling_status_counts_as_running(pool, wait, status):
    ref = pool.add_task("Async.VM.copy", status=status)
    result = wait(ref=[ref], timeout=0, fails=True)
    assert result["unmet"] == [parse_uuid(pool, ref)]
    assert result["msg"].startswith("Timed out after one check, since timeout is 0, waiting for 1")


def test_success_seen_before_task_disappears_counts(pool, wait, when_waiting):
    first, second = [pool.add_task("Async.VM.copy") for _number in range(2)]

    def end_one_after_the_other():
        told = len(answered(pool, "event.from"))
        pool.set_task(first, status="success")
        assert wait_until(lambda: len(answered(pool, "event.from")) > told)
        pool.destroy_task(first)
        pool.set_task(second, status="success")

    when_waiting(end_one_after_the_other)
    assert len(wait(ref=[first, second])["satisfied"]) == 2


def test_task_given_by_ref_and_uuid_is_returned_once(pool, wait, ends):
    ref = ends("success")
    assert len(wait(ref=[ref], uuid=[parse_uuid(pool, ref)])["tasks"]) == 1


def test_thousand_tasks_need_fewer_than_500_requests(pool, wait, when_waiting):
    refs = [pool.add_task(f"task {number}") for number in range(1000)]

    def end_one_after_the_other():
        for number, ref in enumerate(refs):
            pool.operations.play(ref, Life(duration=number / 1000, steps=1))

    when_waiting(end_one_after_the_other)
    result = wait(ref=refs)
    assert len(result["satisfied"]) == 1000
    assert len(result["timeline"]) == 200
    assert {row["status"] for row in result["timeline"]} == {"success"}
    assert result["requests"] < 500


def test_timeout_reports_running_task_with_progress(pool, wait):
    running = pool.add_task("Async.VM.copy", progress=0.43)
    done = pool.add_task("Async.VM.copy", status="success")
    result = wait(ref=[running, done], timeout=1, fails=True)
    assert result["msg"] == (
        f"Timed out after 1 s waiting for 1 of 2 tasks: 'Async.VM.copy' "
        f"(uuid {parse_uuid(pool, running)}, pending, 43 %)."
    )
    assert result["timed_out"] is True
    assert result["elapsed"] >= 1
    assert (result["unmet"], result["satisfied"]) == (
        [parse_uuid(pool, running)],
        [parse_uuid(pool, done)],
    )


def test_failed_task_is_reported_with_its_error(pool, wait, live):
    error = ("SR_BACKEND_FAILURE_46", "", "busy")
    ref = live(Life(duration=SOON, outcome="failure", error=error), "Async.VM.start")
    assert wait(ref=[ref], fails=True)["msg"] == (
        f"Task 'Async.VM.start' (uuid {parse_uuid(pool, ref)}) ended as failure: "
        "SR_BACKEND_FAILURE_46 (The virtual disk cannot be used now; another host "
        "may hold it. It reports: busy); expected success."
    )


@pytest.mark.parametrize("method", ["events", "poll", "auto"])
def test_method_poll_avoids_events_and_auto_uses_them(pool, wait, ends, method):
    result = wait(ref=[ends("success")], method=method, poll_interval="0.1")
    assert result["method"] == ("poll" if method == "poll" else "events")
    assert bool(pool.log.of("event.from")) is (method != "poll")


@pytest.mark.parametrize(
    "error",
    [
        ["MESSAGE_METHOD_UNKNOWN", "event.from"],
        ["MESSAGE_REMOVED"],
        ["RBAC_PERMISSION_DENIED", "host.call_extension", "no session in context"],
    ],
    ids=lambda error: error[0],
)
def test_polls_if_events_are_unsupported_unless_method_is_events(pool, wait, ends, error):
    pool.fail("event.from", error=error, count=None)
    ref = ends("success")
    assert wait(ref=[ref], poll_interval="0.1")["method"] == "poll"
    ref = pool.add_task("Async.VM.copy")
    result = wait(ref=[ref], method="events", fails=True)
    assert result["error"]["code"] == error[0]
    assert result["unmet"] == [parse_uuid(pool, ref)]


def test_polls_after_event_calls_are_cut_twice(pool, wait, when):
    ref = pool.add_task("Async.VM.copy")
    when(
        lambda: len(pool.log.of("task.get_record")) > 2,
        lambda: pool.set_task(ref, status="success"),
    )
    for place in (2, 4):
        pool.fail("event.from", nth=place, cut="before")
    result = wait(ref=[ref], poll_interval="0.1")
    assert (result["method"], result["timed_out"]) == ("poll", False)
    assert any("failed 2 times" in warning for warning in result["warnings"])


@pytest.mark.parametrize("status", ["pending", "success", "failure"])
def test_check_mode_returns_tasks_without_waiting(pool, wait, status):
    ref = pool.add_task("Async.VM.copy", status=status)
    result = wait(ref=[ref], uuid=[NO_UUID], on_missing="fail", _ansible_check_mode=True)
    assert result["waited"] is result["timed_out"] is result["changed"] is False
    assert result["missing"]["uuid"] == [NO_UUID]
    assert [task["status"] for task in result["tasks"]] == [status]
    assert any("did not wait" in warning for warning in result["warnings"])
    assert not pool.log.of("event.from")


@pytest.mark.parametrize("status", ["failure", "success"])
def test_finished_match_that_appears_late_counts_for_all(pool, wait, when_waiting, status):
    first = pool.add_task("Async.VM.copy")

    def join():
        pool.add_task("Async.VM.copy", status=status)
        pool.set_task(first, status="success")

    when_waiting(join)
    result = wait(name_label="Async.VM.copy", fails=status == "failure")
    assert len(result["tasks"]) == 2
    assert len(result["unexpected"]) == (status == "failure")


def gone_reason(result):
    assert "so its outcome is unknown" in result["msg"]
    return result["msg"]


def test_disappeared_task_is_reported_as_over_24_hours_old(pool, wait, when_waiting):
    ref = pool.add_task("[XO] VDI Export", created=LONG_AGO)
    when_waiting(lambda: pool.destroy_task(ref))
    assert "over 24 hours old" in gone_reason(wait(ref=[ref], fails=True))


def test_disappeared_task_is_reported_with_restart_of_its_host(start_pool, wait, when_waiting):
    pool = start_pool(supporters=1)
    created = Date.at(pool.clock.now() - 600)
    ref = pool.add_task("Async.VM.copy", resident_on=pool.hosts[1].ref, created=created)
    when_waiting(lambda: pool.restart_supporter(1), pool=pool)
    result = wait(hostname=pool.url, ref=[ref], fails=True)
    assert "XAPI restarted on its host" in gone_reason(result)


def test_disappeared_task_is_reported_with_possible_host_restart(start_pool, wait, when_waiting):
    pool = start_pool(supporters=1)
    ref = pool.add_task("Async.VM.copy", resident_on=pool.hosts[1].ref)
    when_waiting(lambda: pool.restart_supporter(1, startup=600), pool=pool)
    result = wait(hostname=pool.url, ref=[ref], fails=True)
    assert "may be restarting XAPI" in gone_reason(result)


def test_disappeared_task_is_reported_as_ended_and_deleted(pool, wait, when_waiting):
    ref = pool.add_task("Async.VM.copy")
    when_waiting(lambda: pool.destroy_task(ref))
    reason = gone_reason(wait(ref=[ref], fails=True))
    assert "it had ended, and its client deleted the record before its outcome was read" in reason


def test_disappeared_task_may_have_ended_if_hosts_cannot_be_read(pool, wait, when_waiting):
    ref = pool.add_task("Async.VM.copy")
    pool.fail("host.get_all_records", cut="before", count=None)
    when_waiting(lambda: pool.destroy_task(ref))
    assert "its client may have deleted it after it ended" in gone_reason(
        wait(ref=[ref], fails=True)
    )


@pytest.mark.parametrize("page", [403, 408, 504])
@pytest.mark.parametrize("how", [{"ref": True}, {"wait_for": "none", "quiet_for": "0"}], ids=str)
def test_polls_if_only_event_from_returns_http_error(pool, wait, live, how, page):
    pool.fail("event.from", count=None, http=(page, "<html>blocked</html>"))
    ref = live(Life(duration=0.5))
    options = {**how, "ref": [ref]} if "ref" in how else how
    result = wait(poll_interval="0.1", **options)
    assert (result["method"], len(result["satisfied"])) == ("poll", 1)


def test_polls_at_deadline_if_event_from_hangs(pool, wait, when):
    """The first call of event.from takes all of the time, so that only the last check is left."""
    pool.fail("event.from", count=None, delay=30.0)
    ref = pool.add_task("Async.VM.copy")
    when(lambda: pool.log.of("event.from"), lambda: pool.set_task(ref, status="success"))
    assert wait(ref=[ref], timeout=2)["method"] == "poll"


def test_timeout_never_waits_without_deadline(pool, wait, live):
    ref = live(Life(duration=0.3))
    assert wait(ref=[ref], timeout="never")["timed_out"] is False


@pytest.mark.parametrize("method", ["events", "poll"])
def test_late_match_that_fails_and_is_deleted_fails_wait(pool, wait, when, method):
    """Its record is gone by the time at which the others have ended."""
    first = pool.add_task("Async.VM.copy")
    looks = "event.from" if method == "events" else "task.get_all_records"

    def looked(count):
        return lambda: len(answered(pool, looks)) > count

    def fail_and_delete():
        before = len(answered(pool, looks))
        late = pool.add_task("Async.VM.copy", status="failure")
        assert wait_until(looked(before))
        pool.destroy_task(late)
        pool.set_task(first, status="success")

    when(looked(1), fail_and_delete)
    result = wait(name_label="Async.VM.copy", method=method, poll_interval="0.1", fails=True)
    assert len(result["unexpected"]) == 1


def test_late_task_of_object_that_fails_fails_wait(pool, wait, when_waiting):
    vm = pool.find("VM", "web-1")
    first = pool.add_task("first")
    pool.database.write("VM", vm, "current_operations", {first: "snapshot"})

    def fail_another():
        late = pool.add_task("late")
        pool.database.write("VM", vm, "current_operations", {first: "snapshot", late: "clone"})
        told = len(answered(pool, "event.from"))
        assert wait_until(lambda: len(answered(pool, "event.from")) > told)
        pool.set_task(late, status="failure")
        pool.database.write("VM", vm, "current_operations", {first: "snapshot"})
        told = len(answered(pool, "event.from"))
        assert wait_until(lambda: len(answered(pool, "event.from")) > told)
        pool.set_task(first, status="success")

    when_waiting(fail_another)
    uuid = pool.database.read("VM", vm)["uuid"]
    assert len(wait(object={"type": "VM", "uuid": uuid}, fails=True)["unexpected"]) == 1


@pytest.mark.parametrize("wait_for", ["all", "any"])
def test_success_possibly_before_created_after_is_not_counted(start_pool, wait, wait_for):
    pool = start_pool(supporters=1)
    pool.set_clock(1, -120)
    now = pool.clock.now()
    created = Date.at(now - 60)
    pool.add_task("step", status="success", created=created, resident_on=pool.hosts[1].ref)
    after = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    options = {"name_label": "step", "created_after": after, "wait_for": wait_for}
    result = wait(hostname=pool.url, on_missing="wait", timeout=1, fails=True, **options)
    assert result["satisfied"] == []


def test_running_task_created_one_second_too_early_counts(start_pool, wait):
    pool = start_pool(supporters=1)
    now = int(pool.clock.now())
    pool.add_task("step", created=Date.at(now - 1), resident_on=pool.hosts[1].ref)
    after = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    options = {"name_regex": "step", "created_after": after, "wait_for": "none"}
    result = wait(hostname=pool.url, quiet_for="0", timeout=1, fails=True, **options)
    assert len(result["unmet"]) == 1
