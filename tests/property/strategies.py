# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events of a pool and its connection, for hypothesis to combine."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool
from ansible_collections.xen.xapi.tests.support.virtual.transport import VirtualWire

THOROUGHLY = settings(
    max_examples=int(os.environ.get("RELIABILITY_EXAMPLES", "200")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
Happening = Callable[[VirtualPool, VirtualWire], None]

MOMENTS = st.floats(0, 200).map(lambda seconds: round(seconds, 2))
SPANS = st.sampled_from([0.3, 2.0, 15.0, 61.0])
OUTCOMES = st.sampled_from(["success", "success", "failure", "cancelled"])
# Full progress and an odd word are no end.
ODD_WRITES = (("progress", 1.0), ("status", "cancelling"), ("status", "resting"))


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """A life of up to a few minutes; progress may be full long before the end, or never move."""
    duration = draw(st.one_of(st.none(), st.sampled_from([0.01, 0.5, 29.9, 30.0, 60.1]), MOMENTS))
    writes = draw(st.lists(st.tuples(MOMENTS, st.sampled_from(ODD_WRITES)), max_size=1))
    return Life(
        duration=duration,
        steps=draw(st.sampled_from([1, 4, 40])),
        outcome=draw(OUTCOMES),
        gap=draw(st.sampled_from([0.0, 0.0, 0.004, 3.0])),
        writes=tuple((moment, *write) for moment, write in writes),
        deleted_after=draw(st.one_of(st.none(), st.none(), MOMENTS)),
    )


def _restart(lost: int, pool: VirtualPool, _wire: VirtualWire) -> None:
    pool.restart_master(generations_lost=lost)


def _restart_supporter(
    startup: float, failed_rounds: int, enables: bool, pool: VirtualPool, _wire: VirtualWire
) -> None:
    pool.restart_supporter(startup=startup, failed_rounds=failed_rounds, enables=enables)


def _set_enabled(enabled: bool, pool: VirtualPool, _wire: VirtualWire) -> None:
    """An administrator disables a host for maintenance, or enables it again."""
    # Enabling a host during its start-up would claim that it has started.
    if not (enabled and pool.is_starting):
        pool.inventory.set_enabled(pool.supporter.ref, enabled)


def _forward_and_restart(place: int, pool: VirtualPool, _wire: VirtualWire) -> None:
    """The master hands a task to another host, on which XAPI restarts a moment later.

    A host that is starting takes no tasks. The record of a disabled host does not change when it
    restarts, but a restart takes seconds, so that an answer before it shows the task there.
    """
    refs = pool.present()
    if not refs or pool.is_starting:
        return
    pool.set_task(refs[place % len(refs)], resident_on=pool.supporter.ref)
    is_enabled = pool.database.read("host", pool.supporter.ref)["enabled"]
    if is_enabled:
        pool.restart_supporter(startup=15.0)
    else:
        pool.at(2.0, lambda: pool.restart_supporter(startup=15.0))


def step_clock(seconds: float, is_master: bool, pool: VirtualPool, _wire: VirtualWire) -> None:
    """NTP, or somebody, sets the clock of a host; records keep their dates."""
    pool.inventory.set_clock(pool.master_ref if is_master else pool.supporter.ref, seconds)


def _fail_events(how: str, pool: VirtualPool, _wire: VirtualWire) -> None:
    """Something between here and the pool lets everything through but event.from."""
    faults: dict[str, dict[str, Any]] = {
        "page": {"http": (403, "<html>Forbidden</html>")},
        "cut": {"cut": "before"},
        "slow": {"delay": 12.0},
        "hang": {"delay": 500.0},
    }
    pool.fail("event.from", count=None, **faults[how])


def _fault(method: str, cut: str, count: int, pool: VirtualPool, _wire: VirtualWire) -> None:
    pool.fail(method, cut=cut, count=count)


def _page(method: str, status: int, count: int, pool: VirtualPool, _wire: VirtualWire) -> None:
    pool.fail(method, http=(status, "<html>Bad gateway</html>"), count=count)


def _error(method: str, code: str, count: int, pool: VirtualPool, _wire: VirtualWire) -> None:
    pool.fail(method, error=[code], count=count)


def _slow(method: str, delay: float, pool: VirtualPool, _wire: VirtualWire) -> None:
    pool.fail(method, delay=delay, count=4)


def _hang(count: int, _pool: VirtualPool, wire: VirtualWire) -> None:
    wire.hangs = count


def _disappear_unheard(place: int, pool: VirtualPool, _wire: VirtualWire) -> None:
    """A deletion that the server has forgotten before anybody could be told of it."""
    refs = pool.present()
    if refs:
        pool.destroy_task(refs[place % len(refs)])
        pool.churn(600)


def _overwrite(place: int, status: str, pool: VirtualPool, _wire: VirtualWire) -> None:
    """A client sets a status, be it of a task that has ended."""
    refs = pool.present()
    if refs:
        pool.set_task(refs[place % len(refs)], status=status)


METHODS = st.sampled_from(["*", "event.from", "task.*", "session.*"])
PLACES = st.integers(0, 3)
COUNTS = st.sampled_from([1, 2, 5])
TROUBLE: st.SearchStrategy[Happening] = st.one_of(
    st.builds(functools.partial, st.just(_restart), st.sampled_from([0, 3])),
    st.just(lambda pool, _wire: pool.promote_other()),
    st.builds(
        functools.partial,
        st.just(_restart_supporter),
        st.sampled_from([0.0, 1.0, 5.0, 45.0, 600.0]),
        st.sampled_from([0, 0, 2]),
        st.booleans(),
    ),
    st.builds(functools.partial, st.just(_set_enabled), st.booleans()),
    st.builds(
        functools.partial,
        st.just(step_clock),
        st.sampled_from([-86400.0, -1200.0, 90.0, 1200.0, 86000.0]),
        st.booleans(),
    ),
    st.builds(functools.partial, st.just(_forward_and_restart), PLACES),
    st.builds(
        functools.partial, st.just(_fail_events), st.sampled_from(["page", "cut", "slow", "hang"])
    ),
    st.builds(functools.partial, st.just(_disappear_unheard), PLACES),
    st.builds(
        functools.partial,
        st.just(_overwrite),
        PLACES,
        st.sampled_from(["success", "failure", "pending"]),
    ),
    st.just(lambda pool, _wire: pool.collect()),
    st.just(lambda pool, _wire: pool.logout_all()),
    st.builds(lambda span: lambda pool, _wire: pool.take_down_for(span), SPANS),
    st.builds(lambda span: lambda pool, _wire: pool.take_down_for(span, 1), SPANS),
    st.builds(lambda span: lambda pool, _wire: pool.boot_for(span), SPANS),
    st.builds(
        functools.partial,
        st.just(_fault),
        METHODS,
        st.sampled_from(["before", "after", "half"]),
        COUNTS,
    ),
    st.builds(functools.partial, st.just(_page), METHODS, st.sampled_from([500, 502]), COUNTS),
    st.builds(
        functools.partial,
        st.just(_error),
        METHODS,
        st.sampled_from(["SESSION_INVALID", "INTERNAL_ERROR", "HOST_STILL_BOOTING"]),
        COUNTS,
    ),
    st.builds(functools.partial, st.just(_slow), METHODS, st.sampled_from([0.5, 3.0])),
    st.builds(functools.partial, st.just(_hang), COUNTS),
)
TROUBLES = st.lists(st.tuples(MOMENTS, TROUBLE), max_size=4)


def schedule(
    pool: VirtualPool, wire: VirtualWire, transient_errors: list[tuple[float, Happening]]
) -> None:
    for moment, happening in transient_errors:
        pool.at(moment, functools.partial(happening, pool, wire))
