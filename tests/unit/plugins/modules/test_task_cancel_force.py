# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option force, in virtual time: only a record that its client left behind is marked."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._cancel.force import FORCE_TIMEOUT
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    ConnectionCut,
    Interrupted,
    XapiFailure,
)
from ansible_collections.xen.xapi.plugins.module_utils._tasks.api_classes import HOLDERS
from ansible_collections.xen.xapi.tests.simulator.classes import BLANKS, new
from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.simulator.values import Date
from ansible_collections.xen.xapi.tests.support.module_runner import ModuleRun
from ansible_collections.xen.xapi.tests.support.samples import NO_REF
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool
from ansible_collections.xen.xapi.tests.support.virtual.transport import (
    VirtualWire,
    virtual_session,
)

LABEL = "[XO] Importing content into VDI XO CloudConfigDrive (on xcp1)"
OFFERED = Life(duration=None, cancel_after=None, cancellable=True)
DURING_THE_WATCH = 150


@pytest.fixture
def virtual():
    pool = VirtualPool()
    pool.inventory.fill()
    return pool


@pytest.fixture
def orphan(virtual):
    """Adds a record of two hours ago that its client left behind."""

    def add(label=LABEL, *, age=7200, life=OFFERED, **fields):
        created = fields.pop("created", Date.at(virtual.now() - age))
        return virtual.add_task(label, life=life, created=created, **fields)

    return add


def run_of(pool, refs, **options):
    return ModuleRun(
        "task_cancel",
        {"ref": list(refs), "force": True, **options},
        lambda: virtual_session(VirtualWire(pool), pool),
        clock=pool.now,
        sleep=pool.solo.advance,
    )


@pytest.fixture
def force(virtual):
    def run_task_cancel(*refs, fails=False, **options):
        result = run_of(virtual, refs, **options).work()
        assert bool(result.get("failed")) is fails, result
        return result

    return run_task_cancel


def sent(error):
    """The error of a request that may have reached the host."""
    error.sent = True
    return error


def actions(result):
    return {action: len(uuids) for action, uuids in result["by_action"].items() if uuids}


def test_marks_record_that_ignored_cancel_as_cancelled(virtual, orphan, force):
    """That the server offers to cancel it is no sign of life once a cancel was ignored."""
    ref = orphan()
    result = force(ref)
    assert (actions(result), result["changed"]) == ({"forced": 1}, True)
    assert virtual.record(ref)["status"] == "cancelled"
    (write,) = virtual.log.of("task.set_status")
    assert write.at - virtual.log.of("task.cancel")[0].at >= 300
    assert actions(force(ref)) == {"already_finished": 1}


def test_does_not_mark_record_if_cancel_is_honored(virtual, orphan, force):
    ref = orphan(life=Life(duration=None, cancellable=False))
    assert actions(force(ref)) == {"cancelled": 1}
    assert not virtual.log.of("task.set_status")


@pytest.mark.parametrize("label", ["nightly.backup", "tool.export", "Backup of VM.copy"])
def test_client_label_resembling_method_name_is_forced(orphan, force, label):
    assert actions(force(orphan(label))) == {"forced": 1}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"label": "Async.VM.copy"}, "the name of a method"),
        ({"label": "VM.copy"}, "the name of a method"),
        ({"label": "Async.SR.scan"}, "the name of a method"),
        ({"label": "InternalAsync.VM.copy"}, "the name of a method"),
        ({"label": "Async.Novelty.begin"}, "the name of a method"),
        ({"label": "/import_raw_vdi"}, "the name of a method"),
        ({"age": 3500}, "not known to be older than an hour"),
        ({"created": "19700101T00:00:05Z"}, "not known to be older than an hour"),
        ({"result": "<value>1</value>"}, "it has a result"),
        ({"other_config": {"applies_to": NO_REF}}, "it names an object that it works on"),
    ],
    ids=str,
)
def test_ineligible_record_is_rejected_before_cancel_is_sent(
    virtual, orphan, force, fields, reason
):
    result = force(orphan(**fields), fails=True)
    assert result["msg"].startswith("Nothing was cancelled. force is refused for")
    assert reason in result["msg"]
    assert not virtual.log.of("task.cancel")


@pytest.mark.parametrize(
    "kind",
    [name for name, blank in BLANKS.items() if "current_operations" in blank and name != "task"],
)
def test_record_in_current_operations_of_object_is_rejected(virtual, orphan, force, kind):
    ref = orphan()
    one = next(iter(virtual.database.records(kind)), None)
    one = one or virtual.database.create(kind, new(kind))
    virtual.database.add_to_map(kind, one, "current_operations", ref, "export")
    assert "an object names it in its current_operations" in force(ref, fails=True)["msg"]


def test_record_with_running_subtask_is_rejected(virtual, orphan, force):
    ref = orphan()
    virtual.add_task("part", subtask_of=ref)
    assert "it has a subtask that is running" in force(ref, fails=True)["msg"]


def test_record_with_finished_subtask_is_forced(virtual, orphan, force):
    ref = orphan()
    virtual.add_task("part", subtask_of=ref, status="success")
    assert actions(force(ref)) == {"forced": 1}


def write_progress(pool, ref):
    pool.set_task(ref, progress=0.5)


def write_and_take_back(pool, ref):
    pool.set_task(ref, progress=0.5)
    pool.at(20, lambda: pool.set_task(ref, progress=0.0))


def stop_offering_to_cancel(pool, ref):
    pool.set_task(ref, allowed_operations=[])


def hold_an_object(pool, ref):
    vm = pool.find("VM", "web-1")
    pool.database.add_to_map("VM", vm, "current_operations", ref, "export")


def name_an_object(pool, ref):
    pool.set_task(ref, other_config={"applies_to": pool.find("VM", "web-1")})


def begin_a_subtask(pool, ref):
    pool.add_task("part", subtask_of=ref)


@pytest.mark.parametrize(
    ("happen", "reason"),
    [
        (write_progress, "its record changed"),
        (write_and_take_back, "its record changed"),
        (stop_offering_to_cancel, "its record changed"),
        (hold_an_object, "an object names it"),
        (name_an_object, "its record changed"),
        (begin_a_subtask, "its record changed"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_record_with_activity_during_watch_is_not_marked(virtual, orphan, force, happen, reason):
    ref = orphan()
    virtual.at(DURING_THE_WATCH, lambda: happen(virtual, ref))
    result = force(ref, fails=True)
    assert (actions(result), result["changed"]) == ({"still_running": 1}, False)
    assert f"force was refused: {reason}" in result["msg"]
    assert reason in result["tasks"][0]["reason"]
    assert not virtual.log.of("task.set_status")


def test_record_of_host_that_dies_during_watch_is_rejected(virtual, orphan, force):
    supporter = virtual.supporter.ref
    ref = orphan(resident_on=supporter)
    virtual.at(DURING_THE_WATCH, lambda: virtual.inventory.set_live(supporter, False))
    assert "its host is not live" in force(ref, fails=True)["msg"]


def test_record_of_host_that_restarts_during_watch_is_rejected(virtual, orphan, force):
    """Its tasks are deleted then; one that came from elsewhere is not."""
    supporter = virtual.supporter.ref
    ref = orphan(resident_on=supporter)
    virtual.at(DURING_THE_WATCH, lambda: virtual.inventory.agent_started(supporter))
    assert "XAPI restarted on its host" in force(ref, fails=True)["msg"]


@pytest.mark.parametrize("cut", ["before", "after", "half"])
def test_lost_write_response_is_resolved_by_reading_record(virtual, orphan, force, cut):
    first, second = orphan(), orphan()
    virtual.fail("task.set_status", cut=cut)
    result = force(first, second)
    assert (actions(result), result["changed"]) == ({"forced": 2}, True)
    writes = virtual.log.of("task.set_status")
    assert len(writes) == (3 if cut == "before" else 2)


def test_write_that_cannot_be_verified_is_reported_unknown(virtual, orphan, force):
    ref = orphan()

    def lose_the_pool():
        virtual.fail("task.set_status", cut="after")
        virtual.fail("task.get_record", nth=2, cut="before", count=None)
        virtual.fail("host.get_servertime", nth=3, cut="before", count=None)

    virtual.at(290, lose_the_pool)
    result = force(ref, fails=True)
    assert (actions(result), result["changed"]) == ({"unknown": 1}, True)
    assert "it may be marked as cancelled" in result["msg"]


def test_permission_error_on_write_is_reported_denied(virtual, orphan, force):
    denied, other = orphan(), orphan()
    error = ["RBAC_PERMISSION_DENIED", "task.set_status"]
    virtual.fail("task.set_status", ref=denied, error=error)
    assert actions(force(denied, other, fails=True)) == {"denied": 1, "forced": 1}


@pytest.mark.parametrize(
    ("happen", "action"),
    [
        (lambda pool, ref: pool.destroy_task(ref), "gone"),
        (lambda pool, ref: pool.set_task(ref, status="success"), "finished_first"),
        (lambda pool, ref: pool.set_task(ref, status="cancelled"), "cancelled"),
    ],
    ids=["gone", "success", "cancelled"],
)
def test_record_that_ends_or_disappears_during_watch_is_not_marked(
    virtual, orphan, force, happen, action
):
    ref = orphan()
    virtual.at(DURING_THE_WATCH, lambda: happen(virtual, ref))
    assert actions(force(ref)) == {action: 1}
    assert not virtual.log.of("task.set_status")


def test_record_that_disappears_just_before_write_is_gone(virtual, orphan, force):
    ref = orphan()
    virtual.fail("task.set_status", error=["HANDLE_INVALID", "task", ref])
    assert actions(force(ref)) == {"gone": 1}


def test_record_lost_in_host_restart_before_write_is_unknown(virtual, orphan, force):
    ref = orphan(resident_on=virtual.supporter.ref)
    virtual.fail("task.set_status", error=["HANDLE_INVALID", "task", ref], delay=3.0)
    virtual.at(301.5, virtual.restart_supporter)
    result = force(ref, fails=True)
    assert actions(result) == {"unknown": 1}
    assert "XAPI restarted on its host" in result["msg"]


@pytest.fixture
def lose_pool_after_write(virtual, monkeypatch):
    """Takes the pool away with the answer to the write, until some seconds after now."""
    post = VirtualWire.post

    def lose_pool_until(moment):
        end = virtual.now() + moment

        def lose(wire, endpoint, path, body, **limits):
            answer = post(wire, endpoint, path, body, **limits)
            if b"task.set_status" in body:
                for place in (0, 1):
                    virtual.take_down_for(end - virtual.now(), place)
                raise sent(ConnectionCut(endpoint.url))
            return answer

        monkeypatch.setattr(VirtualWire, "post", lose)

    return lose_pool_until


def test_lost_write_response_is_resolved_just_before_deadline(
    virtual, orphan, force, lose_pool_after_write
):
    ref = orphan()
    virtual.fail("task.cancel", cut="before", count=None)
    virtual.at(40, virtual.heal)
    # Between two collections, which are 30 seconds apart.
    lose_pool_after_write(329 + FORCE_TIMEOUT - 0.1)
    assert actions(force(ref, timeout="329")) == {"forced": 1}
    assert len(virtual.log.of("task.set_status")) == 1


def test_record_deleted_before_write_is_verified_is_unknown(
    virtual, orphan, force, lose_pool_after_write
):
    """The next collection deletes a marked record, since it has no time of its end."""
    ref = orphan()
    lose_pool_after_write(340)
    result = force(ref, fails=True)
    assert (actions(result), result["changed"]) == ({"unknown": 1}, True)
    assert "it may be marked as cancelled" in result["msg"]


def test_day_old_record_that_disappears_during_watch_is_unknown(virtual, orphan, force):
    ref = orphan(age=86500)
    virtual.at(DURING_THE_WATCH, lambda: virtual.destroy_task(ref))
    assert actions(force(ref, fails=True)) == {"unknown": 1}


def test_holders_list_all_classes_with_current_operations():
    named = [name for name, blank in BLANKS.items() if "current_operations" in blank]
    assert sorted(HOLDERS) == sorted(set(named) - {"task"})


def test_vtpm_class_unknown_to_server_is_ignored(virtual, orphan, force):
    method = "VTPM.get_all_records"
    virtual.fail(method, error=["MESSAGE_METHOD_UNKNOWN", method], count=None)
    assert actions(force(orphan())) == {"forced": 1}


def test_permission_error_on_vtpm_records_raises_before_cancel(virtual, orphan):
    denied = ["RBAC_PERMISSION_DENIED", "host.call_extension", "no session in context"]
    virtual.fail("VTPM.get_all_records", error=denied, count=None)
    with pytest.raises(XapiFailure):
        run_of(virtual, [orphan()]).work()
    assert not virtual.log.of("task.cancel")


def test_record_of_dead_host_is_rejected_immediately(virtual, orphan, force):
    ref = orphan(resident_on=virtual.supporter.ref)
    virtual.inventory.set_live(virtual.supporter.ref, False)
    assert "Nothing was cancelled. force is refused for" in force(ref, fails=True)["msg"]


def test_record_with_running_nested_subtask_is_rejected(virtual, orphan, force):
    ref = orphan()
    part = virtual.add_task("part", subtask_of=ref, status="success")
    virtual.add_task("part of a part", subtask_of=part)
    assert "it has a subtask that is running" in force(ref, fails=True)["msg"]


def test_record_being_destroyed_by_other_client_is_rejected(virtual, orphan, force):
    ref = orphan()
    virtual.at(
        DURING_THE_WATCH,
        lambda: virtual.database.add_to_map("task", ref, "current_operations", "task", "destroy"),
    )
    assert "its record changed" in force(ref, fails=True)["msg"]


def test_cancel_must_be_ignored_for_full_timeout_before_write(virtual, orphan, force):
    ref = orphan()
    virtual.fail("task.cancel", cut="before", count=None)
    virtual.at(30, virtual.heal)
    began = virtual.now()
    assert actions(force(ref)) == {"forced": 1}
    assert virtual.log.of("task.set_status")[0].at - began >= 330


@pytest.mark.parametrize("healed_at", [250, 10_000])
def test_record_that_ignored_cancel_too_briefly_is_rejected(virtual, orphan, force, healed_at):
    ref = orphan()
    virtual.fail("task.cancel", cut="before", count=None)
    virtual.at(healed_at, virtual.heal)
    result = force(ref, fails=True)
    assert "force was refused: it is not known to have ignored a cancel request" in result["msg"]
    assert not virtual.log.of("task.set_status")


def test_objects_are_read_again_before_later_write(virtual, orphan, force):
    first, second = orphan(), orphan()
    virtual.fail("task.set_status", delay=8.0)
    virtual.at(305, lambda: hold_an_object(virtual, second))
    result = force(first, second, fails=True)
    assert actions(result) == {"forced": 1, "still_running": 1}
    assert "an object names it" in result["msg"]


def test_error_response_to_completed_write_is_ignored(virtual, orphan, force):
    ref = orphan()
    virtual.fail("task.set_status", error=["INTERNAL_ERROR", "x"], late=True)
    result = force(ref)
    assert (actions(result), result["changed"]) == ({"forced": 1}, True)
    assert result["tasks"][0]["error"] is None


def test_error_response_to_failed_write_is_reported(virtual, orphan, force):
    first, second = orphan(), orphan()
    virtual.fail("task.set_status", ref=first, error=["INTERNAL_ERROR", "x"])
    result = force(first, second, fails=True)
    assert actions(result) == {"error": 1, "forced": 1}


def test_write_is_repeated_in_new_session(virtual, orphan, force):
    ref = orphan()
    virtual.fail("task.set_status", error=["SESSION_INVALID", "x"])
    assert actions(force(ref)) == {"forced": 1}


@pytest.mark.parametrize("is_done", [True, False])
def test_write_in_flight_at_interrupt_is_reported_unknown(virtual, orphan, monkeypatch, is_done):
    ref = orphan()
    post = VirtualWire.post

    def stop(wire, endpoint, path, body, **limits):
        if b"task.set_status" not in body:
            return post(wire, endpoint, path, body, **limits)
        if is_done:
            post(wire, endpoint, path, body, **limits)
        raise sent(Interrupted("SIGTERM"))

    monkeypatch.setattr(VirtualWire, "post", stop)
    run = run_of(virtual, [ref])
    with pytest.raises(Interrupted):
        run.work()
    result = run.partial_result()
    assert (actions(result), result["changed"]) == ({"unknown": 1}, True)
    assert "it may be marked as cancelled" in result["tasks"][0]["reason"]
    assert result["diff"]["after"].endswith(": unknown\n")


def test_import_that_stalls_less_than_timeout_is_rejected(virtual, orphan, force):
    """A client's task that carries an import of a disk over HTTP (import_raw_vdi.ml): no object
    names it, it ignores a cancel, and progress is all that tells it from a record left behind."""
    moves = tuple((240.0 * step, "progress", step / 100) for step in range(1, 9))
    ref = orphan(life=Life(duration=None, cancel_after=None, cancellable=False, writes=moves))
    result = force(ref, fails=True)
    assert actions(result) == {"still_running": 1}
    assert "its record changed" in result["msg"]
