# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""pool messages: high availability, the master, members, settings (xapi_pool.ml, xapi_ha.ml)."""

from __future__ import annotations

from collections.abc import Callable

from .inventory import Inventory
from .messages import Context
from .network_messages import create_vlans
from .storage_work import check_connected
from .values import ApiError, Value

AGENT_KEYS: tuple[str, ...] = ("auto_update_enabled", "auto_update_url")
"""Keys of guest_agent_config that the server knows."""


def _pool(inventory: Inventory, **fields: Value) -> None:
    for field, value in fields.items():
        inventory.database.write("pool", inventory.pool, field, value)


def _read(inventory: Inventory) -> dict[str, Value]:
    return inventory.database.read("pool", inventory.pool)


def _enable_ha(
    inventory: Inventory, _context: Context, storage: list[str], configuration: dict[str, str]
) -> None:
    """Use the SRs that are named, or one that every host reaches, for the state file."""
    if _read(inventory)["ha_enabled"]:
        raise ApiError("HA_IS_ENABLED")
    database = inventory.database
    for sr in storage:
        check_connected(inventory, (sr,))
    fit = [sr for sr in storage or database["SR"] if _is_everywhere(inventory, sr)]
    if not fit:
        raise ApiError("CANNOT_CREATE_STATE_FILE")
    statefile = inventory.add_vdi("Statefile for HA", fit[0], type="ha_statefile")
    _pool(inventory, ha_statefiles=[statefile], ha_configuration=configuration, ha_enabled=True)


def _is_everywhere(inventory: Inventory, sr: str) -> bool:
    hosts = list(inventory.database["host"])
    shared: bool = inventory.database.read("SR", sr)["shared"]
    return shared and all(inventory.reaches(host, sr) for host in hosts)


def _disable_ha(inventory: Inventory, _context: Context) -> None:
    if not _read(inventory)["ha_enabled"]:
        raise ApiError("HA_NOT_ENABLED")
    for statefile in _read(inventory)["ha_statefiles"]:
        if statefile in inventory.database["VDI"]:
            inventory.database.delete("VDI", statefile)
    _pool(inventory, ha_enabled=False, ha_statefiles=[], ha_configuration={})


def _plan_exists(_inventory: Inventory, _context: Context, _failures: int) -> Value:
    return True


def _designate(inventory: Inventory, _context: Context, host: str) -> None:
    """The master stays where it is named; another host takes over with a restart of both."""
    inventory.database.read("host", host)
    if host == inventory.master:
        return
    if not inventory.is_live(host):
        raise ApiError("HOST_OFFLINE", host)
    inventory.actions.take_over(host)


def _eject(inventory: Inventory, _context: Context, host: str) -> None:
    """Delete a member with all that only it has."""
    database = inventory.database
    if host not in database["host"] or not inventory.is_live(host):
        raise ApiError("HOST_OFFLINE", host)
    if host == inventory.master:
        raise ApiError("INTERNAL_ERROR", "Xapi_pool.Cannot_eject_master")
    record = database.read("host", host)
    for vm in record["resident_VMs"]:
        if not database.read("VM", vm)["is_control_domain"]:
            raise ApiError("HOST_HAS_RESIDENT_VMS", host)
    for pbd in record["PBDs"]:
        database.delete("PBD", pbd)
    for pif in record["PIFs"]:
        database.delete("PIF", pif)
    database.delete("host", host)


def _no_wlb(_inventory: Inventory, _context: Context) -> Value:
    raise ApiError("WLB_NOT_INITIALIZED")


def _has_extension(inventory: Inventory, _context: Context, pool: str, _name: str) -> Value:
    inventory.database.read("pool", pool)
    return False


def _removed(_inventory: Inventory, _context: Context, *_args: Value) -> Value:
    raise ApiError("MESSAGE_REMOVED")


def _set_repositories(inventory: Inventory, _context: Context, pool: str, value: list[str]) -> None:
    for repository in value:
        inventory.database.read("Repository", repository)
    inventory.database.write("pool", pool, "repositories", value)


def _set_cache_size(inventory: Inventory, _context: Context, pool: str, value: int) -> None:
    if value < 0:
        raise ApiError("INVALID_VALUE", "size", str(value))
    inventory.database.write("pool", pool, "ext_auth_cache_size", value)


def _set_threads(inventory: Inventory, _context: Context, pool: str, value: int) -> None:
    if value < 1:
        wrong = "The semaphore 'Internal auth' must have at least 1 resource available"
        raise ApiError("INTERNAL_ERROR", f"Invalid argument: {wrong}, requested: {value}")
    inventory.database.write("pool", pool, "local_auth_max_threads", value)


def _set_sync(inventory: Inventory, _context: Context, pool: str, value: bool) -> None:
    if value and not inventory.database.read("pool", pool)["repositories"]:
        raise ApiError("NO_REPOSITORIES_CONFIGURED")
    inventory.database.write("pool", pool, "update_sync_enabled", value)


def _add_agent_key(inventory: Inventory, _c: Context, pool: str, key: str, value: str) -> None:
    if key not in AGENT_KEYS:
        raise ApiError("INVALID_VALUE", "guest_agent_config", f"{key} = {value}")
    inventory.database.add_to_map("pool", pool, "guest_agent_config", key, value)


def _remove_agent_key(inventory: Inventory, _context: Context, pool: str, key: str) -> None:
    inventory.database.remove_from_map("pool", pool, "guest_agent_config", key)


def _create_vlan(
    inventory: Inventory, context: Context, device: str, network: str, tag: int
) -> Value:
    for pif, record in inventory.database.records("PIF").items():
        if record["device"] == device and record["VLAN"] < 0:
            return create_vlans(inventory, context, pif, network, tag)
    raise ApiError("INVALID_VALUE", "device", device)


WORKS: dict[str, Callable[..., Value]] = {
    "pool.enable_ha": _enable_ha,
    "pool.disable_ha": _disable_ha,
    "pool.ha_failover_plan_exists": _plan_exists,
    "pool.designate_new_master": _designate,
    "pool.eject": _eject,
    "pool.retrieve_wlb_configuration": _no_wlb,
    "pool.retrieve_wlb_recommendations": _no_wlb,
    "pool.has_extension": _has_extension,
    "pool.test_archive_target": _removed,
    "pool.set_repositories": _set_repositories,
    "pool.set_ext_auth_cache_size": _set_cache_size,
    "pool.set_local_auth_max_threads": _set_threads,
    "pool.set_update_sync_enabled": _set_sync,
    "pool.add_to_guest_agent_config": _add_agent_key,
    "pool.remove_from_guest_agent_config": _remove_agent_key,
    "pool.create_VLAN": _create_vlan,
    "pool.create_VLAN_from_PIF": create_vlans,
}
