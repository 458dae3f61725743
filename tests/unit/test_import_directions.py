# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds the plan of the house: which file may import which, as CONTRIBUTING.md has it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.tests.checkout import ROOT

COLLECTION = "ansible_collections.xen.xapi"
UTILS = f"{COLLECTION}.plugins.module_utils"
SIMULATOR = f"{COLLECTION}.tests.simulator"

# From the door to the wire: a room imports only from rooms that stand after it.
ROOMS = [
    "_module",
    "_output",
    "_cancel_report",
    "_targets",
    "_forcing",
    "_evidence",
    "_set_report",
    "_quiet_report",
    "_wait_report",
    "_wait_sentences",
    "_age_sentences",
    "_task_words",
    "_sentences",
    "_connection_options",
    "_cancel_options",
    "_wait_options",
    "_selector_options",
    "_cancel_gate",
    "_idle_gate",
    "_cancellation",
    "_waiter",
    "_event_fallback",
    "_backoff",
    "_set_gate",
    "_quiet_gate",
    "_quiet_window",
    "_stalls",
    "_object_holds",
    "_vanishing",
    "_watch",
    "_task_set",
    "_timeline",
    "_scene",
    "_selector",
    "_objects",
    "_matching_time",
    "_literal_regexes",
    "_selection",
    "_clocks",
    "_trouble",
    "_tasks",
    "_task",
    "_ages",
    "_session",
    "_left_sessions",
    "_members",
    "_rpc",
    "_transport",
    "_exchange",
    "_certificates",
    "_endpoints",
    "_credentials",
    "_records",
    "_values",
    "_collector",
    "_codes",
    "_api_classes",
    "_code_words",
    "_texts",
    "_errors",
]
KNOWS_ANSIBLE = ("_module", "_output", "_connection_options")
PURE = (
    "_age_sentences",
    "_ages",
    "_wait_sentences",
    "_task_words",
    "_sentences",
    "_trouble",
    "_task_set",
    "_timeline",
    "_literal_regexes",
    "_selection",
    "_task",
    "_endpoints",
    "_credentials",
    "_records",
    "_values",
    "_codes",
    "_code_words",
    "_texts",
    "_errors",
)
# Named one by one: a list of what does I/O would never be complete.
PURE_LIBRARY = {
    "__future__",
    "calendar",
    "collections",
    "contextlib",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "html",
    "ipaddress",
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "types",
    "typing",
    "xml",
}
IMPURE_CALLS = {"__import__", "breakpoint", "eval", "exec", "input", "open", "print"}


def imported(tree: ast.AST, package: str) -> Iterator[str]:
    """Every name that is imported, wherever it stands, with relative ones spelled out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = parents[: len(parents) - node.level + 1] if node.level else []
            prefix = [*base, *filter(None, [node.module])]
            yield from (".".join([*prefix, alias.name]) for alias in node.names)


def called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def within(name: str, package: str) -> bool:
    return f"{name}.".startswith(f"{package}.")


def broken_in_plugins(path: Path, name: str) -> bool:
    room = path.stem if path.parent.name == "module_utils" else ""
    top = name.partition(".")[0]
    if within(name, UTILS):
        target = name[len(UTILS) + 1 :].partition(".")[0]
        allowed = ROOMS[ROOMS.index(room) + 1 :] if room in ROOMS else ROOMS
        return target not in allowed
    if top == "ansible":
        return path.parent.name != "modules" and room not in KNOWS_ANSIBLE
    if top in ("requests", "urllib3"):
        return room != "_transport"
    if top not in sys.stdlib_module_names or top == "importlib":
        return True
    return room in PURE and top not in PURE_LIBRARY


def broken_in_simulator(name: str) -> bool:
    return not within(name, SIMULATOR) and name.partition(".")[0] not in sys.stdlib_module_names


def violations(path: Path, source: str) -> list[str]:
    """What the file, named from the root of the collection, has no right to."""
    tree = ast.parse(source)
    package = ".".join([COLLECTION, *path.parent.parts])
    names = imported(tree, package)
    if path.parts[0] == "tests":
        return [name for name in names if broken_in_simulator(name)]
    found = [name for name in names if broken_in_plugins(path, name)]
    if path.parent.name == "module_utils" and path.stem not in (*ROOMS, "__init__"):
        found.append(f"{path.stem} is no room")
    if path.parent.name == "module_utils" and path.stem in PURE:
        found.extend(f"{name}()" for name in called(tree) if name in IMPURE_CALLS)
    return found


def sources() -> list[str]:
    folders = (ROOT / "plugins", ROOT / "tests" / "simulator")
    return sorted(
        file.relative_to(ROOT).as_posix() for folder in folders for file in folder.rglob("*.py")
    )


@pytest.mark.parametrize("path", sources())
def test_every_file_keeps_to_the_plan(path: str) -> None:
    assert violations(Path(path), (ROOT / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("folder", ["plugins/modules", "plugins/module_utils", "tests/simulator"])
def test_the_walk_reaches(folder: str) -> None:
    assert [path for path in sources() if path.startswith(folder)]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("plugins/module_utils/_errors.py", "from ._rpc import Rpc"),
        ("plugins/module_utils/_rpc.py", "from . import _session"),
        ("plugins/module_utils/_rpc.py", "def f():\n    from ._rpc import Rpc"),
        ("plugins/module_utils/_rpc.py", f"import {UTILS}._waiter"),
        ("plugins/module_utils/_rpc.py", "from .helpers import tidy"),
        ("plugins/module_utils/_rpc.py", "import requests.adapters"),
        ("plugins/module_utils/_rpc.py", "import importlib"),
        ("plugins/module_utils/_session.py", "from ansible.module_utils import basic"),
        ("plugins/module_utils/_session.py", "try:\n    import yaml\nfinally:\n    pass"),
        ("plugins/module_utils/_task.py", "import os.path"),
        ("plugins/module_utils/_task.py", "from pathlib import Path"),
        ("plugins/module_utils/_task.py", "if TYPE_CHECKING:\n    from socket import socket"),
        ("plugins/module_utils/_errors.py", "print('trouble')"),
        ("plugins/module_utils/_helpers.py", ""),
        ("plugins/modules/task_info.py", "import requests"),
        ("plugins/modules/task_info.py", f"from {COLLECTION}.tests.simulator import server"),
        ("plugins/modules/task_info.py", "from ...tests import simulator"),
        ("plugins/modules/task_info.py", "from tests import simulator"),
        ("plugins/doc_fragments/connection.py", "from ansible import constants"),
        ("tests/simulator/server.py", f"from {UTILS} import _errors"),
        ("tests/simulator/server.py", "from ...plugins.module_utils import _errors"),
        ("tests/simulator/server.py", "from .. import checkout"),
        ("tests/simulator/server.py", "import requests"),
    ],
)
def test_it_catches(path: str, source: str) -> None:
    assert violations(Path(path), source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("plugins/module_utils/_module.py", "from ansible.module_utils import basic"),
        ("plugins/module_utils/_session.py", "from ._rpc import Rpc\nimport time"),
        ("plugins/module_utils/_task.py", "from ._errors import XapiError\nimport datetime"),
        ("plugins/module_utils/_transport.py", "import requests, socket"),
        ("plugins/modules/task_info.py", "from ..module_utils._module import run"),
        ("plugins/modules/task_info.py", f"from {UTILS}._module import run"),
        ("tests/simulator/server.py", "from .wire import encode\nimport http.server"),
    ],
)
def test_it_lets_pass(path: str, source: str) -> None:
    assert violations(Path(path), source) == []
