# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All messages that a class file does at once."""

from __future__ import annotations

from collections.abc import Callable

from . import (
    backup_messages,
    constructors,
    device_messages,
    host_work,
    interface_messages,
    maintenance_messages,
    message_messages,
    network_messages,
    pool_messages,
    storage_messages,
    vm_messages,
)
from .values import Value

ALL: dict[str, Callable[..., Value]] = {
    **backup_messages.WORKS,
    **constructors.WORKS,
    **device_messages.WORKS,
    **host_work.WORKS,
    **interface_messages.WORKS,
    **maintenance_messages.WORKS,
    **message_messages.WORKS,
    **network_messages.WORKS,
    **pool_messages.WORKS,
    **storage_messages.WORKS,
    **vm_messages.WORKS,
}
"""Message -> its work."""
