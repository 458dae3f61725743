# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties of task_cancel, checked against the calls that the pool received."""

from __future__ import annotations

import dataclasses
import functools

from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.xen.xapi.plugins.module_utils._errors import CallerGone, XapiError
from ansible_collections.xen.xapi.tests.property.strategies import (
    THOROUGHLY,
    TROUBLES,
    lives,
    schedule,
    step_clock,
)
from ansible_collections.xen.xapi.tests.simulator.tasks import FINAL
from ansible_collections.xen.xapi.tests.simulator.values import Date
from ansible_collections.xen.xapi.tests.support.module_runner import ModuleRun
from ansible_collections.xen.xapi.tests.support.samples import UNCANCELLABLE
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool
from ansible_collections.xen.xapi.tests.support.virtual.transport import (
    VirtualWire,
    virtual_session,
)

LABELS = ["Async.VM.copy", "Async.VM.copy twice", "SR.scan", "backup"]
OPTIONS = st.one_of(
    st.just({"name_label": "Async.VM.copy"}),
    st.just({"name_regex": r"Async\.VM\.copy"}),
    st.just({"name_regex": ".+", "exclude": "backup"}),
    st.just({}),
)
MORE = st.fixed_dictionaries(
    {},
    optional={
        "max_tasks": st.integers(1, 4),
        "min_age": st.sampled_from(["0", "60", "2h"]),
        "wait": st.booleans(),
        "idle_for": st.sampled_from(["0", "20"]),
        "on_uncancellable": st.sampled_from(["try", "fail", "skip"]),
        "timeout": st.sampled_from(["1", "20", "60"]),
    },
)


class Reader:
    """The reader of the module's output, and for how long it reads."""

    def __init__(self, pool, ends_at=float("inf")):
        self._pool = pool
        self.ends_at = ends_at

    def check(self):
        if self._pool.now() >= self.ends_at:
            raise CallerGone


class CheckedWire(VirtualWire):
    """Asks before each request whether anybody is there still, as the real one does."""

    def __init__(self, pool, reader):
        super().__init__(pool)
        self._reader = reader

    def post(self, *arguments, **options):
        self._reader.check()
        return super().post(*arguments, **options)


def run_on(pool, options, *, transient_errors=(), reader=None):
    """Return the result of the module, or None if it did not end."""
    reader = reader or Reader(pool)
    wire = CheckedWire(pool, reader)

    def sleep(seconds):
        pool.solo.advance(seconds)
        reader.check()

    run = ModuleRun(
        "task_cancel", options, lambda: virtual_session(wire, pool), clock=pool.now, sleep=sleep
    )
    schedule(pool, wire, transient_errors)
    try:
        return run.work()
    except XapiError:
        return None


@THOROUGHLY
@example(
    tasks=[(UNCANCELLABLE, "Async.VM.copy", 0)],
    options={"name_label": "Async.VM.copy"},
    more={},
    transient_errors=[(0.0, functools.partial(step_clock, 90.0, True))],
    killed_after=1e9,
)
@given(
    tasks=st.lists(
        st.tuples(lives(), st.sampled_from(LABELS), st.sampled_from([0, 59, 61, 10000, 86380])),
        min_size=1,
        max_size=5,
    ),
    options=OPTIONS,
    more=MORE,
    transient_errors=TROUBLES,
    killed_after=st.sampled_from([0.01, 5.0, 1e9, 1e9, 1e9]),
)
def test_only_selected_running_tasks_are_sent_cancel(
    tasks, options, more, transient_errors, killed_after
):
    pool = VirtualPool()
    began = pool.now()
    refs = {}
    for life, label, age in tasks:
        ref = pool.add_task(label, life=life, created=Date.at(began - age))
        refs[ref] = (label, age)
    by_id = not options
    if by_id:
        options = {"ref": list(refs)[:2]}
    reader = Reader(pool, began + killed_after)
    result = run_on(pool, {**options, **more}, transient_errors=transient_errors, reader=reader)

    sent = [call for call in pool.log if call.method == "task.cancel"]
    asked = {call.params[0] for call in sent}
    least = float(more.get("min_age", "0" if by_id else "60").replace("2h", "7200"))
    for call in sent:
        label, age = refs[call.params[0]]
        assert is_selected(call.params[0], label, options)
        ahead = seconds_ahead(pool, began, transient_errors)
        assert age + call.at - began + ahead >= least
    most = more.get("max_tasks", len(refs) if by_id else 1)
    assert len(asked) <= most
    for call in sent:
        assert call.at <= reader.ends_at
        # It was known to be running at most five seconds ago.
        status = pool.status_at(call.params[0], call.at - 5.1)
        assert status is None or status not in FINAL
    if result and not result.get("failed"):
        changed = {task["ref"] for task in result["tasks"] if task["action"] == "cancelled"}
        assert changed <= asked
    if result and not result.get("failed") and more.get("wait", True):
        assert all(has_ended(pool, ref) for ref in asked)


def seconds_ahead(pool, began, transient_errors):
    """Return how far the master's clock was set ahead before the module read it.

    That makes young tasks look old, and a record does not show it.
    """
    read_at = max((call.at for call in pool.log.of("host.get_servertime")), default=began)
    steps = [
        step.args[0]
        for moment, step in transient_errors
        if getattr(step, "func", None) is step_clock and step.args[1] and began + moment <= read_at
    ]
    return max(steps, default=0.0)


def has_ended(pool, ref):
    """Whether a task has ended, or its record went for no other reason than its end."""
    is_gone = pool.gone_at(ref) is not None and ref not in pool.dropped
    return bool(pool.ends(ref)) or is_gone


def is_selected(ref, label, options):
    if "ref" in options:
        return ref in options["ref"]
    if "exclude" in options:
        return "backup" not in label
    return label == "Async.VM.copy"


@THOROUGHLY
@given(
    lived=st.lists(lives(), min_size=1, max_size=4),
    more=st.fixed_dictionaries({}, optional={"on_uncancellable": st.sampled_from(["try", "skip"])}),
)
def test_second_run_reports_no_change(lived, more):
    pool = VirtualPool()
    refs = [pool.add_task("Async.VM.copy", life=life) for life in lived]
    options = {"ref": refs, "timeout": "300", **more}
    first = run_on(pool, options)
    if not first.get("failed"):
        assert run_on(pool, options)["changed"] is False


UNCANCELLABLE_LIVES = st.one_of(
    st.just(UNCANCELLABLE), lives().map(lambda life: dataclasses.replace(life, cancel_after=None))
)
WRITE_FAULTS = st.builds(
    dict,
    cut=st.sampled_from(["", "before", "after", "half"]),
    error=st.sampled_from([None, ["INTERNAL_ERROR", "x"], ["SESSION_INVALID", "x"]]),
    late=st.booleans(),
    nth=st.integers(1, 2),
)


@THOROUGHLY
@example(
    tasks=[(UNCANCELLABLE, "backup", 0)],
    transient_errors=[(0.0, functools.partial(step_clock, 86000.0, True))],
    fault=None,
)
@given(
    tasks=st.lists(
        st.tuples(
            UNCANCELLABLE_LIVES,
            st.sampled_from(["backup"] * 4 + ["Async.VM.copy"]),
            st.sampled_from([7200] * 4 + [0]),
        ),
        min_size=1,
        max_size=3,
    ),
    transient_errors=TROUBLES,
    fault=st.one_of(st.none(), WRITE_FAULTS),
)
def test_force_marks_only_tasks_unchanged_for_five_minutes(tasks, transient_errors, fault):
    pool = VirtualPool()
    began = pool.now()
    made = {}
    for life, label, age in tasks:
        made[pool.add_task(label, life=life, age=age)] = (label, age)
    if fault is not None:
        pool.fail("task.set_status", **fault)
    result = run_on(pool, {"ref": list(made), "force": True}, transient_errors=transient_errors)

    written = [call for call in pool.log if call.method == "task.set_status"]
    for call in written:
        ref = call.params[0]
        label, age = made[ref]
        assert label == "backup"
        assert age == 7200 or seconds_ahead(pool, began, transient_errors) > 3600
        cancels = [one.at for one in pool.log.of("task.cancel") if one.params[0] == ref]
        assert min(cancels) <= call.at - 300
        for change in pool.history:
            if change.ref == ref and call.at - 300 < change.at < call.at:
                # A request that is slow is carried out some seconds after it came in.
                assert any(-0.1 < change.at - at < 3.1 for at in cancels)
    if result is None:
        return
    actions = {task["ref"]: task["action"] for task in result["tasks"]}
    for ref, action in actions.items():
        marked = [status for _at, status in pool.ends(ref)]
        if action == "forced":
            assert "cancelled" in marked
            assert any(call.params[0] == ref for call in written)
        if action == "still_running" and not transient_errors:
            assert not marked
    if not result["changed"]:
        assert not [call for call in written if not call.error and call.answered]
