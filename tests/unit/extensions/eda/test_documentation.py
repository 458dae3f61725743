# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the event source are the same in its documentation, schema and argument spec."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from ansible_collections.xen.xapi.extensions.eda.plugins.event_source import task_events
from ansible_collections.xen.xapi.plugins.module_utils._events.options import source_spec
from ansible_collections.xen.xapi.tests.support.collection import ROOT

SCHEMA = ROOT / "extensions/eda/plugins/event_source/schemas/task_events.json"
DOCUMENTED = ("type", "elements", "required", "default", "choices")


@pytest.fixture(scope="module")
def options():
    return yaml.safe_load(task_events.DOCUMENTATION)["options"]


def select(option):
    return {key: option[key] for key in DOCUMENTED if key in option}


def test_documentation_matches_argument_spec(options):
    documented = {name: select(option) for name, option in options.items()}
    assert documented == {name: select(option) for name, option in source_spec().items()}
    suboptions = {name: select(one) for name, one in options["object"]["suboptions"].items()}
    specified = source_spec()["object"]["options"]
    assert suboptions == {name: select(option) for name, option in specified.items()}


def test_documented_environment_variables_match_fallbacks(options):
    documented = {
        name: re.findall(r"E\((\w+)\)", " ".join(option["description"]))
        for name, option in options.items()
    }
    specified = {
        name: option.get("fallback", (None, []))[1] for name, option in source_spec().items()
    }
    assert documented == specified


def test_schema_matches_argument_spec():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    properties, spec = schema["properties"], source_spec()
    assert properties.keys() == spec.keys()
    assert schema["additionalProperties"] is False
    for name, option in spec.items():
        assert properties[name].get("default") == option.get("default"), name
        choices = properties[name].get("enum") or properties[name].get("items", {}).get("enum")
        assert choices == option.get("choices"), name


def test_schema_has_the_first_paragraph_of_each_description(options):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    documented = {
        name: re.sub(r"\b[A-Z]+\(([^)]*)\)", r"\1", option["description"][0])
        for name, option in options.items()
    }
    described = {name: option["description"] for name, option in schema["properties"].items()}
    assert described == documented


def test_extensions_file_names_the_folder():
    named = yaml.safe_load((ROOT / "meta/extensions.yml").read_text(encoding="utf-8"))
    assert named == {"extensions": [{"args": {"ext_dir": "eda/plugins/event_source"}}]}
