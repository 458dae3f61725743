# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scenarios of objects: VMs, devices, storage, the pool, events and roles, run by conformance.py.

The recorded server had no hypervisor, so the answers show the work of its database. Each scenario
makes the objects that it needs and destroys them. Objects that it names appear as <NAME>.
"""

from __future__ import annotations

import functools
import json
import re
import time

MISSING_UUID = "00000000-0000-4000-8000-000000000000"
MISSING_REF = "OpaqueRef:00000000-0000-4000-8000-000000000001"
NULL = "OpaqueRef:NULL"
HEX = re.compile(r"trackid=[0-9a-f]{32}")
MIB = 1024 * 1024


def over(*protocols):
    def wrap(scenario):
        @functools.wraps(scenario)
        def only(run):
            if run.proto in protocols:
                scenario(run)

        return only

    return wrap


def code_of(answer):
    body = answer.get("body")
    if body is None:
        return answer
    if isinstance(body, list):
        return body[1]["ErrorDescription"][1][0][1] if "ErrorDescription" in body[1] else "success"
    error = body.get("error")
    return (error["message"] if isinstance(error, dict) else error[0]) if error else "success"


def value_of(answer):
    body = answer.get("body")
    return body[1]["Value"] if isinstance(body, list) else body["result"]


def untracked(answer):
    return json.loads(HEX.sub("trackid=<hex>", json.dumps(answer)))


def as_a_set(answer):
    """Return a list without its order."""
    if code_of(answer) != "success":
        return untracked(answer)
    value = value_of(answer)
    if value and value[0] == "array":
        value = value[1]
    return sorted(value, key=json.dumps)


def known_names(run, refs):
    return [run.names.get(r, "<another>") for r in refs]


def known_set(run):
    """A set of references, each by its name, in the order of the names."""

    def keep(answer):
        if code_of(answer) != "success":
            return untracked(answer)
        value = value_of(answer)
        return sorted(
            known_names(
                run, value if not value or value[0] != "array" else [v[1] for v in value[1]]
            )
        )

    return keep


def length(answer):
    return untracked(answer) if code_of(answer) != "success" else len(value_of(answer))


def keys(answer):
    return untracked(answer) if code_of(answer) != "success" else sorted(value_of(answer))


def ask(run, name, method, *params, keep=untracked):
    return run.call(name, method, *params, keep=keep)


def known(run, label, ref, uuid=None):
    """Let a reference appear as <label> from here on, and its uuid as <label uuid>."""
    if isinstance(ref, str) and ref.startswith("OpaqueRef:") and ref not in (NULL, MISSING_REF):
        run.names[ref] = f"<{label}>"
        if uuid:
            run.names[uuid] = f"<{label} uuid>"
    return ref


def make(run, s, name, label, method, *params):
    """Make an object and record the answer; return the missing reference if that failed."""
    answer, value = run.raw(method, s, *params)
    if not (isinstance(value, str) and value.startswith("OpaqueRef:")):
        run.record(name, untracked(answer))
        return MISSING_REF
    known(
        run,
        label,
        value,
        run.quiet(method.removeprefix("Async.").split(".")[0] + ".get_uuid", s, value)
        if not method.startswith("Async.")
        else None,
    )
    run.record(name, answer)
    return value


def is_whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def ended(run, s, name, task):
    """Record the end of an asynchronous task."""
    for _attempt in range(100):
        if run.quiet("task.get_status", s, task) != "pending":
            break
        time.sleep(0.05)
    record = run.quiet("task.get_record", s, task) or {}
    run.record(
        name,
        [record.get(k) for k in ("name_label", "status", "progress", "type", "error_info")]
        + [bool(record.get("result"))],
    )
    run.quiet("task.destroy", s, task)
    return record.get("result") or ""


def put(run, s, name, cls, field, ref, value):
    """Set a field; record the answer and the new value of the field."""
    answer = run.raw(f"{cls}.set_{field}", s, ref, value)[0]
    read = run.quiet(f"{cls}.get_{field}", s, ref)
    run.record(
        name,
        [
            code_of(answer) if code_of(answer) == "success" else untracked(answer),
            sorted(read) if field == "tags" and read else read,
        ],
    )


def asynchronous(run, s, name, method, *params):
    answer, value = run.raw("Async." + method, s, *params)
    if isinstance(value, str) and value.startswith("OpaqueRef:"):
        run.record(name, "started")
        return ended(run, s, name + " in the end", value)
    run.record(name, untracked(answer))
    return ""


def place(run, s):
    """The host and the pool, known by these names."""
    host, pool = (
        (run.quiet("host.get_all", s) or [MISSING_REF])[0],
        (run.quiet("pool.get_all", s) or [MISSING_REF])[0],
    )
    known(run, "host", host, run.quiet("host.get_uuid", s, host))
    known(run, "pool", pool, run.quiet("pool.get_uuid", s, pool))
    return host, pool


# All arguments that VM.create insists on, and common ones. Numbers go as texts over XML.
def machine(run, **changes):
    record = {
        "name_label": "scenario",
        "name_description": "made by a scenario",
        "user_version": 1,
        "is_a_template": False,
        "affinity": NULL,
        "memory_static_max": 512 * MIB,
        "memory_dynamic_max": 512 * MIB,
        "memory_dynamic_min": 256 * MIB,
        "memory_static_min": 128 * MIB,
        "VCPUs_params": {},
        "VCPUs_max": 2,
        "VCPUs_at_startup": 1,
        "actions_after_shutdown": "destroy",
        "actions_after_reboot": "restart",
        "actions_after_crash": "restart",
        "PV_bootloader": "",
        "PV_kernel": "",
        "PV_ramdisk": "",
        "PV_args": "",
        "PV_bootloader_args": "",
        "PV_legacy_args": "",
        "HVM_boot_policy": "BIOS order",
        "HVM_boot_params": {"order": "cd"},
        "platform": {"acpi": "1"},
        "PCI_bus": "",
        "other_config": {"k": "v"},
        "recommendations": "",
    }
    record.update(changes)
    record = {k: v for k, v in record.items() if v is not None}
    if run.proto == "xml":
        record = {
            k: str(v) if isinstance(v, int) and not isinstance(v, bool) else v
            for k, v in record.items()
        }
    return record


def number(run, n):
    return str(n) if run.proto == "xml" else n


def new_machine(run, s, label="vm", **changes):
    vm = run.quiet("VM.create", s, machine(run, **changes)) or MISSING_REF
    return known(run, label, vm, run.quiet("VM.get_uuid", s, vm))


def new_network(run, s, label="net"):
    net = (
        run.quiet(
            "network.create",
            s,
            {
                "name_label": "scenario " + label,
                "name_description": "",
                "MTU": number(run, 1500),
                "other_config": {},
                "bridge": "",
                "managed": True,
                "tags": [],
            },
        )
        or MISSING_REF
    )
    return known(run, label, net, run.quiet("network.get_uuid", s, net))


SR_UUID = "5ce7a210-0000-4000-8000-00000000000a"


def new_storage(run, s, label="sr"):
    """Storage of a type that nothing serves, without any PBD."""
    sr = (
        run.quiet("SR.introduce", s, SR_UUID, "scenario storage", "", "scenario", "user", True, {})
        or MISSING_REF
    )
    return known(run, label, sr, SR_UUID)


def gone(run, s, cls, *refs):
    """Destroy the rest of these, with the messages about them."""
    for ref in refs:
        if ref and ref != MISSING_REF:
            uuid = run.quiet(cls + ".get_uuid", s, ref)
            run.quiet(cls + (".forget" if cls == "SR" else ".destroy"), s, ref)
            found = run.quiet("message.get_all_records", s) or {}
            for message, record in found.items():
                if uuid and record["obj_uuid"] == uuid:
                    run.quiet("message.destroy", s, message)


def disk(vm, **changes):
    return {
        "VM": vm,
        "VDI": NULL,
        "userdevice": "3",
        "bootable": False,
        "mode": "RO",
        "type": "CD",
        "empty": True,
        "other_config": {},
        "qos_algorithm_type": "",
        "qos_algorithm_params": {},
        **changes,
    }


def interface(run, vm, net, **changes):
    record = {
        "device": "0",
        "network": net,
        "VM": vm,
        "MAC": "aa:bb:cc:00:00:01",
        "MTU": number(run, 1500),
        "other_config": {},
        "qos_algorithm_type": "",
        "qos_algorithm_params": {},
    }
    record.update(changes)
    return {k: v for k, v in record.items() if v is not None}


def without(record, *names):
    return {k: v for k, v in record.items() if k not in names}


@over("json2", "xml")
def a_new_machine(run):
    s = run.login()
    vm = make(run, s, "create", "vm", "VM.create", machine(run))
    ask(
        run,
        "fields of the record",
        "VM.get_record",
        s,
        vm,
        keep=keys if run.proto == "json2" else code_of,
    )
    short = (
        "user_version",
        "is_a_template",
        "domid",
        "memory_static_max",
        "VCPUs_max",
        "other_config",
        "HVM_shadow_multiplier",
        "snapshot_time",
        "tags",
        "generation_id",
        "start_delay",
    )
    for field in (
        short
        if run.proto == "xml"
        else (
            "name_label",
            "name_description",
            "power_state",
            "user_version",
            "is_a_template",
            "is_default_template",
            "is_control_domain",
            "is_a_snapshot",
            "resident_on",
            "affinity",
            "suspend_VDI",
            "domid",
            "domarch",
            "memory_overhead",
            "memory_target",
            "memory_static_max",
            "memory_static_min",
            "memory_dynamic_max",
            "memory_dynamic_min",
            "VCPUs_max",
            "VCPUs_at_startup",
            "VCPUs_params",
            "other_config",
            "platform",
            "HVM_boot_policy",
            "HVM_boot_params",
            "HVM_shadow_multiplier",
            "actions_after_softreboot",
            "actions_after_crash",
            "consoles",
            "VIFs",
            "VBDs",
            "VTPMs",
            "VGPUs",
            "blobs",
            "tags",
            "blocked_operations",
            "snapshot_of",
            "snapshots",
            "snapshot_time",
            "snapshot_info",
            "snapshot_metadata",
            "transportable_snapshot_id",
            "parent",
            "children",
            "guest_metrics",
            "last_booted_record",
            "bios_strings",
            "ha_always_run",
            "ha_restart_priority",
            "start_delay",
            "order",
            "appliance",
            "hardware_platform_version",
            "has_vendor_device",
            "requires_reboot",
            "reference_label",
            "domain_type",
            "NVRAM",
            "generation_id",
            "version",
            "protection_policy",
            "pending_guidances",
            "groups",
            "current_operations",
        )
    ):
        ask(run, field, "VM.get_" + field, s, vm)
    ask(run, "allowed operations", "VM.get_allowed_operations", s, vm, keep=as_a_set)
    ask(run, "by name", "VM.get_by_name_label", s, "scenario")
    ask(run, "by uuid", "VM.get_by_uuid", s, run.quiet("VM.get_uuid", s, vm) or MISSING_UUID)
    metrics = run.quiet("VM.get_metrics", s, vm) or MISSING_REF
    known(run, "metrics", metrics)
    ask(
        run,
        "metrics",
        "VM_metrics.get_record",
        s,
        metrics,
        keep=keys if run.proto == "json2" else code_of,
    )
    ask(run, "start time", "VM_metrics.get_start_time", s, metrics)
    ask(run, "destroy", "VM.destroy", s, vm)
    ask(run, "metrics when gone", "VM_metrics.get_uuid", s, metrics)
    ask(run, "record when gone", "VM.get_record", s, vm)
    ask(run, "destroy again", "VM.destroy", s, vm)


@over("json2")
def templates_and_snapshots(run):
    s = run.login()
    vm = new_machine(run, s)
    ask(run, "make it a template", "VM.set_is_a_template", s, vm, True)
    ask(run, "operations of a template", "VM.get_allowed_operations", s, vm, keep=as_a_set)
    ask(run, "again", "VM.set_is_a_template", s, vm, True)
    ask(run, "start of a template", "VM.start", s, vm, False, False)
    ask(run, "suspend of a template", "VM.suspend", s, vm)
    ask(run, "hard shutdown of a template", "VM.hard_shutdown", s, vm)
    ask(run, "reboot of a template", "VM.clean_reboot", s, vm)
    ask(run, "snapshot of a template", "VM.snapshot", s, vm, "scenario snapshot")
    copy = make(run, s, "clone of a template", "copy", "VM.clone", vm, "scenario copy")
    ask(run, "the clone is a template", "VM.get_is_a_template", s, copy)
    ask(run, "other_config of the clone", "VM.get_other_config", s, copy)
    ask(run, "provision", "VM.provision", s, copy)
    ask(run, "a template after provision", "VM.get_is_a_template", s, copy)
    ask(run, "operations after provision", "VM.get_allowed_operations", s, copy, keep=as_a_set)
    ask(run, "no template any more", "VM.set_is_a_template", s, vm, False)
    ask(run, "operations", "VM.get_allowed_operations", s, vm, keep=as_a_set)
    ask(run, "default template", "VM.set_is_default_template", s, vm, True)
    snapshot = make(run, s, "snapshot", "snapshot", "VM.snapshot", vm, "scenario snapshot")
    ask(run, "operations of a snapshot", "VM.get_allowed_operations", s, snapshot, keep=as_a_set)
    ask(run, "a snapshot as no template", "VM.set_is_a_template", s, snapshot, False)
    ask(run, "start of a snapshot", "VM.start", s, snapshot, False, False)
    ask(run, "snapshot of a snapshot", "VM.snapshot", s, snapshot, "x")
    ask(run, "provision of a snapshot", "VM.provision", s, snapshot)
    ask(run, "name of a snapshot", "VM.set_name_label", s, snapshot, "renamed")
    ask(run, "memory of a snapshot", "VM.set_memory_static_max", s, snapshot, 1024 * MIB)
    ask(run, "processors of a snapshot", "VM.set_VCPUs_max", s, snapshot, 4)
    for op in ("start", "clone", "revert", "snapshot", "destroy", "suspend", "nosuch"):
        ask(run, op + " valid for the machine", "VM.assert_operation_valid", s, vm, op)
        ask(run, op + " valid for the snapshot", "VM.assert_operation_valid", s, snapshot, op)
    gone(run, s, "VM", snapshot, copy, vm)


@over("json2", "xml")
def labels_of_a_machine(run):
    s = run.login()
    vm = new_machine(run, s)
    for name, field, *values in (
        ("label", "name_label", "renamed", "", "<&>\"' \u00e9\U0001f600", 7, ["a"]),
        ("description", "name_description", "x", True),
        ("tags", "tags", ["b", "a", "b"], [], "a", [1], {}),
        ("map", "other_config", {"b": "1", "a": ""}, {}, [], "x", {"k": 1}, {"": "empty"}),
        ("xenstore", "xenstore_data", {"vm-data/x": "1"}),
        (
            "platform",
            "platform",
            {"viridian": "true"},
            {"timeoffset": "now"},
            {"cores-per-socket": "3"},
        ),
        ("user version", "user_version", "2", -1),
        ("affinity", "affinity", MISSING_REF, NULL, "garbage"),
        ("crash", "actions_after_crash", "preserve", "nosuch"),
        ("shutdown", "actions_after_shutdown", "restart", "Destroy"),
        ("boot policy", "HVM_boot_policy", "", "x"),
        ("boot order", "HVM_boot_params", {"order": "n"}),
        ("domain type", "domain_type", "pv", "hvm", "nosuch"),
        ("vendor device", "has_vendor_device", True, False),
        ("start delay", "start_delay", number(run, 5), number(run, -5)),
        ("order", "order", number(run, 3)),
        ("blocked", "blocked_operations", {"start": "X"}, {"nosuch": "X"}, {}),
        ("suspend SR", "suspend_SR", MISSING_REF, NULL),
        ("bios", "bios_strings", {"bios-vendor": "x"}, {"nosuch": "x"}),
        ("NVRAM", "NVRAM", {"EFI-variables": "eA=="}),
        ("hardware version", "hardware_platform_version", number(run, 2)),
        ("HA priority", "ha_restart_priority", "restart", "best-effort", "nosuch", ""),
        ("HA always", "ha_always_run", True, False),
        ("appliance", "appliance", NULL, MISSING_REF),
        ("groups", "groups", [], [MISSING_REF]),
    ):
        for n, value in enumerate(values):
            put(run, s, f"{name} {n}", "VM", field, vm, value)
    ask(run, "add a tag", "VM.add_tags", s, vm, "t")
    ask(run, "add it again", "VM.add_tags", s, vm, "t")
    ask(run, "tags", "VM.get_tags", s, vm)
    ask(run, "remove a tag", "VM.remove_tags", s, vm, "t")
    ask(run, "remove it again", "VM.remove_tags", s, vm, "t")
    ask(run, "add a key", "VM.add_to_other_config", s, vm, "k", "v")
    ask(run, "add it twice", "VM.add_to_other_config", s, vm, "k", "v")
    ask(run, "add it with another value", "VM.add_to_other_config", s, vm, "k", "w")
    ask(run, "add a number", "VM.add_to_other_config", s, vm, "n", 1)
    ask(run, "add without a value", "VM.add_to_other_config", s, vm, "k2")
    ask(run, "remove a key", "VM.remove_from_other_config", s, vm, "k")
    ask(run, "remove it twice", "VM.remove_from_other_config", s, vm, "k")
    ask(run, "add to the blocked", "VM.add_to_blocked_operations", s, vm, "destroy", "NO")
    ask(run, "add it to the blocked again", "VM.add_to_blocked_operations", s, vm, "destroy", "NO")
    ask(run, "allowed when blocked", "VM.get_allowed_operations", s, vm, keep=as_a_set)
    ask(run, "destroy when blocked", "VM.destroy", s, vm)
    ask(run, "no longer blocked", "VM.remove_from_blocked_operations", s, vm, "destroy")
    ask(run, "a missing machine", "VM.set_name_label", s, MISSING_REF, "x")
    ask(run, "the null machine", "VM.set_name_label", s, NULL, "x")
    ask(
        run, "by uuid", "VM.set_name_label", s, run.quiet("VM.get_uuid", s, vm) or MISSING_UUID, "x"
    )
    gone(run, s, "VM", vm)


@over("json2")
def interfaces_of_a_machine(run):
    s = run.login()
    vm, net = new_machine(run, s), new_network(run, s)
    vif = make(run, s, "create", "vif", "VIF.create", interface(run, vm, net))
    for field in (
        "device",
        "network",
        "VM",
        "MAC",
        "MAC_autogenerated",
        "MTU",
        "currently_attached",
        "status_code",
        "locking_mode",
        "ipv4_allowed",
        "ipv4_configuration_mode",
        "ipv4_addresses",
        "ipv6_gateway",
        "qos_algorithm_params",
        "other_config",
        "current_operations",
    ):
        ask(run, field, "VIF.get_" + field, s, vif)
    ask(run, "fields of the record", "VIF.get_record", s, vif, keep=keys)
    ask(run, "allowed operations", "VIF.get_allowed_operations", s, vif, keep=as_a_set)
    ask(run, "interfaces of the machine", "VM.get_VIFs", s, vm)
    ask(run, "interfaces of the network", "network.get_VIFs", s, net)
    ask(run, "devices left", "VM.get_allowed_VIF_devices", s, vm)
    for name, changes in (
        ("same device", {"MAC": "aa:bb:cc:00:00:02"}),
        ("same address", {"device": "1"}),
        ("capitals", {"device": "1", "MAC": "AA:BB:CC:00:00:03"}),
        ("random address", {"device": "1", "MAC": ""}),
        ("word for an address", {"device": "1", "MAC": "nosuch"}),
        ("short address", {"device": "1", "MAC": "aa:bb:cc:00:00"}),
        ("dashes", {"device": "1", "MAC": "aa-bb-cc-00-00-04"}),
        ("group address", {"device": "1", "MAC": "01:bb:cc:00:00:05"}),
        ("device too high", {"device": "99", "MAC": ""}),
        ("word for a device", {"device": "eth0", "MAC": ""}),
        ("empty device", {"device": "", "MAC": ""}),
        ("negative device", {"device": "-1", "MAC": ""}),
        ("automatic device", {"device": "autodetect", "MAC": ""}),
        ("number for a device", {"device": 1}),
        ("missing network", {"device": "1", "network": MISSING_REF, "MAC": ""}),
        ("null network", {"device": "1", "network": NULL, "MAC": ""}),
        ("missing machine", {"VM": MISSING_REF, "MAC": ""}),
        ("no address", {"device": "1", "MAC": None}),
        ("no MTU", {"device": "1", "MAC": "", "MTU": None}),
        ("odd MTU", {"device": "1", "MAC": "", "MTU": -1}),
        ("text MTU", {"device": "1", "MAC": "", "MTU": "1500"}),
        (
            "locking",
            {"device": "1", "MAC": "", "locking_mode": "locked", "ipv4_allowed": ["10.0.0.1"]},
        ),
        ("unknown locking", {"device": "1", "MAC": "", "locking_mode": "x"}),
        ("wrong address allowed", {"device": "1", "MAC": "", "ipv4_allowed": ["nosuch"]}),
        ("no map", {"device": "1", "MAC": "", "other_config": None}),
        (
            "no parameters",
            {"device": "1", "MAC": "", "qos_algorithm_type": None, "qos_algorithm_params": None},
        ),
    ):
        answer, value = run.raw("VIF.create", s, interface(run, vm, net, **changes))
        run.record(
            "create: " + name,
            [
                run.quiet("VIF.get_" + f, s, value)
                for f in ("device", "MTU", "MAC_autogenerated", "locking_mode", "ipv4_allowed")
            ]
            + [run.quiet("VIF.get_MAC", s, value) if changes.get("MAC") else ""]
            if value
            else untracked(answer),
        )
        gone(run, s, "VIF", value)
    for method, *params in (
        ("plug",),
        ("unplug",),
        ("unplug_force",),
        ("move", net),
        ("move", MISSING_REF),
        ("set_locking_mode", "disabled"),
        ("set_locking_mode", "x"),
        ("set_ipv4_allowed", ["10.0.0.1"]),
        ("set_ipv4_allowed", ["x"]),
        ("add_ipv4_allowed", "10.0.0.2"),
        ("add_ipv6_allowed", "fe80::1"),
        ("add_ipv6_allowed", "x"),
        ("remove_ipv4_allowed", "10.0.0.9"),
        ("configure_ipv4", "Static", "10.0.0.1/24", ""),
        ("configure_ipv4", "Static"),
        ("configure_ipv4", "x"),
        ("configure_ipv4", "None"),
        ("set_MTU", number(run, 9000)),
        ("set_MAC", "aa:bb:cc:00:00:09"),
        ("set_device", "4"),
    ):
        ask(
            run,
            " ".join(map(str, (method, *params)))
            .replace(MISSING_REF, "missing")
            .replace(net, "net"),
            "VIF." + method,
            s,
            vif,
            *params,
        )
    put(run, s, "map", "VIF", "other_config", vif, {"ethtool-tx": "off"})
    put(run, s, "shaping", "VIF", "qos_algorithm_type", vif, "ratelimit")
    for method in ("plug", "destroy", "get_record"):
        ask(run, method + " of a missing one", "VIF." + method, s, MISSING_REF)
    ask(run, "destroy of the network in use", "network.destroy", s, net)
    asynchronous(run, s, "plug asynchronously", "VIF.plug", vif)
    asynchronous(run, s, "destroy asynchronously", "VIF.destroy", vif)
    clone = run.quiet("VM.clone", s, vm, "scenario clone") or MISSING_REF
    copied = run.quiet("VM.get_VIFs", s, clone) or []
    run.record(
        "interface of a clone",
        [
            [run.quiet("VIF.get_" + f, s, v) for f in ("device", "network", "MAC_autogenerated")]
            + [run.quiet("VIF.get_MAC", s, v) == "aa:bb:cc:00:00:01"]
            for v in copied
        ],
    )
    ask(run, "destroy", "VIF.destroy", s, vif)
    ask(run, "destroy again", "VIF.destroy", s, vif)
    gone(run, s, "VM", clone, vm)
    gone(run, s, "network", net)


@over("json2")
def storage(run):
    s = run.login()
    host, _network = place(run, s)
    sr = make(
        run,
        s,
        "introduce",
        "sr",
        "SR.introduce",
        SR_UUID,
        "scenario storage",
        "d",
        "scenario",
        "user",
        True,
        {"a": "b"},
    )
    for field in (
        "name_label",
        "name_description",
        "VDIs",
        "PBDs",
        "virtual_allocation",
        "physical_utilisation",
        "physical_size",
        "type",
        "content_type",
        "shared",
        "other_config",
        "tags",
        "sm_config",
        "blobs",
        "local_cache_enabled",
        "introduced_by",
        "clustered",
        "is_tools_sr",
        "current_operations",
    ):
        ask(run, field, "SR.get_" + field, s, sr)
    ask(run, "fields of the record", "SR.get_record", s, sr, keep=keys)
    ask(run, "allowed operations", "SR.get_allowed_operations", s, sr, keep=as_a_set)
    ask(run, "same uuid", "SR.introduce", s, SR_UUID, "x", "", "scenario", "user", False, {})
    ask(
        run,
        "number for shared",
        "SR.introduce",
        s,
        MISSING_UUID,
        "x",
        "",
        "scenario",
        "user",
        1,
        {},
    )
    ask(run, "too few", "SR.introduce", s, MISSING_UUID, "x", "")
    pbd = make(
        run,
        s,
        "create a connection",
        "pbd",
        "PBD.create",
        {"host": host, "SR": sr, "device_config": {"a": "b"}, "other_config": {}},
    )
    ask(run, "connection", "PBD.get_record", s, pbd)
    ask(run, "connections of the storage", "SR.get_PBDs", s, sr)
    ask(
        run,
        "connection of the host",
        "host.get_PBDs",
        s,
        host,
        keep=lambda a: pbd in value_of(a) if code_of(a) == "success" else untracked(a),
    )
    for name, record in (
        ("a second connection", {"host": host, "SR": sr, "device_config": {}}),
        ("missing host", {"host": MISSING_REF, "SR": sr, "device_config": {}}),
        ("missing storage", {"host": host, "SR": MISSING_REF, "device_config": {}}),
        ("no device_config", {"host": host, "SR": sr}),
        ("no host", {"SR": sr, "device_config": {}}),
        ("text for the config", {"host": host, "SR": sr, "device_config": "x"}),
    ):
        answer, value = run.raw("PBD.create", s, record)
        run.record(name, "made" if value else untracked(answer))
        gone(run, s, "PBD", value)
    ask(run, "unplug", "PBD.unplug", s, pbd)
    put(run, s, "device_config", "PBD", "device_config", pbd, {"c": "d"})
    put(run, s, "map of the connection", "PBD", "other_config", pbd, {"k": "v"})
    ask(run, "plug of a missing one", "PBD.plug", s, MISSING_REF)
    ask(run, "unplug of a missing one", "PBD.unplug", s, MISSING_REF)
    for field, value in (
        ("name_label", "x"),
        ("name_description", "x"),
        ("shared", False),
        ("shared", True),
        ("tags", ["a"]),
        ("other_config", {"k": "v"}),
        ("sm_config", {}),
        ("physical_size", 5),
        ("virtual_allocation", 5),
        ("type", "nfs"),
        ("other_config", []),
    ):
        put(run, s, f"set {field} {value}", "SR", field, sr, value)
    ask(run, "scan", "SR.scan", s, sr)
    ask(run, "update", "SR.update", s, sr)
    ask(run, "supports replication", "SR.assert_supports_database_replication", s, sr)
    ask(run, "holds a statefile", "SR.assert_can_host_ha_statefile", s, sr)
    ask(run, "by name", "SR.get_by_name_label", s, "scenario storage")
    ask(run, "destroy of the connection", "PBD.destroy", s, pbd)
    ask(run, "destroy of the connection again", "PBD.destroy", s, pbd)
    ask(run, "connections in the end", "SR.get_PBDs", s, sr)
    ask(run, "forget", "SR.forget", s, sr)
    ask(run, "forget again", "SR.forget", s, sr)
    task = asynchronous(
        run,
        s,
        "introduce asynchronously",
        "SR.introduce",
        SR_UUID,
        "x",
        "",
        "scenario",
        "user",
        True,
        {},
    )
    again = re.sub(r"</?value>", "", task)
    asynchronous(run, s, "forget asynchronously", "SR.forget", again or MISSING_REF)
    for method, *params in (
        ("scan",),
        ("destroy",),
        ("forget",),
        ("get_record",),
        ("set_name_label", "x"),
        ("set_shared", True),
        ("update",),
    ):
        ask(run, method + " of a missing one", "SR." + method, s, MISSING_REF, *params)
    ask(run, "create with too few", "SR.create", s, host, {}, 0)
    ask(
        run,
        "create with text for a size",
        "SR.create",
        s,
        host,
        {},
        "much",
        "n",
        "d",
        "nosuch",
        "user",
        True,
        {},
    )
    gone(run, s, "SR", sr, again if again.startswith("OpaqueRef:") else "")


@over("json2")
def the_pool(run):
    s = run.login()
    host, pool = place(run, s)
    fields = (
        "name_label",
        "name_description",
        "tags",
        "other_config",
        "default_SR",
        "suspend_image_SR",
        "crash_dump_SR",
        "gui_config",
        "wlb_verify_cert",
        "wlb_enabled",
        "migration_compression",
        "coordinator_bias",
    )
    before = {f: run.quiet("pool.get_" + f, s, pool) for f in fields}
    sr = new_storage(run, s)
    for field, value in (
        ("name_label", "scenario pool"),
        ("name_label", ""),
        ("name_label", 7),
        ("name_description", "x"),
        ("tags", ["b", "a"]),
        ("other_config", {"k": "v"}),
        ("other_config", "x"),
        ("default_SR", sr),
        ("default_SR", MISSING_REF),
        ("default_SR", "garbage"),
        ("default_SR", NULL),
        ("suspend_image_SR", sr),
        ("crash_dump_SR", MISSING_REF),
        ("crash_dump_SR", NULL),
        ("gui_config", {"a": "b"}),
        ("wlb_verify_cert", True),
        ("wlb_enabled", True),
        ("migration_compression", True),
        ("migration_compression", "yes"),
        ("coordinator_bias", False),
        ("ha_enabled", True),
        ("master", MISSING_REF),
        ("igmp_snooping_enabled", "x"),
        ("uuid", "x"),
        ("telemetry_next_collection", "x"),
        ("ext_auth_cache_size", -1),
        ("update_sync_enabled", True),
        ("local_auth_max_threads", 0),
        ("local_auth_max_threads", "x"),
    ):
        put(
            run,
            s,
            f"set {field} {value}".replace(MISSING_REF, "missing")
            .replace(NULL, "null")
            .replace(sr, "sr"),
            "pool",
            field,
            pool,
            value,
        )
    ask(run, "forget the default storage", "SR.forget", s, sr)
    ask(run, "storage of the pool then", "pool.get_suspend_image_SR", s, pool)
    for method, *params in (
        ("add_tags", "t"),
        ("remove_tags", "t"),
        ("add_to_other_config", "k2", "v"),
        ("add_to_other_config", "k", "w"),
        ("remove_from_other_config", "k"),
        ("add_to_gui_config", "k", "v"),
        ("add_to_guest_agent_config", "k", "v"),
        ("remove_from_guest_agent_config", "k"),
        ("has_extension", "nosuch"),
        ("test_archive_target", {}),
        ("set_repositories", [MISSING_REF]),
        ("create_new_blob", "x"),
    ):
        ask(
            run,
            " ".join(map(str, (method, *params))).replace(MISSING_REF, "missing"),
            "pool." + method,
            s,
            pool,
            *params,
        )
    for field, value in before.items():
        run.quiet("pool.set_" + field, s, pool, value)
    for field in (
        "master",
        "ha_enabled",
        "ha_configuration",
        "ha_statefiles",
        "ha_allow_overcommit",
        "wlb_url",
        "wlb_username",
        "redo_log_enabled",
        "redo_log_vdi",
        "blobs",
        "metadata_VDIs",
        "ha_cluster_stack",
        "live_patching_disabled",
        "policy_no_vendor_device",
        "igmp_snooping_enabled",
        "client_certificate_auth_enabled",
        "repositories",
        "update_sync_frequency",
        "is_psr_pending",
        "local_auth_max_threads",
        "ext_auth_cache_enabled",
        "current_operations",
    ):
        ask(run, field, "pool.get_" + field, s, pool)
    ask(run, "fields of the record", "pool.get_record", s, pool, keep=keys)
    for name, method, *params in (
        ("a plan", "ha_failover_plan_exists", 0),
        ("a plan of less", "ha_failover_plan_exists", "x"),
        ("disable HA", "disable_ha"),
        ("enable HA", "enable_ha", [], {}),
        ("enable HA with missing storage", "enable_ha", [MISSING_REF], {}),
        ("eject of the only one", "eject", host),
        ("eject of a missing one", "eject", MISSING_REF),
        ("another master", "designate_new_master", MISSING_REF),
        ("the same master", "designate_new_master", host),
        ("join with less", "join", "x"),
        ("WLB", "retrieve_wlb_configuration"),
        ("WLB recommendations", "retrieve_wlb_recommendations"),
        ("VLAN", "create_VLAN", "eth0", MISSING_REF, 5),
        ("VLAN of a missing PIF", "create_VLAN_from_PIF", MISSING_REF, MISSING_REF, 5),
    ):
        ask(run, name, "pool." + method, s, *params)
    ask(run, "all", "pool.get_all", s)
    ask(run, "by name", "pool.get_by_name_label", s, "x")
    asynchronous(run, s, "disable HA asynchronously", "pool.disable_ha")
    asynchronous(run, s, "name asynchronously", "pool.set_name_label", pool, "x")


def lookups(run, *classes):
    s = run.login()
    for cls in classes:
        ask(run, cls + " all", f"{cls}.get_all", s, keep=code_of)
        ask(run, cls + " all records", f"{cls}.get_all_records", s, keep=code_of)
        ask(
            run,
            cls + " where",
            f"{cls}.get_all_records_where",
            s,
            "false",
            keep=lambda a: (
                untracked(a) if code_of(a) != "success" else "none" if not value_of(a) else "some"
            ),
        )
        ask(run, cls + " record of a missing one", f"{cls}.get_record", s, MISSING_REF)
        ask(run, cls + " by missing uuid", f"{cls}.get_by_uuid", s, MISSING_UUID)
        ask(run, cls + " by no uuid", f"{cls}.get_by_uuid", s, "garbage")
        ask(run, cls + " by name", f"{cls}.get_by_name_label", s, "nothing of that name")
        ask(run, cls + " unknown field", f"{cls}.get_nosuch", s, MISSING_REF)
        ask(run, cls + " asynchronous getter", f"Async.{cls}.get_record", s, MISSING_REF)


@over("json2")
def lookups_of_parts(run):
    lookups(run, "VBD", "VIF", "PIF", "console", "VM_metrics", "subject", "PBD")


def changes_of(answer, run, *fields):
    """Return the events about known objects in their order, with some fields of the record."""
    if code_of(answer) != "success":
        return untracked(answer)
    kept = []
    for e in value_of(answer)["events"]:
        if e["ref"] in run.names:
            snapshot = e.get("snapshot")
            kept.append(
                [
                    e["class"],
                    e["operation"],
                    e["ref"],
                    sorted(e),
                    None if snapshot is None else {f: snapshot[f] for f in fields if f in snapshot},
                ]
            )
    return kept


@over("json2")
def events_of_one_class(run):
    s = run.login()
    fields = (
        "name_label",
        "tags",
        "other_config",
        "is_a_template",
        "power_state",
        "VIFs",
        "VBDs",
        "snapshots",
    )

    def keep(answer):
        return changes_of(answer, run, *fields)

    def since(*classes):
        answer = run.quiet("event.from", s, list(classes), "", 2.0)
        return (answer or {"token": ""})["token"]

    token = since("vm")
    vm = new_machine(run, s)
    answer, value = run.raw("event.from", s, ["vm"], token, 2.0)
    run.record("made", keep(answer))
    token = (value or {"token": ""})["token"]
    for name, method, *params in (
        ("renamed", "VM.set_name_label", "renamed"),
        ("tag", "VM.add_tags", "a"),
        ("tag again", "VM.add_tags", "a"),
        ("map", "VM.add_to_other_config", "x", "y"),
        ("same name", "VM.set_name_label", "renamed"),
        ("template", "VM.set_is_a_template", True),
        ("no template", "VM.set_is_a_template", False),
        ("refused", "VM.set_VCPUs_max", 0),
    ):
        run.quiet(method, s, vm, *params)
        answer, value = run.raw("event.from", s, ["VM"], token, 0.6)
        run.record(name, keep(answer))
        token = (value or {"token": token})["token"]
    run.quiet("VM.set_name_label", s, vm, "first")
    run.quiet("VM.set_name_description", s, vm, "second")
    ask(run, "two changes", "event.from", s, ["vm/" + vm], token, 2.0, keep=keep)
    ask(run, "of the reference without a token", "event.from", s, ["vm/" + vm], "", 2.0, keep=keep)
    ask(run, "of the reference in capitals", "event.from", s, ["VM/" + vm], token, 2.0, keep=keep)
    ask(run, "of another class", "event.from", s, ["network"], token, 0.3, keep=keep)
    ask(run, "of an unknown class", "event.from", s, ["nosuch"], token, 0.3, keep=keep)
    token = since("network")
    net = new_network(run, s)
    ask(run, "network made", "event.from", s, ["network"], token, 2.0, keep=keep)
    token = since("vif", "vm", "network")
    vif = known(run, "vif", run.quiet("VIF.create", s, interface(run, vm, net)) or MISSING_REF)
    ask(run, "interface made", "event.from", s, ["vif", "vm", "network"], token, 2.0, keep=keep)
    token = since("vif", "vm", "network")
    run.quiet("VIF.destroy", s, vif)
    ask(run, "interface gone", "event.from", s, ["vif", "vm", "network"], token, 2.0, keep=keep)
    token = since("vm")
    gone(run, s, "VM", vm)
    ask(run, "machine gone", "event.from", s, ["vm"], token, 2.0, keep=keep)
    ask(run, "machine gone, by reference", "event.from", s, ["vm/" + vm], token, 2.0, keep=keep)
    token = since("network")
    gone(run, s, "network", net)
    ask(run, "network gone", "event.from", s, ["network"], token, 2.0, keep=keep)


def wrong_arguments(run, *messages):
    """Send each message with too few, too many and wrong arguments, and asynchronously."""
    s = run.login()
    for method, *params in messages:
        ask(run, method + " with nothing", method, s)
        ask(run, method + " with one too many", method, s, MISSING_REF, *params, "x")
        ask(run, method + " of a number", method, s, 7, *params)
        ask(run, method + " of an empty text", method, s, "", *params)
        ask(run, method + " of a session", method, s, s, *params, keep=code_of)
        ask(run, method + " with a wrong session", method, MISSING_REF, MISSING_REF, *params)
        for wrong in [7, "x", None] if params else []:
            if wrong is None:
                wrong = {"a": "b"}
            ask(
                run,
                f"{method} with {json.dumps(wrong)} at the end",
                method,
                s,
                MISSING_REF,
                *params[:-1],
                wrong,
            )
        asynchronous(run, s, method + " asynchronously", method, MISSING_REF, *params)


@over("json2")
def wrong_arguments_of_machines(run):
    wrong_arguments(
        run,
        ("VM.set_tags", ["a"]),
        ("VM.set_is_a_template", True),
        ("VM.set_VCPUs_max", 1),
        ("VM.destroy",),
        ("VM.set_memory_dynamic_range", 1, 2),
    )


def objects_of_a_role(role):
    def scenario(run):
        if run.proto != "json2":
            return
        root, s = run.login(), run.role(role)
        known(run, "session", s)
        host, pool = place(run, root)
        vm, net, sr = new_machine(run, root), new_network(run, root), new_storage(run, root)
        for method, *params in (
            ("VM.get_record", vm),
            ("VM.get_all",),
            ("VM.get_allowed_VBD_devices", vm),
            ("VM.assert_operation_valid", vm, "start"),
            ("VM.set_name_label", vm, "x"),
            ("VM.set_tags", vm, ["a"]),
            ("VM.add_tags", vm, "b"),
            ("VM.add_to_other_config", vm, "x", "y"),
            ("VM.remove_from_other_config", vm, "x"),
            ("VM.add_to_other_config", vm, "pci", "x"),
            ("VM.set_is_a_template", vm, False),
            ("VM.set_memory_limits", vm, 128 * MIB, 512 * MIB, 256 * MIB, 512 * MIB),
            ("VM.set_VCPUs_max", vm, 2),
            ("VM.set_affinity", vm, NULL),
            ("VM.set_order", vm, 1),
            ("VM.set_ha_restart_priority", vm, ""),
            ("VM.revert", MISSING_REF),
            ("VM.provision", vm),
            ("VM.checkpoint", MISSING_REF, "x"),
            ("VM.snapshot", MISSING_REF, "x"),
            ("VM.copy", MISSING_REF, "x", NULL),
            ("VBD.create", {}),
            ("VBD.eject", MISSING_REF),
            ("VBD.plug", MISSING_REF),
            ("VBD.destroy", MISSING_REF),
            ("VIF.create", {}),
            ("VIF.destroy", MISSING_REF),
            ("VDI.create", {}),
            ("VDI.introduce", "x"),
            ("VDI.set_name_label", MISSING_REF, "x"),
            ("VDI.forget", MISSING_REF),
            ("SR.introduce", MISSING_UUID, "x", "", "scenario", "user", True, {}),
            ("SR.set_name_label", sr, "x"),
            ("SR.add_tags", sr, "x"),
            ("SR.set_other_config", sr, {}),
            ("SR.get_record", sr),
            ("PBD.create", {}),
            ("PBD.plug", MISSING_REF),
            ("network.create", {}),
            ("network.set_name_label", net, "x"),
            ("network.add_tags", net, "x"),
            ("network.set_other_config", net, {}),
            ("network.destroy", MISSING_REF),
            ("host.enable", MISSING_REF),
            ("host.set_name_label", host, "x"),
            ("host.add_to_other_config", host, "x", "y"),
            ("host.add_to_other_config", host, "folder", "y"),
            ("host.remove_from_other_config", host, "folder"),
            ("host.add_tags", host, "x"),
            ("host.remove_tags", host, "x"),
            ("host.get_vms_which_prevent_evacuation", MISSING_REF),
            ("pool.set_name_label", pool, "x"),
            ("pool.set_default_SR", pool, NULL),
            ("pool.add_to_other_config", pool, "folder", "x"),
            ("pool.remove_from_other_config", pool, "folder"),
            ("pool.add_to_gui_config", pool, "scenario", "x"),
            ("pool.remove_from_gui_config", pool, "scenario"),
            ("pool.get_all_records",),
            ("message.create", "X", 1, "VM", MISSING_UUID, ""),
            ("message.destroy", MISSING_REF),
            ("message.get_all",),
            ("role.get_all",),
            ("subject.get_all",),
            ("subject.create", {}),
            ("user.get_record", MISSING_REF),
            ("console.get_all",),
            ("VLAN.create", MISSING_REF, 1, MISSING_REF),
            ("PIF.plug", MISSING_REF),
        ):

            def keep(answer):
                code = code_of(answer)
                return (
                    untracked(answer)["body"]["error"] if code == "RBAC_PERMISSION_DENIED" else code
                )

            shown = method + "".join(f" {p}" for p in params[1:2] if p in ("pci", "folder", "x"))
            run.call(shown, method, s, *params, keep=keep)
        answer, made = run.raw("VM.create", s, machine(run))
        run.record("VM.create", code_of(answer))
        run.call("destroy of root's", "VM.destroy", s, vm, keep=code_of)
        gone(run, root, "VM", made, vm)
        gone(run, root, "network", net)
        gone(run, root, "SR", sr)

    scenario.__name__ = "objects_and_" + role.replace("-", "_")
    return scenario


SCENARIOS = [
    a_new_machine,
    templates_and_snapshots,
    labels_of_a_machine,
    interfaces_of_a_machine,
    storage,
    the_pool,
    lookups_of_parts,
    events_of_one_class,
    wrong_arguments_of_machines,
    objects_of_a_role("read-only"),
]
