# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One wait on a virtual pool, with the checks that apply to every wait."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.module_utils._errors import XapiError
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import Decision
from ansible_collections.xen.xapi.plugins.module_utils._wait.waiter import WaitCondition, Waiter
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool
from ansible_collections.xen.xapi.tests.support.virtual.transport import (
    VirtualWire,
    virtual_session,
)

LAST_LOOK = 5.0


@dataclass
class Run:
    pool: VirtualPool
    wire: VirtualWire
    session: Session
    condition: WaitCondition
    waiter: Waiter
    began: float

    @property
    def ended(self) -> float:
        return self.pool.now()

    @property
    def decision(self) -> Decision:
        return self.condition.decision

    def wait(self) -> None:
        self.waiter.wait()
        assert self.waiter.elapsed <= self.waiter.timeout + LAST_LOOK + 0.01
        if self.decision is Decision.PENDING:
            assert self.waiter.timed_out
            assert self.waiter.elapsed >= self.waiter.timeout


@contextlib.contextmanager
def on(
    pool: VirtualPool,
    make_condition: Callable[[Session], WaitCondition],
    *,
    timeout: float,
    method: str = "auto",
    jitter: float = 1.0,
    latency: float = 0.001,
    make_observer: Callable[[Any], Callable[[XapiError | None], None]] | None = None,
) -> Iterator[Run]:
    """A wait that has not begun; assertions in the block run before the logout.

    The observer of the condition is told of each step, if one is made.
    """
    wire = VirtualWire(pool, latency=latency)
    with virtual_session(wire, pool) as session:
        condition = make_condition(session)
        waiter = Waiter(
            session,
            condition,
            timeout=timeout,
            method=method,
            clock=pool.now,
            sleep=pool.solo.advance,
            jitter=lambda: jitter,
            observe=make_observer(condition) if make_observer else lambda _error: None,
        )
        yield Run(pool, wire, session, condition, waiter, pool.now())
