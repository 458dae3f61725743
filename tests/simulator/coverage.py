# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which messages the simulator does, and how its answers came about."""

from __future__ import annotations

from collections.abc import Collection

from . import constructors, works
from .api import CLASSES, declarations
from .catalogue import CATALOGUE
from .clock import VirtualClock
from .pool import Pool

KINDS = ("recorded", "from source", "generated", "removed", "missing")
"""Answers compared with a recording; written after the server's source; made from a declaration;
refused by the server itself; refused with the simulator's own error."""


def kinds(recorded: Collection[str]) -> dict[str, str]:
    """Return the kind of each message; `recorded` names those that recordings hold."""
    pool = Pool(clock=VirtualClock())
    fields = {f"{name}.get_{field}" for name, one in CLASSES.items() for field in one.fields}
    written = {*works.ALL, *(operation.name for operation in CATALOGUE)}
    written -= set(constructors.WORKS)
    removed = {one.name for one in declarations() if one.is_removed}
    found = {}
    for name in sorted(one.name for one in declarations()):
        if not pool.dispatcher.does(name):
            found[name] = "missing"
        elif name in recorded:
            found[name] = "recorded"
        elif name in removed:
            found[name] = "removed"
        elif name in written or name.startswith(("session.", "task.", "event.")):
            found[name] = "from source" if name not in fields else "generated"
        else:
            found[name] = "generated"
    return found


def page(recorded: Collection[str]) -> str:
    """Return the page of the documentation as Markdown."""
    found = kinds(recorded)
    lines = [*HEAD, *_table(found), "", *_lists(found)]
    return "\n".join(lines).rstrip() + "\n"


HEAD = (
    "# What the simulator answers",
    "",
    "`scripts/simulator_coverage.py` writes this page. It lists every message that XAPI 26.17 has,",
    "by the origin of the simulator's answer:",
    "",
    "- **recorded**: in the scenarios recorded from a real server on a host without a hypervisor.",
    "  The comparison holds for their arguments, which are refusals for some messages.",
    "- **from source**: written after the server's source, and compared with no recording. That is",
    "  so for work that needs domain 0, a storage manager or a guest.",
    "- **generated**: a getter or setter that follows from the declaration of a field, as in the",
    "  server itself, or a message that only makes or deletes a row. A setter that does more on a",
    "  server only writes the field.",
    "- **removed**: the server itself answers `MESSAGE_REMOVED`.",
    "- **missing**: checks arity, types, session and role, then answers with the simulator's own",
    "  error `SIMULATOR_NOT_IMPLEMENTED` and the name of the message.",
    "",
)


def _table(found: dict[str, str]) -> list[str]:
    lines = [f"| class | {' | '.join(KINDS)} |", "|---|" + "---:|" * len(KINDS)]
    for name in CLASSES:
        own = [kind for message, kind in found.items() if message.startswith(f"{name}.")]
        if own:
            counts = " | ".join(str(own.count(kind)) for kind in KINDS)
            lines.append(f"| {name} | {counts} |")
    values = list(found.values())
    totals = " | ".join(f"**{values.count(kind)}**" for kind in KINDS)
    return [*lines, f"| **all** | {totals} |"]


def _lists(found: dict[str, str]) -> list[str]:
    """List the messages by kind and class; generated ones are too many and too alike."""
    lines = []
    for kind in ("recorded", "from source", "missing"):
        lines += [f"## {kind.capitalize()}", ""]
        for name in CLASSES:
            own = [
                message.partition(".")[2]
                for message, one in found.items()
                if one == kind and message.startswith(f"{name}.")
            ]
            if own:
                lines += [f"- **{name}**: {', '.join(f'`{message}`' for message in own)}"]
        lines.append("")
    return lines
