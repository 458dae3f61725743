# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
from enum import Enum
from typing import Mapping, NamedTuple

_FIRST_XAPI = 1104537600
"""2005-01-01T00:00:00Z. A clock that starts at zero writes an earlier time."""
_FUTURE_TOLERANCE = 60
"""Seconds; the server's time is read before the tasks are."""
_START_TOLERANCE = 2
"""Seconds; both times are rounded."""


class HostClock(NamedTuple):
    """The known facts about the clock of a host."""

    name: str
    lead: tuple[float, float] | None = (0.0, 0.0)
    """Between how many seconds it is ahead of the master's; None if it was not read."""
    ahead: float = 0.0
    """By how many seconds it is ahead at most; not below 0, as the next one."""
    behind: float = 0.0
    started: float = -math.inf
    """The first moment that it can have written in the record of a task, by the host's start."""
    first_record: float = _FIRST_XAPI
    """The same by all that is known; no record is right if the clock was not read."""
    margin: float = 0.0
    """By how many seconds it may differ from the master's where it seems to agree."""


class Clocks(NamedTuple):
    """The clocks of a pool's hosts, by reference."""

    hosts: Mapping[str, HostClock]
    master: str


NO_CLOCKS = Clocks({"": HostClock("")}, "")
"""Where no option needs them: then they are not read."""


class Creation(NamedTuple):
    """Between which moments of the master's clock a task was created."""

    earliest: float
    latest: float
    problem: str = ""
    """Why nothing is known of that; then it may have been at any time."""
    margin: float = 0.0
    """Seconds by which both moments may be off where the clocks seem to agree."""


class Doubt(Enum):
    """What becomes of a task of which it is uncertain whether it is within bounds."""

    LEAVE = "it does not match"
    COUNT = "it matches"
    YOUNG = "it matches as far as it would if it were as young as possible"


class Bounds(NamedTuple):
    """Between which moments a task has to have been created."""

    earliest: float = -math.inf
    latest: float = math.inf


def host_clock(
    name: str,
    *,
    lead: tuple[float, float] | None,
    started: float | None,
    master_started: float | None,
) -> HostClock:
    """Return the facts about a clock from its lead and the starts of XAPI, each by its own host.

    Tasks live in the memory of the master, and a host that starts loses its own.
    """
    if lead is None:
        return HostClock(name, None, first_record=math.inf)
    margin = 0.0
    if lead[0] <= 0 <= lead[1]:
        # It may be right, by these readings.
        margin, lead = max(-lead[0], lead[1]), (0.0, 0.0)
    ahead, behind = max(lead[1], 0.0), max(-lead[0], 0.0)
    start = -math.inf if started is None else started - ahead - _START_TOLERANCE
    first = _FIRST_XAPI if master_started is None else master_started - behind - _START_TOLERANCE
    first = max(start, first, _FIRST_XAPI)
    return HostClock(name, lead, ahead, behind, start, first, margin)


def estimate_creation(
    created: int | None, host: str | None, *, clocks: Clocks, now: int | None
) -> Creation:
    """Return when a task was created, from its record and by the clocks of now.

    The host whose clock wrote the record is the one that the task is resident on, or the master if
    it handed the task on. So both clocks are considered, and so is a clock that has been set right
    since.
    """
    clock = _find_clock(host, clocks)
    if clock is None or created is None or now is None:
        return _unknown(created, clock, now)
    if _is_plausible(created, clock, now):
        return Creation(created - clock.ahead, created + clock.behind, margin=clock.margin)
    return _unknown(created, clock, now)


def compute_age(
    created: int | None, host: str | None, *, clocks: Clocks, now: int | None
) -> int | None:
    """Return the age of a task in seconds, None if it is not known."""
    clock = _find_clock(host, clocks)
    if clock is None or created is None or now is None:
        return None
    return now - created if _is_plausible(created, clock, now) else None


def _find_clock(host: str | None, clocks: Clocks) -> HostClock | None:
    hosts = clocks.hosts
    # In a pool of one host, that one made all.
    return hosts.get((host or "") if len(hosts) > 1 else clocks.master)


def _is_plausible(created: int, clock: HostClock, now: int) -> bool:
    return clock.first_record <= created <= now + clock.ahead + _FUTURE_TOLERANCE


def compute_duration(created: int | None, finished: int | None) -> int | None:
    """Return the seconds from creation to end, None if the times cannot be right."""
    if created is None or finished is None or not _FIRST_XAPI <= created <= finished:
        return None
    return finished - created


def is_within(creation: Creation, bounds: Bounds, doubt: Doubt) -> bool:
    """Return whether a task that was created then is within bounds."""
    if doubt is Doubt.COUNT:
        earliest, latest = creation.earliest - creation.margin, creation.latest + creation.margin
        return earliest <= bounds.latest and latest >= bounds.earliest
    if doubt is Doubt.YOUNG:
        return bounds.earliest <= creation.latest <= bounds.latest
    return bounds.earliest <= creation.earliest and creation.latest <= bounds.latest


def _unknown(created: int | None, clock: HostClock | None, now: int | None) -> Creation:
    return Creation(-math.inf, math.inf, _problem(created, clock, now))


def _problem(created: int | None, clock: HostClock | None, now: int | None) -> str:
    if created is None:
        return "it has no time that can be read"
    if now is None:
        return "the server's time cannot be read"
    if created < _FIRST_XAPI:
        return "that is before 2005"
    if clock is None or clock.lead is None:
        return "the clock of its host could not be read"
    if created < clock.started:
        return "that is before XAPI started on its host"
    if created < clock.first_record:
        return "that is before XAPI started on the pool's master"
    return "that is in the future"
