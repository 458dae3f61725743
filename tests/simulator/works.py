# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All messages that a class file does at once."""

from __future__ import annotations

from collections.abc import Callable

from . import (
    device_messages,
    host_work,
    message_messages,
    network_messages,
    pool_messages,
    storage_messages,
    vm_messages,
)
from .values import Value

ALL: dict[str, Callable[..., Value]] = {
    **device_messages.WORKS,
    **host_work.WORKS,
    **message_messages.WORKS,
    **network_messages.WORKS,
    **pool_messages.WORKS,
    **storage_messages.WORKS,
    **vm_messages.WORKS,
}
"""Message -> what does it."""
