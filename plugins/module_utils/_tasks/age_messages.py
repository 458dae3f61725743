# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Sequence

from .._text import escape, quote
from .ages import Clocks
from .messages import join_few, shorten_word
from .model import Task
from .selection import SelectionContext, creation
from .times import iso_time

_MAX_TEXT = 40
_MIN_DIFFERENCE = 2
"""Seconds; clocks are read to the second."""
SPARED = (
    "They match no option by age or time. To cancel one of them, give its uuid and no such option."
)
COUNTED = "They count as matches, except for those that had already ended as expected."
NEW = "They count as new, so that they match max_age and created_after alone."


def age_warnings(
    undated: Sequence[Task], context: SelectionContext, *, consequence: str
) -> list[str]:
    """Return what the reader should know of ages that are uncertain or unknown."""
    found = _wrong_clocks(context.clocks)
    if undated:
        names = join_few([_dated(task, context) for task in undated])
        found.append(f"The age of these tasks is not known: {names}. {consequence}")
    return found


def _wrong_clocks(clocks: Clocks) -> list[str]:
    wrong = [
        f"{quote(clock.name)} ({_distance(clock.lead)})"
        for clock in clocks.hosts.values()
        if clock.lead is not None and abs(sum(clock.lead) / 2) >= _MIN_DIFFERENCE
    ]
    if not wrong:
        return []
    message = f"Clocks of hosts differ from the clock of the pool's master: {join_few(wrong)}. "
    return [message + "The tasks of these hosts may be older or younger by that."]


def _distance(lead: tuple[float, float]) -> str:
    seconds = round(sum(lead) / 2)
    return f"{abs(seconds)} s {'ahead' if seconds > 0 else 'behind'}"


def _dated(task: Task, context: SelectionContext) -> str:
    created = iso_time(task.created)
    if created is None:
        created = escape(str(task.record.get("created", "")), limit=_MAX_TEXT) or "nothing"
    return (
        f"{quote(task.name_label)} (uuid {shorten_word(task.uuid)}, created {created}: "
        f"{creation(task, context).problem})"
    )
