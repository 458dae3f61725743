# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._cancel.options import (
    cancelling_spec,
    parse_cancel_options,
)
from ansible_collections.xen.xapi.plugins.module_utils._errors import NothingSelected, OptionError
from ansible_collections.xen.xapi.plugins.module_utils._tasks.options import (
    selector_spec,
    status_spec,
)

UUID = "12345678-1234-1234-1234-123456789012"
REF = f"OpaqueRef:{UUID}"
NARROWING = {
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
    "max_tasks": 3,
    "idle_for": "1m",
    "force": False,
}


def cancelling(**options):
    spec = {**selector_spec(), **status_spec(), **cancelling_spec()}
    params = {name: option.get("default") for name, option in spec.items()}
    return parse_cancel_options({**params, **options}, given=options)


def test_narrowing_options_without_selector_are_rejected():
    for count in range(len(NARROWING) + 1):
        for names in itertools.combinations(NARROWING, count):
            with pytest.raises(NothingSelected):
                cancelling(**{name: NARROWING[name] for name in names})


@pytest.mark.parametrize(
    ("options", "min_age", "max_tasks", "excludes_housekeeping"),
    [
        ({"uuid": [UUID]}, None, None, False),
        ({"ref": []}, None, None, False),
        ({"name_label": "copy"}, 60.0, 1, False),
        ({"name_regex": "copy"}, 60.0, 1, True),
        ({"object": {"type": "VM", "uuid": UUID}}, 60.0, 1, True),
        ({"object": {"type": "VM", "uuid": UUID}, "name_label": "copy"}, 60.0, 1, False),
        ({"kind": ["copy"]}, 60.0, 1, True),
        ({"kind": ["copy", "scan"], "name_regex": "copy"}, 60.0, 1, True),
        ({"name_regex": "copy", "exclude": []}, 60.0, 1, True),
        (
            {"name_regex": "copy", "min_age": "0", "max_tasks": 7, "include_housekeeping": True},
            0.0,
            7,
            False,
        ),
    ],
    ids=str,
)
def test_default_min_age_max_tasks_and_excludes_depend_on_selector(
    options, min_age, max_tasks, excludes_housekeeping
):
    checked = cancelling(**options)
    assert checked.selection.is_destructive
    assert checked.selection.min_age == min_age
    assert checked.max_tasks == max_tasks
    assert checked.selection.excludes_housekeeping == excludes_housekeeping


def test_exclude_option_extends_default_excludes():
    selection = cancelling(name_regex="copy", exclude=["plugin"]).selection
    assert [regex.pattern for regex in selection.exclude] == ["plugin"]
    assert selection.excludes_housekeeping


@pytest.mark.parametrize("kinds", [["housekeeping"], ["copy", "housekeeping"]])
def test_kind_housekeeping_is_rejected_unless_housekeeping_is_included(kinds):
    with pytest.raises(OptionError) as raised:
        cancelling(kind=kinds)
    assert raised.value.option == "kind"
    assert cancelling(kind=kinds, include_housekeeping=True).selection.kind == set(kinds)


@pytest.mark.parametrize("identity", [{"uuid": [UUID]}, {"ref": [f"OpaqueRef:{UUID}"]}])
def test_kind_with_uuid_or_ref_only_narrows(identity):
    checked = cancelling(**identity, kind=["housekeeping"])
    assert checked.selection.min_age is None
    assert checked.max_tasks is None


@pytest.mark.parametrize("identity", [{"uuid": [UUID]}, {"ref": [f"OpaqueRef:{UUID}"]}])
def test_include_housekeeping_is_rejected_with_uuid_or_ref(identity):
    with pytest.raises(OptionError) as raised:
        cancelling(**identity, include_housekeeping=True)
    assert raised.value.option == "include_housekeeping"


def test_default_timeout_with_force_is_five_minutes():
    assert cancelling(ref=[REF]).timeout == 60
    assert cancelling(ref=[REF], force=True).timeout == 300
