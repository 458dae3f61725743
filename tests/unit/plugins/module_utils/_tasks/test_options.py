# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._errors import OptionError
from ansible_collections.xen.xapi.plugins.module_utils._tasks.options import (
    parse_selection,
    selector_spec,
    status_spec,
)
from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import (
    ObjectOption,
    Selection,
)

UUID = "12345678-9abc-def0-1234-56789abcdef0"
OTHER = "ffffffff-9abc-def0-1234-56789abcdef0"
REF = f"OpaqueRef:{UUID}"
NOTHING = dict.fromkeys({**selector_spec(), **status_spec()})


def selection(**options):
    return parse_selection({**NOTHING, **options}, given=options)


@pytest.mark.parametrize(
    ("options", "selected"),
    [
        ({}, {}),
        ({"uuid": [UUID.upper(), OTHER, UUID]}, {"uuids": (UUID, OTHER)}),
        ({"uuid": []}, {"uuids": ()}),
        ({"ref": [REF, REF]}, {"refs": (REF,)}),
        ({"uuid": [UUID], "ref": [REF]}, {"uuids": (UUID,), "refs": (REF,)}),
        ({"name_label": "a label"}, {"name_label": "a label"}),
        ({"status": ["pending", "success"]}, {"status": frozenset({"pending", "success"})}),
        ({"min_age": "5m"}, {"min_age": 300}),
        ({"min_age": "60", "max_age": "1m"}, {"min_age": 60, "max_age": 60}),
        ({"created_after": "1970-01-01T00:00:09Z"}, {"created_after": 9}),
        ({"created_before": "1970-01-01T00:00:09Z"}, {"created_before": 9}),
        ({"cancellable": False}, {"cancellable": False}),
        (
            {"object": {"type": "VM", "uuid": UUID.upper()}},
            {"object": ObjectOption(type="VM", uuid=UUID)},
        ),
        (
            {"object": {"type": "SR", "name_label": "Local storage"}},
            {"object": ObjectOption(type="SR", name_label="Local storage")},
        ),
        (
            {"object": {"type": "pool", "name_label": ""}},
            {"object": ObjectOption(type="pool", name_label="")},
        ),
        ({"name_description": "web-1"}, {"name_description": "web-1"}),
        ({"kind": ["copy", "backup", "copy"]}, {"kind": frozenset({"backup", "copy"})}),
        ({"subtask_of": UUID.upper()}, {"subtask_of": UUID}),
        ({"subtask_of": REF}, {"subtask_of": REF}),
        ({"resident_on": "xcp1"}, {"resident_on": "xcp1"}),
        (
            {"other_config": {"k": "v", "on": True, 1: 2}},
            {"other_config": {"k": "v", "on": "true", "1": "2"}},
        ),
        ({"exclude": []}, {}),
    ],
)
def test_options_become_selection(options, selected):
    assert selection(**options) == Selection(**selected)


def test_regex_options_are_compiled():
    chosen = selection(name_regex="VM", exclude=["a", "b"])
    assert chosen.name_regex is not None
    assert [regex.pattern for regex in (chosen.name_regex, *chosen.exclude)] == ["VM", "a", "b"]
    assert [regex.pattern for regex in selection(exclude="a").exclude] == ["a"]


@pytest.mark.parametrize(
    "option", ["name_label", "name_regex", "name_description", "subtask_of", "resident_on"]
)
@pytest.mark.parametrize("value", ["", " ", " x", ["x"], {"x": "y"}, 5, True])
def test_text_option_rejects_blank_padded_and_non_string_values(option, value):
    with pytest.raises(OptionError) as raised:
        selection(**{option: value})
    assert raised.value.option == option


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"uuid": [None]}, "uuid"),
        ({"uuid": [[UUID]]}, "uuid"),
        ({"uuid": [""]}, "uuid"),
        ({"uuid": [f" {UUID}"]}, "uuid"),
        ({"uuid": [REF]}, "uuid"),
        ({"ref": [None]}, "ref"),
        ({"ref": [UUID]}, "ref"),
        ({"status": []}, "status"),
        ({"status": [None]}, "status"),
        ({"kind": []}, "kind"),
        ({"kind": [None]}, "kind"),
        ({"kind": [["copy"]]}, "kind"),
        ({"min_age": "-5"}, "min_age"),
        ({"max_age": "['5']"}, "max_age"),
        ({"min_age": "2h", "max_age": "1h"}, "min_age"),
        ({"created_after": "2026-11-23T10:11:12"}, "created_after"),
        (
            {"created_after": "1970-01-01T00:00:09Z", "created_before": "1970-01-01T00:00:08Z"},
            "created_after",
        ),
        ({"object": {"type": "VM", "uuid": "web-1"}}, "object.uuid"),
        ({"subtask_of": "web-1"}, "subtask_of"),
        ({"subtask_of": "OpaqueRef:NULL"}, "subtask_of"),
        ({"other_config": {}}, "other_config"),
        ({"other_config": {"k": None}}, "other_config.k"),
        ({"other_config": {"k": ["v"]}}, "other_config.k"),
        ({"exclude": ""}, "exclude"),
        ({"exclude": [None]}, "exclude"),
        ({"exclude": [".*"]}, "exclude"),
        ({"exclude": {"a": "b"}}, "exclude"),
        ({"name_regex": ".*"}, "name_regex"),
        ({"name_regex": "("}, "name_regex"),
    ],
)
def test_invalid_selector_option_is_rejected(options, option):
    with pytest.raises(OptionError) as raised:
        selection(**options)
    assert raised.value.option == option
