# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Effects and checks of operations on hosts: maintenance, evacuation, restarts, plugins."""

from __future__ import annotations

from .evacuation import plan, refusals
from .inventory import Inventory
from .messages import Context
from .operations import Args
from .values import ApiError, Value


def enable(inventory: Inventory, args: Args) -> Value:
    """Let a host take VMs again."""
    inventory.set_enabled(args[0], True)
    inventory.disabled_until_reboot.pop(args[0], None)
    return ""


def check_exists(inventory: Inventory, args: Args) -> None:
    """Refuse a missing host."""
    inventory.database.read("host", args[0])


def disable(inventory: Inventory, args: Args) -> Value:
    """Keep VMs from a host until it is enabled, or restarts where that may enable it."""
    inventory.set_enabled(args[0], False)
    inventory.disabled_until_reboot[args[0]] = bool(args[1])
    return ""


def check_evacuation(inventory: Inventory, args: Args) -> None:
    """Refuse to evacuate where one VM cannot move, with the error of the first."""
    for error in refusals(inventory, args[0]).values():
        raise ApiError(*error)


def evacuate(inventory: Inventory, args: Args) -> Value:
    """Move every VM of a host to the hosts that have room."""
    check_evacuation(inventory, args)
    for vm, host in plan(inventory, args[0]).items():
        inventory.database.write("VM", vm, "resident_on", host)
    return ""


def check_maintenance(inventory: Inventory, args: Args) -> None:
    """Refuse to stop a host that is enabled or has VMs (xapi_host.ml, assert_bacon_mode)."""
    record = inventory.database.read("host", args[0])
    if record["enabled"]:
        raise ApiError("HOST_NOT_DISABLED")
    for vm in record["resident_VMs"]:
        found = inventory.database.read("VM", vm)
        if not found["is_control_domain"]:
            raise ApiError("HOST_IN_USE", args[0], "VM", vm)


def reboot(inventory: Inventory, args: Args) -> Value:
    """Let a host restart soon."""
    inventory.actions.leave(args[0], True)
    return ""


def shut_down(inventory: Inventory, args: Args) -> Value:
    """Let a host go away soon, for good."""
    inventory.actions.leave(args[0], False)
    return ""


def check_plugin(inventory: Inventory, args: Args) -> None:
    """Refuse a host that is away and a plugin that does not exist (xapi_plugins.ml)."""
    host, plugin = args[:2]
    if host not in inventory.database["host"] or not inventory.is_live(host):
        raise ApiError("HOST_OFFLINE", host)
    if plugin not in inventory.plugins:
        raise ApiError("XENAPI_MISSING_PLUGIN", plugin)


def call_plugin(inventory: Inventory, args: Args) -> Value:
    """Return the answer of a plugin's function."""
    _host, plugin, function, _arguments = args
    answers = inventory.plugins[plugin]
    if function not in answers:
        wrong = f"UNKNOWN_FUNCTION {function}"
        raise ApiError("XENAPI_PLUGIN_FAILURE", function, "UnknownFunction", wrong)
    return answers[function]


def _prevented(inventory: Inventory, _context: Context, host: str) -> Value:
    return refusals(inventory, host)


def _assert_can_evacuate(inventory: Inventory, _context: Context, host: str) -> None:
    errors = refusals(inventory, host).values()
    if errors:
        raise ApiError("CANNOT_EVACUATE_HOST", "|".join(",".join(error) for error in errors))


def _uncooperative(_inventory: Inventory, _context: Context, _host: str) -> Value:
    return []


def _localtime(inventory: Inventory, _context: Context, host: str) -> Value:
    if host not in inventory.database["host"] or not inventory.is_live(host):
        raise ApiError("HOST_OFFLINE", host)
    return inventory.date(host)


def _free_memory(inventory: Inventory, _context: Context, host: str) -> Value:
    return inventory.free_memory(host)


def _not_implemented(name: str) -> Value:
    def refuse(_inventory: Inventory, _context: Context, *_args: Value) -> Value:
        raise ApiError("NOT_IMPLEMENTED", name)

    return refuse


def _receive(inventory: Inventory, context: Context, host: str, network: str, _o: Value) -> Value:
    """Return the destination that `VM.migrate_send` takes."""
    address = inventory.database.read("host", host)["address"]
    inventory.database.read("network", network)
    url = f"http://{address}/"
    return {
        "SM": f"{url}services/SM?session_id={context.session}",
        "host": host,
        "xenops": f"{url}services/xenops?session_id={context.session}",
        "session_id": context.session,
        "master": url,
    }


WORKS = {
    "host.get_vms_which_prevent_evacuation": _prevented,
    "host.assert_can_evacuate": _assert_can_evacuate,
    "host.get_uncooperative_resident_VMs": _uncooperative,
    "host.get_uncooperative_domains": _uncooperative,
    "host.get_servertime": _localtime,
    "host.get_server_localtime": _localtime,
    "host.compute_free_memory": _free_memory,
    "host.list_methods": _not_implemented("list_methods"),
    "host.migrate_receive": _receive,
}
