# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import json
from datetime import datetime

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._errors import OptionError, XapiFailure
from ansible_collections.xen.xapi.plugins.module_utils._wait.disappearance import (
    HOST_DISABLED,
    HOST_RESTARTED,
    SESSION_LOST,
    TOO_OLD,
)
from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool
from ansible_collections.xen.xapi.tests.support.virtual.source import ENDS, source_on

COPY = "Async.VM.copy"


@pytest.fixture
def pool():
    return VirtualPool()


def run(pool, seconds=120, **options):
    with source_on(pool, **options) as source:
        source.run(seconds)
    assert pool.sessions() == []
    return source


@pytest.mark.parametrize("method", ["auto", "events", "poll"])
@pytest.mark.parametrize("outcome", ENDS)
def test_end_is_one_event_with_its_task(pool, method, outcome):
    ref = pool.add_task(COPY, life=Life(duration=10, outcome=outcome))
    source = run(pool, method=method)
    (event,) = source.events
    assert (event["type"], event["task"]["ref"]) == (outcome, ref)
    assert (event["after_gap"], event["running"]) == (False, 0)
    assert event["method"] == ("poll" if method == "poll" else "events")
    assert event["task"]["kind"] == "copy"
    assert event["pool"]["master"] == "host-1"
    assert (event["task"]["error"] is not None) is (outcome == "failure")


def test_end_is_emitted_within_moments(pool):
    began = pool.now()
    pool.add_task(COPY, life=Life(duration=10))
    source = run(pool)
    assert source.emitted_at[0] - began < 10.2


def test_tasks_that_had_ended_before_are_not_reported(pool):
    pool.add_task(COPY, status="success")
    assert run(pool).events == []


def test_task_that_began_and_ended_between_two_polls_is_reported(pool):
    pool.at(3, lambda: pool.add_task(COPY, life=Life(duration=0.1)))
    assert len(run(pool, method="poll").of("success")) == 1


def test_only_selected_tasks_are_reported_and_housekeeping_is_not(pool):
    for label in (COPY, "Async.VM.migrate_send", "SR.scan"):
        pool.add_task(label, life=Life(duration=5))
    assert len(run(pool).events) == 2
    pool.add_task("SR.scan", life=Life(duration=5))
    assert len(run(pool, include_housekeeping=True).events) == 1
    for label in (COPY, "SR.scan"):
        pool.add_task(label, life=Life(duration=5))
    source = run(pool, name_regex="scan$")
    assert [event["task"]["name_label"] for event in source.events] == ["SR.scan"]


def test_gap_is_reported_and_missed_ends_are_marked(pool):
    ref = pool.add_task(COPY, life=Life(duration=40))
    # The wait that began before is answered.
    pool.at(20, lambda: pool.take_down_for(30))
    source = run(pool)
    gap, end = source.events
    assert gap["type"] == "gap"
    assert 40 <= gap["seconds"] <= 50
    assert gap["from"] < gap["to"]
    assert "refused the connection" in gap["reason"]
    assert (end["type"], end["task"]["ref"], end["after_gap"]) == ("success", ref, True)


def test_end_after_gap_is_over_is_not_marked(pool):
    pool.add_task(COPY, life=Life(duration=80))
    pool.at(20, lambda: pool.take_down_for(30))
    gap, end = run(pool).events
    assert (gap["type"], end["type"], end["after_gap"]) == ("gap", "success", False)


def test_end_before_gap_is_not_repeated_after_it(pool):
    pool.add_task(COPY, life=Life(duration=10))
    pool.at(20, pool.logout_all)
    pool.at(40, lambda: pool.take_down_for(30))
    source = run(pool)
    assert [event["type"] for event in source.events] == ["success", "gap", "gap"]


@pytest.mark.parametrize("method", ["events", "poll"])
def test_interruption_with_several_failed_refreshes_is_one_gap(pool, method):
    """The listings between succeed, but what became of the deleted task cannot be read."""
    gone = pool.add_task(COPY, life=Life(duration=None))
    ended = pool.add_task(COPY, life=Life(duration=None))
    last_known = pool.now() + 20

    def interrupt():
        pool.fail("task.get_record", count=3, cut=True)
        pool.destroy_task(gone)
        pool.set_task(ended, status="success")

    pool.at(20, interrupt)
    source = run(pool, method=method)
    told = [event["type"] for event in source.events]
    if method == "events":
        # The answer that showed the deletion came before the interruption, and showed the end.
        assert told.pop(0) == "success"
        assert told == ["gap", "disappeared"]
    else:
        assert told == ["gap", "success", "disappeared"]
    (gap,) = source.of("gap")
    to = source.emitted_at[source.events.index(gap)]
    assert to - gap["seconds"] <= last_known
    assert source.of("disappeared")[0]["after_gap"]


def test_failure_of_first_connection_is_no_gap(pool):
    pool.take_down_for(20)
    pool.take_down_for(20, 1)
    source = run(pool)
    assert source.events == []
    assert source.warnings[0].startswith("The pool cannot be watched at the moment; the source")


def test_restart_of_master_leaves_running_tasks_unknown(pool):
    ref = pool.add_task(COPY, life=Life(duration=None))
    pool.at(20, pool.restart_master)
    gap, event = run(pool).events
    assert gap["type"] == "gap"
    assert (event["type"], event["task"]["ref"]) == ("disappeared", ref)
    assert (event["outcome"], event["reason"]) == ("unknown", SESSION_LOST)
    assert event["after_gap"]


def test_failover_to_other_host_is_followed(pool):
    pool.at(20, pool.promote_other)
    pool.at(40, lambda: pool.add_task(COPY, life=Life(duration=5)))
    source = run(pool, hostname=["10.0.0.1", "10.0.0.2"])
    assert [event["type"] for event in source.events] == ["gap", "success"]
    assert source.events[1]["pool"]["master"] == "host-2"


def test_deleted_record_of_running_task_means_it_ended(pool):
    ref = pool.add_task(COPY, life=Life(duration=60, deleted_after=20))
    (event,) = run(pool).events
    assert (event["type"], event["task"]["ref"]) == ("disappeared", ref)
    assert (event["outcome"], event["reason"]) == ("ended", None)


def test_task_of_restarted_host_is_unknown(pool):
    pool.add_task(COPY, life=Life(duration=None), resident_on=pool.supporter.ref)
    pool.at(20, lambda: pool.restart_supporter(startup=15.0))
    (event,) = run(pool).events
    assert (event["outcome"], event["reason"]) == ("unknown", HOST_RESTARTED)


def test_task_of_host_that_stays_disabled_is_reported_as_unknown_in_the_end(pool):
    pool.add_task(COPY, life=Life(duration=None), resident_on=pool.supporter.ref)
    pool.at(20, lambda: pool.restart_supporter(startup=1e6))
    assert run(pool, 500).events == []
    pool.add_task(COPY, life=Life(duration=None), resident_on=pool.supporter.ref)
    pool.inventory.set_enabled(pool.supporter.ref, True)
    pool.at(20, lambda: pool.restart_supporter(startup=1e6))
    (event,) = run(pool, 700).events
    assert (event["outcome"], event["reason"]) == ("unknown", HOST_DISABLED)


def test_task_of_disabled_host_counts_as_running_until_it_is_reported(pool):
    pool.add_task(COPY, life=Life(duration=None), resident_on=pool.supporter.ref)
    pool.add_task(COPY, life=Life(duration=60))
    pool.at(20, lambda: pool.restart_supporter(startup=200))
    source = run(pool, 400)
    told = [(event["type"], event["running"]) for event in source.events]
    assert told == [("success", 1), ("disappeared", 0)]


@pytest.mark.parametrize("code", ["EVENTS_LOST", "EVENT_FROM_TOKEN_PARSE_FAILURE"])
def test_lost_token_makes_it_list_again_and_go_on_with_events(pool, code):
    ref = pool.add_task(COPY, life=Life(duration=22))
    pool.at(20, lambda: pool.fail("event.from", error=[code], nth=1, count=1))
    pool.at(21, lambda: pool.set_task(ref, progress=0.9))
    pool.at(60, lambda: pool.add_task(COPY, life=Life(duration=5)))
    source = run(pool)
    assert [event["type"] for event in source.events] == ["gap", "success", "success"]
    assert code in source.events[0]["reason"]
    assert {event["method"] for event in source.events} == {"events"}


def test_polls_where_events_are_refused_and_tries_them_again_later(pool):
    pool.fail("event.from", error=["MESSAGE_METHOD_UNKNOWN", "event.from"], count=1)
    pool.at(60, lambda: pool.add_task(COPY, life=Life(duration=5)))
    pool.at(7 * 3600, lambda: pool.add_task(COPY, life=Life(duration=5)))
    source = run(pool, 8 * 3600, poll_interval="30")
    assert [event["method"] for event in source.of("success")] == ["poll", "events"]


def test_tries_events_again_soon_after_one_error(pool):
    for moment in (1000, 10_000):
        pool.at(moment, lambda: pool.fail("event.from", error=["INTERNAL_ERROR", "x"]))
        for seconds in (550, 700):
            pool.at(moment + seconds, lambda: pool.add_task(COPY, life=Life(duration=5)))
    source = run(pool, 12_000)
    assert [event["method"] for event in source.of("success")] == ["poll", "events"] * 2
    assert len(source.of("gap")) == 2


def test_tries_events_less_and_less_often_while_they_fail(pool):
    pool.fail("event.from", error=["MESSAGE_METHOD_UNKNOWN", "event.from"], count=None)
    source = run(pool, 10 * 3600, poll_interval="30")
    gaps = [
        at
        for at, event in zip(source.emitted_at, source.events, strict=True)
        if event["type"] == "gap"
    ]
    pauses = [later - sooner for sooner, later in itertools.pairwise(gaps)]
    assert pauses == pytest.approx([1200, 2400, 4800, 9600], abs=60)


@pytest.mark.parametrize("method", ["events", "poll"])
def test_stalled_and_long_running_tasks_are_reported_once(pool, method):
    stalled = pool.add_task("Async.VM.export", life=Life(duration=None), progress=0.5)
    moving = pool.add_task(COPY, life=Life(duration=1000, steps=100))
    source = run(pool, 900, method=method, stalled_after="2m", long_running_after="10m")
    assert source.refs("stalled") == [stalled]
    assert sorted(source.refs("long_running")) == sorted([stalled, moving])
    first = source.events.index(source.of("stalled")[0])
    began = source.emitted_at[first] - 120
    assert began == pytest.approx(1_800_000_000, abs=3)
    assert source.of("stalled")[0]["stalled_after"] == 120.0


def test_long_running_counts_from_creation(pool):
    pool.add_task(COPY, life=Life(duration=None), age=3600)
    assert len(run(pool, 30, long_running_after="1h").of("long_running")) == 1


def test_object_is_followed_by_its_operations(pool):
    vm = pool.inventory.add_vm("web-1")
    other = pool.inventory.add_vm("web-2")
    ours = pool.add_task("Async.VM.snapshot", life=Life(duration=10))
    pool.add_task("Async.VM.snapshot", life=Life(duration=10))

    def name(ref):
        pool.database.write("VM", vm, "current_operations", {ref: "snapshot"} if ref else {})

    pool.at(3, lambda: name(ours))
    pool.at(9.9, lambda: name(""))
    pool.at(1, lambda: pool.database.write("VM", other, "name_description", "x"))
    source = run(pool, object={"type": "VM", "name_label": "web-1"})
    assert source.refs("success") == [ours]


def test_task_that_the_object_named_once_belongs_to_it(pool):
    """The object does not name the task any more in the refresh, which shows its end."""
    vm = pool.inventory.add_vm("web-1")
    ours = pool.add_task("Async.VM.snapshot", life=Life(duration=None))

    def name(operations):
        pool.database.write("VM", vm, "current_operations", operations)

    def end():
        name({})
        pool.set_task(ours, status="success")

    def name_and_end():
        name({ours: "snapshot"})
        # The answer with the name is on its way then.
        pool.at(0.0005, end)

    pool.at(5, name_and_end)
    source = run(pool, object={"type": "VM", "name_label": "web-1"})
    assert source.refs("success") == [ours]


def test_missing_object_is_an_error_at_start_and_a_warning_later(pool):
    vm = pool.inventory.add_vm("web-1")
    with pytest.raises(OptionError, match=r"object\.name_label"):
        run(pool, object={"type": "VM", "name_label": "web-0"})
    pool.at(10, lambda: pool.database.delete("VM", vm))
    source = run(pool, object={"type": "VM", "name_label": "web-1"})
    assert source.warnings == [
        "The selected object does not exist any more (VM 'web-1'); no task can belong to it."
    ]


def test_regex_that_is_written_like_a_label_is_warned_of_once(pool):
    for _number in range(3):
        pool.add_task("[XO] Exporting", life=Life(duration=None))
    source = run(pool, name_regex="[XO] Exporting")
    (warning,) = source.warnings
    assert warning.startswith("The option name_regex ([XO] Exporting) does not match the task")


def test_rejected_login_ends_the_source(pool):
    pool.fail("session.login_with_password", error=["SESSION_AUTHENTICATION_FAILED", "root", "x"])
    with pytest.raises(XapiFailure):
        run(pool)


def test_hostile_labels_and_secrets_stay_out_of_events_and_warnings(pool):
    hostile = "{{ x }}\x1b[2J" + "y" * 100_000 + pool.password
    pool.add_task(hostile, life=Life(duration=5, error=("CODE", pool.password), outcome="failure"))
    pool.at(2, pool.logout_all)
    with source_on(pool) as source:
        source.run(60)
        text = json.dumps([source.events, source.warnings])
    assert len(source.of("failure")) == 1
    assert "{{" not in text
    assert "\\u001b" not in text
    assert pool.password not in text
    assert len(text) < 20_000


def test_secrets_are_masked_in_warnings_about_labels(pool):
    pool.add_task(f"[XO] backup {pool.password}", life=Life(duration=5))
    source = run(pool, name_regex="[XO] backup")
    (warning,) = source.warnings
    assert "[XO] backup ***" in warning
    assert pool.password not in warning


def test_idle_source_needs_few_requests(pool):
    pool.add_task(COPY, life=Life(duration=None))
    source = run(pool, 3600)
    assert source.wire.requests <= 7 * 60


def set_clocks(pool, offset):
    """Set the clocks of all hosts to so many seconds from their present time."""
    for member in pool.members:
        pool.inventory.set_clock(member.ref, offset)


@pytest.mark.parametrize("method", ["events", "poll"])
@pytest.mark.parametrize("offset", [-7200, 7200])
def test_clock_that_was_set_is_noticed(pool, offset, method):
    pool.at(20, lambda: set_clocks(pool, offset))
    pool.at(22, lambda: pool.add_task(COPY, life=Life(duration=None)))
    pool.at(50, lambda: pool.add_task(COPY, life=Life(duration=30)))
    source = run(pool, 2200, method=method, stalled_after="30m", long_running_after="30m")
    (end,) = source.of("success")
    assert 28 <= end["task"]["age"] <= 33
    began = datetime.fromisoformat(end["task"]["created"])
    assert 28 <= (datetime.fromisoformat(end["at"]) - began).total_seconds() <= 33
    alarms = [
        at
        for at, event in zip(source.emitted_at, source.events, strict=True)
        if event["type"] in ("stalled", "long_running")
    ]
    assert len(alarms) == 2
    # Seconds from the creation of the first task.
    assert all(1800 <= at - 1_800_000_022 < 1840 for at in alarms)


@pytest.mark.parametrize("method", ["events", "poll"])
def test_suspended_system_leaves_gap(pool, method):
    """The clock of the pool goes on while that of the source stands still."""
    pool.at(20, lambda: set_clocks(pool, 3600))
    (gap,) = run(pool, method=method).events
    assert gap["type"] == "gap"
    assert 3600 <= gap["seconds"] <= 3680
    assert "was suspended" in gap["reason"]


def test_old_task_that_is_deleted_after_the_clock_was_set_back_is_unknown(pool):
    ref = pool.add_task(COPY, life=Life(duration=None), age=86300)
    pool.at(90, lambda: set_clocks(pool, -7200))
    pool.at(150, lambda: pool.destroy_task(ref))
    (event,) = run(pool, 200).events
    assert (event["outcome"], event["reason"]) == ("unknown", TOO_OLD)
