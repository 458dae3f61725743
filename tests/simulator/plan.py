# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans of pools: made from numbers, or read from a YAML or JSON file."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from .values import Value

GIB = 1024**3
FIRST = ("web-1", "web-2", "db-1")
"""Names of the first VMs."""
POWER_STATES = ("Running", "Running", "Halted")
"""Power states of the VMs in turn."""


@dataclasses.dataclass(frozen=True)
class PlannedSR:
    """Shared storage that every host reaches."""

    name: str
    type: str = "nfs"
    size: int = 1024 * GIB


@dataclasses.dataclass(frozen=True)
class PlannedVM:
    """A VM, or a template."""

    name: str
    power_state: str = "Halted"
    host: int | None = None
    """Place of the host that it runs on; None: in turn."""
    memory: int = 2 * GIB
    vcpus: int = 2
    disks: int = 1
    disk_size: int = 16 * GIB
    sr: str = ""
    """Name of the SR of its disks; empty: the default one."""
    network: str = ""
    """Name of the network of its interface; empty: the one of the management."""
    template: bool = False
    tags: list[str] = dataclasses.field(default_factory=list)
    other_config: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class PlannedTask:
    """A task that is there at the start."""

    label: str
    age: float = 0.0
    status: str = "pending"
    fields: dict[str, Value] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Plan:
    """The objects of a pool."""

    name: str = ""
    hosts: list[str] = dataclasses.field(default_factory=list)
    """Names of the hosts; where it is shorter, the rest is numbered."""
    networks: list[str] = dataclasses.field(default_factory=list)
    srs: list[PlannedSR] = dataclasses.field(default_factory=list)
    vms: list[PlannedVM] = dataclasses.field(default_factory=list)
    tasks: list[PlannedTask] = dataclasses.field(default_factory=list)


def usual(vms: int = 3, srs: int = 1) -> Plan:
    """Return a plan with so many VMs, of which every third is halted, and so many shared SRs."""
    names = [*FIRST, *(f"vm-{place}" for place in range(4, vms + 1))][:vms]
    return Plan(
        srs=[PlannedSR(f"Shared storage {place}") for place in range(1, srs + 1)],
        vms=[PlannedVM(name, POWER_STATES[place % 3]) for place, name in enumerate(names)],
    )


def read(path: Path) -> Plan:
    """Return the plan of a file; raise ValueError with a sentence about the mistake."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    document = _parsed(path, text)
    if not isinstance(document, dict):
        raise ValueError(f"{path} has to be a map with {', '.join(_names(Plan))}")
    kinds = {"srs": PlannedSR, "vms": PlannedVM, "tasks": PlannedTask}
    found: dict[str, Any] = {}
    for key, value in document.items():
        if key in kinds:
            if not isinstance(value, list):
                raise ValueError(f"{path}: {key} has to be a list")
            found[key] = [_made(kinds[key], entry, f"{path}: {key}") for entry in value]
        else:
            found[key] = value
    plan: Plan = _made(Plan, found, str(path))
    return plan


def _parsed(path: Path, text: str) -> Any:
    if path.suffix == ".json":
        try:
            return json.loads(text)
        except ValueError as error:
            raise ValueError(f"{path} is not JSON: {error}") from error
    try:
        import yaml
    except ImportError as error:
        raise ValueError(f"{path}: YAML needs the package PyYAML; JSON needs none") from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {error}") from error


def _names(kind: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def _made(kind: Any, entry: Any, where: str) -> Any:
    if not isinstance(entry, dict):
        raise ValueError(f"{where}: {entry!r} has to be a map with {', '.join(_names(kind))}")
    unknown = set(entry) - set(_names(kind))
    if unknown:
        raise ValueError(
            f"{where}: unknown {', '.join(sorted(unknown))}; known: {', '.join(_names(kind))}"
        )
    try:
        return kind(**entry)
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from error
