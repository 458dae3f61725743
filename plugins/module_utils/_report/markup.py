# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

"""Writes untrusted text into HTML."""

from __future__ import annotations

import html
from typing import Any, Mapping

from .cells import format_text, is_running

_STATUSES = ("success", "failure", "cancelled")


def escape_html(value: Any, *, limit: int = 200) -> str:
    """Return a value as text of a page, in which no markup and no template is left."""
    text = html.escape(format_text(value, limit=limit), quote=True)
    return text.replace("{", "&#123;").replace("}", "&#125;")


def status_class(task: Mapping[str, Any]) -> str:
    """Return the name of the style for a task, which is never text of the server."""
    if is_running(task):
        return "running"
    status = task.get("status")
    return next((known for known in _STATUSES if known == status), "unknown")
