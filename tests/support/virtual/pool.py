# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated pool in one thread with its client and in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ansible_collections.xen.xapi.tests.simulator.clock import SoloClock
from ansible_collections.xen.xapi.tests.simulator.garbage_collector import (
    PENDING_TASK_TIMEOUT,
    moment,
)
from ansible_collections.xen.xapi.tests.simulator.pool import Pool
from ansible_collections.xen.xapi.tests.simulator.tasks import FINAL
from ansible_collections.xen.xapi.tests.simulator.values import ApiError


class Change(NamedTuple):
    """One entry of the pool's history: a change of a task, and its time."""

    at: float
    ref: str
    status: str | None
    """None: the record was deleted."""


class Member:
    """A host without a socket."""

    def __init__(self, pool: VirtualPool, ref: str, address: str) -> None:
        self.ref = ref
        self.address = address
        self.emergency: list[str] = []
        self.is_up = True
        self._pool = pool

    def master_address(self) -> str | None:
        master = self._pool.master.address
        return None if master == self.address else master


class VirtualPool(Pool):
    """A pool of two hosts whose time passes only where somebody waits."""

    def __init__(self) -> None:
        self.solo = SoloClock()
        super().__init__(clock=self.solo)
        self.members = [
            Member(self, self.inventory.add_host(f"host-{place}", f"10.0.0.{place}"), address)
            for place, address in ((1, "10.0.0.1"), (2, "10.0.0.2"))
        ]
        self.is_starting = False
        """Whether XAPI on the supporter is in its start-up."""
        self.history: list[Change] = []
        self.labels: dict[str, str] = {}
        self.dropped: set[str] = set()
        """The tasks that were deleted while running, for another reason than their end."""
        self.restarts: list[float] = []
        """When the master's memory was lost."""
        self.database.listeners.append(self._note)
        self.collect_for_ever()

    @property
    def master(self) -> Member:
        return next(member for member in self.members if member.ref == self.master_ref)

    def now(self) -> float:
        return self.solo.now()

    def at(self, seconds: float, happen: Callable[[], object]) -> None:
        """Let something happen later."""
        self.solo.after(seconds, lambda: _without_error(happen))

    def restart_master(self, *, generations_lost: int = 0) -> None:
        self._lose_memory()
        self.database.lose(generations_lost)
        self.inventory.agent_started(self.master_ref)

    def promote_other(self) -> None:
        """The host that is not the master becomes it."""
        self._lose_memory()
        new = next(member for member in self.members if member.ref != self.master_ref)
        self.inventory.make_master(new.ref)
        self.inventory.agent_started(new.ref)

    @property
    def supporter(self) -> Member:
        return next(member for member in self.members if member.ref != self.master_ref)

    def restart_supporter(
        self, *, startup: float = 0.0, failed_rounds: int = 0, enables: bool = True
    ) -> None:
        """XAPI restarts on the supporter; see `restart_agent`."""
        self.is_starting = True
        self.at(startup * (1 + failed_rounds), self._has_started)
        self.restart_agent(
            self.supporter.ref, startup=startup, failed_rounds=failed_rounds, enables=enables
        )

    def _has_started(self) -> None:
        self.is_starting = False

    def delete_carried(self, host: str) -> None:
        before = set(self.present())
        super().delete_carried(host)
        self.dropped |= before.difference(self.present())

    def churn(self, count: int) -> None:
        """Tasks that come and go: the server forgets older deletions over them."""
        for _number in range(count):
            self.destroy_task(self.add_task("VM.get_boot_record"))

    def take_down_for(self, seconds: float, place: int = 0) -> None:
        member = self.members[place]
        member.is_up = False
        self.at(seconds, lambda: setattr(member, "is_up", True))

    def boot_for(self, seconds: float) -> None:
        master = self.master
        master.emergency = ["HOST_STILL_BOOTING"]
        self.at(seconds, master.emergency.clear)

    def interruptions(self) -> list[Callable[[], object]]:
        """Return the ways in which this pool interrupts those who watch it, in their order."""
        return [
            self.restart_master,
            self.promote_other,
            self.restart_supporter,
            self.logout_all,
            lambda: self.take_down_for(45),
            lambda: self.boot_for(45),
            lambda: self.fail("event.from", cut="before", count=2),
        ]

    def _lose_memory(self) -> None:
        self.restarts.append(self.now())
        for ref, record in self.database.records("task").items():
            self.history.append(Change(self.now(), ref, None))
            if record["status"] not in FINAL:
                self.dropped.add(ref)
        self.forget_running()

    def _note(self, operation: str, table: str, ref: str, fields: dict[str, Any]) -> None:
        if table == "task":
            self.labels[ref] = fields["name_label"]
            status = None if operation == "del" else fields["status"]
            is_old = self.inventory.now() - moment(fields["created"]) > PENDING_TASK_TIMEOUT
            if status is None and is_old and fields["status"] not in FINAL:
                self.dropped.add(ref)
            self.history.append(Change(self.now(), ref, status))

    def present(self) -> list[str]:
        """The tasks that there are, in the order of their coming."""
        return [ref for ref in self.labels if ref in self.database["task"]]

    def ends(self, ref: str) -> list[tuple[float, str]]:
        """When a task came to be final, and how; more than once where a client wrote to it."""
        return [
            (change.at, change.status)
            for change in self.history
            if change.ref == ref and change.status in FINAL
        ]

    def status(self, ref: str) -> str | None:
        """The status that a task has now."""
        record = self.record(ref)
        return None if record is None else str(record["status"])

    def status_at(self, ref: str, moment: float) -> str | None:
        """The status that a task had then; None where it was not there."""
        found = None
        for change in self.history:
            if change.ref == ref and change.at <= moment:
                found = change.status
        return found

    def gone_at(self, ref: str) -> float | None:
        """When a task's record was deleted."""
        return next((c.at for c in self.history if c.ref == ref and c.status is None), None)


def _without_error(happen: Callable[[], object]) -> None:
    try:
        happen()
    except ApiError:
        # Its task has disappeared.
        return
