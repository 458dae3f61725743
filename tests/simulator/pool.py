# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pool without its sockets: its contents, and the methods with which a test controls it."""

from __future__ import annotations

from . import catalogue, classes, generated, getters, setters, works
from .async_methods import Background
from .call_log import CallLog
from .clock import Clock, RealClock, VirtualClock
from .database import Database, Record
from .dispatch import Dispatcher
from .events import Events
from .faults import Fault
from .garbage_collector import INTERVAL, Collector
from .inventory import Inventory
from .legacy_events import LegacyEvents
from .lifecycle import Life
from .messages import Message
from .operations import Operations
from .products import PRODUCTS, newer_fields, newer_messages
from .sessions import Sessions
from .tasks import FINAL, Tasks
from .values import ApiError, Date, Value


class Pool:
    """The memory and the database of a master, and its periodic work."""

    def __init__(
        self,
        *,
        username: str = "root",
        password: str = "xapi-secret",
        culls_like: str = "25.37",
        clock: Clock | None = None,
        product: str = "bare",
    ) -> None:
        """`product` names whose fields and messages the pool has; see products.py."""
        if product not in PRODUCTS:
            raise ValueError(f"no product {product!r}; there are {', '.join(PRODUCTS)}")
        self.product = PRODUCTS[product]
        self.username = username
        self.password = password
        self.clock = clock or RealClock()
        self.database = Database(
            classes.BLANKS,
            classes.RELATIONS,
            newer_fields(self.product) if self.product else None,
        )
        self.inventory = Inventory(self.database, self.clock)
        self._sessions = Sessions(
            self.database, self.inventory, username=username, password=password
        )
        self._tasks = Tasks(self.database, self._sessions, self.inventory)
        self.operations = Operations(self.database, self.clock, self._tasks, self.inventory)
        self.events = Events(self.database, self.clock)
        self._legacy_events = LegacyEvents(self.database, self.clock)
        self._sessions.ended += [self.events.session_ended, self._legacy_events.session_ended]
        self._collector = Collector(
            self.database, self.inventory, self._tasks, self._sessions, culls_like=culls_like
        )
        self.dispatcher = Dispatcher(self.database, self.clock, self._sessions)
        self._serve()

    def _serve(self) -> None:
        """Serve each message by the most specific of the parts that do it."""
        background = Background(self._tasks)
        generated_ones = generated.messages(self.inventory, works.ALL)
        own: list[Message] = []
        for part in (self._sessions, self._tasks, self.events, self._legacy_events):
            own += part.messages()
        for messages in (
            generated_ones,
            getters.messages(self.database),
            setters.messages(self.database, works.ALL),
            self.operations.messages(catalogue.CATALOGUE),
            own,
            generated.removed(),
        ):
            self.dispatcher.serve(background.complete(messages))
        self.dispatcher.withdraw(newer_messages(self.product) if self.product else ())

    @property
    def master_ref(self) -> str:
        return self.inventory.master

    @property
    def pool_uuid(self) -> str:
        uuid: str = self.database.read("pool", self.inventory.pool)["uuid"]
        return uuid

    @property
    def log(self) -> CallLog:
        """Every call, in order."""
        return self.dispatcher.log

    def sessions(self) -> list[str]:
        """References of the sessions that are logged in."""
        return list(self.database["session"])

    def logout(self, session: str) -> None:
        """End a session as its owner or the collector would."""
        self._sessions.logout(session)

    def logout_all(self) -> None:
        for session in self.sessions():
            self.logout(session)

    def find(self, kind: str, label: str) -> str:
        """Reference of the one object of a class with a label: find("VM", "web-1")."""
        (ref,) = self.database.find_by_name(kind, label)
        return ref

    def record(self, ref: str) -> Record | None:
        """A task's record as it is now; None when it is gone."""
        try:
            return dict(self._tasks.read(ref))
        except ApiError:
            return None

    def add_task(
        self, label: str, *, life: Life | None = None, age: float = 0.0, **fields: Value
    ) -> str:
        """Put a task into the pool; any field of the class can be given, and a life to live.

        The host that it is resident on made it, `age` seconds ago by its own clock, unless
        `created` is given.
        """
        if age or "resident_on" in fields:
            now = self.inventory.now(str(fields.get("resident_on", "")))
            fields.setdefault("created", Date.at(now - age))
        with self.database.lock:
            ref = self._tasks.create(label)
            if fields.get("status") in FINAL:
                fields.setdefault("finished", self._tasks.read(ref)["created"])
                fields.setdefault("progress", 1.0)
            self.set_task(ref, **fields)
        if life is not None:
            self.operations.play(ref, life)
        return ref

    def set_task(self, ref: str, **fields: Value) -> None:
        """Write fields of a task, one after the other."""
        for field, value in fields.items():
            self._tasks.write(ref, field, value)

    def add_garbage_collection(self, sr: str, **fields: Value) -> str:
        """Put the task of an SR's garbage collection into the pool, as the storage manager does.

        It runs until it is ended, and no field of the SR names it (cleanup.py of SM).
        """
        uuid = self.database.read("SR", sr)["uuid"]
        return self.add_task(
            "Garbage Collection",
            life=Life(duration=None, cancellable=False, cancel_after=None),
            name_description=f"Garbage collection for SR {uuid}",
            other_config={"applies_to": sr},
            **fields,
        )

    def add_plugin(self, name: str, **answers: str) -> None:
        """Give the hosts a plugin: function -> answer; others are XENAPI_MISSING_PLUGIN."""
        self.inventory.plugins[name] = answers

    def destroy_task(self, ref: str) -> None:
        """Delete a task's record at once, in any status."""
        self._tasks.delete(ref)

    def fail(
        self,
        method: str = "*",
        *,
        ref: str = "",
        nth: int = 1,
        count: int | None = 1,
        delay: float = 0.0,
        error: list[str] | None = None,
        http: tuple[int, str] | None = None,
        body: str | None = None,
        late: bool = False,
        cut: str | bool = "",
    ) -> None:
        """Make calls go wrong; see Fault for the words. `cut=True` is `cut="before"`."""
        where = "before" if cut is True else cut or ""
        self.dispatcher.faults.add(
            Fault(method, ref, nth, count, delay, tuple(error or ()), http, body, late, where)
        )

    def heal(self) -> None:
        """Take all faults back."""
        self.dispatcher.faults.clear()

    def collect(self) -> None:
        """One pass of garbage collection, now."""
        self._collector.collect()
        self._legacy_events.heartbeat()

    def collect_for_ever(self) -> None:
        """Collect every 30 seconds from now on."""

        def again() -> None:
            self.collect()
            self.collect_for_ever()

        self.clock.after(INTERVAL, again)

    def advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        if not isinstance(self.clock, VirtualClock):
            raise TypeError("advance needs a simulator with a VirtualClock")
        self.clock.advance(seconds)

    def stop(self) -> None:
        """Stop all work, and break the calls that are blocked."""
        self.clock.stop()
        self.operations.stop()
        self.drop_blocked()

    def drop_blocked(self) -> None:
        self.events.drop_blocked()
        self._legacy_events.drop_blocked()

    def forget_running(self) -> None:
        """Drop all that lives in the master's process; no event is sent."""
        self.operations.stop()
        self._tasks.forget_all()
        self._sessions.forget_all()
        self.operations.forget_holds()
        self.drop_blocked()

    def restart_agent(
        self, host: str, *, startup: float = 0.0, failed_rounds: int = 0, enables: bool = True
    ) -> None:
        """XAPI restarts on a supporter, as the master sees it.

        `Pool.hello` disables the host before its tasks are deleted (xapi_pool.ml). At the end of
        its start-up the host writes its new start time, then enables itself (dbsync_slave.ml),
        unless it is to stay disabled. A start-up that fails begins again.
        """
        self.inventory.set_enabled(host, False)
        self.inventory.set_live(host, True)
        self.delete_carried(host)

        def come_up() -> None:
            if failed_rounds:
                self.restart_agent(
                    host, startup=startup, failed_rounds=failed_rounds - 1, enables=enables
                )
                return
            self.inventory.agent_started(host)
            if enables and host not in self.inventory.disabled_until_reboot:
                self.inventory.set_enabled(host, True)

        if startup:
            self.clock.after(startup, come_up)
        else:
            come_up()

    def delete_carried(self, host: str) -> None:
        """Delete the tasks of a supporter whose toolstack comes back (cancel_tasks.ml)."""
        with self.database.lock:
            for ref, record in self.database.records("task").items():
                if record["resident_on"] == host and record["status"] in ("pending", "cancelling"):
                    self.operations.stop(ref)
                    self._tasks.delete(ref)
