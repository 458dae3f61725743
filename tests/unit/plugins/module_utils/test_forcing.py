# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._cancel_gate import CancelGate
from ansible_collections.xen.xapi.plugins.module_utils._forcing import force
from ansible_collections.xen.xapi.plugins.module_utils._task import Task
from ansible_collections.xen.xapi.plugins.module_utils._waiter import Waiter
from ansible_collections.xen.xapi.tests.virtual import VirtualPool, VirtualWire, virtual_session


@pytest.fixture
def orphan():
    """A pool with a record that its client left behind, and what force makes of it."""
    pool = VirtualPool()
    ref = pool.add_task("backup", created="20200101T00:00:00Z")

    def forced_after(happen):
        with virtual_session(VirtualWire(pool), pool) as session:
            tasks, deadline = [Task(ref, pool.record(ref))], pool.now() + 7
            gate = CancelGate(session, tasks, waits=True, deadline=deadline, clock=pool.now)
            Waiter(session, gate, timeout=7, clock=pool.now, sleep=pool.solo.advance).wait()
            gate.close()
            happen(pool, ref)
            forced = force(session, gate)
        (cancel,) = gate.cancels.values()
        return cancel, forced

    return forced_after


def test_what_is_left_behind_is_written_off(orphan):
    cancel, forced = orphan(lambda pool, ref: None)
    assert (cancel.action, cancel.is_changed, forced) == ("forced", True, [cancel])


def test_what_is_gone_by_then_is_not(orphan):
    cancel, forced = orphan(lambda pool, ref: pool.destroy_task(ref))
    assert (cancel.action, cancel.is_lost, forced) == ("gone", False, [])


def test_what_goes_between_the_look_and_the_write_is_not(orphan):
    def go(pool, ref):
        pool.fail("task.set_status", error=["HANDLE_INVALID", "task", ref])

    cancel, forced = orphan(go)
    assert (cancel.action, cancel.is_lost, forced) == ("gone", False, [])


def test_what_is_gone_with_the_session_is_lost(orphan):
    cancel, forced = orphan(lambda pool, ref: pool.restart_master(generations_lost=1))
    assert (cancel.action, cancel.is_lost, forced) == ("gone", True, [])


def test_what_has_ended_meanwhile_is_left_alone(orphan):
    cancel, forced = orphan(lambda pool, ref: pool.set_task(ref, status="success"))
    assert (cancel.action, forced) == ("finished_first", [])


def test_a_refusal_is_told(orphan):
    def refuse(pool, ref):
        pool.fail("task.set_status", error=["RBAC_PERMISSION_DENIED", "task.set_status"])

    cancel, forced = orphan(refuse)
    assert (cancel.action, cancel.error.code, forced) == ("denied", "RBAC_PERMISSION_DENIED", [])
