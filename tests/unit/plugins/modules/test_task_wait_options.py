# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.support.module_runner import by_core

UUID = "12345678-1234-1234-1234-123456789012"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "one of the following is required: uuid, ref, name_label, name_regex, or a filter"),
        ({"exclude": "x"}, "one of the following is required: uuid"),
        ({"uuid": [UUID], "min_age": "1h"}, "'min_age' cannot be combined with uuid or ref"),
        ({"ref": [], "cancellable": True}, "'cancellable' cannot be combined with uuid or ref"),
        ({"uuid": [UUID], "exclude": ["x"]}, "'exclude' cannot be combined with uuid or ref"),
        ({"uuid": [UUID], "name_label": "x"}, "mutually exclusive"),
        ({"name_label": "x", "status": ["pending"]}, "Unsupported parameters"),
        ({"name_label": "x", "expect": []}, "'expect': [] is empty"),
        ({"name_label": "x", "expect": ["pending"]}, "expect"),
        ({"name_label": "x", "timeout": "-1"}, "'timeout': '-1' is not a valid duration"),
        ({"name_label": "x", "timeout": "1 h"}, "'timeout': '1 h' is not a valid duration"),
        ({"name_label": "x", "poll_interval": "0"}, "'poll_interval': '0' is too short"),
        ({"name_label": "x", "quiet_for": "1"}, "'quiet_for': '1' is only for wait_for: none"),
        (
            {"name_label": "x", "ignore_stalled": "1h"},
            "'ignore_stalled': '1h' is only for wait_for: none",
        ),
        (
            {"name_label": "x", "include_housekeeping": True},
            "'include_housekeeping': True is only for wait_for: none",
        ),
        (
            {"wait_for": "none", "ignore_stalled": "0"},
            "'ignore_stalled': '0' would ignore every",
        ),
        ({"name_label": ""}, "'name_label': '' is empty"),
        ({"name_label": None}, "'name_label' is null"),
        (
            {"name_label": "x", "timeout": None},
            by_core("'timeout' is null; leave it out", of_2_18="'timeout' is of type"),
        ),
        ({"name_regex": "a*"}, "'name_regex': 'a*' matches the empty string"),
        ({"wait_for": "none", "uuid": [UUID]}, "'uuid' cannot be combined with wait_for: none"),
        ({"wait_for": "none", "ref": []}, "'ref' cannot be combined with wait_for: none"),
        ({"wait_for": "none", "min_age": "1h"}, "'min_age' cannot be combined with wait_for: none"),
        ({"wait_for": "none", "max_age": "1h"}, "'max_age' cannot be combined with wait_for: none"),
        (
            {"wait_for": "none", "cancellable": True},
            "'cancellable' cannot be combined with wait_for",
        ),
        (
            {"wait_for": "none", "quiet_for": "20"},
            "'quiet_for': '20' must be less than timeout (20)",
        ),
        (
            {"wait_for": "none", "timeout": "10"},
            "'timeout': '10' must be more than quiet_for (10 s)",
        ),
        (
            {"wait_for": "none", "timeout": "0", "quiet_for": "1"},
            "'quiet_for': '1' must be less than timeout (0)",
        ),
        ({"wait_for": "none", "poll_interval": "31"}, "'poll_interval': '31' is too long"),
        ({"wait_for": "nothing"}, "wait_for"),
    ],
    ids=str,
)
def test_invalid_options_are_rejected_before_any_request(pool, wait, options, message):
    assert message in wait(**options, fails=True)["msg"]
    assert len(pool.log) == 0
