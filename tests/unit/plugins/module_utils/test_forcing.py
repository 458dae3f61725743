# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._cancel_gate import CancelGate
from ansible_collections.xen.xapi.plugins.module_utils._forcing import force
from ansible_collections.xen.xapi.plugins.module_utils._task import Task
from ansible_collections.xen.xapi.tests.samples import LONG_AGO
from ansible_collections.xen.xapi.tests.virtual_wait import on


@pytest.fixture
def orphan(virtual):
    """A pool with a record that its client left behind, and what force makes of it."""
    ref = virtual.add_task("backup", created=LONG_AGO)
    tasks, deadline = [Task(ref, virtual.record(ref))], virtual.now() + 7

    def make_gate(session):
        return CancelGate(session, tasks, login=1, waits=True, deadline=deadline, clock=virtual.now)

    def forced_after(happen):
        with on(virtual, make_gate, timeout=7) as run:
            run.wait()
            run.gate.close()
            happen(virtual, ref)
            forced = force(run.session, run.gate)
        (cancel,) = run.gate.cancels.values()
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
