# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import math
import time
from typing import Any, Callable, Mapping, NamedTuple, Sequence

from .._client import schema as records
from .._client.retry import is_session_lost
from .._client.session import Session
from .._errors import InvalidResponse, RequestTimedOut, TimeUnreadable, XapiFailure
from .ages import NO_CLOCKS, Clocks, host_clock
from .times import parse_seconds

_TIME = "host.get_servertime"


class _Reading(NamedTuple):
    """The time of a clock at some moment between two readings of ours."""

    seconds: int
    asked_at: float
    answered_at: float


def read_time(
    session: Session, ages: Sequence[str], *, clock: Callable[[], float] = time.monotonic
) -> tuple[int | None, Clocks]:
    """Read the server's time and, where options go by the age of tasks, the clocks of all hosts.

    The server's time comes last, so that little passes between it and the tasks.
    """
    if not ages:
        return parse_seconds(session.read_server_time()), NO_CLOCKS
    hosts = session.read(records.hosts, "host.get_all_records")
    supporters = [ref for ref in hosts if ref != session.pool.master_ref]
    readings = _read_supporters(session, supporters, clock)
    master = _read_master(session, ages[0], clock)
    starts = {ref: _started(record["other_config"]) for ref, record in hosts.items()}
    clocks = {
        ref: host_clock(
            str(record.get("name_label", "")),
            lead=(0.0, 0.0) if ref not in supporters else _lead(readings.get(ref), master),
            started=starts[ref],
            master_started=starts.get(session.pool.master_ref),
        )
        for ref, record in hosts.items()
    }
    return master.seconds, Clocks(clocks, session.pool.master_ref)


def _read_supporters(
    session: Session, refs: Sequence[str], clock: Callable[[], float]
) -> dict[str, _Reading]:
    """Read each clock once; after one that does not answer in time, no other is asked."""
    readings = {}
    for ref in refs:
        asked_at = clock()
        try:
            seconds = parse_seconds(session.read(records.text, _TIME, ref))
        except XapiFailure as failure:
            if is_session_lost(failure) or not failure.method.startswith(_TIME):
                raise
            continue
        except InvalidResponse:
            continue
        except RequestTimedOut as error:
            if error.by_overall_deadline:
                raise
            break
        if seconds is not None:
            readings[ref] = _Reading(seconds, asked_at, clock())
    return readings


def _read_master(session: Session, option: str, clock: Callable[[], float]) -> _Reading:
    asked_at = clock()
    try:
        seconds = parse_seconds(session.read_server_time())
    except InvalidResponse as error:
        raise TimeUnreadable(error.url, method=_TIME, option=option) from error
    if seconds is None:
        raise TimeUnreadable(session.invalid_response(_TIME).url, method=_TIME, option=option)
    return _Reading(seconds, asked_at, clock())


def _lead(supporter: _Reading | None, master: _Reading) -> tuple[float, float] | None:
    """Return between how many seconds a clock is ahead of the master's, as far as that is known.

    Times are whole seconds, and each was read at some moment while its request was on its way.
    """
    if supporter is None:
        return None
    difference = supporter.seconds - master.seconds
    least = difference - 1 + master.asked_at - supporter.answered_at
    most = difference + 1 + master.answered_at - supporter.asked_at
    return least, most


def _started(other_config: Mapping[str, Any]) -> float | None:
    """Return when XAPI started, which the server writes as in "1800000000."."""
    try:
        seconds = float(other_config.get("agent_start_time", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None
