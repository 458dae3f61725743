# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option force: only a record that its client left behind is written off."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.samples import LONG_AGO
from ansible_collections.xen.xapi.tests.simulator.lives import Life


def action(result):
    """What became of the one task that there is."""
    (task,) = result["tasks"]
    return task["action"]


def test_an_orphan(pool, cancel):
    ref = pool.add_task("backup", created=LONG_AGO)
    result = cancel(ref=ref, timeout=3, force=True)
    assert (action(result), result["changed"]) == ("forced", True)
    assert pool.record(ref)["status"] == "cancelled"
    assert any("bookkeeping" in warning for warning in result["warnings"])
    assert action(cancel(ref=ref, timeout=3, force=True)) == "already_finished"


def test_one_that_can_be_cancelled_after_all(pool, cancel):
    ref = pool.add_task("backup", created=LONG_AGO, life=Life(cancellable=False))
    assert action(cancel(ref=ref, timeout=5, force=True)) == "cancelled"
    assert not pool.log.of("task.set_status")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"label": "Async.VM.copy"}, "the name of a method"),
        ({"label": "VM.copy"}, "the name of a method"),
        ({"created": None}, "not known to be older than an hour"),
        ({"allowed_operations": ["cancel"]}, "the server offers to cancel it"),
        ({"subtasks": ["OpaqueRef:x"]}, "it has subtasks"),
        ({"result": "<value>1</value>"}, "it has a result"),
    ],
    ids=str,
)
def test_what_is_no_orphan(pool, cancel, fields, reason):
    fields = {"label": "backup", "created": LONG_AGO, **fields}
    if fields["created"] is None:
        del fields["created"]
    ref = pool.add_task(fields.pop("label"), **fields)
    result = cancel(ref=ref, timeout=3, force=True, fails=True)
    assert reason in result["msg"]
    assert not pool.log.of("task.cancel")


def test_one_that_holds_an_object(pool, cancel):
    ref = pool.add_task("backup", created=LONG_AGO)
    vm = pool.find("VM", "web-1")
    pool.database.add_to_map("VM", vm, "current_operations", ref, "export")
    result = cancel(ref=ref, timeout=3, force=True, fails=True)
    assert "an object names it" in result["msg"]


def test_one_that_moves(pool, cancel, when_waiting):
    ref = pool.add_task("backup", created=LONG_AGO)
    when_waiting(lambda: pool.set_task(ref, progress=0.5))
    result = cancel(ref=ref, timeout=2, force=True, fails=True)
    assert action(result) == "still_running"
    assert not pool.log.of("task.set_status")
