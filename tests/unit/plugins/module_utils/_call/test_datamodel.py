# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._call import datamodel_text
from ansible_collections.xen.xapi.plugins.module_utils._call.datamodel import (
    find_class,
    find_method,
    similar_methods,
)

ROOT = Path(__file__).resolve().parents[5]
SCRIPT = ROOT / "scripts" / "make_datamodel.py"
TYPE = re.compile(r"(?:string|int|float|bool|datetime|enum \w+|\w+ (?:ref|record))\Z")
CLASSES = [find_class(name) for name in datamodel_text.CLASSES]
METHODS = [described.find_method(name) for described in CLASSES for name in described.method_names]


def parts_of(type_):
    """The simple types that a type is made of."""
    if type_.endswith(" set"):
        return parts_of(type_.removesuffix(" set"))
    if type_.endswith(" map"):
        key, _arrow, held = type_[1:-5].partition(" -> ")
        return [*parts_of(key), *parts_of(held)]
    return [type_]


def test_every_method_can_be_read():
    assert len(METHODS) > 2000
    assert {method.role for method in METHODS} == {
        None,
        "read-only",
        "vm-operator",
        "vm-admin",
        "vm-power-admin",
        "pool-operator",
        "pool-admin",
    }


def test_types_are_those_that_are_converted():
    types = {param.type for method in METHODS for param in method.params}
    assert [one for type_ in types for one in parts_of(type_) if not TYPE.match(one)] == []


def test_parameters_that_may_be_left_out_come_last():
    for method in METHODS:
        required = [param.is_required for param in method.params]
        assert required == sorted(required, reverse=True), method


def test_references_are_to_known_classes():
    names = {
        one.partition(" ")[0]
        for method in METHODS
        for param in method.params
        for one in parts_of(param.type)
        if one.endswith((" ref", " record"))
    }
    assert [name for name in names if find_class(name) is None] == []


def test_enumerations_of_parameters_are_there():
    for described in CLASSES:
        for name in described.method_names:
            method = described.find_method(name)
            for param in method.params:
                for enum in re.findall(r"enum (\w+)", param.type):
                    assert described.enums[enum], (method, enum)


def test_method_has_its_signature():
    method = find_method("VM.snapshot")
    assert method.signature == (
        "VM.snapshot(vm: VM ref, new_name: string, [ignore_vdis: VDI ref set])"
    )
    assert (method.result, method.has_async, method.role, method.required) == (
        "VM ref",
        True,
        "vm-power-admin",
        2,
    )


def test_getter_of_field_is_described():
    method = find_method("VM.get_power_state")
    assert (method.result, method.has_async) == ("enum vm_power_state", False)


@pytest.mark.parametrize("name", ["VM.fly", "Vm.snapshot", "VM", "", "VM.", "Async.VM.snapshot"])
def test_unknown_method_is_not_described(name):
    assert find_method(name) is None


@pytest.mark.parametrize(
    ("name", "similar"),
    [
        ("VM.snapshoot", "VM.snapshot"),
        ("vm.snapshot", "VM.snapshot"),
        ("Host.evacuate", "host.evacuate"),
        ("VDI.get_name_lable", "VDI.get_name_label"),
    ],
)
def test_misspelt_method_has_similar_ones(name, similar):
    assert similar_methods(name)[0] == similar


def test_nonsense_has_no_similar_method():
    assert similar_methods("weather.get_rain") == []


def test_only_the_class_that_is_called_is_read():
    """A run reads one class, since to read all of them takes longer than its own start."""
    find_class.cache_clear()
    find_method("VM.snapshot")
    assert find_class.cache_info().currsize == 1


def source():
    """The datamodel in the form that the script reads, as far as the file has it."""
    classes = {
        described.name: {
            "fields": described.fields,
            "enums": described.enums,
            "messages": {
                name: {
                    "params": [list(param) for param in method.params],
                    "result": method.result,
                    "async": method.has_async,
                    "role": method.role,
                }
                for name in described.method_names
                for method in [described.find_method(name)]
            },
        }
        for described in CLASSES
    }
    return {"about": f"Messages of {datamodel_text.SOURCE}.", "classes": classes}


def test_script_writes_the_same_file_again(tmp_path):
    file, target = tmp_path / "messages.json", tmp_path / "made.py"
    file.write_text(json.dumps(source()), encoding="utf-8")
    subprocess.run([sys.executable, SCRIPT, file, "--target", target], check=True)
    made = Path(datamodel_text.__file__).read_text(encoding="utf-8")
    assert target.read_text(encoding="utf-8") == made
