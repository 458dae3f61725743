# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The methods that clients use most: the arguments in a play, and those sent to the server."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._call.options import (
    call_spec,
    parse_call_options,
)
from ansible_collections.xen.xapi.plugins.module_utils._call.values import ObjectArgument
from ansible_collections.xen.xapi.tests.support.samples import NO_REF, REF, UUID

VM = {"class": "VM", "uuid": UUID}
SR = {"class": "SR", "name_label": "Local storage"}


def found(place, kind="VM"):
    return ObjectArgument(place, kind, "uuid", UUID)


STORAGE = ObjectArgument("args[1]", "SR", "name_label", "Local storage")
RECORD = {
    "name_label": "db-2",
    "memory_static_max": "4294967296",
    "VCPUs_max": 2,
    "is_a_template": "false",
    "HVM_shadow_multiplier": 1,
    "affinity": "OpaqueRef:NULL",
    "other_config": {"folder": "/db"},
}
SENT = {**RECORD, "memory_static_max": 2**32, "is_a_template": False, "HVM_shadow_multiplier": 1.0}
DISK = {"name_label": "disk", "SR": {**SR}, "virtual_size": "10", "sharable": False}
ADDED = {
    **DISK,
    "SR": ObjectArgument("args[0].SR", "SR", "name_label", "Local storage"),
    "virtual_size": 10,
}
DEVICE = {"VM": VM, "VDI": REF, "userdevice": 0, "bootable": "True", "mode": "RW"}
PLUGGED = {**DEVICE, "VM": found("args[0].VM"), "userdevice": "0", "bootable": True}
# The method, the arguments in a play, what is sent, and whether it has a task.
CALLS = [
    ("VM.start", [VM, "False", False], [found("args[0]"), False, False], True),
    ("VM.start_on", [VM, REF, False, False], [found("args[0]"), REF, False, False], True),
    ("VM.clean_shutdown", [VM], [found("args[0]")], True),
    ("VM.hard_reboot", [VM], [found("args[0]")], True),
    ("VM.suspend", [VM], [found("args[0]")], True),
    ("VM.snapshot", [VM, "x"], [found("args[0]"), "x"], True),
    ("VM.snapshot", [VM, "x", [REF]], [found("args[0]"), "x", [REF]], True),
    ("VM.checkpoint", [VM, "x"], [found("args[0]"), "x"], True),
    ("VM.revert", [REF], [REF], True),
    ("VM.clone", [VM, 7], [found("args[0]"), "7"], True),
    ("VM.copy", [REF, "x", NO_REF], [REF, "x", NO_REF], True),
    ("VM.provision", [VM], [found("args[0]")], True),
    (
        "VM.pool_migrate",
        [VM, REF, {"live": "true"}],
        [found("args[0]"), REF, {"live": "true"}],
        True,
    ),
    ("VM.create", [RECORD], [SENT], True),
    ("VM.destroy", [VM], [found("args[0]")], True),
    ("VM.set_name_label", [VM, "x"], [found("args[0]"), "x"], False),
    ("VM.set_tags", [VM, ["a", "b"]], [found("args[0]"), ["a", "b"]], False),
    ("VM.add_tags", [VM, "a"], [found("args[0]"), "a"], False),
    ("VM.set_is_a_template", [VM, "false"], [found("args[0]"), False], False),
    ("VM.set_VCPUs_max", [VM, "4"], [found("args[0]"), 4], False),
    (
        "VM.set_memory_limits",
        [VM, 2**30, "1073741824", 2**30, 2**30],
        [found("args[0]"), 2**30, 2**30, 2**30, 2**30],
        True,
    ),
    ("VM.get_allowed_VBD_devices", [VM], [found("args[0]")], False),
    ("VM.set_other_config", [VM, {"a": 1}], [found("args[0]"), {"a": "1"}], False),
    ("VDI.create", [DISK], [ADDED], True),
    ("VDI.resize", [REF, "10737418240"], [REF, 10737418240], True),
    ("VDI.copy", [REF, SR], [REF, STORAGE], True),
    ("VBD.create", [DEVICE], [PLUGGED], True),
    ("VBD.plug", [REF], [REF], True),
    ("SR.scan", [REF], [REF], True),
    ("PBD.plug", [REF], [REF], True),
    ("host.disable", [REF], [REF], True),
    ("host.evacuate", [REF], [REF], True),
    ("host.call_plugin", [REF, "p", "f", {"a": "b"}], [REF, "p", "f", {"a": "b"}], True),
    ("host.get_vms_which_prevent_evacuation", [REF], [REF], False),
    ("pool.sync_updates", [REF, "true"], [REF, True], True),
    ("pool.enable_ha", [[REF], {}], [[REF], {}], True),
    ("task.create", ["x", "y"], ["x", "y"], False),
    ("message.get_since", ["2026-11-23T10:11:12Z"], ["20261123T10:11:12Z"], False),
]


def parse(**given):
    defaults = {name: option.get("default") for name, option in call_spec().items()}
    return parse_call_options({**defaults, **given}, given=given)


@pytest.mark.parametrize(
    ("method", "args", "sent", "has_task"), CALLS, ids=lambda one: str(one)[:40]
)
def test_arguments_of_common_methods_are_converted(method, args, sent, has_task):
    options = parse(method=method, args=args)
    assert list(options.args) == sent
    types = [type(value) for value in options.args]
    assert types == [type(value) for value in sent]
    assert options.is_async is has_task
    assert options.label == (f"Async.{method}" if has_task else method)


@pytest.mark.parametrize(
    ("method", "is_read"),
    [
        ("VM.get_record", True),
        ("VM.assert_can_boot_here", True),
        ("VM.getter", False),
        ("VM.set_name_label", False),
    ],
)
def test_methods_that_read_are_known_by_their_names(method, is_read):
    assert parse(method=method, args=[REF, REF]).is_read is is_read


def test_unknown_method_is_called_with_a_task():
    options = parse(method="weather.rain", args=[VM, 5])
    assert (options.label, options.args) == ("Async.weather.rain", (found("args[0]"), 5))
