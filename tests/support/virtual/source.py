# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An event source in one thread and in virtual time, with a list in place of its queue."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NoReturn

from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.module_utils._events.options import parse_source_options
from ansible_collections.xen.xapi.plugins.module_utils._events.secrets import Secrets
from ansible_collections.xen.xapi.plugins.module_utils._events.source import Callbacks, Source
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool
from ansible_collections.xen.xapi.tests.support.virtual.transport import (
    VirtualWire,
    virtual_session,
)

ENDS = ("success", "failure", "cancelled")


class Stopped(BaseException):
    """The test is over: raised from the clock, so that no code of the source catches it."""


class VirtualSource:
    """A source on a virtual pool, with the events that it emitted and when it did."""

    def __init__(
        self, pool: VirtualPool, wire: VirtualWire, session: Session, options: dict[str, Any]
    ) -> None:
        self.pool = pool
        self.wire = wire
        self.session = session
        self.events: list[dict[str, Any]] = []
        self.emitted_at: list[float] = []
        self.warnings: list[str] = []
        written = {"hostname": "10.0.0.1", "password": pool.password, **options}
        self.secrets = Secrets(written)
        callbacks = Callbacks(
            emit=self._emit,
            warn=self.warnings.append,
            stop=lambda: None,
            sleep=pool.solo.advance,
            clock=getattr(wire, "client_now", pool.now),
            jitter=lambda: 1.0,
        )
        self.source = Source(session, parse_source_options(written), self.secrets, callbacks)

    def run(self, seconds: float) -> None:
        """Let the source run for some seconds of virtual time."""
        self.pool.at(seconds, _stop)
        with contextlib.suppress(Stopped):
            self.source.run()
        self.pool.solo.patience = float("inf")

    def of(self, *types: str) -> list[dict[str, Any]]:
        """Return the events of some types."""
        return [event for event in self.events if event["type"] in types]

    def refs(self, *types: str) -> list[str]:
        """Return the tasks of the events of some types."""
        return [event["task"]["ref"] for event in self.of(*types)]

    def _emit(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        self.emitted_at.append(self.pool.now())


def _stop() -> NoReturn:
    raise Stopped


@contextlib.contextmanager
def source_on(
    pool: VirtualPool, *, wire: VirtualWire | None = None, **options: Any
) -> Iterator[VirtualSource]:
    """Yield a source that has yet to run; its session is logged out at the end of the block."""
    wire = wire or VirtualWire(pool)
    with virtual_session(wire, pool) as session:
        yield VirtualSource(pool, wire, session, options)
