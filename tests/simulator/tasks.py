# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task class: its messages, and the ways in which a task ends (taskHelper.ml, xapi_task.ml)."""

from __future__ import annotations

from collections.abc import Callable

from . import classes, roles
from .database import Database, Record
from .inventory import Inventory
from .messages import Context, Message
from .other_config_roles import require_changes
from .sessions import Sessions
from .values import (
    NULL_REF,
    ApiError,
    Date,
    Value,
    choice,
    is_dummy,
    number,
    ref,
    text,
    text_map,
    texts,
)
from .xml_codec import to_text

STATUS = choice("pending", "success", "failure", "cancelling", "cancelled")
FINAL = ("success", "failure", "cancelled")
UNSEEN = {"externalpid": -1, "stunnelpid": -1, "forwarded": False, "forwarded_to": NULL_REF}
"""Columns that no record shows, but that filters know."""
KEY_ROLES = dict.fromkeys(
    ("applies_to", "XenCenterUUID", "XenCenterMeddlingActionTitle"), "vm-operator"
)


BACKTRACE = "".join(
    f"((process xapi)(filename ocaml/xapi/simulated_{line % 5}.ml)(line {line}))"
    for line in range(100, 130)
).join("()")
"""Positions in the source; a real failure has about 2 KB of them."""

Writes = list[tuple[str, Value]]
"""Fields and values, in the order in which they are written."""


class Tasks:
    """The tasks of a pool. They live in the master's memory: a restart forgets them."""

    def __init__(self, database: Database, sessions: Sessions, inventory: Inventory) -> None:
        self._database = database
        self._sessions = sessions
        self._inventory = inventory
        self.cancel_hooks: dict[str, Callable[[], None]] = {}
        """Callbacks for a cancel, by task. A task of task.create has none and is uncancellable."""

    def create(
        self,
        label: str,
        description: str = "",
        *,
        session: str = NULL_REF,
        parent: str = NULL_REF,
        other_config: dict[str, str] | None = None,
        host: str = "",
    ) -> str:
        """Make a task; `host` is the one that carries it, usually the master."""
        if is_dummy(parent):
            parent = NULL_REF
        record = classes.new(
            "task",
            name_label=label,
            name_description=description,
            created=Date.at(self._inventory.now(host)),
            resident_on=host or self._inventory.master,
            subtask_of=parent,
            other_config={f"http:{key}": value for key, value in (other_config or {}).items()},
        )
        return self._database.create("task", record, {"session": session, **UNSEEN})

    def begin(self, context: Context) -> str:
        """The task that a call runs as: the one that it came with, or else one of its own."""
        return context.forwarded or self.create(
            context.label,
            session=context.session,
            parent=context.parent or NULL_REF,
            other_config=context.other_config,
        )

    def read(self, task: str) -> Record:
        return self._database.read("task", task)

    def delete(self, task: str) -> None:
        """Remove the record at once, in any status."""
        self._database.delete("task", task)
        self.cancel_hooks.pop(task, None)

    def forward(self, task: str, host: str) -> None:
        """Hand a task to another host, which then carries it."""
        self._database["task"][task].hidden.update(forwarded=True, forwarded_to=host)
        self._database.write("task", task, "resident_on", host)

    def write(self, task: str, field: str, value: Value) -> None:
        self._database.write("task", task, field, value)

    def forget_all(self) -> None:
        self._database.empty("task")
        self.cancel_hooks.clear()

    def success_writes(self, result: Value, host: str = "") -> Writes:
        """Return the writes that end a task well; a client may read between two of them.

        A result of None writes none, as the server does after an export. The date is that of the
        host that ends the task, usually the master.
        """
        writes: Writes = [
            ("allowed_operations", []),
            ("finished", Date.at(self._inventory.now(host))),
            ("progress", 1.0),
        ]
        if result is not None:
            writes.append(("result", to_text(result)))
        return [*writes, ("status", "success")]

    def failure_writes(self, error: list[str], host: str = "") -> Writes:
        """Return the writes that end a task with an error."""
        return [
            ("progress", 1.0),
            ("error_info", error),
            ("backtrace", BACKTRACE),
            ("finished", Date.at(self._inventory.now(host))),
            ("allowed_operations", []),
            ("status", "cancelled" if error[0] == "TASK_CANCELLED" else "failure"),
        ]

    def cancelled_writes(self, host: str = "") -> Writes:
        """Return the writes that end a task as cancelled, without an error."""
        return [
            ("progress", 1.0),
            ("finished", Date.at(self._inventory.now(host))),
            ("status", "cancelled"),
            ("allowed_operations", []),
        ]

    def end(self, task: str, writes: Writes) -> None:
        """Carry out the writes of an end, unless the task is gone or has ended already."""
        with self._database.lock:
            if self.is_pending(task):
                for field, value in writes:
                    self.write(task, field, value)

    def is_pending(self, task: str) -> bool:
        row = self._database["task"].rows.get(task)
        return row is not None and row.fields["status"] == "pending"

    def _check_owner(self, context: Context, task: str) -> None:
        """Require ownership, except for the task that the call runs under (taskHelper.ml,
        assert_op_valid)."""
        if task == context.task:
            return
        row = self._database["task"].rows.get(task)
        owner = self._sessions.owner(row.hidden["session"]) if row is not None else None
        if owner is None or owner != context.account.sid:
            roles.require(context.account, "pool-operator", "task.destroy/any")

    def _create(self, context: Context, label: str, description: str) -> str:
        """A child of the task that the call itself runs under, if any."""
        return self.create(label, description, session=context.session, parent=context.task)

    def _destroy(self, context: Context, task: str) -> str:
        self._check_owner(context, task)
        if self.read(task)["status"] in FINAL:
            self.delete(task)
        else:
            self._database.add_to_map("task", task, "current_operations", "task", "destroy")
        return ""

    def _cancel(self, context: Context, task: str) -> str:
        """Accept a cancel in any status; the work decides about the effect."""
        self._check_owner(context, task)
        carrier = self._database["task"][task].hidden["forwarded_to"]
        if carrier in self._database["host"] and not self._inventory.is_live(carrier):
            raise ApiError("HOST_OFFLINE", carrier)
        self.write(task, "current_operations", {context.task: "cancel"})
        hook = self.cancel_hooks.get(task)
        if hook is not None:
            hook()
        return ""

    def _setter(self, field: str) -> Callable[[Context, str, Value], str]:
        def set_field(context: Context, task: str, value: Value) -> str:
            self._check_owner(context, task)
            self.write(task, field, value)
            return ""

        return set_field

    def _add_to_other_config(self, context: Context, task: str, key: str, value: str) -> str:
        self._check_owner(context, task)
        self._database.add_to_map("task", task, "other_config", key, value)
        return ""

    def _remove_from_other_config(self, context: Context, task: str, key: str) -> str:
        self._check_owner(context, task)
        self._database.remove_from_map("task", task, "other_config", key)
        return ""

    def _set_other_config(self, context: Context, task: str, value: dict[str, str]) -> str:
        self._check_owner(context, task)
        present = self.read(task)["other_config"]
        require_changes(context.account, KEY_ROLES, "task", present, value)
        self.write(task, "other_config", value)
        return ""

    def messages(self) -> list[Message]:
        return [
            Message("task.create", (text, text), self._create),
            Message("task.destroy", (ref,), self._destroy),
            Message("task.cancel", (ref,), self._cancel, has_async=True),
            Message("task.set_status", (ref, STATUS), self._setter("status")),
            Message("task.set_progress", (ref, number), self._setter("progress")),
            Message("task.set_result", (ref, text), self._setter("result")),
            Message("task.set_error_info", (ref, texts), self._setter("error_info")),
            Message(
                "task.add_to_other_config",
                (ref, text, text),
                self._add_to_other_config,
                has_async=True,
                key_roles=KEY_ROLES,
            ),
            Message(
                "task.remove_from_other_config",
                (ref, text),
                self._remove_from_other_config,
                has_async=True,
                key_roles=KEY_ROLES,
            ),
            Message(
                "task.set_other_config",
                (ref, text_map),
                self._set_other_config,
                has_async=True,
            ),
        ]


def unfinished(writes: Writes) -> Writes:
    """Return the writes of an end that remain where another party ends the task."""
    return [(field, value) for field, value in writes if field == "backtrace"]
