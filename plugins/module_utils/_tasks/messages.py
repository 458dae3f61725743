# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from .._text import escape, join_limited, quote
from .model import Task

_MAX_WORD = 100
_MAX_SENTENCES = 1500


def format_task(task: Task) -> str:
    """Return the label of a task, which is untrusted text, and its uuid."""
    return f"{quote(task.name_label)} (uuid {shorten_word(task.uuid)})"


def format_progress(task: Task) -> str:
    """Return a running task with its status and progress."""
    progress = "" if task.progress is None else f", {percent(task)}"
    label, uuid, status = quote(task.name_label), shorten_word(task.uuid), shorten_word(task.status)
    return f"{label} (uuid {uuid}, {status}{progress})"


def shorten_word(text: str) -> str:
    """Return one word of the server, such as a uuid or a status, which can be any text."""
    return escape(text, limit=_MAX_WORD)


def percent(task: Task) -> str:
    """Return the progress in percent, which is 100 only where all of it is made."""
    progress = (task.progress or 0) * 100
    return f"{min(progress, 99) if progress < 100 else progress:.0f} %"


def join_few(parts: list[str], *, max_parts: int = 5) -> str:
    """Return the first few of many parts, and the number of the others."""
    return join_limited(parts, max_parts=max_parts)


def join_sentences(sentences: list[str], *, before: str = "") -> str:
    """Return the first few of many sentences, and the number of the others."""
    ended = [text if text.endswith(".") else f"{text}." for text in sentences]
    return before + join_limited(
        ended, limit=_MAX_SENTENCES, separator=" ", remainder=" And {} more."
    )
