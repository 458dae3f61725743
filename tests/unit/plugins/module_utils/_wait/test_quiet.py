# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the quiet condition, in virtual time."""

from __future__ import annotations

import contextlib

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import (
    ObjectOption,
    Selection,
)
from ansible_collections.xen.xapi.plugins.module_utils._wait.disappearance import _is_old
from ansible_collections.xen.xapi.plugins.module_utils._wait.intervals import RESYNC_INTERVAL
from ansible_collections.xen.xapi.plugins.module_utils._wait.quiet import QuietCondition
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import Decision
from ansible_collections.xen.xapi.tests.simulator.clock import START
from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.simulator.values import Date
from ansible_collections.xen.xapi.tests.support.virtual.wait import on

COPY = "Async.VM.copy"
DAY = 86400.0


@contextlib.contextmanager
def quiet(pool, selection=None, *, quiet_for=10.0, on_gone="fail", ignore_stalled=None, **options):
    def make_condition(session):
        return QuietCondition(
            session,
            selection or Selection(),
            quiet_for=quiet_for,
            on_gone=on_gone,
            ignore_stalled=ignore_stalled,
            clock=pool.now,
        )

    with on(pool, make_condition, **{"timeout": 600.0, **options}) as run:
        yield run


def met_at(run):
    assert run.decision is Decision.MET
    return run.ended - START


def test_match_during_delayed_response_restarts_quiet_time(virtual):
    virtual.fail("event.from", nth=2, delay=9.0)
    virtual.at(2, lambda: virtual.add_task(COPY, life=Life(duration=5)))
    with quiet(virtual, quiet_for=8.0) as run:
        run.wait()
        assert met_at(run) >= 9 + 8
        assert [task.name_label for task in run.condition.matches.ended.tasks.values()] == [COPY]
        assert run.condition.matches.ended.count == 1


def test_polling_stays_pending_while_short_tasks_run_between_polls(virtual):
    for number in range(100):
        virtual.at(2 * number + 0.5, lambda: virtual.add_task(COPY, life=Life(duration=1.0)))
    with quiet(virtual, quiet_for=6.0, method="poll", timeout=190.0) as run:
        run.wait()
        assert run.decision is Decision.PENDING
        assert run.condition.matches.ended.count > 90


def test_match_that_runs_for_longer_than_quiet_for_blocks_until_its_end(virtual):
    virtual.at(5, lambda: virtual.add_task(COPY, life=Life(duration=60)))
    with quiet(virtual, quiet_for=10.0) as run:
        run.wait()
        assert met_at(run) == pytest.approx(75, abs=1)


@pytest.mark.parametrize("method", ["events", "poll"])
@pytest.mark.parametrize("problem", ["logout_all", "restart_master", "drop_blocked"])
def test_interruption_restarts_quiet_time(virtual, method, problem):
    if problem == "drop_blocked" and method == "poll":
        pytest.skip("polling has no blocked call")
    virtual.at(5, getattr(virtual, problem))
    with quiet(virtual, method=method) as run:
        run.wait()
        assert met_at(run) >= 15


def test_tasks_finished_before_first_refresh_do_not_count(virtual):
    for _number in range(3):
        virtual.add_task(COPY, status="success")
    with quiet(virtual) as run:
        run.wait()
        assert met_at(run) < 11
        assert run.condition.matches.ended.tasks == {}


def test_finished_nonmatching_task_does_not_restart_quiet_time(virtual):
    virtual.fail("event.from", nth=2, delay=9.0)
    virtual.at(2, lambda: virtual.add_task(COPY, life=Life(duration=5)))
    with quiet(virtual, Selection(name_label="other"), quiet_for=8.0) as run:
        run.wait()
        assert met_at(run) < 10


def watch_vm(virtual, label="web-1"):
    virtual.inventory.fill()
    vm = virtual.find("VM", label)
    uuid = virtual.database.read("VM", vm)["uuid"]
    return vm, Selection(object=ObjectOption(type="VM", uuid=uuid))


def hold(virtual, vm, *, seconds):
    """Add a task that holds the VM for some time."""
    ref = virtual.add_task(COPY, life=Life(duration=seconds))
    virtual.database.write("VM", vm, "current_operations", {ref: "snapshot"})
    virtual.at(seconds, lambda: virtual.database.write("VM", vm, "current_operations", {}))


def test_object_held_during_delayed_response_restarts_quiet_time(virtual):
    vm, selection = watch_vm(virtual)
    virtual.fail("event.from", nth=2, delay=9.0)
    virtual.at(2, lambda: hold(virtual, vm, seconds=5))
    with quiet(virtual, selection, quiet_for=8.0) as run:
        run.wait()
        assert met_at(run) >= 9 + 8


def test_task_end_without_object_change_does_not_restart_quiet_time(virtual):
    _vm, selection = watch_vm(virtual)
    virtual.fail("event.from", nth=2, delay=9.0)
    virtual.at(2, lambda: virtual.add_task(COPY, life=Life(duration=5)))
    with quiet(virtual, selection, quiet_for=8.0) as run:
        run.wait()
        assert met_at(run) < 10


@pytest.mark.parametrize("startup", [5.0, 25.0, 45.0, 600.0])
@pytest.mark.parametrize("failed_rounds", [0, 3])
def test_task_on_slowly_restarting_supporter_fails_condition(virtual, startup, failed_rounds):
    virtual.add_task(COPY, resident_on=virtual.supporter.ref)
    virtual.at(20, lambda: virtual.restart_supporter(startup=startup, failed_rounds=failed_rounds))
    with quiet(virtual, timeout=4000.0) as run:
        run.wait()
        assert run.decision is Decision.FAILED
        assert run.ended - START >= 20 + startup * (1 + failed_rounds)
        (unknown,) = run.condition.matches.unknown_outcomes.values()
        assert "XAPI restarted on its host" in unknown.reason


def test_restart_of_supporter_that_stays_disabled_fails_condition(virtual):
    virtual.add_task(COPY, resident_on=virtual.supporter.ref)
    virtual.at(20, lambda: virtual.restart_supporter(startup=45, enables=False))
    with quiet(virtual) as run:
        run.wait()
        assert run.decision is Decision.FAILED


def test_deletion_on_enabled_supporter_needs_no_extra_wait(virtual):
    virtual.add_task(
        COPY, resident_on=virtual.supporter.ref, life=Life(duration=None, deleted_after=20)
    )
    with quiet(virtual, quiet_for=5.0) as run:
        run.wait()
        assert met_at(run) == pytest.approx(25, abs=0.5)


@pytest.mark.parametrize("startup", [0.1, 60])
def test_task_forwarded_unseen_to_restarting_host_fails_condition(virtual, startup):
    """Its last known record names the master, not the host that restarts."""
    ref = virtual.add_task(COPY)
    supporter = virtual.supporter.ref

    def forward_and_restart():
        virtual.set_task(ref, resident_on=supporter)
        virtual.restart_supporter(startup=startup)

    virtual.at(21, forward_and_restart)
    with quiet(virtual, method="poll") as run:
        run.wait()
        assert run.decision is Decision.FAILED


def test_restart_between_reads_of_hosts_and_tasks_fails_condition(virtual):
    virtual.add_task(COPY, resident_on=virtual.supporter.ref)
    virtual.fail("task.get_all_records", nth=3, delay=5.0)
    virtual.at(6, lambda: virtual.restart_supporter(startup=60))
    with quiet(virtual, method="poll") as run:
        run.wait()
        assert run.decision is Decision.FAILED


def step_clock(virtual, seconds):
    """Change the server's time from now on; existing records keep their dates."""
    virtual.inventory.set_clock(virtual.master_ref, seconds)


@pytest.mark.parametrize(("seconds", "age"), [(1200, DAY - 600), (-1200, DAY)])
def test_deletion_by_age_around_clock_step_fails_condition(virtual, seconds, age):
    ref = virtual.add_task(COPY, created=Date.at(virtual.now() - age))

    def step_and_delete():
        step_clock(virtual, seconds)
        virtual.destroy_task(ref)

    virtual.at(10, step_and_delete)
    with quiet(virtual, timeout=100.0) as run:
        run.wait()
        assert run.decision is Decision.FAILED


def test_ignored_stalled_tasks_do_not_block(virtual):
    ref = virtual.add_task(COPY, created=Date.at(virtual.now() - 7200))
    with quiet(virtual, ignore_stalled=3600.0) as run:
        run.wait()
        assert met_at(run) < 11
        assert [task.ref for task in run.condition.matches.stalled] == [ref]
        assert run.condition.matches.blocking == {}


def test_task_with_progress_must_be_watched_before_it_is_stalled(virtual):
    virtual.add_task(COPY, created=Date.at(virtual.now() - 7200), progress=0.4)
    with quiet(virtual, ignore_stalled=100.0) as run:
        run.wait()
        assert met_at(run) == pytest.approx(110, abs=1)


def test_stalled_task_that_progresses_blocks_again(virtual):
    ref = virtual.add_task(COPY, created=Date.at(virtual.now() - 7200))
    virtual.at(5, lambda: virtual.set_task(ref, progress=0.1))
    with quiet(virtual, ignore_stalled=100.0) as run:
        run.wait()
        assert met_at(run) == pytest.approx(115, abs=1)


def test_end_of_stalled_task_restarts_quiet_time(virtual):
    ref = virtual.add_task(COPY, created=Date.at(virtual.now() - 7200))
    virtual.at(5, lambda: virtual.set_task(ref, status="success"))
    with quiet(virtual, ignore_stalled=3600.0) as run:
        run.wait()
        assert met_at(run) == pytest.approx(15, abs=1)


def test_deletion_of_stalled_task_only_restarts_quiet_time(virtual):
    ref = virtual.add_task(COPY, created=Date.at(virtual.now() - DAY - 100))
    virtual.at(5, lambda: virtual.destroy_task(ref))
    with quiet(virtual, ignore_stalled=3600.0) as run:
        run.wait()
        assert met_at(run) == pytest.approx(15, abs=1)


def test_unwatched_time_does_not_make_task_stalled(virtual):
    ref = virtual.add_task(COPY, age=7200, progress=0.5)
    virtual.at(5, virtual.drop_blocked)
    virtual.at(5, lambda: [virtual.take_down_for(3500, place) for place in (0, 1)])
    virtual.at(100, lambda: virtual.set_task(ref, progress=0.9))
    virtual.at(200, lambda: virtual.set_task(ref, progress=0.5))
    with quiet(virtual, ignore_stalled=1800.0, timeout=3800.0) as run:
        run.wait()
        assert run.decision is Decision.PENDING


def test_slow_poll_responses_keep_condition_pending(virtual):
    """The lists are 58 s apart, so a match can start and end between two of them."""
    virtual.fail("host.get_all_records", nth=2, count=None, delay=28.0)
    with on(
        virtual,
        lambda session: QuietCondition(session, Selection(), quiet_for=60.0, clock=virtual.now),
        timeout=400.0,
        method="poll",
    ) as run:
        run.waiter._fallback.watch.refresh_interval = 30.0
        run.wait()
        assert run.decision is Decision.PENDING


def test_disabling_another_host_does_not_delay_condition(virtual):
    ref = virtual.add_task("host.disable")

    def disable():
        virtual.inventory.set_enabled(virtual.supporter.ref, False)
        virtual.at(0.1, lambda: virtual.destroy_task(ref))

    virtual.at(5, disable)
    with quiet(virtual) as run:
        run.wait()
        assert met_at(run) < 17


@pytest.mark.parametrize("startup", [5, 100])
def test_task_forwarded_and_deleted_in_one_batch_fails_condition(virtual, startup):
    ref = virtual.add_task(COPY)

    def forward_and_restart():
        virtual.set_task(ref, resident_on=virtual.supporter.ref)
        virtual.restart_supporter(startup=startup)

    virtual.at(5, forward_and_restart)
    with quiet(virtual, quiet_for=0.0) as run:
        run.wait()
        assert run.decision is Decision.FAILED
        assert run.ended - START >= 5 + startup


def test_task_forwarded_unseen_to_disabled_host_fails_after_restart(virtual):
    virtual.inventory.set_enabled(virtual.supporter.ref, False)
    ref = virtual.add_task("Async.host.call_plugin")
    virtual.at(11, lambda: virtual.set_task(ref, resident_on=virtual.supporter.ref))
    virtual.at(11.5, lambda: virtual.restart_supporter(startup=100, enables=False))
    with quiet(virtual, method="poll", timeout=300.0) as run:
        run.wait()
        assert run.decision is Decision.FAILED


def test_request_count_is_bounded_while_host_stays_disabled(virtual):
    ref = virtual.add_task(COPY, resident_on=virtual.supporter.ref)

    def disable_and_delete():
        virtual.inventory.set_enabled(virtual.supporter.ref, False)
        virtual.destroy_task(ref)

    virtual.at(5, disable_and_delete)
    with quiet(virtual, quiet_for=1.0) as run:
        run.wait()
        assert run.decision is Decision.PENDING
    # A resync of an undecided task reads the hosts and whether they are live.
    assert run.wire.requests <= 600 / RESYNC_INTERVAL * 6


def test_new_status_ends_stall(virtual):
    ref = virtual.add_task(COPY, created=Date.at(virtual.now() - 7200))
    virtual.at(5, lambda: virtual.set_task(ref, status="cancelling"))
    with quiet(virtual, ignore_stalled=100.0) as run:
        run.wait()
        assert met_at(run) == pytest.approx(115, abs=1)


@pytest.mark.parametrize("on_gone", ["fail", "ok"])
def test_object_that_is_lost_in_a_restart_has_unknown_outcome(virtual, on_gone):
    vm, selection = watch_vm(virtual)
    virtual.add_task(COPY, life=Life(duration=30))

    def restart_without_object():
        virtual.database.delete("VM", vm)
        virtual.restart_master()

    virtual.at(5, restart_without_object)
    with quiet(virtual, selection, on_gone=on_gone) as run:
        run.wait()
        assert run.decision is (Decision.FAILED if on_gone == "fail" else Decision.MET)
        (unknown,) = run.condition.matches.unknown_outcomes.values()
        assert unknown.subject == "The object"


@pytest.mark.parametrize("created", ["?", "", None])
def test_age_that_cannot_be_read_counts_as_old(created):
    now = 1_800_000_000
    assert _is_old(Task("OpaqueRef:a", {"created": created}), now)
    known = Task("OpaqueRef:a", {"created": Date.at(now - 60)})
    assert _is_old(known, None)
    assert not _is_old(known, now)
