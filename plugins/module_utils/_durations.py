# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


def spell_duration(seconds: float) -> str:
    """Return a time as people say it: 45 s, 9 min, 1 h 5 min, 2 d 3 h."""
    whole = max(round(seconds), 0)
    if whole < 2 * _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    large, small, names = (_DAY, _HOUR, "d h") if whole >= _DAY else (_HOUR, _MINUTE, "h min")
    first, second = names.split()
    rest = whole % large // small
    return f"{whole // large} {first}" + (f" {rest} {second}" if rest else "")
