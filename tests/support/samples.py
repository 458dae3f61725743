# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sample values: tasks, their life in the simulator, and an example of each kind of error."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ansible_collections.xen.xapi.plugins.module_utils import _errors
from ansible_collections.xen.xapi.plugins.module_utils._errors import XapiError
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
UNCANCELLABLE = Life(duration=None, cancel_after=None)
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
URL = "https://xcp1:8443"
_OF_HOST = {"url": URL}
_VALUES: dict[type[XapiError], dict[str, Any]] = {
    _errors.AnswerTooLarge: {**_OF_HOST, "limit": 5},
    _errors.CallerGone: {},
    _errors.FingerprintMismatch: {**_OF_HOST, "expected": ["AA"], "seen": "BB"},
    _errors.Interrupted: {"signal": "SIGTERM"},
    _errors.LibraryMissing: {"library": "requests", "details": ""},
    _errors.MasterAddressUnusable: {**_OF_HOST, "address": "a b"},
    _errors.MasterElsewhere: {**_OF_HOST, "master": "10.0.0.1"},
    _errors.NoHostAnswered: {"attempts": [_errors.RequestTimedOut(URL, seconds=30.0)] * 2},
    _errors.NothingSelected: {"problem": ", or a filter"},
    _errors.InvalidResponse: {**_OF_HOST, "method": "task.get_record", "field": "status"},
    _errors.OptionError: {"option": "uuid", "value": "x", "problem": "is not a valid UUID"},
    _errors.OtherPool: {**_OF_HOST, "expected": "one", "found": "other"},
    _errors.RequestTimedOut: {**_OF_HOST, "seconds": 30.0},
    _errors.TimeUnreadable: {
        **_OF_HOST,
        "method": "host.get_servertime",
        "option": "min_age",
    },
    _errors.TrustUnusable: {"source": "ca_path", "path": "/ca", "detail": "no such file"},
    _errors.UnexpectedAnswer: {**_OF_HOST, "status": 404, "content_type": "text/html"},
    _errors.XapiFailure: {
        **_OF_HOST,
        "method": "task.get_all",
        "code": "A_NEW_CODE",
        "params": ["p"],
    },
}


def error_kinds(above: type[XapiError] = XapiError) -> Iterator[type[XapiError]]:
    """Yield every kind of error below one, at any depth."""
    for kind in above.__subclasses__():
        yield kind
        yield from error_kinds(kind)


def example_error(kind: type[XapiError]) -> XapiError:
    """Return an error of a kind, with all data that this kind has."""
    return kind(**_VALUES.get(kind, _OF_HOST))
