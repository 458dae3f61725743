# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Iterable

from ._task import Task

_MOST_NAMED = 5


def named(task: Task) -> str:
    """A task by its label and uuid; the label is other people's text, and shown as one."""
    return f"{task.name_label!r} (uuid {task.uuid})"


def under_way(task: Task) -> str:
    """A running task, and how far it is."""
    progress = "" if task.progress is None else f", {percent(task)}"
    return f"{task.name_label!r} (uuid {task.uuid}, {task.status}{progress})"


def percent(task: Task) -> str:
    return f"{(task.progress or 0) * 100:.0f} %"


def listed(parts: list[str], *, most: int = _MOST_NAMED) -> str:
    """The first few of many, and how many there are besides."""
    more = len(parts) - most
    return ", ".join(parts[:most]) + (f" and {more} more" if more > 0 else "")


def told(sentences: list[str], *, before: str = "") -> str:
    """The first few of many sentences, and how many there are besides."""
    more = len(sentences) - _MOST_NAMED
    shown = " ".join(_ended_with_stop(sentences[:_MOST_NAMED]))
    return before + shown + (f" And {more} more." if more > 0 else "")


def _ended_with_stop(sentences: Iterable[str]) -> Iterable[str]:
    return (text if text.endswith(".") else f"{text}." for text in sentences)
