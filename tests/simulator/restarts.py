# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that go away on request and come back: `host.reboot`, `host.shutdown`, a new master."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from .inventory import HostActions

if TYPE_CHECKING:
    from .server import Simulator


@dataclasses.dataclass(frozen=True)
class Restart:
    """How a host restarts. Times are seconds of the server's clock."""

    leaves_after: float = 1.0
    """Time from the end of the task to the moment when the host stops to answer."""
    away: float = 60.0
    """Time for which the host does not answer."""
    startup: float = 10.0
    """Time from the first answer to the moment when the host enables itself."""
    failed_rounds: int = 0
    """How often the start-up fails and begins again."""
    enables: bool = True
    """Whether the host enables itself in the end."""


class Restarts:
    """Carries out restarts that operations on hosts request."""

    def __init__(self, simulator: Simulator) -> None:
        self.usual = Restart()
        self._simulator = simulator
        simulator.inventory.actions = HostActions(
            leave=self.leave,
            come_back=self.come_back,
            restart_toolstack=self.restart_toolstack,
            take_over=self.take_over,
        )

    def configure(self, **changes: Any) -> None:
        """Change how hosts restart from now on."""
        self.usual = dataclasses.replace(self.usual, **changes)

    def leave(self, host: str, returns: bool) -> None:
        """Let a host go away soon, and come back where it only restarts."""
        plan = self.usual
        clock = self._simulator.clock
        clock.after(plan.leaves_after, lambda: self._go(host))
        if returns:
            clock.after(plan.leaves_after + plan.away, lambda: self._return(host, plan))

    def take_over(self, host: str) -> None:
        """Make another host the master soon, as the answer comes from the old one."""
        place = self._place(host)
        self._simulator.clock.after(self.usual.leaves_after, lambda: self._simulator.promote(place))

    def restart_toolstack(self, host: str) -> None:
        """Restart XAPI on a host soon; the host and its VMs go on."""
        plan, simulator, place = self.usual, self._simulator, self._place(host)

        def restart() -> None:
            if host == simulator.master_ref:
                simulator.restart_master()
            else:
                simulator.restart_supporter(
                    place,
                    startup=plan.startup,
                    failed_rounds=plan.failed_rounds,
                    enables=plan.enables,
                )

        simulator.clock.after(plan.leaves_after, restart)

    def come_back(self, host: str) -> None:
        """Boot a host that is away."""
        plan = self.usual
        if not self._simulator.inventory.is_live(host):
            self._simulator.clock.after(plan.away, lambda: self._return(host, plan))

    def _place(self, host: str) -> int:
        return [member.ref for member in self._simulator.hosts].index(host)

    def _go(self, host: str) -> None:
        """A master takes tasks and sessions with it; the pool sees that a supporter is away."""
        simulator = self._simulator
        if host == simulator.master_ref:
            simulator.inventory.set_enabled(host, False)
            simulator.hosts[self._place(host)].down()
            simulator.forget_running()
        else:
            simulator.take_down(self._place(host))

    def _return(self, host: str, plan: Restart) -> None:
        """Answer again; an administrator's `host.disable` may end with the restart."""
        simulator, inventory = self._simulator, self._simulator.inventory
        if inventory.disabled_until_reboot.get(host):
            del inventory.disabled_until_reboot[host]
        inventory.booted(host)
        if host != simulator.master_ref:
            simulator.hosts[self._place(host)].up()
            simulator.restart_agent(
                host,
                startup=plan.startup,
                failed_rounds=plan.failed_rounds,
                enables=plan.enables,
            )
            return
        member = simulator.hosts[self._place(host)]
        member.emergency = ["HOST_STILL_BOOTING"]
        member.up()
        simulator.clock.after(
            plan.startup * (plan.failed_rounds + 1), lambda: self._ready(host, plan)
        )

    def _ready(self, host: str, plan: Restart) -> None:
        """End the start-up of the master."""
        inventory = self._simulator.inventory
        self._simulator.hosts[self._place(host)].emergency = []
        inventory.agent_started(host)
        if plan.enables and host not in inventory.disabled_until_reboot:
            inventory.set_enabled(host, True)
