# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pool's objects: hosts, networks, storage, disks and virtual machines."""

from __future__ import annotations

from . import classes
from .clock import Clock
from .database import Database
from .messages import Context, Message
from .values import NULL_REF, ApiError, Date, Value, ref

UP_FOR = 30 * 86400.0
"""For how many seconds the toolstack of a new host has been running."""


class Inventory:
    """Makes objects and answers what is asked of hosts. The first host made is the first master."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._offsets: dict[str, float] = {}
        self.pool = database.create("pool", classes.new("pool"))

    @property
    def master(self) -> str:
        found: str = self._database.read("pool", self.pool)["master"]
        return found

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
        metrics = self._create("host_metrics", last_updated=Date.at(now), live=True)
        host = self._create(
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
        self._database.write("pool", self.pool, "master", host)

    def is_live(self, host: str) -> bool:
        """As the pool's heartbeat says; the master is always live to itself."""
        if host == self.master:
            return True
        metrics = self._database.read("host", host)["metrics"]
        live: bool = self._database.read("host_metrics", metrics)["live"]
        return live

    def set_live(self, host: str, live: bool) -> None:
        metrics = self._database.read("host", host)["metrics"]
        self._database.write("host_metrics", metrics, "live", live)

    def set_enabled(self, host: str, enabled: bool) -> None:
        self._database.write("host", host, "enabled", enabled)

    def agent_started(self, host: str) -> None:
        """A toolstack writes down when it started; a real one takes longer than a second for it."""
        present = self._database.read("host", host)["other_config"]
        now, before = self.now(host), float(present["agent_start_time"])
        if abs(now - before) < 1:
            now = before + 1
        started = {**present, "agent_start_time": f"{now:.0f}."}
        self._database.write("host", host, "other_config", started)

    def add_network(self, label: str, bridge: str) -> str:
        return self._create("network", name_label=label, bridge=bridge)

    def add_sr(self, label: str, **fields: Value) -> str:
        return self._create("SR", name_label=label, **fields)

    def add_vdi(self, label: str, sr: str, **fields: Value) -> str:
        return self._create("VDI", name_label=label, SR=sr, **fields)

    def add_vm(self, label: str, **fields: Value) -> str:
        metrics = self._create("VM_metrics")
        return self._create("VM", name_label=label, metrics=metrics, **fields)

    def add_snapshot(self, label: str, vm: str) -> str:
        """It comes between the VM and what was its parent (xapi_vm_clone.ml)."""
        snapshot = self.add_vm(
            label,
            is_a_snapshot=True,
            is_a_template=True,
            snapshot_of=vm,
            snapshot_time=Date.at(self.now()),
            parent=self._database.read("VM", vm)["parent"],
        )
        self._database.write("VM", vm, "parent", snapshot)
        return snapshot

    def delete_vm(self, vm: str) -> None:
        """Its children are its parent's from then on (xapi_vm.ml)."""
        record = self._database.read("VM", vm)
        for child in record["children"]:
            self._database.write("VM", child, "parent", record["parent"])
        self._database.delete("VM", vm)
        self._database.delete("VM_metrics", record["metrics"])

    def fill(self) -> None:
        """A small pool to try things on."""
        self.add_network("Pool-wide network associated with eth0", "xenbr0")
        sr = self.add_sr("Local storage", type="ext")
        for label, state in (("web-1", "Running"), ("web-2", "Running"), ("db-1", "Halted")):
            home = self.master if state == "Running" else NULL_REF
            self.add_vm(label, power_state=state, resident_on=home)
            self.add_vdi(f"{label} disk 0", sr)

    def _create(self, name: str, **fields: Value) -> str:
        return self._database.create(name, classes.new(name, **fields))

    def _servertime(self, _context: Context, host: str) -> Date:
        if host not in self._database["host"] or not self.is_live(host):
            raise ApiError("HOST_OFFLINE", host)
        return Date.at(self.now(host))

    def messages(self) -> list[Message]:
        return [Message("host.get_servertime", (ref,), self._servertime)]
