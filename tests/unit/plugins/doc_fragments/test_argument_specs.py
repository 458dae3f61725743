# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documented options of each fragment match its argument spec."""

from __future__ import annotations

import re

import pytest
import yaml

from ansible_collections.xen.xapi.plugins.doc_fragments import (
    connection,
    progress,
    selector,
    status,
)
from ansible_collections.xen.xapi.plugins.module_utils._client.options import connection_spec
from ansible_collections.xen.xapi.plugins.module_utils._progress import progress_spec
from ansible_collections.xen.xapi.plugins.module_utils._tasks.options import (
    SELECTOR_EXCLUSIVE,
    selector_spec,
    status_spec,
)

FRAGMENTS = [
    (connection.ModuleDocFragment, connection_spec()),
    (selector.ModuleDocFragment, selector_spec()),
    (status.ModuleDocFragment, status_spec()),
    (progress.ModuleDocFragment, progress_spec()),
]
DOCUMENTED = ("type", "elements", "required", "default", "choices", "aliases")


def options_of(fragment):
    return yaml.safe_load(fragment.DOCUMENTATION)["options"]


@pytest.mark.parametrize(("fragment", "spec"), FRAGMENTS)
def test_documented_options_match_argument_spec(fragment, spec):
    documented = {
        name: {key: option[key] for key in DOCUMENTED if key in option}
        for name, option in options_of(fragment).items()
    }
    specified = {
        name: {key: option[key] for key in DOCUMENTED if key in option}
        for name, option in spec.items()
    }
    assert documented == specified


@pytest.mark.parametrize(("fragment", "spec"), FRAGMENTS)
def test_documented_environment_variables_match_fallbacks(fragment, spec):
    documented = {
        name: re.findall(r"E\((\w+)\)", " ".join(option["description"]))
        for name, option in options_of(fragment).items()
    }
    specified = {name: option.get("fallback", (None, []))[1] for name, option in spec.items()}
    assert documented == specified


def test_documented_exclusions_match_argument_spec():
    options = options_of(selector.ModuleDocFragment)
    excluded = {name: set() for group in SELECTOR_EXCLUSIVE for name in group}
    for group in SELECTOR_EXCLUSIVE:
        for name in group:
            excluded[name] |= set(group) - {name}
    for name, partners in excluded.items():
        (sentence,) = [s for s in options[name]["description"] if s.startswith("Mutually")]
        assert set(re.findall(r"O\((\w+)\)", sentence)) == partners


def test_documented_object_suboptions_match_argument_spec():
    documented = options_of(selector.ModuleDocFragment)["object"]["suboptions"]
    specified = selector_spec()["object"]["options"]
    assert documented.keys() == specified.keys()
    for name, option in specified.items():
        assert option == {key: documented[name][key] for key in option}


def test_only_password_and_session_ref_are_no_log():
    hidden = {
        name
        for _fragment, spec in FRAGMENTS
        for name, option in spec.items()
        if option.get("no_log")
    }
    assert hidden == {"password", "session_ref"}
