# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.xen.xapi.plugins.filter.suggest_names import FilterModule
from ansible_collections.xen.xapi.tests.support.collection import ROOT

suggest_names = FilterModule().filters()["suggest_names"]
SPECS = yaml.safe_load(
    (ROOT / "roles" / "task_gate" / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
)["argument_specs"]
KNOWN = sorted({name for spec in SPECS.values() for name in spec["options"]})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("task_gate_tmeout", "task_gate_timeout"),
        ("task_gate_regex", "task_gate_name_regex"),
        ("task_gate_namelabel", "task_gate_name_label"),
        ("task_gate_host", "task_gate_hostname"),
        ("task_gate_Timeout", "task_gate_timeout"),
        ("task_gate_quietfor", "task_gate_quiet_for"),
        ("task_gate_wait", "task_gate_wait_for"),
    ],
)
def test_misspelt_variable_is_shown_with_nearest_name(name, meant):
    assert suggest_names([name], KNOWN) == f"{name} (do you mean {meant}?)"


def test_every_variable_is_found_with_a_letter_left_out():
    missing = [
        name
        for name in KNOWN
        if name.removeprefix("task_gate_")[3:]
        and f"mean {name}?" not in suggest_names([name[:12] + name[13:]], KNOWN)
    ]
    assert missing == []


def test_common_beginning_is_not_similarity():
    assert suggest_names(["task_gate_color"], KNOWN) == "task_gate_color"


def test_names_are_joined_and_limited():
    text = suggest_names([f"x{number}" for number in range(9)], ["a_b"])
    assert text == "x0, x1, x2, x3, x4 and 4 more"


@pytest.mark.parametrize("known", [[], ["timeout"], ["timeout", "timeout_x"], ["_", "__"]])
def test_any_list_of_known_names_is_accepted(known):
    expected = "timeuot (do you mean timeout?)" if "timeout" in known else "timeuot"
    assert suggest_names(["timeuot"], known) == expected


def test_long_and_unprintable_names_are_bounded_and_escaped():
    text = suggest_names(["task_gate_\x1b[2J" + "x" * 300_000], KNOWN)
    assert len(text) < 300
    assert "\x1b" not in text


@pytest.mark.parametrize("value", [None, "a", {"a": 1}, [1], 5])
def test_anything_but_lists_of_names_is_an_error(value):
    for arguments in [(value, []), ([], value)]:
        with pytest.raises(AnsibleFilterError, match="give two lists of names"):
            suggest_names(*arguments)
