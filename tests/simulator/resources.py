# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resources of the hosts: memory, storage, networks, a place for a VM."""

from __future__ import annotations

from . import classes
from .database import Database, Record
from .values import NULL_REF


class Resources:
    """Answers from the records alone."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.pool = database.create("pool", classes.new("pool"))

    @property
    def master(self) -> str:
        """Return the reference of the master."""
        found: str = self.database.read("pool", self.pool)["master"]
        return found

    def is_live(self, host: str) -> bool:
        """As the pool's heartbeat says; the master is always live to itself."""
        if host == self.master:
            return True
        metrics = self.database.read("host", host)["metrics"]
        live: bool = self.database.read("host_metrics", metrics)["live"]
        return live

    def total_memory(self, host: str) -> int:
        """Return the memory of a host; 0 for one of a bare build."""
        metrics = self.database.read("host", host)["metrics"]
        total: int = self.database.read("host_metrics", metrics)["memory_total"]
        return total

    def free_memory(self, host: str) -> int:
        """Return the memory that the VMs of a host leave."""
        record = self.database.read("host", host)
        vms = [self.database.read("VM", vm) for vm in record["resident_VMs"]]
        used = sum(vm["memory_dynamic_max"] for vm in vms)
        return int(self.total_memory(host) - record["memory_overhead"] - used)

    def home_for(self, vm: Record) -> str:
        """Return the host that a VM starts on: the one it prefers, or the emptiest of those that
        have its storage; the master where none has."""
        hosts = self.database.records("host")
        able = [host for host in hosts if hosts[host]["enabled"] and self.is_live(host)]
        if vm["affinity"] in able:
            return str(vm["affinity"])
        disks = {self.storage_of(device) for device in vm["VBDs"]} - {NULL_REF}
        near = [host for host in able if all(self.reaches(host, disk) for disk in disks)]
        master = self.master
        return max(near, key=lambda host: (self.free_memory(host), host == master), default=master)

    def storage_of(self, vbd: str) -> str:
        """Return the SR of the disk that a device shows; null for an empty drive."""
        disk = self.database.read("VBD", vbd)["VDI"]
        if disk not in self.database["VDI"]:
            return NULL_REF
        return str(self.database.read("VDI", disk)["SR"])

    def reaches(self, host: str, storage: str) -> bool:
        """Return whether a PBD of the host connects an SR."""
        if storage not in self.database["SR"]:
            return False
        records = [
            self.database.read("PBD", pbd) for pbd in self.database.read("SR", storage)["PBDs"]
        ]
        return any(one["host"] == host and one["currently_attached"] for one in records)

    def has_network(self, host: str, network: str) -> bool:
        """Return whether a network is on a host; one without any PIF can be made anywhere."""
        pifs = self.database.read("network", network)["PIFs"]
        return not pifs or any(self.database.read("PIF", pif)["host"] == host for pif in pifs)
