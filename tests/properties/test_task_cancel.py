# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What task_cancel must hold whatever happens, judged by the calls that the pool received."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.xapi.plugins.module_utils._errors import CallerGone, XapiError
from ansible_collections.xen.xapi.tests.module_run import ModuleRun
from ansible_collections.xen.xapi.tests.properties.schedules import (
    THOROUGHLY,
    TROUBLES,
    lives,
    schedule,
)
from ansible_collections.xen.xapi.tests.simulator.tasks import FINAL
from ansible_collections.xen.xapi.tests.simulator.values import Date
from ansible_collections.xen.xapi.tests.virtual_pool import VirtualPool
from ansible_collections.xen.xapi.tests.virtual_wire import VirtualWire, virtual_session

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
    """Whoever reads what the module prints, and for how long."""

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


def run_on(pool, options, *, troubles=(), reader=None):
    """The result of the module's work, or nothing if it did not come to its end."""
    reader = reader or Reader(pool)
    wire = CheckedWire(pool, reader)

    def sleep(seconds):
        pool.solo.advance(seconds)
        reader.check()

    run = ModuleRun(
        "task_cancel", options, lambda: virtual_session(wire, pool), clock=pool.now, sleep=sleep
    )
    schedule(pool, wire, troubles)
    try:
        return run.work()
    except XapiError:
        return None


@THOROUGHLY
@given(
    tasks=st.lists(
        st.tuples(lives(), st.sampled_from(LABELS), st.sampled_from([0, 59, 61, 10000])),
        min_size=1,
        max_size=5,
    ),
    options=OPTIONS,
    more=MORE,
    troubles=TROUBLES,
    killed_after=st.sampled_from([0.01, 5.0, 1e9, 1e9, 1e9]),
)
def test_nothing_else_is_ever_sent_a_cancel(tasks, options, more, troubles, killed_after):
    pool = VirtualPool()
    began = pool.now()
    refs = {}
    for life, label, age in tasks:
        ref = pool.add_task(label, life=life, created=Date.at(began - age))
        refs[ref] = (label, age)
    by_identity = not options
    if by_identity:
        options = {"ref": list(refs)[:2]}
    reader = Reader(pool, began + killed_after)
    result = run_on(pool, {**options, **more}, troubles=troubles, reader=reader)

    sent = [call for call in pool.log if call.method == "task.cancel"]
    asked = {call.params[0] for call in sent}
    least = float(more.get("min_age", "0" if by_identity else "60").replace("2h", "7200"))
    for call in sent:
        label, age = refs[call.params[0]]
        assert is_meant(call.params[0], label, options)
        assert age + call.at - began >= least
    most = more.get("max_tasks", len(refs) if by_identity else 1)
    assert len(asked) <= most
    for call in sent:
        assert call.at <= reader.ends_at
        # It was known to be running at most five seconds ago.
        status = pool.status_at(call.params[0], call.at - 5.1)
        assert status is None or status not in FINAL
    if result and not result.get("failed"):
        changed = {task["ref"] for task in result["tasks"] if task["action"] == "cancelled"}
        assert changed <= asked


def is_meant(ref, label, options):
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
def test_a_second_run_changes_nothing(lived, more):
    pool = VirtualPool()
    refs = [pool.add_task("Async.VM.copy", life=life) for life in lived]
    options = {"ref": refs, "timeout": "300", **more}
    first = run_on(pool, options)
    if not first.get("failed"):
        assert run_on(pool, options)["changed"] is False
