# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator: a pool and the hosts that answer for it."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from . import sample_tasks
from .clock import Clock
from .control import ControlEndpoint
from .dispatch import Request
from .http import Services
from .listener import Host
from .plan import Plan, usual
from .pool import Pool
from .restarts import Restarts
from .sample_pool import SamplePool
from .transfer_handlers import HANDLERS
from .transfers import Parts, Transfers
from .values import Value

if TYPE_CHECKING:
    from .certificate import Certificate

PORT_TRIES = 20


class Simulator(Pool):
    """A XAPI pool on loopback, from entering its context to leaving it.

    All hosts listen on one port, each on an address of its own: 127.0.0.1, 127.0.0.2 and on. The
    address of the master that a supporter names comes without a port, so they could not share one.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        username: str = "root",
        password: str = "xapi-secret",
        tasks: int = 0,
        supporters: int = 0,
        addresses: Iterable[str] = (),
        tls: bool = False,
        collects: bool = True,
        culls_like: str = "25.37",
        clock: Clock | None = None,
        control: bool = False,
        legacy_ids: bool = False,
        product: str = "bare",
        plan: Plan | None = None,
    ) -> None:
        """Make the pool; it does not listen yet.

        `addresses` are those of the supporters, in place of the neighbours of `host`; `control`
        opens /simulator/ to every client; `legacy_ids` answers JSON-RPC as XenServer 7.0 to
        7.2 do, in version 1.0 and with an id of 0. `product` other than `bare` makes a pool as
        `plan` has it, with all that a host of the product has.
        """
        super().__init__(
            username=username,
            password=password,
            culls_like=culls_like,
            clock=clock,
            product=product,
        )
        self.restarts = Restarts(self)
        self.end: Callable[[], None] = self.stop
        """Callback of the control verb `stop`: a server of its own ends its process."""
        self._port = port
        self._collects = collects
        all_addresses = [host, *(list(addresses) or _neighbours(host, supporters))]
        self.certificate = _certificate(["localhost", *all_addresses]) if tls else None
        services = Services(
            self.dispatcher,
            self._transfers(),
            ControlEndpoint(self).answer if control else None,
            legacy_ids or bool(self.product and self.product.has_old_json),
        )
        self.hosts = [self._host(address, services) for address in all_addresses]
        self._fill(plan or usual())
        sample_tasks.gather(self, tasks)

    def _fill(self, plan: Plan) -> None:
        if self.product:
            SamplePool(self.inventory, self.product, plan).build()
        else:
            self.inventory.fill()
        for task in plan.tasks:
            self.add_task(task.label, age=task.age, status=task.status, **task.fields)

    def _transfers(self) -> Transfers:
        parts = Parts(self.database, self._sessions, self._tasks, self.operations, self.inventory)
        return Transfers(parts, HANDLERS)

    def _host(self, address: str, services: Services) -> Host:
        label = f"host-{len(self.database['host'].rows) + 1}"
        return Host(
            self.inventory.add_host(label, address),
            address,
            services,
            master_address=lambda: self.master.address,
            tls=self.certificate.context if self.certificate else None,
        )

    def __enter__(self) -> Simulator:
        self._listen()
        if self._collects:
            self.collect_for_ever()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.stop()
        for host in self.hosts:
            host.close()
        if self.certificate:
            self.certificate.remove()

    def _listen(self) -> None:
        """A free port of the first address may be taken on the next: then another is tried."""
        for tries_left in reversed(range(PORT_TRIES)):
            try:
                for host in self.hosts:
                    host.up(self._port or self.hosts[0].port)
                return
            except OSError:
                for host in self.hosts:
                    host.close()
                    host.port = 0
                if self._port or not tries_left:
                    raise

    @property
    def url(self) -> str:
        """The first host's address, such as http://127.0.0.1:40123."""
        return self.hosts[0].url

    @property
    def master(self) -> Host:
        return next(host for host in self.hosts if host.ref == self.master_ref)

    def call(self, method: str, *params: Value) -> Value:
        """The result of a call on the master, without HTTP; it is in the log like any other."""
        return self.dispatcher.call(self.master, Request(method, list(params))).result

    def restart_master(self, *, generations_lost: int = 0) -> None:
        """Restart the master's toolstack: tasks and sessions are gone, without events."""
        master = self.master
        master.down()
        self.forget_running()
        self.database.lose(generations_lost)
        self.inventory.agent_started(master.ref)
        master.up()

    def promote(self, place: int) -> None:
        """Another host, by its place in `hosts`, becomes master and knows no task, no session."""
        old, new = self.master, self.hosts[place]
        old.down()
        new.down()
        self.forget_running()
        self.inventory.make_master(new.ref)
        self.inventory.agent_started(new.ref)
        old.up()
        new.up()

    def restart_supporter(
        self,
        place: int,
        *,
        startup: float = 0.0,
        failed_rounds: int = 0,
        enables: bool = True,
    ) -> None:
        """XAPI restarts on a supporter; see `restart_agent`."""
        host = self.hosts[place]
        host.down()
        host.up()
        self.restart_agent(host.ref, startup=startup, failed_rounds=failed_rounds, enables=enables)

    def set_clock(self, place: int, offset: float) -> None:
        """Set a host's clock ahead by so many seconds, or behind; records keep their dates."""
        self.inventory.set_clock(self.hosts[place].ref, offset)

    def boot(self, place: int = 0, *, error: Iterable[str] = ("HOST_STILL_BOOTING",)) -> None:
        """A host is in emergency mode and refuses every call, until `boot(place, error=())`."""
        self.hosts[place].emergency = list(error)

    def take_down(self, place: int) -> None:
        """A host is dead: it refuses connections, and the pool knows."""
        self.hosts[place].down()
        self.inventory.set_live(self.hosts[place].ref, False)

    def bring_up(self, place: int) -> None:
        self.hosts[place].up()
        self.inventory.set_live(self.hosts[place].ref, True)


def _certificate(names: list[str]) -> Certificate:
    """Return a certificate; the libraries for it take a while to import."""
    from .certificate import Certificate

    return Certificate(names)


def _neighbours(host: str, count: int) -> list[str]:
    if not count:
        return []
    network, _unused, last = host.rpartition(".")
    if not network.startswith("127."):
        raise ValueError(
            f"supporters need the addresses after {host}, which are not on loopback: leave them out"
        )
    return [f"{network}.{int(last) + place}" for place in range(1, count + 1)]
