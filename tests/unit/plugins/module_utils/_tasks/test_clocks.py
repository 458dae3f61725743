# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    RequestTimedOut,
    TimeUnreadable,
    XapiFailure,
)
from ansible_collections.xen.xapi.plugins.module_utils._tasks.ages import compute_age
from ansible_collections.xen.xapi.plugins.module_utils._tasks.clocks import read_time
from ansible_collections.xen.xapi.plugins.module_utils._tasks.query import find
from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import Selection
from ansible_collections.xen.xapi.plugins.module_utils._wait.completion import CompletionCondition
from ansible_collections.xen.xapi.plugins.module_utils._wait.context import CachedContext
from ansible_collections.xen.xapi.plugins.module_utils._wait.quiet import QuietCondition
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import (
    CompletionRules,
    Decision,
)
from ansible_collections.xen.xapi.tests.support.samples import REF
from ansible_collections.xen.xapi.tests.support.stub_transport import CannedResponses, session_of
from ansible_collections.xen.xapi.tests.support.virtual.transport import (
    VirtualWire,
    virtual_session,
)
from ansible_collections.xen.xapi.tests.support.virtual.wait import on

HOUR = 3600.0


def read_on(pool, *, latency=0.001):
    """The server's time and the clocks as they are read, each request taking some seconds."""
    with virtual_session(VirtualWire(pool, latency=latency), pool) as session:
        return read_time(session, ["min_age"], clock=pool.now)


def lead(pool, **options):
    _now, clocks = read_on(pool, **options)
    return clocks.hosts[pool.supporter.ref].lead


@pytest.mark.parametrize("latency", [0.001, 0.4, 5.0])
@pytest.mark.parametrize("phase", [0.0, 0.3, 0.999])
def test_equal_clocks_have_zero_lead(virtual, latency, phase):
    virtual.solo.advance(phase)
    assert lead(virtual, latency=latency) == (0.0, 0.0)


@pytest.mark.parametrize("latency", [0.001, 5.0])
@pytest.mark.parametrize("offset", [-HOUR, -120.0, -12.0, 12.0, 120.5, HOUR])
def test_lead_range_contains_clock_offset_or_is_zero(virtual, latency, offset):
    virtual.inventory.set_clock(virtual.supporter.ref, offset)
    least, most = lead(virtual, latency=latency)
    if abs(offset) > 2 + 4 * latency:
        assert least != 0
    assert least <= offset <= most or (least, most) == (0.0, 0.0)
    assert most - least <= 2.1 + 4 * latency


def test_server_time_is_read_last(virtual):
    now, _clocks = read_on(virtual, latency=10.0)
    assert virtual.log.of("host.get_servertime")[-1].params == [virtual.master_ref]
    assert virtual.now() - now <= 10.0 + 1 + 10.0 + 1


def test_clocks_have_host_names_and_start_times(virtual):
    virtual.restart_supporter()
    _now, clocks = read_on(virtual)
    master, supporter = virtual.master_ref, virtual.supporter.ref
    assert clocks.master == master
    assert {clocks.hosts[ref].name for ref in (master, supporter)} == {"host-1", "host-2"}
    assert clocks.hosts[supporter].started - clocks.hosts[master].started >= 30 * 86400 - 1


@pytest.mark.parametrize("start", ["", "noon", "inf", "nan", "1e999", None])
def test_unreadable_or_missing_start_time_is_unknown(virtual, start):
    config = {} if start is None else {"agent_start_time": start}
    virtual.database.write("host", virtual.master_ref, "other_config", config)
    _now, clocks = read_on(virtual)
    assert clocks.hosts[virtual.master_ref].started == -math.inf
    assert compute_age(1104537600, virtual.master_ref, clocks=clocks, now=1104537700) == 100


@pytest.mark.parametrize(
    "error",
    [
        ["HOST_OFFLINE", "ref"],
        ["CANNOT_CONTACT_HOST", "ref"],
        ["HOST_STILL_BOOTING"],
        ["INTERNAL_ERROR", "Unix_error"],
    ],
    ids=lambda error: error[0],
)
def test_clock_of_unavailable_host_is_unknown(virtual, error):
    virtual.fail("host.get_servertime", nth=1, error=error)
    assert lead(virtual) is None


def test_unparsable_host_time_makes_clock_unknown(virtual):
    # It is the fifth call, after the login, the calls for the pool, and the hosts.
    virtual.fail("host.get_servertime", body='{"jsonrpc": "2.0", "result": "noon", "id": 5}')
    assert lead(virtual) is None


def test_denied_server_time_raises_error(virtual):
    error = ["RBAC_PERMISSION_DENIED", "host.get_servertime"]
    virtual.fail("host.get_servertime", error=error, count=None)
    with pytest.raises(XapiFailure):
        read_on(virtual)


@pytest.mark.parametrize("code", ["TLS_CONNECTION_FAILED", "HOST_NOT_LIVE", "HOST_BROKEN", "X"])
def test_any_xapi_error_for_host_time_makes_clock_unknown(virtual, code):
    virtual.fail("host.get_servertime", error=[code])
    assert lead(virtual) is None


def test_stops_reading_clocks_after_first_timeout(virtual):
    for number in (3, 4):
        virtual.inventory.add_host(f"host-{number}", f"10.0.0.{number}")
    virtual.fail("host.get_servertime", nth=2, delay=100.0)
    _now, clocks = read_on(virtual)
    known = [clock.lead is not None for clock in clocks.hosts.values()]
    assert sorted(known) == [False, False, True, True]
    assert len(virtual.log.of("host.get_servertime")) == 3


class EndingWire(VirtualWire):
    """Has no time left for the clock of the supporter."""

    def post(self, endpoint, path, body, **options):
        if b"get_servertime" in body and self._pool.supporter.ref.encode() in body:
            raise RequestTimedOut(endpoint.url, seconds=1.0, by_overall_deadline=True)
        return super().post(endpoint, path, body, **options)


def test_timeout_cut_short_by_deadline_is_raised(virtual):
    wire = EndingWire(virtual)
    with virtual_session(wire, virtual) as session, pytest.raises(RequestTimedOut):
        read_time(session, ["min_age"], clock=virtual.now)


@pytest.mark.parametrize("answer", ["noon", "", 5, None, ["20261123T10:11:12Z"]])
def test_unreadable_server_time_error_names_first_option(answer):
    hosts = {REF: {"metrics": REF, "enabled": True, "other_config": {}}}
    answers = CannedResponses({"host.get_servertime": answer, "host.get_all_records": hosts})
    with session_of(answers) as session, pytest.raises(TimeUnreadable) as caught:
        read_time(session, ["max_age", "created_after"])
    assert caught.value.option == "max_age"


def test_clocks_are_reread_only_after_master_changes(virtual):
    virtual.inventory.set_clock(virtual.supporter.ref, HOUR)
    wire = VirtualWire(virtual)
    with virtual_session(wire, virtual) as session:
        scene = CachedContext(session, Selection(created_after=1.0), clock=virtual.now)
        scene.read()
        assert abs(scene.server_time - virtual.now()) <= 2
        virtual.promote_other()
        session.call("pool.get_all")
        asked = len(wire.asked_at)
        scene.read()
        assert abs(scene.server_time - virtual.now() - HOUR) <= 2
        assert scene.context.clocks.master == virtual.master_ref
        assert len(wire.asked_at) > asked
        asked = len(wire.asked_at)
        scene.read()
        assert len(wire.asked_at) == asked


class PromotingWire(VirtualWire):
    """The other host becomes the master as soon as the tasks are asked for."""

    has_promoted = False

    def post(self, endpoint, path, body, **options):
        if not self.has_promoted and (b"task.get_all_records" in body or b"event.from" in body):
            self.has_promoted = True
            self._pool.promote_other()
            self._pool.add_task("Async.VM.copy")
        return super().post(endpoint, path, body, **options)


def test_listing_uses_clock_of_master_that_answered(virtual):
    virtual.inventory.set_clock(virtual.supporter.ref, -HOUR)
    wire = PromotingWire(virtual)
    with virtual_session(wire, virtual) as session:
        found = find(session, Selection(min_age=60, is_destructive=True), clock=virtual.now)
    assert wire.has_promoted
    assert found.tasks == []
    assert abs(found.server_time - virtual.now() + HOUR) <= 2


@pytest.mark.parametrize("offset", [-HOUR, HOUR])
def test_wait_uses_clock_of_watched_master(virtual, offset):
    virtual.inventory.set_clock(virtual.supporter.ref, offset)
    wire = PromotingWire(virtual)
    with virtual_session(wire, virtual) as session:
        now = virtual.now()
        bounds = {"created_after": now + HOUR / 2} if offset > 0 else {"created_before": now - 60}
        condition = CompletionCondition(
            session,
            Selection(is_gate=True, **bounds),
            CompletionRules(wait_for="any"),
            clock=virtual.now,
        )
        with on(virtual, lambda _session: condition, timeout=0) as run:
            run.wait()
        assert wire.has_promoted
        assert len(condition.set.running) == 1
        assert abs(condition.context.now - virtual.now() - offset) <= 2


@pytest.mark.parametrize(
    ("fields", "decision"),
    [
        ({"age": 2 * HOUR}, Decision.MET),
        ({"age": 60}, Decision.PENDING),
        ({"created": "19700101T00:00:05Z"}, Decision.PENDING),
        ({"age": 31 * 86400}, Decision.PENDING),
        ({"age": 60, "on_supporter": True}, Decision.PENDING),
        ({"age": 3 * HOUR, "on_supporter": True}, Decision.MET),
    ],
)
def test_only_task_known_to_be_old_enough_counts_as_stalled(virtual, fields, decision):
    virtual.inventory.set_clock(virtual.supporter.ref, -HOUR)
    if fields.pop("on_supporter", False):
        fields = {"resident_on": virtual.supporter.ref, **fields}
    virtual.add_task("backup", **fields)

    def make_condition(session):
        return QuietCondition(
            session, Selection(), quiet_for=0.0, ignore_stalled=0.5 * HOUR, clock=virtual.now
        )

    with on(virtual, make_condition, timeout=20) as run:
        run.wait()
    assert run.decision is decision
