# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages of maintenance: updates, settings of all hosts, hosts that are gone (xapi_pool.ml)."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable

from . import vm_work
from .evacuation import refusals
from .inventory import Inventory
from .messages import Context
from .operations import Args
from .values import NULL_REF, ApiError, Value

DISPLAY = {
    ("enabled", True): "enabled",
    ("disable_on_reboot", True): "enabled",
    ("disabled", True): "enable_on_reboot",
    ("enable_on_reboot", True): "enable_on_reboot",
    ("enabled", False): "disable_on_reboot",
    ("disable_on_reboot", False): "disable_on_reboot",
    ("disabled", False): "disabled",
    ("enable_on_reboot", False): "disabled",
}
"""The display of a host and whether it is to be enabled -> its display from then on."""
_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def _pool(inventory: Inventory) -> dict[str, Value]:
    return inventory.database.read("pool", inventory.pool)


def _write_pool(inventory: Inventory, **fields: Value) -> None:
    for field, value in fields.items():
        inventory.database.write("pool", inventory.pool, field, value)


def check_repositories(inventory: Inventory, _args: Args) -> None:
    """Refuse to look for updates where no repository is configured."""
    if not _pool(inventory)["repositories"]:
        raise ApiError("NO_REPOSITORIES_CONFIGURED")


def sync_updates(inventory: Inventory, _args: Args) -> Value:
    """Return the hash of the updates that the repositories have: of none."""
    _write_pool(inventory, last_update_sync=inventory.date(inventory.master))
    return ""


def check_applied(inventory: Inventory, args: Args) -> None:
    """Refuse to apply an update twice to a host."""
    inventory.database.read("host", args[1])
    if args[1] in inventory.database.read("pool_update", args[0])["hosts"]:
        raise ApiError("UPDATE_ALREADY_APPLIED", args[0])


def check_applied_everywhere(inventory: Inventory, args: Args) -> None:
    """Refuse to apply an update that every host has."""
    if not set(inventory.database["host"]) - set(_hosts(inventory, args[0])):
        raise ApiError("UPDATE_ALREADY_APPLIED_IN_POOL", args[0])


def _hosts(inventory: Inventory, update: str) -> list[str]:
    hosts: list[str] = inventory.database.read("pool_update", update)["hosts"]
    return hosts


def apply_update(inventory: Inventory, args: Args) -> Value:
    """Note an update on a host, and that the host has to restart where the update says so."""
    database = inventory.database
    update, host = args
    database.add_to_set("pool_update", update, "hosts", host)
    database.add_to_set("host", host, "updates", update)
    guidance = database.read("pool_update", update)["after_apply_guidance"]
    if "restartHost" in guidance:
        database.add_to_set("host", host, "updates_requiring_reboot", update)
    return ""


def apply_update_everywhere(inventory: Inventory, args: Args) -> Value:
    """Note an update on every host that does not have it."""
    for host in set(inventory.database["host"]) - set(_hosts(inventory, args[0])):
        apply_update(inventory, (args[0], host))
    return ""


def restart_agent(inventory: Inventory, args: Args) -> Value:
    """Let the toolstack of a host restart soon; running VMs stay."""
    inventory.actions.restart_toolstack(args[0])
    return ""


def power_on(inventory: Inventory, args: Args) -> Value:
    """Let a host come back that is away, if it has a way to be switched on."""
    if not inventory.database.read("host", args[0])["power_on_mode"]:
        raise ApiError("INTERNAL_ERROR", 'Failure("The host failed to power on.")')
    inventory.actions.come_back(args[0])
    return ""


def _introduce_update(inventory: Inventory, _context: Context, vdi: str) -> Value:
    """Return an update with the name of a disk: the simulator reads no contents of disks."""
    database = inventory.database
    record = database.read("VDI", vdi)
    if record["type"] == "cbt_metadata":
        raise ApiError("VDI_INCOMPATIBLE_TYPE", vdi, "cbt_metadata")
    for update, present in database.records("pool_update").items():
        if present["vdi"] == vdi:
            return update
    return inventory.add(
        "pool_update",
        name_label=record["name_label"],
        vdi=vdi,
        installation_size=record["virtual_size"],
    )


def _destroy_update(inventory: Inventory, _context: Context, update: str) -> None:
    if _hosts(inventory, update):
        raise ApiError("UPDATE_IS_APPLIED")
    inventory.database.delete("pool_update", update)


def _clean_update(inventory: Inventory, _context: Context, update: str) -> None:
    vdi = inventory.database.read("pool_update", update)["vdi"]
    if vdi in inventory.database["VDI"]:
        inventory.database.delete("VDI", vdi)
    inventory.database.write("pool_update", update, "vdi", NULL_REF)


def _precheck(inventory: Inventory, _context: Context, update: str, host: str) -> Value:
    check_applied(inventory, (update, host))
    return "ok"


def _readiness(inventory: Inventory, _context: Context, _pool_ref: str, reboots: bool) -> Value:
    """Return the errors that speak against an update of the pool."""
    found = [["HA_IS_ENABLED"]] if _pool(inventory)["ha_enabled"] else []
    for host in inventory.database["host"]:
        if not inventory.is_live(host):
            found.append(["HOST_OFFLINE", host])
        elif reboots:
            found += refusals(inventory, host).values()
    return found


def _configure_sync(
    inventory: Inventory, _context: Context, _pool_ref: str, frequency: str, day: int
) -> None:
    if frequency == "weekly" and not 0 <= day <= 6:
        raise ApiError("INVALID_UPDATE_SYNC_DAY", str(day))
    _write_pool(inventory, update_sync_frequency=frequency)
    _write_pool(inventory, update_sync_day=day if frequency == "weekly" else 0)


def _configure_proxy(
    inventory: Inventory, _context: Context, _pool_ref: str, url: str, name: str, password: str
) -> None:
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise ApiError("INVALID_REPOSITORY_PROXY_URL", url)
    if bool(name) != bool(password) or "\n" in name + password:
        raise ApiError("INVALID_REPOSITORY_PROXY_CREDENTIAL")
    secret = inventory.add("secret", value=password) if password else NULL_REF
    _write_pool(inventory, repository_proxy_url=url, repository_proxy_username=name)
    _write_pool(inventory, repository_proxy_password=secret)


def _disable_proxy(inventory: Inventory, _context: Context, _pool_ref: str) -> None:
    _write_pool(inventory, repository_proxy_url="", repository_proxy_username="")
    _write_pool(inventory, repository_proxy_password=NULL_REF)


def _add_repository(inventory: Inventory, _context: Context, _pool_ref: str, value: str) -> None:
    inventory.database.read("Repository", value)
    inventory.database.add_to_set("pool", inventory.pool, "repositories", value)


def _remove_repository(inventory: Inventory, _context: Context, _pool_ref: str, value: str) -> None:
    inventory.database.remove_from_set("pool", inventory.pool, "repositories", value)


def _on_all_hosts(field: str, value: Value = None) -> Callable[..., Value]:
    """Return the handler that writes a field of every host."""

    def handler(inventory: Inventory, _context: Context, _pool_ref: str, *given: Value) -> None:
        for host in inventory.database["host"]:
            inventory.database.write("host", host, field, given[0] if given else value)

    return handler


def _on_host(field: str, value: Value) -> Callable[..., Value]:
    def handler(inventory: Inventory, _context: Context, host: str) -> None:
        inventory.database.write("host", host, field, value)

    return handler


def _nothing(inventory: Inventory, _context: Context, *args: Value) -> None:
    """Do work that no record shows; a host that is named has to exist."""
    if args and isinstance(args[0], str) and args[0] != inventory.pool:
        inventory.database.read("host", args[0])


def _no_work(_inventory: Inventory, _context: Context, *_args: Value) -> Value:
    """Return an empty list."""
    return []


def _done(_inventory: Inventory, _context: Context, *_args: Value) -> None:
    """Do work of the whole pool that no record shows."""


def _license_state(inventory: Inventory, _context: Context, _pool_ref: str) -> Value:
    """Return edition and expiry; hosts of one product have the same."""
    record = inventory.database.read("host", inventory.master)
    expiry = record["license_params"].get("expiry", "never")
    return {"edition": record["edition"], "expiry": expiry}


def _check_gone(inventory: Inventory, host: str) -> None:
    """Refuse to give up a host that is live."""
    inventory.database.read("host", host)
    if inventory.is_live(host):
        raise ApiError("HOST_IS_LIVE", host)


def _residents(inventory: Inventory, host: str, *, is_control_domain: bool) -> list[str]:
    database = inventory.database
    vms = database.read("host", host)["resident_VMs"]
    return [vm for vm in vms if database.read("VM", vm)["is_control_domain"] == is_control_domain]


def _destroy_host(inventory: Inventory, _context: Context, host: str) -> None:
    """Delete a host that is gone for good, with its own objects."""
    _check_gone(inventory, host)
    if _pool(inventory)["ha_enabled"]:
        raise ApiError("HA_IS_ENABLED")
    if _residents(inventory, host, is_control_domain=False):
        raise ApiError("HOST_HAS_RESIDENT_VMS", host)
    database = inventory.database
    domains = _residents(inventory, host, is_control_domain=True)
    record = database.read("host", host)
    for field, kind in (("PBDs", "PBD"), ("PIFs", "PIF"), ("host_CPUs", "host_cpu")):
        for reference in record[field]:
            database.delete(kind, reference)
    database.delete("host", host)
    for vm in domains:
        vm_work.destroy(inventory, (vm,))


def _declare_dead(inventory: Inventory, _context: Context, host: str) -> None:
    """Reset the VMs of a host that is gone, so that they can start elsewhere."""
    _check_gone(inventory, host)
    for vm in _residents(inventory, host, is_control_domain=False):
        vm_work.set_power(inventory, vm, "Halted")
    inventory.set_enabled(host, False)


def _set_power_on(
    inventory: Inventory, _context: Context, host: str, mode: str, config: dict[str, str]
) -> None:
    inventory.database.write("host", host, "power_on_mode", mode)
    inventory.database.write("host", host, "power_on_config", config)


def _set_hostname(inventory: Inventory, _context: Context, host: str, hostname: str) -> None:
    inventory.database.read("host", host)
    if not hostname:
        raise ApiError("HOST_NAME_INVALID", "hostname empty")
    if len(hostname) > 255:
        raise ApiError("HOST_NAME_INVALID", "hostname is too long")
    if not _HOSTNAME.fullmatch(hostname):
        wrong = "hostname contains invalid characters"
        raise ApiError("HOST_NAME_INVALID", wrong)
    inventory.database.write("host", host, "hostname", hostname)


def _set_display(is_enabled: bool) -> Callable[..., Value]:
    def handler(inventory: Inventory, _context: Context, host: str) -> Value:
        display = DISPLAY[inventory.database.read("host", host)["display"], is_enabled]
        inventory.database.write("host", host, "display", display)
        return display

    return handler


def _no_extension(inventory: Inventory, _context: Context, host: str, _name: str) -> Value:
    inventory.database.read("host", host)
    return False


def _not_implemented(name: str) -> Callable[..., Value]:
    def handler(inventory: Inventory, _context: Context, host: str) -> None:
        inventory.database.read("host", host)
        raise ApiError("NOT_IMPLEMENTED", name)

    return handler


WORKS: dict[str, Callable[..., Value]] = {
    "pool_update.introduce": _introduce_update,
    "pool_update.destroy": _destroy_update,
    "pool_update.pool_clean": _clean_update,
    "pool_update.precheck": _precheck,
    "pool.check_update_readiness": _readiness,
    "pool.configure_update_sync": _configure_sync,
    "pool.configure_repository_proxy": _configure_proxy,
    "pool.disable_repository_proxy": _disable_proxy,
    "pool.add_repository": _add_repository,
    "pool.remove_repository": _remove_repository,
    "pool.set_https_only": _on_all_hosts("https_only"),
    "pool.set_console_idle_timeout": _on_all_hosts("console_idle_timeout"),
    "pool.set_ssh_auto_mode": _on_all_hosts("ssh_auto_mode"),
    "pool.set_ssh_enabled_timeout": _on_all_hosts("ssh_enabled_timeout"),
    "pool.enable_ssh": _on_all_hosts("ssh_enabled", True),
    "pool.disable_ssh": _on_all_hosts("ssh_enabled", False),
    "host.enable_ssh": _on_host("ssh_enabled", True),
    "host.disable_ssh": _on_host("ssh_enabled", False),
    "pool.sync_database": _done,
    "pool.certificate_sync": _done,
    "pool.certificate_list": _no_work,
    "pool.crl_list": _no_work,
    "pool.recover_slaves": _no_work,
    "pool.get_license_state": _license_state,
    "host.destroy": _destroy_host,
    "host.declare_dead": _declare_dead,
    "host.set_power_on_mode": _set_power_on,
    "host.set_hostname_live": _set_hostname,
    "host.enable_display": _set_display(True),
    "host.disable_display": _set_display(False),
    "host.has_extension": _no_extension,
    "host.get_log": _not_implemented("get_log"),
    "host.dmesg_clear": _not_implemented("dmesg_clear"),
    "host.syslog_reconfigure": _nothing,
    "host.sync_data": _nothing,
    "host.backup_rrds": _nothing,
    "host.send_debug_keys": _nothing,
    "host.refresh_pack_info": _nothing,
}
