# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pool's objects: hosts, networks, storage, disks and virtual machines."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable

from . import classes, vm_lifecycle
from .clock import Clock
from .database import Database, Record
from .resources import Resources
from .values import NULL_REF, Date, Value

UP_FOR = 30 * 86400.0
"""For how many seconds the toolstack of a new host has been running."""


@dataclasses.dataclass
class HostActions:
    """Callbacks by which hosts go and come; a pool without sockets only writes its records."""

    leave: Callable[[str, bool], None]
    """Take a host away, and bring it back if it only restarts."""
    come_back: Callable[[str], None]
    """Switch on a host that is away."""
    restart_toolstack: Callable[[str], None]
    take_over: Callable[[str], None]
    """Make another host the master."""


class Inventory(Resources):
    """Makes objects and moves hosts. The first host made is the first master."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database)
        self.plugins: dict[str, dict[str, str]] = {}
        """Plugins that the hosts have: name -> function -> answer."""
        self.introduced: set[str] = set()
        """SRs that a client introduced: they need a PBD before they do any work."""
        self.names: dict[str, str] = {}
        """Names of VMs when their snapshots were taken; a server keeps them in the metadata.
        """
        self.disabled_until_reboot: dict[str, bool] = {}
        """Hosts that an administrator disabled, and whether a restart may enable them."""
        self.actions = HostActions(
            leave=lambda host, _returns: self.set_live(host, False),
            come_back=lambda host: self.set_live(host, True),
            restart_toolstack=self.agent_started,
            take_over=self.make_master,
        )
        self._clock = clock
        self.has_guests = False
        """Whether tools report from running VMs; a bare build has none."""
        self.guests = itertools.count()
        """Numbers of the addresses of guests."""
        self._domains = itertools.count(1)
        self._addresses = itertools.count(1)
        self._offsets: dict[str, float] = {}

    def now(self, host: str = "") -> float:
        """The clock of a host, as a POSIX time; the master's unless another one is named."""
        offset = self._offsets.get(host or self.master, 0.0) if self._offsets else 0.0
        return self._clock.now() + offset

    def set_clock(self, host: str, offset: float) -> None:
        """Set a host's clock ahead by so many seconds, or behind; records keep their dates."""
        self._offsets[host] = offset

    def add_host(self, label: str, address: str) -> str:
        now = self._clock.now()
        started = now - UP_FOR
        metrics = self.add("host_metrics", last_updated=Date.at(now), live=True)
        host = self.add(
            "host",
            name_label=label,
            hostname=label,
            address=address,
            metrics=metrics,
            other_config={
                "agent_start_time": f"{started:.0f}.",
                "boot_time": f"{started - 3600:.0f}.",
            },
        )
        if self.master == NULL_REF:
            self.make_master(host)
        return host

    def make_master(self, host: str) -> None:
        self.database.write("pool", self.pool, "master", host)

    def set_live(self, host: str, live: bool) -> None:
        metrics = self.database.read("host", host)["metrics"]
        self.database.write("host_metrics", metrics, "live", live)

    def set_enabled(self, host: str, enabled: bool) -> None:
        self.database.write("host", host, "enabled", enabled)

    def agent_started(self, host: str) -> None:
        """A toolstack writes down when it started; a real one takes longer than a second for it."""
        present = self.database.read("host", host)["other_config"]
        now, before = self.now(host), float(present.get("agent_start_time", 0))
        if abs(now - before) < 1:
            now = before + 1
        started = {**present, "agent_start_time": f"{now:.0f}."}
        self.database.write("host", host, "other_config", started)

    def booted(self, host: str) -> None:
        """Write down that a host has just booted."""
        present = self.database.read("host", host)["other_config"]
        written = {**present, "boot_time": f"{self.now(host):.0f}."}
        self.database.write("host", host, "other_config", written)

    def add_network(self, label: str, bridge: str) -> str:
        return self.add("network", name_label=label, bridge=bridge)

    def add_sr(self, label: str, **fields: Value) -> str:
        return self.add("SR", name_label=label, **fields)

    def add_vdi(self, label: str, sr: str, **fields: Value) -> str:
        return self.add("VDI", name_label=label, SR=sr, **fields)

    def add_vm(self, label: str, **fields: Value) -> str:
        record = classes.new("VM", name_label=label, **fields)
        record["metrics"] = self.add("VM_metrics")
        record["allowed_operations"] = vm_lifecycle.allowed(record)
        return self.database.create("VM", record)

    def add_snapshot(self, label: str, vm: str, **fields: Value) -> str:
        """Add a snapshot between the VM and its former parent (xapi_vm_clone.ml)."""
        snapshot = self.add_vm(
            label,
            **{
                **fields,
                "is_a_snapshot": True,
                "is_a_template": True,
                "power_state": "Halted",
                "snapshot_of": vm,
                "snapshot_time": Date.at(self.now()),
                "parent": self.database.read("VM", vm)["parent"],
            },
        )
        self.names[snapshot] = self.database.read("VM", vm)["name_label"]
        self.database.write("VM", vm, "parent", snapshot)
        return snapshot

    def delete_vm(self, vm: str) -> None:
        """Its children are its parent's from then on (xapi_vm.ml)."""
        record = self.database.read("VM", vm)
        for child in record["children"]:
            self.database.write("VM", child, "parent", record["parent"])
        self.database.delete("VM", vm)
        self.names.pop(vm, None)
        for kind in ("metrics", "guest_metrics"):
            if record[kind] in self.database[f"VM_{kind}"]:
                self.database.delete(f"VM_{kind}", record[kind])

    def copy_vdi(self, vdi: str, sr: str = NULL_REF, *, is_snapshot: bool = False) -> str:
        """Return a copy of a disk, on the same SR unless another one is there."""
        fields = self.fields_of("VDI", vdi)
        if sr in self.database["SR"]:
            fields["SR"] = sr
        if is_snapshot:
            taken = Date.at(self.now())
            fields.update(is_a_snapshot=True, snapshot_of=vdi, snapshot_time=taken)
        return self.add("VDI", **fields)

    def fields_of(self, kind: str, ref: str) -> Record:
        """Return the fields that a copy of an object has too."""
        own = ("uuid", "current_operations", "VBDs", "snapshots", "crash_dumps")
        record = self.database.read(kind, ref)
        return {field: value for field, value in record.items() if field not in own}

    def set_attached(self, kind: str, device: str, attached: bool) -> None:
        """Plug a VBD or VIF, or unplug it; its allowed operations follow (xapi_vbd_helpers.ml)."""
        record = self.database.read(kind, device)
        removable = ["eject" if not record["empty"] else "insert"] if kind == "VBD" else []
        is_drive = kind == "VBD" and record["type"] == "CD"
        allowed = ["unplug", "unplug_force"] if attached else ["attach", "plug"]
        allowed = [name for name in allowed if kind == "VBD" or name != "unplug_force"]
        if kind == "VBD" and record["userdevice"].isdigit():
            place = f"xvd{chr(97 + int(record['userdevice']) % 26)}" if attached else ""
            self.database.write("VBD", device, "device", place)
        self.database.write(kind, device, "currently_attached", attached)
        self.database.write(
            kind, device, "allowed_operations", allowed + (removable if is_drive else [])
        )

    def next_domain(self) -> int:
        """Return the number of the next domain."""
        return next(self._domains)

    def next_mac(self) -> str:
        """Return an address that no other interface has got from here."""
        number = next(self._addresses)
        return f"c2:5e:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"

    def date(self, host: str) -> Date:
        """Return the time that a host's clock shows."""
        return Date.at(self.now(host))

    def fill(self) -> None:
        """A small pool to try things on."""
        self.add_network("Pool-wide network associated with eth0", "xenbr0")
        sr = self.add_sr("Local storage", type="ext")
        for label, state in (("web-1", "Running"), ("web-2", "Running"), ("db-1", "Halted")):
            home = self.master if state == "Running" else NULL_REF
            self.add_vm(label, power_state=state, resident_on=home)
            self.add_vdi(f"{label} disk 0", sr)

    def add(self, name: str, /, **fields: Value) -> str:
        """Make an object of any class."""
        return self.database.create(name, classes.new(name, **fields))
