# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Types as the data model writes them: how to read an argument of one, and its first value."""

from __future__ import annotations

import datetime
import functools
import re

from .api import CLASSES, ENUMS
from .values import (
    NULL_REF,
    ApiError,
    Date,
    Reader,
    Value,
    boolean,
    choice,
    integer,
    internal_failure,
    number,
    ref,
    show,
    text,
)

EPOCH = Date.at(0)
_MAP = re.compile(r"\((?P<key>.+?) -> (?P<value>.+)\) map")
_DATE = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)T(\d\d):(\d\d):(\d\d)(Z|[+-]\d\d:?\d\d)?")
_PLAIN: dict[str, tuple[Reader, Value]] = {
    "string": (text, ""),
    "int": (integer, 0),
    "float": (number, 0.0),
    "bool": (boolean, False),
}

REQUIRED = {
    "VM": (
        "user_version", "is_a_template", "affinity", "memory_static_max", "memory_dynamic_max",
        "memory_dynamic_min", "memory_static_min", "VCPUs_params", "VCPUs_max",
        "VCPUs_at_startup", "actions_after_shutdown", "actions_after_reboot",
        "actions_after_crash", "PV_bootloader", "PV_kernel", "PV_ramdisk", "PV_args",
        "PV_bootloader_args", "PV_legacy_args", "HVM_boot_policy", "HVM_boot_params", "platform",
        "PCI_bus", "other_config", "recommendations",
    ),
    "VBD": (
        "VM", "VDI", "userdevice", "bootable", "mode", "type", "empty", "other_config",
        "qos_algorithm_type", "qos_algorithm_params",
    ),
    "VIF": (
        "device", "network", "VM", "MAC", "MTU", "other_config", "qos_algorithm_type",
        "qos_algorithm_params",
    ),
    "VDI": ("SR", "virtual_size", "type", "sharable", "read_only", "other_config"),
    "PBD": ("host", "SR", "device_config"),
    "network": ("other_config",),
    "console": ("other_config",),
}  # fmt: skip
"""Class -> fields that its `create` insists on: those without a default in the data model."""


def date(value: Value) -> Date:
    """Read a date in the forms that the server takes (date.ml)."""
    written = str(value) if isinstance(value, Date) else text(value)
    found = _DATE.fullmatch(written)
    if not found:
        raise ApiError("INTERNAL_ERROR", f"Invalid argument: Clock__Date.of_iso8601: {written}")
    try:
        datetime.datetime.strptime("".join(found.groups()[:6]), "%Y%m%d%H%M%S")
    except ValueError as error:
        wrong = f"Invalid argument: Clock__Date.of_iso8601: {written}"
        raise ApiError("INTERNAL_ERROR", wrong) from error
    year, month, day, *clock = found.groups()
    return Date(f"{year}{month}{day}T{':'.join(clock[:3])}Z")


@functools.cache
def reader(kind: str) -> Reader:
    """Return the function that reads an argument of a type."""
    if kind in _PLAIN:
        return _PLAIN[kind][0]
    if kind == "datetime":
        return date
    if mapped := _MAP.fullmatch(kind):
        return _map_reader(reader(mapped["key"]), reader(mapped["value"]))
    if kind.endswith(" set"):
        return _set_reader(reader(kind.removesuffix(" set")))
    if kind.endswith(" ref"):
        return ref
    if kind.endswith(" record"):
        return _record_reader(kind.removesuffix(" record"))
    return choice(*ENUMS[kind.removeprefix("enum ")])


def first_value(kind: str) -> Value:
    """Return the first value of a field of a type."""
    if kind in _PLAIN:
        return _PLAIN[kind][1]
    if kind == "datetime":
        return EPOCH
    if _MAP.fullmatch(kind):
        return {}
    if kind.endswith(" set"):
        return []
    if kind.endswith((" ref", " record")):
        return NULL_REF
    return ENUMS[kind.removeprefix("enum ")][0]


def entry_kinds(kind: str) -> tuple[str, str]:
    """Return the types of key and value of a map."""
    mapped = _MAP.fullmatch(kind)
    if not mapped:
        raise ValueError(f"{kind} is not a map")
    return mapped["key"], mapped["value"]


def _map_reader(key: Reader, item: Reader) -> Reader:
    def read(value: Value) -> dict[str, Value]:
        if isinstance(value, dict):
            return {str(key(name)): item(entry) for name, entry in value.items()}
        raise internal_failure(f"Expecting Rpc.Dict, but found '{show(value)}'")

    return read


def _set_reader(item: Reader) -> Reader:
    def read(value: Value) -> list[Value]:
        if isinstance(value, list):
            return [item(entry) for entry in value]
        raise internal_failure(f"Expecting Rpc.Enum, but found '{show(value)}'")

    return read


def _record_reader(name: str) -> Reader:
    """Fields that a class does not have are ignored, as the server ignores them."""
    fields, required = CLASSES[name].fields, REQUIRED.get(name, ())

    def read(value: Value) -> dict[str, Value]:
        if not isinstance(value, dict):
            raise internal_failure(f"Expecting Rpc.Dict, but found '{show(value)}'")
        found = {}
        for field, kind in fields.items():
            if field in value:
                found[field] = reader(kind)(value[field])
            elif field in required:
                missing = f'Server_helpers.Dispatcher_FieldNotFound("{field}")'
                raise ApiError("INTERNAL_ERROR", missing)
        return found

    return read
