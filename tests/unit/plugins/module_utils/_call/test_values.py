# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._call.values import (
    ObjectArgument,
    convert,
    convert_result,
    convert_untyped,
)
from ansible_collections.xen.xapi.plugins.module_utils._errors import OptionError
from ansible_collections.xen.xapi.plugins.module_utils._messages import error_message
from ansible_collections.xen.xapi.tests.support.samples import REF, UUID

VM = {"class": "VM", "uuid": UUID}
WEB = {"class": "VM", "name_label": "web-1"}
FOUND = ObjectArgument("args[0]", "VM", "uuid", UUID)


@pytest.mark.parametrize(
    ("value", "type_", "converted"),
    [
        ("x", "string", "x"),
        ("", "string", ""),
        (12, "string", "12"),
        (12, "int", 12),
        ("12", "int", 12),
        (" -12 ", "int", -12),
        (-(2**63), "int", -(2**63)),
        (1, "float", 1.0),
        ("1.5", "float", 1.5),
        (True, "bool", True),
        ("false", "bool", False),
        ("True", "bool", True),
        ("20261123T10:11:12Z", "datetime", "20261123T10:11:12Z"),
        ("2026-11-23T11:11:12+01:00", "datetime", "20261123T10:11:12Z"),
        (REF, "VM ref", REF),
        ("OpaqueRef:NULL", "VM ref", "OpaqueRef:NULL"),
        (VM, "VM ref", FOUND),
        (WEB, "VM ref", ObjectArgument("args[0]", "VM", "name_label", "web-1")),
        ([], "VDI ref set", []),
        ([REF], "VDI ref set", [REF]),
        (["1", 2], "int set", [1, 2]),
        ({"a": 1}, "(string -> string) map", {"a": "1"}),
        ({1: "a"}, "(string -> string) map", {"1": "a"}),
        ({REF: REF}, "(VDI ref -> SR ref) map", {REF: REF}),
        ("halted", "enum vm_power_state", "halted"),
        (
            {"name_label": "x", "memory_target": "1024", "affinity": REF, "new": [1]},
            "VM record",
            {"name_label": "x", "memory_target": 1024, "affinity": REF, "new": [1]},
        ),
        ({"x": [1, True]}, "weather", {"x": [1, True]}),
    ],
)
def test_values_are_converted_to_the_type_of_the_parameter(value, type_, converted):
    found = convert(value, type_, "args[0]")
    assert found == converted
    assert type(found) is type(converted)


@pytest.mark.parametrize(
    ("value", "type_", "message"),
    [
        (None, "string", "'args[0]' is null, where string is expected"),
        (True, "string", "'args[0]': True is not a string; put quotes around it"),
        (1.5, "string", "'args[0]': 1.5 is not a string; put quotes"),
        ({"a": 1}, "string", "is not a string"),
        ([1], "string", "is not a string"),
        ("1.5", "int", "'args[0]': '1.5' is not an integer"),
        (1.5, "int", "is not an integer"),
        (True, "int", "is not an integer"),
        ("٣", "int", "is not an integer"),
        (2**63, "int", "does not fit into 64 bits"),
        ("fast", "float", "is not a number"),
        ("nan", "float", "is not a number"),
        (float("inf"), "float", "is not a number"),
        (10**400, "float", "is not a number"),
        (False, "float", "is not a number"),
        (1, "bool", "'args[0]': 1 is neither true nor false"),
        ("yes", "bool", "is neither true nor false"),
        ("0001-01-01T00:00:00+14:00", "datetime", "is not a valid time"),
        ("soon", "datetime", "is not a valid time, such as"),
        ("", "VM ref", "'args[0]': '' is empty; write OpaqueRef:NULL for no VM"),
        ("web-1", "VM ref", "is not a reference of the class VM; write {class: VM, uuid"),
        (UUID, "VM ref", "is not a reference of the class VM"),
        ([REF], "VM ref", "is not a reference"),
        ({"class": "SR", "uuid": UUID}, "VM ref", "'args[0].class': 'SR' is not the class that"),
        ({"class": "VM", "uuid": "x"}, "VM ref", "'args[0].uuid': 'x' is not a valid UUID"),
        ({"class": "VM", "name_label": ""}, "VM ref", "'args[0].name_label': '' is not a name"),
        ({"class": "VM", "name_label": 5}, "VM ref", "'args[0].name_label': 5 is not a name"),
        ({"class": "VM"}, "VM ref", "is not an object; write class and one of uuid"),
        ({**VM, "name_label": "x"}, "VM ref", "is not an object"),
        ({"uuid": UUID}, "VM ref", "is not an object"),
        ({**VM, "x": 1}, "VM ref", "is not an object"),
        (REF, "VDI ref set", "is not a list of VDI ref"),
        ([REF, 5], "VDI ref set", "'args[0][1]': 5 is not a reference of the class VDI"),
        ([], "(string -> string) map", "is not a map of type (string -> string) map"),
        ({"a": None}, "(string -> string) map", "'args[0].a' is null"),
        ({True: "a"}, "(string -> string) map", "put quotes around the key"),
        ("x", "VM record", "is not a record of the class VM"),
        ({"memory_target": "much"}, "VM record", "'args[0].memory_target': 'much' is not an int"),
    ],
)
def test_unfit_value_is_an_error_that_names_its_place(value, type_, message):
    with pytest.raises(OptionError) as refused:
        convert(value, type_, "args[0]")
    assert message in error_message(refused.value)


def test_untyped_values_are_kept_and_objects_found():
    value = {"a": [1, 1.5, True, "x", {"class": "VM", "uuid": UUID}], "class": "VM"}
    found = convert_untyped(value, "args[0]")
    assert found["a"][:4] == [1, 1.5, True, "x"]
    assert found["a"][4] == ObjectArgument("args[0].a[4]", "VM", "uuid", UUID)
    assert found["class"] == "VM"


@pytest.mark.parametrize("value", [None, [None], {"a": None}, float("nan"), {1.5: 1}])
def test_untyped_values_that_have_no_form_are_refused(value):
    with pytest.raises(OptionError):
        convert_untyped(value, "args[0]")


def test_deep_value_is_refused():
    value = []
    for _level in range(50):
        value = [value]
    with pytest.raises(OptionError, match="deeply"):
        convert_untyped(value, "args[0]")


@pytest.mark.parametrize("kind", ["VM.get_all", "V M", "", 5, "VM\n"])
def test_class_of_an_object_is_a_name(kind):
    with pytest.raises(OptionError, match="class"):
        convert_untyped({"class": kind, "uuid": UUID}, "args[0]")


@pytest.mark.parametrize(
    ("result", "type_", "decoded"),
    [
        ("12", "int", 12),
        ("x", "int", "x"),
        ("1.5", "float", 1.5),
        ("nan", "float", "nan"),
        ("x", "float", "x"),
        (["1", "2"], "int set", [1, 2]),
        ("12", "string", "12"),
        (12, "int", 12),
        (None, "int", None),
        ("OpaqueRef:x", "VM ref", "OpaqueRef:x"),
    ],
)
def test_numbers_of_results_are_decoded(result, type_, decoded):
    found = convert_result(result, type_)
    assert found == decoded
    assert type(found) is type(decoded)
