# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._short_failures import (
    MAX_TASKS,
    shorten_failure,
)


def tasks(count, **fields):
    return [{"uuid": f"uuid-{number:03}.", "backtrace": "()", **fields} for number in range(count)]


def uuids(result):
    return [task["uuid"] for task in result["tasks"]]


@pytest.mark.parametrize("count", [0, 1, MAX_TASKS])
def test_few_tasks_are_all_returned(count):
    returned = {"tasks": tasks(count), "unmet": ["uuid-000."], "changed": False}
    assert shorten_failure("Why.", returned, is_verbose=False) == returned


def test_result_without_tasks_is_unchanged():
    assert shorten_failure("Why.", {"error": {}}, is_verbose=False) == {"error": {}}


@pytest.mark.parametrize("is_verbose", [False, True])
def test_tasks_named_in_the_message_come_first_then_problems(is_verbose):
    everything = tasks(500)
    returned = {
        "tasks": everything,
        "unmet": ["uuid-300."],
        "unexpected": ["uuid-400."],
        "gone": ["uuid-100."],
        "satisfied": [task["uuid"] for task in everything],
    }
    message = "Tasks 'a' (uuid uuid-499.) and 'b' (uuid uuid-490.) failed."
    result = shorten_failure(message, returned, is_verbose=is_verbose)
    assert uuids(result)[:6] == [
        *("uuid-490.", "uuid-499.", "uuid-100.", "uuid-300.", "uuid-400.", "uuid-000.")
    ]
    assert (len(result["tasks"]), result["tasks_omitted"]) == (20, 480)
    assert len(result["satisfied"]) == 500


def test_skipped_tasks_of_a_clean_up_come_last():
    skipped, failed = tasks(30, action="skipped"), tasks(31, action="error")[30:]
    result = shorten_failure("Why.", {"tasks": [*skipped, *failed]}, is_verbose=False)
    assert uuids(result)[0] == "uuid-030."
    assert result["tasks_omitted"] == 11


@pytest.mark.parametrize("is_verbose", [False, True])
def test_long_backtrace_is_whole_only_in_a_verbose_result(is_verbose):
    long = "x" * 2000
    (task,) = shorten_failure("Why.", {"tasks": tasks(1, backtrace=long)}, is_verbose=is_verbose)[
        "tasks"
    ]
    assert (task["backtrace"] == long) is is_verbose
    assert len(task["backtrace"]) <= 201 or is_verbose


@pytest.mark.parametrize("backtrace", [None, "()", 5])
def test_other_backtraces_are_unchanged(backtrace):
    returned = {"tasks": tasks(1, backtrace=backtrace)}
    assert shorten_failure("Why.", returned, is_verbose=False) == returned
