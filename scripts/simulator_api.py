# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write tests/simulator/api.json from a dump of XAPI's data model.

    python scripts/simulator_api.py DUMP.json [OUTPUT.json]

The dump has fields, enums and messages of each class, as the server's own generator prints them.
The output keeps facts only: types, arity, roles, async forms and releases, one message a line.
A getter that follows from its field is left out; the field carries its release.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).parents[1] / "tests" / "simulator" / "api.json"


def _is_plain_getter(name: str, field: str, kind: str, message: dict[str, Any]) -> bool:
    """Return whether a message is the getter that its field implies."""
    return (
        message["params"] == [["self", f"{name} ref", True]]
        and message["result"] == kind
        and message["role"] == "read-only"
        and not message["async"]
    )


def _compact(message: dict[str, Any]) -> list[Any]:
    """Return role, release, result, flags and parameters; a name with `?` may be left out."""
    flags = ["async"] * message["async"]
    flags += ["removed"] * (message.get("state") == "removed")
    flags += ["no session"] * (message.get("session") is False)
    params = [
        f"{name}{'' if required else '?'}: {kind}" for name, kind, required in message["params"]
    ]
    return [message["role"] or "", message["since"], message["result"], " ".join(flags), *params]


def _class(name: str, source: dict[str, Any]) -> dict[str, Any]:
    """Return a class with one entry for each field and each message that no field implies."""
    messages = dict(source["messages"])
    fields = {}
    for field, kind in source["fields"].items():
        getter = messages.get(f"get_{field}")
        if getter and _is_plain_getter(name, field, kind, getter):
            del messages[f"get_{field}"]
            fields[field] = [kind, getter["since"]]
        else:
            fields[field] = [kind]
    compact = {message: _compact(messages[message]) for message in sorted(messages)}
    return {"fields": fields, "enums": source["enums"], "messages": compact}


def _lines(document: dict[str, Any]) -> str:
    """Return JSON text with one line for each field and message."""
    classes = []
    for name, parts in document.items():
        groups = []
        for group, entries in parts.items():
            lines = [f"   {json.dumps(key)}: {json.dumps(entry)}" for key, entry in entries.items()]
            inner = ",\n".join(lines)
            groups.append(
                f"  {json.dumps(group)}: {{\n{inner}\n  }}"
                if lines
                else f"  {json.dumps(group)}: {{}}"
            )
        classes.append(f" {json.dumps(name)}: {{\n" + ",\n".join(groups) + "\n }")
    return "{\n" + ",\n".join(classes) + "\n}\n"


def main() -> None:
    """Convert the dump that the command line names."""
    source = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["classes"]
    output = Path(sys.argv[2]) if len(sys.argv) > 2 else OUTPUT
    output.write_text(_lines({name: _class(name, parts) for name, parts in source.items()}))
    print(f"{output}: {sum(len(parts['messages']) for parts in source.values())} messages")


if __name__ == "__main__":
    main()
