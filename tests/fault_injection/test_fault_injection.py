# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A short campaign, and whether it detects the defects that it is there to detect."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._call.operation import Operation
from ansible_collections.xen.xapi.plugins.module_utils._client.jsonrpc import Rpc
from ansible_collections.xen.xapi.plugins.module_utils._client.master_connection import (
    MasterConnection,
)
from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.module_utils._errors import HostError
from ansible_collections.xen.xapi.plugins.module_utils._events.tracker import EndTracker
from ansible_collections.xen.xapi.plugins.module_utils._wait.pacer import Pacer
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import TaskSet
from ansible_collections.xen.xapi.plugins.modules import task_cancel
from ansible_collections.xen.xapi.tests.fault_injection import faults, faulty_proxy
from ansible_collections.xen.xapi.tests.fault_injection.role_runs import RolePlay
from ansible_collections.xen.xapi.tests.fault_injection.socket_runs import RealPlay
from ansible_collections.xen.xapi.tests.fault_injection.source_runs import SourcePlay
from ansible_collections.xen.xapi.tests.fault_injection.virtual_runs import Play
from ansible_collections.xen.xapi.tests.support.polling import TIMEOUT

SEED = "20261124"
ANYTHING = {"name_label": None, "refs": None, "name_regex": re.compile(".*")}


def violations(runs):
    """Yield the violations of some runs, one run after the other."""
    for number in range(runs):
        yield from Play(f"{SEED}/{number}").run().violations


@pytest.mark.parametrize("part", range(2))
def test_virtual_time_campaign_has_no_violations(part):
    plays = {f"{SEED}/{part}-{number}": Play(f"{SEED}/{part}-{number}") for number in range(250)}
    outcomes = {name: play.run() for name, play in plays.items()}
    assert {name: one.violations for name, one in outcomes.items() if one.violations} == {}
    assert {fault for one in outcomes.values() for fault in one.faults} == set(faults.FAULTS)


def test_source_campaign_has_no_violations():
    plays = {f"{SEED}/{number}": SourcePlay(f"{SEED}/{number}") for number in range(80)}
    outcomes = {name: play.run() for name, play in plays.items()}
    assert {name: one.violations for name, one in outcomes.items() if one.violations} == {}
    assert {one.ending for one in outcomes.values()} >= {"task_events went on"}


def test_detects_end_that_is_reported_twice(monkeypatch):
    monkeypatch.setattr(EndTracker, "complete_listing", lambda self, _refs: forget_all(self))

    def forget_all(tracker):
        tracker._has_baseline = True
        tracker._settled.clear()

    outcomes = [SourcePlay(f"{SEED}/{number}").run() for number in range(20)]
    assert "each end once" in {name for one in outcomes for name in one.violations}


def test_detects_missed_end(monkeypatch):
    # Each listing counts as the first one.
    monkeypatch.setattr(EndTracker, "complete_listing", lambda _self, _refs: None)
    outcomes = [SourcePlay(f"{SEED}/{number}").run() for number in range(25)]
    assert "no missed end" in {name for one in outcomes for name in one.violations}


@pytest.mark.parametrize("fault", faulty_proxy.FAULTS)
def test_socket_campaign_has_no_violations(fault, tmp_path):
    play = RealPlay(f"{SEED}/{fault}", fault=fault, startup=TIMEOUT)
    outcome = play.run(tmp_path / "one")
    assert outcome.violations == []


@pytest.mark.parametrize(
    "fault",
    ["cut before the answer", "evacuation fails", "host restart before it is disabled"],
)
def test_role_campaign_has_no_violations(fault, tmp_path):
    play = RolePlay(f"{SEED}/{fault}", fault=fault)
    outcome = play.run(tmp_path / "one")
    assert outcome.violations == [], play.text


def test_detects_disappeared_task_counted_as_satisfied(monkeypatch):
    def mark_gone(self, ref):
        self.running.remove(ref)
        self.satisfied.add(ref)

    monkeypatch.setattr(TaskSet, "mark_gone", mark_gone)
    assert "no false open" in violations(300)


def test_detects_cancel_of_unselected_task(monkeypatch):
    def every_task(session, selection, **options):
        targets = meant(session, selection, **options)
        everything = meant(session, replace(selection, **ANYTHING), **options)
        targets.running = everything.running
        return targets

    meant = task_cancel.select_targets
    monkeypatch.setattr(task_cancel, "select_targets", every_task)
    assert "no unexpected cancel" in violations(300)


def test_detects_second_start(monkeypatch):
    send = Session.send

    def send_until_answered(self, method, *params):
        try:
            return send(self, method, *params)
        except HostError:
            return send(self, method, *params)

    monkeypatch.setattr(Session, "send", send_until_answered)
    assert "no second start" in violations(400)


def test_detects_false_outcome_of_call(monkeypatch):
    monkeypatch.setattr(Operation, "_settle", lambda _self, _error: None)
    assert "no false word about a call" in violations(400)


def test_detects_leaked_session(monkeypatch):
    monkeypatch.setattr(MasterConnection, "close", lambda _self: None)
    assert "no session left" in violations(20)


def test_detects_wait_past_deadline(monkeypatch):
    monkeypatch.setattr(Session, "set_deadline", lambda _self, _deadline: None)
    remaining = property(lambda self: self._deadline + 50 - self._clock())
    monkeypatch.setattr(Pacer, "remaining", remaining)
    assert "an end by the deadline" in violations(100)


def test_detects_unexpected_exception(monkeypatch):
    monkeypatch.setattr(Rpc, "_unexpected", lambda *_args: KeyError("result"))
    assert any(one.startswith("an error of ours alone") for one in violations(100))
