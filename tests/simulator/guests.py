# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Metrics that the tools in a running guest report."""

from __future__ import annotations

from .inventory import Inventory
from .values import NULL_REF, Date

ADDRESSES = "192.0.2."
"""Beginning of the addresses of guests: a network for documentation (RFC 5737)."""


def add_guest(inventory: Inventory, vm: str) -> None:
    """Give a running VM the metrics of a guest, a console and the time of its start."""
    database = inventory.database
    record = database.read("VM", vm)
    now = Date.at(inventory.now())
    guest = inventory.add(
        "VM_guest_metrics",
        os_version={"name": "Debian GNU/Linux 12", "distro": "debian", "major": "12"},
        PV_drivers_version={"major": "8", "minor": "2", "micro": "0", "build": "1"},
        PV_drivers_up_to_date=True,
        PV_drivers_detected=True,
        networks=_networks(inventory, vm),
        other={"feature-static-ip-setting": "1", "feature-shutdown": "1"},
        live=True,
        last_updated=now,
        can_use_hotplug_vbd="yes",
        can_use_hotplug_vif="yes",
    )
    address = database.read("host", record["resident_on"])["address"]
    console = inventory.add("console", VM=vm, protocol="rfb")
    uuid = database.read("console", console)["uuid"]
    database.write("console", console, "location", f"https://{address}/console?uuid={uuid}")
    database.write("VM", vm, "guest_metrics", guest)
    for field, value in {
        "start_time": now,
        "last_updated": now,
        "memory_actual": record["memory_dynamic_max"],
        "VCPUs_number": record["VCPUs_at_startup"],
        "hvm": True,
    }.items():
        database.write("VM_metrics", record["metrics"], field, value)


def remove_guest(inventory: Inventory, vm: str) -> None:
    """Delete the reports of a guest that has stopped."""
    database = inventory.database
    record = database.read("VM", vm)
    for console in record["consoles"]:
        database.delete("console", console)
    if record["guest_metrics"] in database["VM_guest_metrics"]:
        database.delete("VM_guest_metrics", record["guest_metrics"])
        database.write("VM", vm, "guest_metrics", NULL_REF)


def _networks(inventory: Inventory, vm: str) -> dict[str, str]:
    """Return an address for each interface of the guest."""
    found = {}
    for vif in inventory.database.read("VM", vm)["VIFs"]:
        device = inventory.database.read("VIF", vif)["device"]
        address = f"{ADDRESSES}{next(inventory.guests) % 250 + 1}"
        found.update({f"{device}/ip": address, f"{device}/ipv4/0": address})
    return found
