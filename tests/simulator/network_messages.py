# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""network, PIF and VLAN messages (xapi_network.ml, xapi_pif.ml, xapi_vlan.ml)."""

from __future__ import annotations

from collections.abc import Callable

from .database import Record
from .inventory import Inventory
from .messages import Context
from .values import ApiError, Value

TAGS = range(4095)


def _create(inventory: Inventory, _context: Context, args: Record) -> Value:
    """Return a new network, with a bridge of its own where none is named."""
    given = {key: value for key, value in args.items() if key in ("name_description", "MTU", "tags",
             "other_config", "managed", "bridge", "name_label")}  # fmt: skip
    if not given.get("bridge"):
        taken = {record["bridge"] for record in inventory.database.records("network").values()}
        given["bridge"] = next(f"xapi{n}" for n in range(len(taken) + 1) if f"xapi{n}" not in taken)
    return inventory.add("network", **given)


def _destroy(inventory: Inventory, _context: Context, network: str) -> None:
    """The interfaces of halted VMs go with it; one that is plugged keeps it."""
    database = inventory.database
    record = database.read("network", network)
    for pif in record["PIFs"]:
        raise ApiError("NETWORK_CONTAINS_PIF", pif)
    attached = [vif for vif in record["VIFs"] if database.read("VIF", vif)["currently_attached"]]
    for vif in attached:
        raise ApiError("NETWORK_CONTAINS_VIF", vif)
    for vif in record["VIFs"]:
        database.delete("VIF", vif)
    database.delete("network", network)


def _plug(attached: bool) -> Callable[..., Value]:
    """Return the handler that plugs an interface of a host; one with the management stays up."""

    def handler(inventory: Inventory, _context: Context, pif: str) -> None:
        record = inventory.database.read("PIF", pif)
        if not attached and record["management"]:
            raise ApiError("PIF_IS_MANAGEMENT_INTERFACE", pif)
        if not attached and record["disallow_unplug"]:
            raise ApiError("PIF_DOES_NOT_ALLOW_UNPLUG", pif)
        inventory.database.write("PIF", pif, "currently_attached", attached)

    return handler


def add_vlan(inventory: Inventory, tagged: str, tag: int, network: str) -> str:
    """Return a VLAN on an interface of a host, with an interface of its own."""
    record = inventory.database.read("PIF", tagged)
    metrics = inventory.add("PIF_metrics", carrier=True)
    untagged = inventory.add(
        "PIF",
        device=record["device"],
        MAC=record["MAC"],
        MTU=record["MTU"],
        VLAN=tag,
        host=record["host"],
        network=network,
        metrics=metrics,
        managed=True,
    )
    vlan = inventory.add("VLAN", tagged_PIF=tagged, untagged_PIF=untagged, tag=tag)
    inventory.database.write("PIF", untagged, "VLAN_master_of", vlan)
    return vlan


def _create_vlan(
    inventory: Inventory, _context: Context, pif: str, tag: int, network: str
) -> Value:
    database = inventory.database
    record = database.read("PIF", pif)
    database.read("network", network)
    if tag not in TAGS:
        raise ApiError("VLAN_TAG_INVALID", str(tag))
    if record["VLAN"] >= 0:
        raise ApiError("PIF_IS_VLAN", pif)
    for other, one in database.records("PIF").items():
        if one["host"] == record["host"] and one["network"] == network:
            raise ApiError("NETWORK_ALREADY_CONNECTED", one["host"], other)
        if (
            one["host"] == record["host"]
            and one["device"] == record["device"]
            and one["VLAN"] == tag
        ):
            raise ApiError("PIF_VLAN_EXISTS", pif)
    return add_vlan(inventory, pif, tag, network)


def _destroy_vlan(inventory: Inventory, _context: Context, vlan: str) -> None:
    untagged = inventory.database.read("VLAN", vlan)["untagged_PIF"]
    inventory.database.delete("VLAN", vlan)
    inventory.database.delete("PIF", untagged)


def create_vlans(inventory: Inventory, context: Context, pif: str, network: str, tag: int) -> Value:
    """Return the PIFs of a VLAN that every host of the pool gets."""
    database = inventory.database
    device = database.read("PIF", pif)["device"]
    return [
        database.read("VLAN", str(_create_vlan(inventory, context, one, tag, network)))[
            "untagged_PIF"
        ]
        for one, record in database.records("PIF").items()
        if record["device"] == device and record["VLAN"] < 0
    ]


WORKS: dict[str, Callable[..., Value]] = {
    "network.create": _create,
    "network.destroy": _destroy,
    "PIF.plug": _plug(True),
    "PIF.unplug": _plug(False),
    "VLAN.create": _create_vlan,
    "VLAN.destroy": _destroy_vlan,
}
