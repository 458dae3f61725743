# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which operations a VM allows, and the errors of those that it does not (xapi_vm_lifecycle.ml)."""

from __future__ import annotations

from .database import Database, Record
from .values import ApiError

ANY = ("halted", "paused", "suspended", "running")
HALTED = ("halted",)
RUNNING = ("running",)
UP = ("paused", "suspended", "running")

POWER_STATES = {
    "create_vtpm": HALTED,
    "destroy": ("halted", "suspended"),
    "metadata_export": ANY,
    "export": ("halted", "suspended"),
    "make_into_template": HALTED,
    "changing_NVRAM": HALTED,
    "changing_shadow_memory": HALTED,
    "changing_static_range": HALTED,
    "changing_dynamic_range": ("halted", "running"),
    "migrate_send": ("halted", "suspended", "running"),
    "start_on": HALTED,
    "start": HALTED,
    "copy": HALTED,
    "clone": HALTED,
    "snapshot": ANY,
    "revert": ANY,
    "provision": HALTED,
    "checkpoint": UP,
    "pool_migrate": RUNNING,
    "changing_VCPUs_live": RUNNING,
    "changing_VCPUs": HALTED,
    "suspend": RUNNING,
    "hard_reboot": ("paused", "running"),
    "hard_shutdown": UP,
    "shutdown": UP,
    "clean_reboot": RUNNING,
    "clean_shutdown": RUNNING,
    "pause": RUNNING,
    "unpause": ("paused",),
    "resume": ("suspended",),
    "resume_on": ("suspended",),
}
"""Operation -> power states in which it is allowed, in the order in which errors list them."""
UNLISTED = ("shutdown", "changing_VCPUs", "revert", "provision")
"""Operations that no list of allowed ones shows, or only that of a snapshot or a template."""
ON_TEMPLATES = (
    "destroy", "metadata_export", "export", "changing_NVRAM", "changing_shadow_memory",
    "changing_static_range", "changing_dynamic_range", "changing_VCPUs", "migrate_send", "copy",
    "clone", "provision",
)  # fmt: skip
ON_SNAPSHOTS = ("destroy", "metadata_export", "export", "copy", "clone", "revert")
OFF_ROOT = "This operation is not allowed on dom0"
ON_CONTROL_DOMAINS = ("changing_dynamic_range", "metadata_export", "changing_VCPUs")
UNNAMED = ("changing_VCPUs",)
"""Operations that the server's own table of names does not have (record_util.ml)."""


def allowed(record: Record) -> list[str]:
    """Return the operations that a VM allows now, by its power state and flags."""
    if record["is_control_domain"]:
        return []
    listed = [name for name in POWER_STATES if name not in UNLISTED]
    if record["is_a_snapshot"]:
        listed = [*listed, "revert"]
    elif record["is_a_template"]:
        listed = [*listed, "provision"]
    return [name for name in listed if _refusal("", record, name) is None]


def refresh(database: Database, vm: str) -> None:
    """Write the operations that a VM allows now into its record."""
    database.write("VM", vm, "allowed_operations", allowed(database.read("VM", vm)))


def check(database: Database, vm: str, operation: str) -> None:
    """Raise the error of an operation that the VM does not allow now."""
    refusal = _refusal(vm, database.read("VM", vm), operation)
    if refusal is not None:
        raise refusal


def _refusal(vm: str, record: Record, operation: str) -> ApiError | None:
    """Return the error that refuses an operation, in the server's order."""
    state = record["power_state"].lower()
    states = POWER_STATES.get(operation, ANY)
    shown = "(unknown operation)" if operation in UNNAMED else operation
    error = None
    if operation in record["blocked_operations"]:
        error = ApiError("OPERATION_BLOCKED", vm, record["blocked_operations"][operation])
    elif state not in states:
        error = ApiError("VM_BAD_POWER_STATE", vm, ", ".join(states), state)
    elif record["is_a_snapshot"] and operation not in ON_SNAPSHOTS:
        error = ApiError("VM_IS_SNAPSHOT", vm, shown)
    elif operation == "provision" and not record["is_a_template"]:
        error = ApiError("PROVISION_ONLY_ALLOWED_ON_TEMPLATE")
    elif operation == "revert" and not record["is_a_snapshot"]:
        error = ApiError("REVERT_ONLY_ALLOWED_ON_SNAPSHOT")
    elif record["is_control_domain"] and operation not in ON_CONTROL_DOMAINS:
        error = ApiError("OPERATION_NOT_ALLOWED", OFF_ROOT)
    elif record["is_a_template"] and not record["is_a_snapshot"] and operation not in ON_TEMPLATES:
        error = ApiError("VM_IS_TEMPLATE", vm, shown)
    return error
