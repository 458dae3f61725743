# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bonds, tunnels and interfaces of hosts (xapi_bond.ml, xapi_tunnel.ml, xapi_pif.ml)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from .database import Record
from .inventory import Inventory
from .messages import Context
from .network_messages import add_vlan
from .values import NULL_REF, ApiError, Value

ADDRESSES = ("ip_configuration_mode", "IP", "netmask", "gateway", "DNS", "management")
"""Fields that move between an interface and the bond that it belongs to."""


def _check_free(inventory: Inventory, host: str, network: str) -> None:
    """Refuse a network to which the host has an interface already."""
    for pif, record in inventory.database.records("PIF").items():
        if record["host"] == host and record["network"] == network:
            raise ApiError("NETWORK_ALREADY_CONNECTED", host, pif)


def _check_member(inventory: Inventory, pif: str, record: Record, host: str) -> None:
    if record["bond_slave_of"] in inventory.database["Bond"]:
        raise ApiError("PIF_ALREADY_BONDED", pif)
    if record["VLAN"] >= 0:
        raise ApiError("PIF_VLAN_EXISTS", record["device"])
    if record["host"] != host:
        raise ApiError("PIF_CANNOT_BOND_CROSS_HOST")


def _write(inventory: Inventory, pif: str, **fields: Value) -> None:
    for field, value in fields.items():
        inventory.database.write("PIF", pif, field, value)


def _create_bond(
    inventory: Inventory,
    _context: Context,
    network: str,
    members: list[str],
    mac: str,
    mode: str,
    properties: dict[str, str],
) -> Value:
    """Return a bond; its interface takes the addresses of the member that has some."""
    database = inventory.database
    database.read("network", network)
    members = list(dict.fromkeys(members))
    if not members:
        raise ApiError("PIF_BOND_NEEDS_MORE_MEMBERS")
    records = {pif: database.read("PIF", pif) for pif in members}
    host = records[members[0]]["host"]
    _check_free(inventory, host, network)
    for pif, record in records.items():
        _check_member(inventory, pif, record, host)
    first = max(members, key=lambda pif: (records[pif]["management"], records[pif]["IP"] != ""))
    taken = {one["device"] for one in database.records("PIF").values() if one["host"] == host}
    device = next(f"bond{n}" for n in range(len(taken) + 1) if f"bond{n}" not in taken)
    moved = {field: records[first][field] for field in ADDRESSES}
    master = inventory.add(
        "PIF",
        device=device,
        host=host,
        network=network,
        MAC=mac or records[first]["MAC"],
        MTU=records[first]["MTU"],
        VLAN=-1,
        metrics=inventory.add("PIF_metrics", carrier=True),
        managed=True,
        currently_attached=True,
        **moved,
    )
    bond = inventory.add(
        "Bond",
        master=master,
        primary_slave=first,
        mode=mode,
        properties=properties,
        links_up=len(members),
        auto_update_mac=not mac,
    )
    for pif in members:
        empty = {"ip_configuration_mode": "None", "IP": "", "netmask": "", "gateway": ""}
        _write(inventory, pif, bond_slave_of=bond, DNS="", management=False, **empty)
    return bond


def _destroy_bond(inventory: Inventory, _context: Context, bond: str) -> None:
    """Give the addresses back to the member that had them."""
    database = inventory.database
    record = database.read("Bond", bond)
    master = database.read("PIF", record["master"])
    moved = {field: master[field] for field in ADDRESSES}
    for pif in record["slaves"]:
        _write(inventory, pif, bond_slave_of=NULL_REF)
    if record["primary_slave"] in database["PIF"]:
        _write(inventory, record["primary_slave"], **moved)
    database.delete("Bond", bond)
    database.delete("PIF", record["master"])


def _create_tunnel(
    inventory: Inventory, _context: Context, transport: str, network: str, protocol: str
) -> Value:
    """Return a tunnel with an interface of its own; every host needs Open vSwitch."""
    database = inventory.database
    database.read("network", network)
    record = database.read("PIF", transport)
    _check_free(inventory, record["host"], network)
    for host in database.records("host").values():
        if host["software_version"].get("network_backend") != "openvswitch":
            raise ApiError("OPENVSWITCH_NOT_ACTIVE")
    access = inventory.add(
        "PIF",
        device=f"tunnel{len(database['tunnel'].rows)}",
        host=record["host"],
        network=network,
        MAC=inventory.next_mac(),
        MTU=-1,
        VLAN=-1,
        metrics=record["metrics"],
        managed=True,
        currently_attached=True,
    )
    return inventory.add(
        "tunnel",
        access_PIF=access,
        transport_PIF=transport,
        status={"active": "true"},
        protocol=protocol,
    )


def _destroy_tunnel(inventory: Inventory, _context: Context, tunnel: str) -> None:
    access = inventory.database.read("tunnel", tunnel)["access_PIF"]
    inventory.database.delete("tunnel", tunnel)
    inventory.database.delete("PIF", access)


def _check_unused(inventory: Inventory, pif: str) -> None:
    """Refuse to forget an interface that something else needs."""
    record = inventory.database.read("PIF", pif)
    if record["management"]:
        raise ApiError("PIF_IS_MANAGEMENT_INTERFACE", pif)
    if record["bond_slave_of"] in inventory.database["Bond"] or record["bond_master_of"]:
        raise ApiError("PIF_ALREADY_BONDED", pif)
    if record["VLAN_slave_of"]:
        raise ApiError("PIF_VLAN_STILL_EXISTS", pif)
    if record["tunnel_transport_PIF_of"]:
        raise ApiError("PIF_TUNNEL_STILL_EXISTS", pif)


def _forget(inventory: Inventory, _context: Context, pif: str) -> None:
    _check_unused(inventory, pif)
    inventory.database.delete("PIF", pif)


def _scan(inventory: Inventory, _context: Context, host: str) -> None:
    """Find no interface that has no record."""
    inventory.database.read("host", host)


def _create_vlan(
    inventory: Inventory, _context: Context, device: str, network: str, host: str, tag: int
) -> Value:
    """Return the interface of a VLAN on a device of one host."""
    database = inventory.database
    database.read("network", network)
    database.read("host", host)
    for pif, record in database.records("PIF").items():
        if (record["host"], record["device"], record["VLAN"]) == (host, device, -1):
            _check_free(inventory, host, network)
            vlan = add_vlan(inventory, pif, tag, network)
            return database.read("VLAN", vlan)["untagged_PIF"]
    raise ApiError("INVALID_VALUE", "device", device)


def _reconfigure(
    inventory: Inventory,
    _context: Context,
    pif: str,
    mode: str,
    address: str,
    netmask: str,
    gateway: str,
    servers: str,
) -> None:
    """Write the IPv4 settings; a static address needs a netmask."""
    inventory.database.read("PIF", pif)
    given = {"IP": address, "netmask": netmask, "gateway": gateway}
    for name, value in given.items():
        if value or (mode == "Static" and name != "gateway"):
            _check_address(name, value)
    _write(inventory, pif, ip_configuration_mode=mode, DNS=servers, **given)


def _check_address(name: str, value: str) -> None:
    try:
        ipaddress.IPv4Address(value)
    except ValueError as error:
        raise ApiError("INVALID_IP_ADDRESS_SPECIFIED", name) from error


def _management(inventory: Inventory, _context: Context, host: str) -> Value:
    """Return the interface that carries the management of a host."""
    for pif, record in inventory.database.records("PIF").items():
        if record["host"] == host and record["management"]:
            return pif
    raise ApiError("INTERNAL_ERROR", "Not_found")


def _reconfigure_management(inventory: Inventory, _context: Context, pif: str) -> None:
    """Let another interface carry the management; its host has to have an address there."""
    database = inventory.database
    if database.read("pool", inventory.pool)["ha_enabled"]:
        raise ApiError("HA_IS_ENABLED")
    record = database.read("PIF", pif)
    if record["ip_configuration_mode"] == "None":
        raise ApiError("PIF_HAS_NO_NETWORK_CONFIGURATION", pif)
    for other, one in database.records("PIF").items():
        if one["host"] == record["host"]:
            database.write("PIF", other, "management", other == pif)


def _reconfigure_pool(inventory: Inventory, context: Context, network: str) -> None:
    """Move the management of every host to a network on which all have an interface."""
    database = inventory.database
    pifs = {database.read("PIF", pif)["host"]: pif
            for pif in database.read("network", network)["PIFs"]}  # fmt: skip
    for host in database["host"]:
        if host not in pifs:
            raise ApiError("PIF_NOT_PRESENT", host, network)
    for pif in pifs.values():
        _reconfigure_management(inventory, context, pif)


def _add_purpose(inventory: Inventory, _context: Context, network: str, value: str) -> None:
    """Give a network a purpose; a pool has NBD with TLS or NBD without it."""
    inventory.database.read("network", network)
    other = {"nbd": "insecure_nbd", "insecure_nbd": "nbd"}.get(value)
    for record in inventory.database.records("network").values():
        if other in record["purpose"]:
            raise ApiError("NETWORK_INCOMPATIBLE_PURPOSES", value, str(other))
    inventory.database.add_to_set("network", network, "purpose", value)


def _remove_purpose(inventory: Inventory, _context: Context, network: str, value: str) -> None:
    inventory.database.remove_from_set("network", network, "purpose", value)


WORKS: dict[str, Callable[..., Value]] = {
    "Bond.create": _create_bond,
    "Bond.destroy": _destroy_bond,
    "tunnel.create": _create_tunnel,
    "tunnel.destroy": _destroy_tunnel,
    "PIF.forget": _forget,
    "PIF.scan": _scan,
    "PIF.create_VLAN": _create_vlan,
    "PIF.reconfigure_ip": _reconfigure,
    "host.get_management_interface": _management,
    "host.management_reconfigure": _reconfigure_management,
    "pool.management_reconfigure": _reconfigure_pool,
    "network.add_purpose": _add_purpose,
    "network.remove_purpose": _remove_purpose,
}
