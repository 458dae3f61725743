# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._cancel.cancellation import Action, Cancel
from ansible_collections.xen.xapi.plugins.module_utils._cancel.force import ForceOperation
from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._wait.disappearance import Disappearances
from ansible_collections.xen.xapi.plugins.module_utils._wait.watcher import PollingWatcher
from ansible_collections.xen.xapi.tests.support.virtual.transport import (
    VirtualWire,
    virtual_session,
)

IGNORED_FOR = 300.0
TIME_TO_WRITE = 60.0


@pytest.fixture
def force(virtual):
    """Lets a task ignore a cancel, and refreshes the operation once after some seconds."""

    def run(seconds, happen=lambda _ref: None):
        ref = virtual.add_task("client job", age=7200)
        with virtual_session(VirtualWire(virtual), virtual) as session:
            session.read_server_time()
            disappearances = Disappearances(session)
            cancel = Cancel(disappearances.remember(Task(ref, virtual.record(ref))))
            cancel.record_request(virtual.now(), is_accepted=True)
            cancel.action = Action.STILL_RUNNING
            operation = ForceOperation(
                session,
                [cancel],
                disappearances,
                ignored_for=IGNORED_FOR,
                deadline=virtual.now() + IGNORED_FOR + TIME_TO_WRITE,
                clock=virtual.now,
            )
            virtual.solo.advance(seconds)
            happen(ref)
            operation.refresh(PollingWatcher(session, interval=2.0, sleep=virtual.solo.advance))
        return operation, cancel

    return run


def test_record_is_marked_after_it_ignored_a_cancel(virtual, force):
    operation, cancel = force(IGNORED_FOR + 1)
    assert (operation.forced, cancel.action) == ([cancel], Action.FORCED)
    assert len(virtual.log.of("task.set_status")) == 1


@pytest.mark.parametrize("seconds", [IGNORED_FOR - 1, IGNORED_FOR + TIME_TO_WRITE + 1])
def test_nothing_is_written_too_early_or_too_late(virtual, force, seconds):
    operation, _cancel = force(seconds)
    assert operation.forced == []
    assert virtual.log.of("task.set_status") == []


@pytest.mark.parametrize("status", ["cancelled", "success"])
def test_record_that_another_client_ends_is_not_forced(virtual, force, status):
    operation, cancel = force(IGNORED_FOR + 1, lambda ref: virtual.set_task(ref, status=status))
    assert operation.forced == []
    assert cancel.action is not Action.FORCED
    assert virtual.log.of("task.set_status") == []
