# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Effects and checks of operations on SRs and VDIs."""

from __future__ import annotations

from .inventory import Inventory
from .operations import Args
from .values import NULL_REF, ApiError, Value


def check_connected(inventory: Inventory, args: Args) -> None:
    """Refuse work on an SR that a client introduced and no PBD connects (xapi_sr.ml)."""
    record = inventory.database.read("SR", args[0])
    connected = any(
        inventory.database.read("PBD", pbd)["currently_attached"] for pbd in record["PBDs"]
    )
    if args[0] in inventory.introduced and not connected:
        raise ApiError("SR_HAS_NO_PBDS", args[0])


def scan_sr(_inventory: Inventory, _args: Args) -> Value:
    """Find no new disk."""
    return ""


def check_unplugged(inventory: Inventory, args: Args) -> None:
    """Refuse to forget an SR while one of its PBDs is attached (xapi_sr.ml)."""
    for pbd in inventory.database.read("SR", args[0])["PBDs"]:
        if inventory.database.read("PBD", pbd)["currently_attached"]:
            raise ApiError("SR_HAS_PBD", args[0])


def forget_sr(inventory: Inventory, args: Args) -> Value:
    """Delete an SR with its PBDs and the records of its disks."""
    database = inventory.database
    record = database.read("SR", args[0])
    for pbd in record["PBDs"]:
        database.delete("PBD", pbd)
    for vdi in record["VDIs"]:
        database.delete("VDI", vdi)
    database.delete("SR", args[0])
    inventory.introduced.discard(args[0])
    return ""


def copy_vdi(inventory: Inventory, args: Args) -> Value:
    """Return a copy of a disk, on another SR where one is named."""
    target = args[1] if len(args) > 2 else NULL_REF
    return inventory.copy_vdi(args[0], target)


def snapshot_vdi(inventory: Inventory, args: Args) -> Value:
    """Return a snapshot of a disk."""
    return inventory.copy_vdi(args[0], is_snapshot=True)


def destroy_vdi(inventory: Inventory, args: Args) -> Value:
    """Delete a disk and the devices that show it."""
    for vbd in inventory.database.read("VDI", args[0])["VBDs"]:
        inventory.database.delete("VBD", vbd)
    inventory.database.delete("VDI", args[0])
    return ""


def resize_vdi(inventory: Inventory, args: Args) -> Value:
    """Write the new size of a disk."""
    inventory.database.write("VDI", args[0], "virtual_size", args[1])
    return ""
