# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of progress of whole modules, in virtual time: each part of their work has one."""

from __future__ import annotations

import collections
import itertools
import json
import re

import pytest

from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.simulator.values import Date
from ansible_collections.xen.xapi.tests.support.module_runner import ModuleRun
from ansible_collections.xen.xapi.tests.support.samples import ENDLESS
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool
from ansible_collections.xen.xapi.tests.support.virtual.screen import Screen
from ansible_collections.xen.xapi.tests.support.virtual.transport import (
    VirtualWire,
    virtual_session,
)

OFFERED = Life(duration=None, cancel_after=None, cancellable=True)
ID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
COPY = "Async.VM.copy"


@pytest.fixture
def virtual():
    return VirtualPool()


def play_on(pool, module, *, is_shown=True, **options):
    """Run a module; return its result and what was reported."""
    wire, screen = VirtualWire(pool), Screen(pool.now)
    run = ModuleRun(
        module,
        options,
        lambda: virtual_session(wire, pool),
        clock=pool.now,
        sleep=pool.solo.advance,
    )
    screen.is_on = is_shown
    run.progress = screen
    return run.work(), screen


@pytest.fixture
def play(virtual):
    def run_module(module, **options):
        result, screen = play_on(virtual, module, **options)
        return result, [report.format(0) for report in screen.reports], screen

    return run_module


def test_force_reports_what_is_examined(virtual, play):
    virtual.inventory.fill()
    created = Date.at(virtual.now() - 7200)
    ref = virtual.add_task("left behind", life=OFFERED, created=created)
    result, reported, screen = play("task_cancel", ref=[ref], force=True)
    assert result["by_action"]["forced"]
    assert "left behind 0 %, no progress for 4 min; 1 of 1 task running" in reported
    assert "force: checking 1 task for work; 0 marked" in reported
    assert 5 <= len(screen.texts) <= 60


def test_idle_watch_and_cancel_follow_each_other(virtual, play):
    ref = virtual.add_task("stands still", life=ENDLESS)
    _result, reported, screen = play("task_cancel", ref=[ref], idle_for="30s")
    assert screen.texts[0].endswith("0 of 1 task made progress; watching for another 30 s")
    assert reported[-1] == "0 of 1 task running; ended: stands still (cancelled)"


def test_call_reports_request_and_then_its_task(virtual, play):
    virtual.inventory.add_vm("web-1")
    virtual.operations.lives["VM.snapshot"] = Life(duration=60, steps=60)
    args = [{"class": "VM", "name_label": "web-1"}, "before"]
    result, reported, screen = play("call", method="VM.snapshot", args=args)
    assert result["outcome"] == "success"
    assert reported[0] == "waiting for the answer to Async.VM.snapshot for 0 s"
    assert screen.reports[0].left == "Async.VM.snapshot (sent, not answered)"
    assert "Async.VM.snapshot 50 %, about 30 s left; 1 of 1 task running" in reported
    assert screen.reports[1].left.startswith("'Async.VM.snapshot' (uuid ")


def test_call_without_a_task_reports_the_request(virtual, play):
    virtual.inventory.add_vm("web-1")
    args = [{"class": "VM", "name_label": "web-1"}, "before"]
    _result, reported, _screen = play("call", method="VM.set_name_label", args=args, task=False)
    assert reported == ["waiting for the answer to VM.set_name_label for 0 s"]


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("task_wait", {"name_label": COPY}),
        ("task_wait", {"wait_for": "none", "quiet_for": "20s"}),
        ("task_cancel", {"name_label": COPY, "idle_for": "10s", "min_age": "0"}),
        ("call", {"method": "SR.scan", "args": [{"class": "SR", "name_label": "Local storage"}]}),
    ],
)
def test_results_are_the_same_with_and_without_reports(module, options):
    """They are equal byte for byte, but for the random ids of the two pools."""
    results = []
    for is_shown in (True, False):
        pool = VirtualPool()
        pool.inventory.fill()
        pool.add_task(COPY, life=Life(duration=60, steps=30, cancel_after=2))
        result, screen = play_on(pool, module, is_shown=is_shown, **options)
        assert bool(screen.reports) is is_shown
        results.append(without_ids(json.dumps(result)))
    assert results[0] == results[1]


def without_ids(text):
    """Replace each id by its place in the order in which they first occur."""
    known = itertools.count()
    places = collections.defaultdict(lambda: f"id-{next(known)}")
    return ID.sub(lambda found: places[found[0]], text)
