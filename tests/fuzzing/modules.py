# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run whole modules on a pool that sends some invalid answers."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from hypothesis import strategies as st

from ansible_collections.xen.xapi.plugins.module_utils._client.transport import Answer
from ansible_collections.xen.xapi.plugins.module_utils._errors import XapiError
from ansible_collections.xen.xapi.plugins.module_utils._messages import error_message
from ansible_collections.xen.xapi.tests.fuzzing.json_values import VALUES, as_json, changed, paths
from ansible_collections.xen.xapi.tests.fuzzing.runner import Target
from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.module_runner import ModuleRun
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool
from ansible_collections.xen.xapi.tests.support.virtual.transport import (
    VirtualWire,
    virtual_session,
)

LABEL = "Async.VM.start"
TASKS: dict[str, list[dict[str, Any]]] = {
    "task_info": [{}, {"with_objects": True}, {"name_label": LABEL, "min_age": 1}],
    "task_wait": [
        {"name_label": LABEL, "timeout": 60},
        {"name_label": LABEL, "timeout": 60, "wait_for": "any", "method": "poll"},
        {"wait_for": "none", "quiet_for": 5, "timeout": 60},
        {"wait_for": "none", "quiet_for": 5, "timeout": 60, "method": "poll", "object": "VM"},
        {"uuid": "running", "timeout": 60, "on_missing": "wait"},
    ],
    "task_cancel": [
        {"uuid": "running", "timeout": 10},
        {"name_label": LABEL, "min_age": 0, "idle_for": 2, "timeout": 10},
        {"uuid": "old", "force": True},
    ],
    "call": [
        {"method": "VM.snapshot", "args": "VM", "timeout": 60},
        {"method": "VM.snapshot", "args": "VM", "timeout": 60, "wait_method": "poll"},
        {"method": "VM.snapshot", "args": "VM", "wait": False},
        {"method": "VM.get_record", "args": "VM"},
    ],
}


class SchemaError(NamedTuple):
    """A change to the answers of one method: the part at a place becomes another one."""

    method: str
    place: int
    part: Any
    since: int
    """The first answer that is invalid; all later ones are invalid too."""


METHODS = (
    "event.from",
    "task.get_all_records",
    "task.get_record",
    "task.get_by_uuid",
    "task.cancel",
    "pool.get_all_records",
    "host.get_all_records",
    "host.get_servertime",
    "host_metrics.get_live",
    "VM.get_by_uuid",
    "VM.get_current_operations",
    "VM.get_all_records",
    "SR.get_all_records",
    "session.login_with_password",
    "Async.VM.snapshot",
    "VM.get_by_name_label",
    "VM.get_record",
    "VM.get_name_label",
)
RUNS = st.tuples(
    st.sampled_from([(module, place) for module in TASKS for place in range(len(TASKS[module]))]),
    st.booleans(),
    st.lists(
        st.builds(
            SchemaError,
            method=st.sampled_from([*METHODS, *METHODS[:3] * 4]),
            place=st.integers(0, 200),
            part=VALUES,
            since=st.integers(0, 4),
        ),
        min_size=1,
        max_size=2,
    ),
)


class InvalidWire(VirtualWire):
    """Brings the pool's answers with some parts changed."""

    def __init__(self, pool: VirtualPool, errors: list[SchemaError]) -> None:
        super().__init__(pool)
        self._errors = errors
        self._answers: dict[str, int] = {}

    def _deliver(self, answer: Answer, *, method: str) -> None:
        """Do not note answers, since they do not show the work of the pool."""

    def post(self, *args: Any, **options: Any) -> Answer:
        answer = super().post(*args, **options)
        method = self.asked_at[-1][1]
        count = self._answers[method] = self._answers.get(method, 0) + 1
        envelope = json.loads(answer.body)
        for error in self._errors:
            if error.method == method and count > error.since and "result" in envelope:
                places = paths(envelope["result"])
                place = places[error.place % len(places)]
                envelope["result"] = changed(envelope["result"], place, error.part)
        return answer._replace(body=json.dumps(envelope).encode())


def check_run(given: tuple[tuple[str, int], bool, list[SchemaError]]) -> None:
    """Check that a run returns a result or one of our errors, and succeeds on no invalid status."""
    (module, place), is_check, errors = given
    pool = VirtualPool()
    vm = pool.inventory.add_vm("web-1")
    running = pool.add_task(LABEL, life=Life(duration=8.0, steps=4), allowed_operations=["cancel"])
    old = pool.add_task("backup", age=7200)
    pool.at(20, lambda: pool.set_task(old, status="success"))
    uuids = {"running": [pool.record(running)["uuid"]], "old": [pool.record(old)["uuid"]]}
    options = dict(TASKS[module][place])
    if "uuid" in options:
        options["uuid"] = uuids[options["uuid"]]
    if "object" in options:
        uuid = pool.database.read("VM", vm)["uuid"]
        options["object"] = {"type": "VM", "uuid": str(uuid)}
    if "args" in options:
        options["args"] = [{"class": "VM", "name_label": "web-1"}, "x"]
        options["args"] = options["args"][: 1 if "get" in options["method"] else 2]
    wire = InvalidWire(pool, errors)
    run = ModuleRun(
        module,
        options,
        lambda: virtual_session(wire, pool),
        clock=pool.now,
        sleep=pool.solo.advance,
    )
    run.check_mode = is_check
    try:
        result = run.work()
    except XapiError as error:
        as_json([error_message(error), run.partial_result(), run.warnings])
        return
    as_json([result, run.warnings])


TARGETS = [Target("whole runs of modules", RUNS, check_run, 0.5)]
