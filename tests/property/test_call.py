# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What call must hold whatever happens: it starts an operation once at most, and says so rightly.

The judge is the pool: its log of calls, the tasks that it made, and the objects that it changed.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.xen.xapi.plugins.module_utils._client.jsonrpc import Rpc
from ansible_collections.xen.xapi.plugins.module_utils._errors import (
    ConnectionCut,
    ConnectionRefused,
    RequestTimedOut,
    XapiError,
)
from ansible_collections.xen.xapi.tests.property.strategies import TROUBLES, lives, schedule
from ansible_collections.xen.xapi.tests.simulator.tasks import FINAL
from ansible_collections.xen.xapi.tests.support.module_runner import ModuleRun
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool
from ansible_collections.xen.xapi.tests.support.virtual.transport import (
    VirtualWire,
    virtual_session,
)

SNAPSHOT = "Async.VM.snapshot"
WRITE = "VM.add_to_other_config"
SCHEDULES = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
WAYS = ("refused", "cut before", "cut after", "half", "hang", "page", "lost page", "late")
# The requests of a run that is not disturbed: login, two about the pool, the clock, the call, two
# for the first look, and so on.
CUTS = st.dictionaries(st.integers(1, 12), st.sampled_from(WAYS), max_size=3)
AT_THE_CALL = st.one_of(
    st.none(),
    st.builds(
        dict,
        cut=st.sampled_from(["", "before", "after", "half"]),
        delay=st.sampled_from([0.0, 0.0, 3.0, 29.9995, 40.0]),
        error=st.sampled_from(
            [None, None, ["SESSION_INVALID", "x"], ["HOST_STILL_BOOTING"], ["INTERNAL_ERROR", "x"]]
        ),
        count=st.sampled_from([1, 2, None]),
    ),
    st.builds(
        dict,
        late=st.just(True),
        delay=st.sampled_from([0.0, 40.0]),
        error=st.sampled_from([None, ["INTERNAL_ERROR", "x"], ["TOO_BUSY"]]),
        http=st.sampled_from([None, (502, "<html>Bad gateway</html>")]),
        count=st.sampled_from([1, 2]),
    ),
)
OPTIONS = st.fixed_dictionaries(
    {"timeout": st.sampled_from(["0", "1", "60", "300"])},
    optional={
        "wait": st.booleans(),
        "wait_method": st.sampled_from(["auto", "events", "poll"]),
        "expect": st.sampled_from([["success"], ["failure", "cancelled"]]),
    },
)


class CutWire(VirtualWire):
    """Something goes wrong with the n-th request of a run, whichever that is."""

    def __init__(self, pool, cuts):
        super().__init__(pool)
        self._cuts = cuts

    def _post(self, endpoint, body, end):
        way = self._cuts.get(self.requests, "")
        clock, url = self._pool.solo, endpoint.url
        if way == "refused":
            raise ConnectionRefused(url)
        if way == "cut before":
            raise ConnectionCut(url)
        if way == "hang":
            clock.advance(end - clock.now())
            raise RequestTimedOut(url, seconds=0)
        answer = super()._post(endpoint, body, end)
        if way in ("cut after", "half"):
            raise ConnectionCut(url)
        if way == "late":
            clock.advance(max(end - clock.now(), 0))
            raise RequestTimedOut(url, seconds=0)
        if "page" in way:
            return answer._replace(status=502, content_type="text/html", body=b"<html>")
        return answer


def pool_with_vm():
    pool = VirtualPool()
    return pool, pool.inventory.add_vm("web-1")


def run_on(pool, cuts, transient_errors, options):
    """What the module says in the end, however it ends."""
    wire = CutWire(pool, cuts)
    run = ModuleRun(
        "call",
        options,
        lambda: virtual_session(wire, pool),
        clock=pool.now,
        sleep=pool.solo.advance,
    )
    schedule(pool, wire, transient_errors)
    try:
        return run.work()
    except XapiError:
        return {"failed": True, "msg": "", **run.partial_result()}


def started(pool, label):
    """The tasks of a label that the pool ever had."""
    return [ref for ref, name in pool.labels.items() if name == label]


def judge_task(pool, result):
    """The word of the module about a call with a task is not false."""
    refs = started(pool, SNAPSHOT)
    assert len(refs) <= 1
    outcome, task = result["outcome"], result.get("task")
    if task is not None:
        assert [task["ref"]] == refs
    if outcome == "not_started":
        assert refs == []
        assert result["failed"]
    elif outcome in FINAL:
        assert outcome in {status for _at, status in pool.ends(refs[0])}
    elif outcome == "running":
        assert task is not None
    else:
        assert outcome == "unknown"
        assert result["failed"]
    assert result["changed"] is (outcome != "not_started")
    if not result.get("failed"):
        assert outcome not in ("not_started", "unknown")


@SCHEDULES
@given(
    life=lives(),
    cuts=CUTS,
    at_the_call=AT_THE_CALL,
    transient_errors=TROUBLES,
    options=OPTIONS,
    is_long_ago=st.booleans(),
)
def test_operation_is_started_once_at_most_and_outcome_is_true(
    life, cuts, at_the_call, transient_errors, options, is_long_ago
):
    pool, vm = pool_with_vm()
    pool.operations.lives["VM.snapshot"] = life
    if at_the_call is not None:
        pool.fail(SNAPSHOT, **at_the_call)
    if is_long_ago:
        pool.solo.advance(7200)
    args = [vm, "before the update"]
    options = {"method": "VM.snapshot", "args": args, **options}
    result = run_on(pool, cuts, transient_errors, options)
    judge_task(pool, result)
    waits = options.get("wait", True)
    if waits and not result.get("failed"):
        assert result["outcome"] in options.get("expect", ["success"])
    if not (cuts or at_the_call or transient_errors):
        assert result["outcome"] not in ("not_started", "unknown") or life.deleted_after is not None
    refs = started(pool, SNAPSHOT)
    is_listed = result["outcome"] == "unknown" and "could not be read" not in result["msg"]
    if is_listed and refs and refs[0] in pool.present() and not transient_errors:
        known = {task["ref"] for task in result["candidates"]}
        assert refs[0] in known or result["task"] is not None


@settings(SCHEDULES, max_examples=150)
@given(cuts=CUTS, at_the_call=AT_THE_CALL, transient_errors=TROUBLES)
def test_call_without_task_is_carried_out_once_at_most(cuts, at_the_call, transient_errors):
    pool, vm = pool_with_vm()
    if at_the_call is not None:
        pool.fail(WRITE, **at_the_call)
    result = run_on(pool, cuts, transient_errors, {"method": WRITE, "args": [vm, "key", "value"]})
    is_done = pool.database.read("VM", vm)["other_config"].get("key") == "value"
    duplicates = [call for call in pool.log.of(WRITE) if call.error[:1] == ["MAP_DUPLICATE_KEY"]]
    assert duplicates == []
    if result["outcome"] == "not_started":
        assert not is_done
    if not result.get("failed"):
        assert result["outcome"] == "success"
        assert is_done
    assert result["outcome"] in ("success", "failure", "not_started", "unknown")


@settings(SCHEDULES, max_examples=100)
@given(cuts=CUTS, transient_errors=TROUBLES, method=st.sampled_from(["VM.snapshot", WRITE]))
def test_check_mode_starts_nothing(cuts, transient_errors, method):
    pool, vm = pool_with_vm()
    wire = CutWire(pool, cuts)
    args = [vm, "x", "y"][: 2 if method == "VM.snapshot" else 3]
    run = ModuleRun(
        "call",
        {"method": method, "args": args},
        lambda: virtual_session(wire, pool),
        clock=pool.now,
        sleep=pool.solo.advance,
    )
    run.check_mode = True
    schedule(pool, wire, transient_errors)
    try:
        result = run.work()
    except XapiError:
        result = run.partial_result()
    assert result["outcome"] == "not_started"
    assert not pool.log.of(SNAPSHOT) + pool.log.of(WRITE)


def test_judge_notices_a_second_start(monkeypatch):
    """A client that repeats a call whose answer was lost would be found out."""
    call = Rpc.call

    def call_twice(self, method, *arguments, **options):
        try:
            return call(self, method, *arguments, **options)
        except ConnectionCut:
            return call(self, method, *arguments, **options)

    monkeypatch.setattr(Rpc, "call", call_twice)
    pool, vm = pool_with_vm()
    pool.fail(SNAPSHOT, cut="after")
    result = run_on(pool, {}, [], {"method": "VM.snapshot", "args": [vm, "x"]})
    with pytest.raises(AssertionError):
        judge_task(pool, result)
