# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules return the documented values, no more and no less, in each case."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import yaml

from ansible_collections.xen.xapi.plugins.modules import call, task_cancel, task_info, task_wait
from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.samples import LONG_AGO, UNCANCELLABLE

MODULES = {"info": task_info, "wait": task_wait, "cancel": task_cancel, "call": call}
OF_ANSIBLE = {"changed", "exception", "failed", "msg", "invocation", "warnings"}
LIVES = {
    "well": Life(duration=0.2),
    "badly": Life(duration=0.2, outcome="failure"),
    "never": UNCANCELLABLE,
}
UNKNOWN_ACCOUNT = {"password": "wrong"}
ODD = {"name_regex": "("}
VERBOSE = {"_ansible_verbosity": 3}
CHECK = {"_ansible_check_mode": True}
SNAPSHOT = {"method": "VM.snapshot", "args": [{"class": "VM", "name_label": "web-1"}, "x"]}
GETTER = {"method": "VM.get_uuid", "args": [{"class": "VM", "name_label": "web-1"}]}
QUIET = {"wait_for": "none", "quiet_for": "0.1"}

SUCCESS = "success"
ASKED = "when the pool was asked"
REACHED = "when the pool was reached"
READ = "when the tasks were read"
FAILING = "when the module fails because of it"
WITH_CALLS = "with C(-vvv)"
OMITTING = "when the module fails with more than 20 tasks"
WITH_OBJECTS = "when O(with_objects) is true"


class Case(NamedTuple):
    """A run, and by which of the words in RETURN an entry is returned by it."""

    module: str
    label: str
    options: dict[str, Any]
    fails: bool
    returned: tuple[str, ...]
    failing_events: int = 0
    """Which call of event.from the server denies."""
    count: int = 1
    """How many tasks there are."""


CASES = {
    "info": Case("info", "well", {}, False, (SUCCESS,)),
    "info with objects": Case(
        "info", "well", {"with_objects": True}, False, (SUCCESS, WITH_OBJECTS)
    ),
    "info -vvv": Case("info", "well", VERBOSE, False, (SUCCESS, WITH_CALLS)),
    "info by nonsense": Case("info", "well", ODD, True, ()),
    "info for an unknown account": Case("info", "well", UNKNOWN_ACCOUNT, True, (FAILING,)),
    "info for an unknown account -vvv": Case(
        "info", "well", {**UNKNOWN_ACCOUNT, **VERBOSE}, True, (FAILING, WITH_CALLS)
    ),
    "wait": Case("wait", "well", {}, False, (ASKED, REACHED)),
    "wait -vvv": Case("wait", "well", VERBOSE, False, (ASKED, REACHED, WITH_CALLS)),
    "wait in check mode": Case("wait", "well", CHECK, False, (ASKED, REACHED)),
    "wait for a failure": Case("wait", "badly", {}, True, (ASKED, REACHED)),
    "wait in vain": Case("wait", "never", {"timeout": 0}, True, (ASKED, REACHED)),
    "wait in vain for many": Case(
        "wait", "never", {"timeout": 0}, True, (ASKED, REACHED, OMITTING), count=21
    ),
    "wait for many": Case("wait", "well", {}, False, (ASKED, REACHED), count=21),
    "wait by nonsense": Case("wait", "well", ODD, True, ()),
    "wait of an unknown account": Case("wait", "well", UNKNOWN_ACCOUNT, True, (ASKED, FAILING)),
    "wait that is denied": Case("wait", "never", {}, True, (ASKED, REACHED, FAILING), 2),
    "wait that is denied -vvv": Case(
        "wait", "never", VERBOSE, True, (ASKED, REACHED, FAILING, WITH_CALLS), 2
    ),
    "quiet": Case("wait", "well", QUIET, False, (ASKED, REACHED)),
    "quiet in check mode": Case("wait", "well", {**QUIET, **CHECK}, False, (ASKED, REACHED)),
    "quiet in vain": Case("wait", "never", {**QUIET, "timeout": 1}, True, (ASKED, REACHED)),
    "quiet for an unknown account": Case(
        "wait", "well", {**QUIET, **UNKNOWN_ACCOUNT}, True, (ASKED, FAILING)
    ),
    "quiet that is denied": Case("wait", "never", QUIET, True, (ASKED, REACHED, FAILING), 2),
    "cancel": Case("cancel", "well", {}, False, (READ,)),
    "cancel -vvv": Case("cancel", "well", VERBOSE, False, (READ, WITH_CALLS)),
    "cancel in check mode": Case("cancel", "well", CHECK, False, (READ,)),
    "cancel without a wait": Case("cancel", "never", {"wait": False}, False, (READ,)),
    "cancel of the idle": Case("cancel", "well", {"idle_for": "0.1"}, False, (READ,)),
    "cancel in vain": Case("cancel", "never", {"timeout": 1}, True, (READ,)),
    "cancel that is refused": Case(
        "cancel", "never", {"status": "cancelling", "fail_if_not_running": True}, True, (READ,)
    ),
    "cancel of too many": Case("cancel", "never", {}, True, (READ, OMITTING), count=21),
    "cancel by nonsense": Case("cancel", "well", ODD, True, ()),
    "cancel by an unknown account": Case("cancel", "well", UNKNOWN_ACCOUNT, True, (FAILING,)),
    "cancel that is denied": Case("cancel", "never", {}, True, (READ, FAILING), 2),
    "cancel that is denied -vvv": Case(
        "cancel", "never", VERBOSE, True, (READ, FAILING, WITH_CALLS), 2
    ),
}
CALLS = {
    "call": Case("call", "well", SNAPSHOT, False, (ASKED, REACHED)),
    "call -vvv": Case("call", "well", {**SNAPSHOT, **VERBOSE}, False, (ASKED, REACHED, WITH_CALLS)),
    "call in check mode": Case("call", "well", {**SNAPSHOT, **CHECK}, False, (ASKED, REACHED)),
    "call without a wait": Case(
        "call", "well", {**SNAPSHOT, "wait": False}, False, (ASKED, REACHED)
    ),
    "call of a getter": Case("call", "well", GETTER, False, (ASKED, REACHED)),
    "call that fails": Case("call", "badly", SNAPSHOT, True, (ASKED, REACHED, FAILING)),
    "call in vain": Case("call", "never", {**SNAPSHOT, "timeout": 0}, True, (ASKED, REACHED)),
    "call that is lost": Case("call", "lost", SNAPSHOT, True, (ASKED, REACHED)),
    "call of nonsense": Case("call", "well", {**SNAPSHOT, "method": "x"}, True, ()),
    "call by an unknown account": Case(
        "call", "well", {**SNAPSHOT, **UNKNOWN_ACCOUNT}, True, (ASKED, FAILING)
    ),
    "call that is denied": Case("call", "never", SNAPSHOT, True, (ASKED, REACHED, FAILING), 2),
}


SHARED = ("pool", "missing", "excluded", "requests", "server_time", "calls", "error")
OF_ONE_MODULE = {"objects", "resident_on_name", "gone", "action", "reason"}


@pytest.fixture
def fill(pool, live):
    """Adds a task and one that is excluded; the task has been running for years."""

    def add(label, count):
        for _number in range(count):
            ref = live(LIVES[label], label, created=LONG_AGO)
        pool.add_task(f"{label} spared")
        web_1 = pool.find("VM", "web-1")
        pool.database.add_to_map("VM", web_1, "current_operations", ref, "export")

    return add


def documented(module):
    return yaml.safe_load(MODULES[module].RETURN)


def assert_documented(value, entries, returned):
    """Only the documented values are there, in this order; no list may be empty."""
    expected = [name for name, entry in entries.items() if entry.get("returned") in returned]
    assert list(value) == expected
    for name in expected:
        contained = entries[name].get("contains")
        if contained and value[name] is not None:
            items = value[name] if isinstance(value[name], list) else [value[name]]
            assert items, name
            for item in items:
                assert_documented(item, contained, (None, *returned))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_returned_values_match_documentation(request, pool, fill, case):
    fill(case.label, case.count)
    if case.failing_events:
        denied = ["SESSION_AUTHENTICATION_FAILED", "root", "no"]
        for method in ("event.from", "task.get_*"):
            pool.fail(method, nth=case.failing_events, count=None, error=denied)
    run = request.getfixturevalue(case.module)
    options = {"name_regex": f"{case.label}.*", "exclude": ".* spared", **case.options}
    result = run(**options, fails=case.fails)
    entries = documented(case.module)
    in_order = {name: result[name] for name in entries if name in result}
    assert result.keys() - OF_ANSIBLE == in_order.keys()
    assert_documented(in_order, entries, case.returned)


@pytest.mark.parametrize("case", CALLS.values(), ids=CALLS)
def test_values_returned_by_call_match_documentation(pool, call, case):
    if case.label == "lost":
        pool.fail("Async.VM.snapshot", cut="after")
    else:
        pool.operations.lives["VM.snapshot"] = LIVES[case.label]
    if case.failing_events:
        denied = ["SESSION_AUTHENTICATION_FAILED", "root", "no"]
        for method in ("event.from", "task.get_*"):
            pool.fail(method, nth=case.failing_events, count=None, error=denied)
    result = call(**case.options, fails=case.fails)
    entries = documented("call")
    # Which of these are there is told by other tests; where they are, all of their values are.
    for name in ("candidates", "timeline"):
        if not result.get(name):
            entries[name].pop("contains")
    in_order = {name: result[name] for name in entries if name in result}
    assert result.keys() - OF_ANSIBLE == in_order.keys()
    assert_documented(in_order, entries, case.returned)


def test_task_of_call_has_the_documentation_of_task_wait():
    of_call, of_wait = documented("call"), documented("wait")
    assert of_call["task"]["contains"] == {
        name: _renamed(entry) for name, entry in of_wait["tasks"]["contains"].items()
    }
    for name in ("timeline", "pool", "requests", "calls"):
        assert of_call[name] == of_wait[name]


def _renamed(entry):
    """The documentation of a value in a new module with a single task."""
    renamed = yaml.safe_load(yaml.safe_dump(entry).replace("RV(tasks[].", "RV(task."))
    renamed.pop("version_added", None)
    return renamed


def shared(module):
    """The part of a module's RETURN that is to be the same in all of them."""
    entries = documented(module)
    tasks = entries["tasks"]["contains"]
    for entry in entries.values():
        del entry["returned"]
    # Each looks at moments of its own, and task_cancel has an error of its own as well.
    for entry in (entries["excluded"], entries["server_time"], tasks["error"]):
        del entry["description"]
    of_tasks = {name: entry for name, entry in tasks.items() if name not in OF_ONE_MODULE}
    return {**{name: entries[name] for name in SHARED}, "tasks": of_tasks}


@pytest.mark.parametrize("module", ["wait", "cancel"])
def test_shared_return_values_have_identical_documentation(module):
    assert shared(module) == shared("info")
