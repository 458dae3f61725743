# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.fixtures import answered
from ansible_collections.xen.xapi.tests.support.samples import LONG_AGO

LABEL = "Async.VM.copy"


@pytest.fixture
def quiet(wait):
    """Waits until it is quiet for a moment."""

    def wait_until_quiet(**options):
        quiet_for = {} if options.get("timeout") == 0 else {"quiet_for": "1"}
        return wait(**{"wait_for": "none", **quiet_for, **options})

    return wait_until_quiet


@pytest.fixture
def session(pool):
    session = pool.call("session.login_with_password", "root", pool.password)
    yield session
    if session in pool.sessions():
        pool.logout(session)


@pytest.fixture
def operate(pool, session):
    """Starts an operation on the VM web-1 with a certain life."""

    def start(life):
        pool.operations.lives["VM.snapshot"] = life
        return pool.call("Async.VM.snapshot", session, pool.find("VM", "web-1"), "before")

    return start


def seconds_to_logout(pool, *, since):
    """Return the seconds from a call to the last logout."""
    return pool.log.of("session.logout")[-1].at - since.at


@pytest.fixture
def web_1(pool):
    uuid = pool.database.read("VM", pool.find("VM", "web-1"))["uuid"]
    return {"type": "VM", "uuid": uuid}


def test_quiet_pool_meets_condition_after_quiet_for(pool, quiet):
    pool.add_task(LABEL, status="success")
    result = quiet()
    assert (result["tasks"], result["timed_out"], result["waited"]) == ([], False, True)
    assert result["elapsed"] >= 1.0


def test_waits_until_running_task_ends(pool, quiet, live):
    ref = live(Life(duration=0.3, outcome="failure"))
    result = quiet()
    assert result["elapsed"] >= 1.3
    assert result["satisfied"] == [pool.record(ref)["uuid"]]


def test_timeout_reports_running_task(pool, quiet):
    ref = pool.add_task(LABEL)
    result = quiet(timeout=2, fails=True)
    assert result["msg"] == (
        "Timed out after 2 s waiting for the pool to be quiet: 1 match is running: "
        f"'{LABEL}' (uuid {pool.record(ref)['uuid']}, pending, 0 %)."
    )


def test_waits_for_task_that_starts_during_quiet_period(pool, quiet, when_waiting):
    when_waiting(lambda: pool.add_task(LABEL, life=Life(duration=0.3)))
    result = quiet()
    assert len(result["satisfied"]) == 1
    assert result["elapsed"] >= 1.3


@pytest.mark.parametrize("method", ["events", "poll"])
def test_events_and_polling_are_both_supported(quiet, live, method):
    live(Life(duration=0.3))
    assert quiet(method=method, poll_interval="0.1")["method"] == method


def test_housekeeping_is_excluded_unless_included(pool, quiet):
    labels = ["SR.scan", "SR.update_snapshot_info_src", "/rrd_updates", "Connection to VM console"]
    for label in labels:
        pool.add_task(label)
    result = quiet(timeout=0)
    assert sorted(task["name_label"] for task in result["excluded"]) == sorted(labels)
    assert any(
        "The wait succeeded while excluded tasks were running" in one for one in result["warnings"]
    )
    busy = quiet(timeout=0, include_housekeeping=True, fails=True)
    assert len(busy["unmet"]) == len(labels)
    assert quiet(timeout=0, resident_on="host-1", created_after="2020-01-01T00:00:00Z")


def test_stalled_tasks_are_named_in_warning(pool, quiet):
    pool.add_task(LABEL, age=7200)
    result = quiet(timeout=0, ignore_stalled="1h")
    assert len(result["stalled"]) == 1
    (warning,) = [one for one in result["warnings"] if "make no progress" in one]
    assert LABEL in warning
    assert quiet(timeout=0, fails=True)["stalled"] == []


def test_exclude_applies_in_addition_to_housekeeping(pool, quiet):
    for label in ("SR.scan", "host.call_plugin"):
        pool.add_task(label)
    result = quiet(timeout=0, exclude=[r"host\.call_plugin"])
    assert len(result["excluded"]) == 2
    assert len(quiet(timeout=0, exclude=[], fails=True)["unmet"]) == 1


@pytest.mark.parametrize(
    "option",
    [
        "name_label",
        "name_regex",
        "name_description",
        "kind",
        "object",
        "subtask_of",
        "other_config",
    ],
)
def test_housekeeping_selected_by_filter_counts_unless_excluded(pool, quiet, option):
    parent = pool.add_task("parent", status="success")
    ref = pool.add_task(
        "SR.scan", subtask_of=parent, name_description="Disks", other_config={"by": "me"}
    )
    sr = pool.find("SR", "Local storage")
    pool.database.write("SR", sr, "current_operations", {ref: "scan"})
    value = {
        "name_label": "SR.scan",
        "name_regex": r"^SR\.scan$",
        "name_description": "Disks",
        "kind": ["scan"],
        "object": {"type": "SR", "name_label": "Local storage"},
        "subtask_of": parent,
        "other_config": {"by": "me"},
    }[option]
    result = quiet(timeout=0, fails=True, **{option: value})
    assert result["unmet"] == [pool.record(ref)["uuid"]]
    assert quiet(timeout=0, exclude=r"SR\.scan", **{option: value})["excluded"]


@pytest.mark.parametrize("label", ["Async.SR.scan", "host.call_plugin"])
def test_async_scan_and_plugin_calls_are_not_housekeeping(pool, quiet, label):
    pool.add_task(label)
    quiet(timeout=0, fails=True)


@pytest.mark.parametrize(
    ("label", "is_backup"),
    [
        ("[XO] Exporting content of VDI web-1", True),
        ("Export of VM: web-1", True),
        ("VM.export", True),
        ("Async.VM.snapshot", True),
        ("Async.VM.start", False),
        ("nightly", False),
    ],
)
def test_gate_of_kind_backup_waits_for_all_that_may_be_one(pool, quiet, label, is_backup):
    pool.add_task(label)
    result = quiet(timeout=0, kind=["backup"], fails=is_backup)
    assert len(result["unmet"]) == is_backup


def test_gate_of_kind_does_not_exclude_housekeeping(pool, quiet):
    pool.add_task("SR.scan")
    assert quiet(timeout=0, kind=["housekeeping"], fails=True)["unmet"]


def test_task_that_does_not_match_is_ignored(pool, quiet):
    pool.add_task(LABEL)
    assert quiet(timeout=0, name_regex="snapshot")["unmet"] == []


def test_task_that_stops_matching_filter_still_counts(pool, quiet, when_waiting):
    ref = pool.add_task(LABEL, other_config={"job": "backup"})

    def fall_out_and_end():
        pool.set_task(ref, other_config={})
        pool.operations.play(ref, Life(duration=0.5))

    when_waiting(fall_out_and_end)
    result = quiet(other_config={"job": "backup"})
    assert result["elapsed"] >= 1.5
    assert len(result["satisfied"]) == 1


def test_master_restart_restarts_quiet_period(pool, quiet, when_waiting):
    when_waiting(pool.restart_master)
    result = quiet()
    assert seconds_to_logout(pool, since=pool.log.of("session.login_with_password")[1]) >= 1.0
    assert any("The connection to the pool failed" in warning for warning in result["warnings"])


@pytest.mark.parametrize("on_gone", ["fail", "ok"])
def test_task_lost_in_master_restart_fails_unless_on_gone_is_ok(pool, quiet, when_waiting, on_gone):
    ref = pool.add_task(LABEL)
    uuid = pool.record(ref)["uuid"]
    when_waiting(pool.restart_master)
    result = quiet(on_gone=on_gone, fails=on_gone == "fail")
    assert result["gone"] == [uuid]
    told = [result.get("msg", ""), *result["warnings"]]
    assert any("it may still be running: the session was lost" in one for one in told)
    is_warned = any("succeeded only because on_gone is ok" in one for one in result["warnings"])
    assert is_warned is (on_gone == "ok")


def test_promoted_supporter_is_followed_and_restarts_quiet_period(start_pool, quiet, when_waiting):
    pool = start_pool(supporters=1)
    when_waiting(lambda: pool.promote(1), pool=pool)
    result = quiet(hostname=[host.url for host in pool.hosts])
    assert result["pool"]["master"] == "host-2"
    assert seconds_to_logout(pool, since=answered(pool, "session.login_with_password")[-1]) >= 1.0


def test_new_master_is_followed_if_old_one_dies(start_pool, quiet, when_waiting):
    pool = start_pool(supporters=1)
    when_waiting(lambda: [pool.promote(1), pool.take_down(0)], pool=pool)
    result = quiet(hostname=[host.url for host in pool.hosts])
    assert result["pool"]["master"] == "host-2"


@pytest.mark.parametrize("on_gone", ["fail", "ok"])
def test_disabled_host_of_disappeared_task_may_be_restarting(
    start_pool, quiet, when_waiting, on_gone
):
    pool = start_pool(supporters=1)
    pool.add_task(LABEL, resident_on=pool.hosts[1].ref)
    when_waiting(lambda: pool.restart_supporter(1, startup=600), pool=pool)
    result = quiet(hostname=pool.url, timeout=3, on_gone=on_gone, fails=on_gone == "fail")
    said = [result.get("msg", ""), *result["warnings"]]
    assert any("its host is disabled and may be restarting XAPI" in one for one in said)


def test_disappeared_task_has_ended_if_host_is_enabled_without_restart(start_pool, quiet, when):
    pool = start_pool(supporters=1)
    supporter = pool.hosts[1].ref
    ref = pool.add_task(LABEL, resident_on=supporter)

    def disable_and_delete():
        pool.inventory.set_enabled(supporter, False)
        pool.destroy_task(ref)

    when(lambda: pool.events.blocked, disable_and_delete)
    when(
        lambda: pool.log.of("host_metrics.get_live"),
        lambda: pool.inventory.set_enabled(supporter, True),
    )
    assert quiet(hostname=pool.url)["gone"] == []


def test_disappeared_task_of_always_disabled_host_stays_pending(start_pool, quiet, when_waiting):
    pool = start_pool(supporters=1)
    pool.inventory.set_enabled(pool.hosts[1].ref, False)
    ref = pool.add_task(LABEL, resident_on=pool.hosts[1].ref)
    when_waiting(lambda: pool.destroy_task(ref), pool=pool)
    result = quiet(hostname=pool.url, timeout=3, fails=True)
    assert "it is not known yet whether it ended" in result["msg"]


def test_disappeared_task_of_enabled_supporter_has_ended(start_pool, quiet, when_waiting):
    pool = start_pool(supporters=1)
    ref = pool.add_task(LABEL, resident_on=pool.hosts[1].ref)
    when_waiting(lambda: pool.destroy_task(ref), pool=pool)
    assert quiet(hostname=pool.url, timeout=20)["gone"] == []


def test_task_of_supporter_that_restarts_fails_wait(start_pool, quiet, when_waiting):
    pool = start_pool(supporters=1)
    pool.add_task(LABEL, resident_on=pool.hosts[1].ref)
    when_waiting(lambda: pool.restart_supporter(1), pool=pool)
    result = quiet(hostname=pool.url, fails=True)
    assert "XAPI restarted on its host" in result["msg"]


def test_disappeared_task_of_dead_host_fails_wait(start_pool, quiet, when_waiting):
    pool = start_pool(supporters=1)
    ref = pool.add_task(LABEL, resident_on=pool.hosts[1].ref)
    pool.take_down(1)
    when_waiting(lambda: pool.destroy_task(ref), pool=pool)
    result = quiet(hostname=pool.url, fails=True)
    assert "its host is not live" in result["msg"]


def test_disappeared_task_over_24_hours_old_fails_wait(pool, quiet, when_waiting):
    ref = pool.add_task(LABEL, created=LONG_AGO)
    when_waiting(lambda: pool.destroy_task(ref))
    assert "over 24 hours old" in quiet(fails=True)["msg"]


def test_task_of_synchronous_call_ends_by_disappearing(quiet, live):
    live(Life(duration=None, deleted_after=0.3), "VM.start")
    result = quiet()
    assert result["elapsed"] >= 1.3
    assert [row["status"] for row in result["timeline"]] == ["pending", "gone"]


def test_other_pool_at_same_address_fails_wait(start_pool, pool, quiet, when_waiting):
    def replace():
        port = pool.hosts[0].port
        pool.take_down(0)
        start_pool(port=port)

    when_waiting(replace)
    assert quiet(fails=True)["msg"].startswith("This is another pool")
    pool.logout_all()


def test_read_only_role_is_sufficient(quiet, live):
    live(Life(duration=0.3))
    assert len(quiet(username="read-only")["satisfied"]) == 1


def test_waits_until_operation_on_object_ends(pool, session, quiet, operate, web_1, when_waiting):
    ref = operate(Life(duration=None))
    when_waiting(lambda: pool.call("task.cancel", session, ref))
    result = quiet(object=web_1)
    assert seconds_to_logout(pool, since=pool.log.of("task.cancel")[0]) >= 1.0
    assert [task["name_label"] for task in result["tasks"]] == ["Async.VM.snapshot"]


def test_operation_on_other_object_is_ignored(pool, quiet, operate):
    operate(Life(duration=3))
    uuid = pool.database.read("VM", pool.find("VM", "web-2"))["uuid"]
    assert quiet(object={"type": "VM", "uuid": uuid})["tasks"] == []


def test_operation_of_deleted_task_counts_until_it_ends(pool, quiet, operate, web_1, when_waiting):
    pool.destroy_task(operate(Life(duration=None)))
    result = quiet(object=web_1, timeout=0, fails=True)
    assert "snapshot on the object, by a task that cannot be identified" in result["msg"]
    when_waiting(pool.operations.forget_holds)
    assert quiet(object=web_1)["unmet"] == []


def test_waits_for_queued_operation_on_object(quiet, operate, web_1, when_waiting):
    when_waiting(lambda: operate(Life(queued=0.3, duration=0.6)))
    result = quiet(object=web_1)
    assert [task["status"] for task in result["tasks"]] == ["success"]


def test_excluded_operation_on_object_is_ignored(quiet, operate, web_1):
    operate(Life(duration=3))
    assert quiet(object=web_1, exclude=r"Async\.VM\.snapshot")["unmet"] == []


def test_deleted_object_meets_condition(pool, quiet, web_1, when_waiting):
    vm = pool.find("VM", "web-1")
    pool.database.add_to_map("VM", vm, "current_operations", "OpaqueRef:none", "destroy")
    when_waiting(lambda: pool.inventory.delete_vm(vm))
    assert quiet(object=web_1)["elapsed"] >= 1.0


def test_operation_lost_in_master_restart_fails_wait(pool, quiet, operate, web_1, when_waiting):
    pool.destroy_task(operate(Life(duration=None)))
    when_waiting(pool.restart_master)
    assert "snapshot on the object disappeared" in quiet(object=web_1, fails=True)["msg"]


def test_migration_counts_for_target_host_but_not_source_host(start_pool, quiet):
    pool = start_pool(supporters=1)
    session = pool.call("session.login_with_password", "root", pool.password)
    target = pool.hosts[1].ref
    pool.call("Async.VM.pool_migrate", session, pool.find("VM", "web-1"), target, {})
    pool.logout(session)
    uuids = [pool.database.read("host", host.ref)["uuid"] for host in pool.hosts]
    once = {"hostname": pool.url, "timeout": 0}
    assert quiet(object={"type": "host", "uuid": uuids[0]}, **once)["unmet"] == []
    assert quiet(object={"type": "host", "uuid": uuids[1]}, fails=True, **once)["unmet"]


def test_check_mode_returns_running_tasks_without_waiting(pool, quiet):
    pool.add_task(LABEL)
    result = quiet(_ansible_check_mode=True)
    assert (result["waited"], result["timed_out"], len(result["unmet"])) == (False, False, 1)
    assert any("did not wait" in warning for warning in result["warnings"])


XO_EXPORT = "[XO] Exporting content of VDI web-1_0"


@pytest.mark.parametrize(
    ("written", "escaped"),
    [
        ("[XO] Exporting content of VDI", r"\[XO\] Exporting content of VDI"),
        ("[XO] (Importing|Exporting) content", r"\[XO\] (Importing|Exporting) content"),
    ],
)
def test_name_regex_that_matches_running_task_only_as_text_is_rejected(
    pool, quiet, written, escaped
):
    pool.add_task(XO_EXPORT)
    message = quiet(name_regex=written, fails=True)["msg"]
    assert f"argument 'name_regex': '{written}' does not match the task" in message
    assert escaped in message
    assert "Timed out" in quiet(name_regex=escaped, timeout=2, fails=True)["msg"]


def test_name_regex_that_matches_later_task_only_as_text_is_rejected(pool, quiet, when_waiting):
    when_waiting(lambda: pool.add_task(XO_EXPORT))
    message = quiet(name_regex="[XO] Exporting", fails=True)["msg"]
    assert "would as plain text" in message


def test_exclude_that_matches_running_task_only_as_text_is_rejected(pool, quiet):
    pool.add_task(XO_EXPORT)
    message = quiet(exclude=["[XO] Exporting content of VDI .*"], fails=True)["msg"]
    assert "argument 'exclude'" in message


def test_waits_for_garbage_collection_of_sr(pool, quiet, when_waiting):
    sr = pool.find("SR", "Local storage")
    uuid = pool.database.read("SR", sr)["uuid"]
    ref = pool.add_garbage_collection(sr)
    when_waiting(lambda: pool.set_task(ref, status="success"))
    result = quiet(object={"type": "SR", "uuid": uuid})
    assert result["satisfied"] == [pool.record(ref)["uuid"]]


@pytest.mark.parametrize(
    ("labels", "regex"),
    [
        (["Async.VM." * 31000] * 2, r"Async\..*copy"),
        (["a" * 40 + "!"], r"(a+)+b"),
        (["Async." + "a" * 900] * 30, r"Async\..*.*.*copy"),
    ],
    ids=["long", "exponential", "cubic"],
)
def test_hostile_labels_do_not_delay_failure_past_timeout(pool, quiet, labels, regex):
    session = pool.call("session.login_with_password", "read-only", pool.password)
    for label in labels:
        pool.call("task.create", session, label, "")
    result = quiet(name_regex=regex, timeout=2, fails=True)
    assert "Timed out after 2 s" in result["msg"] or "write a simpler expression" in result["msg"]
    pool.logout(session)


@pytest.mark.parametrize("options", [{}, {"_ansible_check_mode": True}])
def test_created_after_in_the_future_of_the_pool_is_rejected(pool, quiet, options):
    pool.add_task(LABEL)
    result = quiet(created_after="2999-01-01T00:00:00Z", fails=True, **options)
    assert "'created_after': '2999-01-01T00:00:00Z' is in the future of the pool" in result["msg"]
    assert not pool.sessions()
