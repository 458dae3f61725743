# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

"""Parses and formats the times of tasks."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from functools import lru_cache

_TIME = re.compile(r"(\d{4}-?\d\d-?\d\dT\d\d:\d\d):([0-5]\d)(?:\.\d+)?Z?\Z", re.ASCII)


def parse_seconds(text: str | None) -> int | None:
    """Return a time as the server writes it, such as 20261123T10:11:12Z, in seconds since 1970."""
    return parse_moment(text)[0]


def iso_time(seconds: int | None) -> str | None:
    """Return a time in ISO 8601, in UTC with a Z; None outside of the years 1 to 9999."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat()[:19] + "Z"
    except (OverflowError, OSError, ValueError):
        return None


# The tasks of a listing share many times, and parsing them would cost more than all the rest.
@lru_cache(maxsize=16384)
def parse_moment(text: str | None) -> tuple[int | None, str | None]:
    """Return a time of the server in seconds since 1970 and in ISO 8601."""
    match = _TIME.match(text or "")
    if match is None:
        return None, None
    minute, second = match.groups()
    seconds, iso = _minute(minute)
    if seconds is None:
        return None, None
    return seconds + int(second), f"{iso}:{second}Z"


@lru_cache(maxsize=4096)
def _minute(text: str) -> tuple[int | None, str]:
    date, clock = text.replace("-", "").split("T")
    year, month, day = int(date[:4]), int(date[4:6]), int(date[6:])
    try:
        moment = datetime(year, month, day, int(clock[:2]), int(clock[3:]), tzinfo=timezone.utc)
    except ValueError:
        return None, ""
    return int(moment.timestamp()), moment.isoformat()[:16]
