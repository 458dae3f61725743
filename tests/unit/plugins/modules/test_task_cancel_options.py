# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest

from ansible_collections.xen.xapi.tests.support.module_runner import by_core
from ansible_collections.xen.xapi.tests.support.samples import LONG_AGO

UUID = "12345678-1234-1234-1234-123456789012"
REF = f"OpaqueRef:{UUID}"
IDENTITIES = {"uuid": [UUID], "ref": [REF], "name_label": "copy", "name_regex": "copy"}
FILTERS = {
    "name_description": "disk",
    "status": ["pending"],
    "min_age": "1h",
    "max_age": "2h",
    "created_after": "2026-01-01T00:00:00Z",
    "created_before": "2026-01-02T00:00:00Z",
    "cancellable": True,
    "subtask_of": UUID,
    "resident_on": "host-1",
    "other_config": {"job": "a"},
    "exclude": ["SR"],
}


@pytest.fixture
def refused(pool, cancel):
    """Runs options that must be refused before a call to the pool, and returns the message."""
    pool.add_task("copy", created=LONG_AGO)

    def run_refused(**options):
        message = cancel(**options, fails=True)["msg"]
        assert len(pool.log) == 0
        return message

    return run_refused


@pytest.mark.parametrize("names", [*([name] for name in FILTERS), list(FILTERS)], ids=",".join)
def test_filters_without_selector_are_rejected(refused, names):
    message = refused(**{name: FILTERS[name] for name in names})
    assert message.startswith(
        "one of the following is required: uuid, ref, name_label, name_regex, object, kind; the"
    )


@pytest.mark.parametrize(
    "names",
    [
        names
        for count in range(2, len(IDENTITIES) + 1)
        for names in itertools.combinations(IDENTITIES, count)
        if names != ("uuid", "ref")
    ],
    ids=",".join,
)
def test_conflicting_selectors_are_rejected(refused, names):
    message = refused(**{name: IDENTITIES[name] for name in names})
    assert "mutually exclusive" in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {},
            "name_label, name_regex, object, kind; the other options only narrow",
        ),
        ({"name_label": ""}, "'name_label': '' is empty"),
        ({"name_label": " "}, "'name_label': ' ' has leading or trailing whitespace"),
        ({"name_label": "copy "}, "'name_label': 'copy ' has leading or trailing whitespace"),
        ({"name_label": None}, "'name_label' is null"),
        ({"name_label": ["copy"]}, "'name_label': ['copy'] must be a single string"),
        ({"name_regex": ""}, "'name_regex': '' is empty"),
        ({"name_regex": ".*"}, "'name_regex': '.*' matches the empty string"),
        ({"name_regex": "("}, "'name_regex': '(' is not a valid regular expression"),
        ({"name_regex": None}, "'name_regex' is null"),
        ({"uuid": None}, "'uuid' is null"),
        ({"uuid": [None]}, by_core("'uuid' has a null in its list", of_2_18="'uuid' is of type")),
        ({"uuid": [""]}, "'uuid': '' is empty"),
        ({"uuid": "None"}, "'uuid': 'None' is not a valid UUID"),
        ({"ref": ["OpaqueRef:NULL"]}, "'ref': 'OpaqueRef:NULL' is not a valid reference"),
        ({"object": None}, "'object' is null"),
        ({"object": {"type": "VM"}}, "one of the following is required: uuid, name_label"),
        ({"object": {"type": "disk", "uuid": UUID}}, "object"),
        ({"ref": [REF], "exclude": None}, "'exclude' is null"),
        ({"ref": [REF], "exclude": [".*"]}, "'exclude': '.*' matches the empty string"),
        ({"name_label": "copy", "min_age": None}, "'min_age' is null"),
        ({"name_label": "copy", "min_age": "-1"}, "'min_age': '-1' is not a valid duration"),
        ({"name_label": "copy", "max_tasks": 0}, "'max_tasks': 0 is below 1"),
        ({"name_label": "copy", "max_tasks": None}, "'max_tasks' is null"),
        ({"name_label": "copy", "max_tasks": "many"}, "max_tasks"),
        ({"ref": [REF], "timeout": "0"}, "'timeout': '0' leaves no time"),
        ({"ref": [REF], "idle_for": "a while"}, "'idle_for': 'a while' is not a valid duration"),
        (
            {"name_label": "copy", "force": True},
            "'force': True is only for tasks that are named by uuid",
        ),
        (
            {"object": {"type": "VM", "uuid": UUID}, "force": True},
            "'force': True is only for tasks",
        ),
        ({"ref": [REF], "force": True, "wait": False}, "'force': True needs wait: true"),
        (
            {"ref": [REF], "force": True, "timeout": "299"},
            "'timeout': '299' is too short for force",
        ),
        ({"ref": [REF], "labels": "copy"}, "Unsupported parameters"),
    ],
    ids=str,
)
def test_invalid_options_are_rejected_before_any_request(refused, options, message):
    assert message in refused(**options)


@pytest.mark.parametrize("option", ["max_tasks", "port"])
def test_boolean_is_rejected_as_number(pool, cancel, option):
    result = cancel(**{"name_label": "x", option: True}, fails=True)
    assert result["msg"] == f"argument '{option}': True is not a number."
    assert len(pool.log) == 0
