# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that many tests are about."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.simulator.values import Date

UUID = "12345678-9abc-def0-1234-56789abcdef0"
REF = f"OpaqueRef:{UUID}"
NO_UUID = "00000000-0000-0000-0000-000000000000"
NO_REF = f"OpaqueRef:{NO_UUID}"
LONG_AGO = Date.at(time.time() - 2 * 86400)
"""A pool that is started now has been up for longer. Where a task can be as old as this, nothing
may collect: a pool deletes what is over a day old and has not moved between two passes, which are
30 seconds apart."""
ENDLESS = Life(duration=None)
DEAF = Life(duration=None, cancel_after=None)
TASK: dict[str, Any] = {
    "uuid": UUID,
    "name_label": "Async.VM.start",
    "name_description": "",
    "allowed_operations": ["cancel"],
    "current_operations": {"DummyRef:|1|task.cancel": "cancel"},
    "created": "20261123T10:11:12Z",
    "finished": "19700101T00:00:00Z",
    "status": "pending",
    "resident_on": REF,
    "progress": 0.5,
    "type": "<none/>",
    "result": "",
    "error_info": [],
    "other_config": {"owner": "deploy"},
    "subtask_of": "OpaqueRef:NULL",
    "subtasks": [REF],
    "backtrace": "()",
}
"""The whole record of a running task, as the server sends it."""
