# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations that take a while: each has a task, holds objects, leaves something behind."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import NamedTuple

from . import vm_lifecycle
from .api import declared
from .classes import BLANKS
from .clock import Clock
from .database import Database
from .faults import Cut
from .generated import message
from .inventory import Inventory
from .lifecycle import Ended, Life, Player
from .messages import Context, Message
from .tasks import Tasks, unfinished
from .values import ApiError, Value

Args = tuple[Value, ...]
Effect = Callable[[Inventory, Args], Value]
Check = Callable[[Inventory, Args], None]


class Operation(NamedTuple):
    """A message with an Async form whose work takes a while, as data."""

    name: str
    holds: tuple[tuple[str, int, str], ...]
    """(class, place among the parameters, entry in that object's current_operations) while it runs.
    Without an entry the work only runs there, and `check` has to look for the object.
    """
    effect: Effect
    """Called on success; returns the result."""
    life: Life = Life()
    check: Check | None = None
    """Refuses the call for reasons other than missing objects and the state of a VM."""


class Operations:
    """Runs operations. `lives` overrides how long and how well a message's work goes."""

    def __init__(
        self, database: Database, clock: Clock, tasks: Tasks, inventory: Inventory
    ) -> None:
        self.lives: dict[str, Life] = {}
        self._database = database
        self._clock = clock
        self._tasks = tasks
        self._inventory = inventory
        self._players: dict[str, Player] = {}
        self._runs: dict[str, _Run] = {}

    def play(
        self,
        task: str,
        life: Life,
        *,
        work: Callable[[], Value] | None = None,
        ended: Ended = lambda _error: None,
        completes: bool = True,
    ) -> None:
        """Make any task live a life; see Player for `work`, `ended` and `completes`."""

        def forget(error: list[str]) -> None:
            self._players.pop(task, None)
            ended(error)

        player = Player(
            self._tasks, self._clock, task, life, work=work, ended=forget, completes=completes
        )
        self._players[task] = player
        player.start()

    def is_playing(self, task: str) -> bool:
        """Return whether the work of a task goes on."""
        return task in self._players

    def stop(self, task: str | None = None) -> None:
        """Stop the work of a task, or of all; the records stay as they are."""
        for stopped in [task] if task else list(self._players):
            player, run = self._players.pop(stopped, None), self._runs.get(stopped)
            if player is not None:
                player.stop()
            if run is not None:
                run.broken = True
                run.done.set()

    def forget_holds(self) -> None:
        """A toolstack that starts finds no operation under way on anything."""
        for name, blank in BLANKS.items():
            if "current_operations" in blank and name != "task":
                for ref in self._database[name]:
                    self._database.write(name, ref, "current_operations", {})

    def _start(self, operation: Operation, context: Context, args: Args) -> _Run:
        """Make the task, unless the call came with one, and begin; an error fails the task."""
        task = self._tasks.begin(context)
        run = _Run(operation, args, task, self._database, self._inventory)
        try:
            context.require(declared(operation.name).role, operation.name)
            run.check()
            host = run.host()
            if host is not None:
                self._tasks.forward(task, host)
        except ApiError as error:
            writes = self._tasks.failure_writes(error.description)
            self._tasks.end(task, unfinished(writes) if context.forwarded else writes)
            run.end(error.description)
            return run
        life = self.lives.get(operation.name, operation.life)
        self._runs[task] = run
        if life.queued:
            self._clock.after(life.queued, lambda: self._hold_late(task))
        else:
            run.hold()

        def ended(error: list[str]) -> None:
            self._runs.pop(task, None)
            run.release()
            run.end(error)

        self.play(task, life, work=run.work, ended=ended, completes=not context.forwarded)
        return run

    def _hold_late(self, task: str) -> None:
        run = self._runs.get(task)
        if run is not None:
            run.hold()

    def _wait(self, operation: Operation, context: Context, args: Args) -> Value:
        """A sync call: its task is there while it runs and deleted when it returns."""
        run = self._start(operation, context, args)
        run.done.wait()
        if run.broken:
            raise Cut()
        if not context.forwarded:
            with contextlib.suppress(ApiError):
                self._tasks.delete(run.task)
        if run.error:
            raise ApiError(*run.error)
        return run.result

    def messages(self, catalogue: tuple[Operation, ...]) -> list[Message]:
        return [self._message(operation) for operation in catalogue]

    def _message(self, operation: Operation) -> Message:
        made = message(
            declared(operation.name),
            lambda context, *args: self._wait(operation, context, args),
        )
        # The role is checked where the work begins, in both forms.
        return made._replace(
            role="read-only",
            has_async=False,
            start=lambda context, *args: self._start(operation, context, args).task,
        )


class _Run:
    """One operation under way, the objects that it holds, and its result."""

    def __init__(
        self,
        operation: Operation,
        args: Args,
        task: str,
        database: Database,
        inventory: Inventory,
    ) -> None:
        self.task = task
        self.result: Value = ""
        self.error: list[str] = []
        self.broken = False
        """Whether the work was stopped, so that no answer comes."""
        self.done = threading.Event()
        self._operation = operation
        self._args = args
        self._database = database
        self._inventory = inventory

    def check(self) -> None:
        """Refuse a call with objects that do not exist or do not allow the operation."""
        for name, place, entry in self._operation.holds:
            if not entry:
                continue
            target = self._args[place]
            self._database.read(name, target)
            if name == "VM":
                vm_lifecycle.check(self._database, target, entry)
        if self._operation.check is not None:
            self._operation.check(self._inventory, self._args)

    def host(self) -> str | None:
        """The other host that the work is handed to: the one that has the VM, or that is meant."""
        if not self._operation.holds:
            return None
        name, place, _unused = self._operation.holds[0]
        host = self._args[place]
        if name == "VM":
            host = self._database.read("VM", host)["resident_on"]
        if host not in self._database["host"] or host == self._inventory.master:
            return None
        if not self._inventory.is_live(host):
            raise ApiError("HOST_OFFLINE", host)
        return str(host)

    def hold(self) -> None:
        for name, place, entry in self._operation.holds:
            if entry:
                target = self._args[place]
                self._database.add_to_map(name, target, "current_operations", self.task, entry)

    def work(self) -> Value:
        self.result = self._operation.effect(self._inventory, self._args)
        return self.result

    def release(self) -> None:
        for name, place, entry in self._operation.holds:
            target = self._args[place]
            if entry and target in self._database[name]:
                self._database.remove_from_map(name, target, "current_operations", self.task)

    def end(self, error: list[str]) -> None:
        self.error = error
        self.done.set()
