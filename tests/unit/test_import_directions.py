# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds the direction of imports: a file imports only from files that stand below it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.tests.support.collection import ROOT

COLLECTION = "ansible_collections.xen.xapi"
UTILS = f"{COLLECTION}.plugins.module_utils"
SIMULATOR = f"{COLLECTION}.tests.simulator"

# From top to bottom: the packages, and the files in each. Files in no package have no name before
# the colon.
LAYERS = """
: _module _masking _progress _output
_report: page table timeline markup style cells suggestions
_events: source options condition reporter missing object_scope matcher tracker content messages
    alarms gaps secrets buffer
_cancel: progress report targets force evidence options operation tracker idle cancellation
_call: waiting report messages operation candidates references options values refusals datamodel
    datamodel_text
_wait: progress observer speed completion_report quiet_report report messages options waiter
    transient_errors pacer event_fallback backoff completion admission set_tracker quiet
    match_tracker quiet_window stalls object_holds disappearance watcher task_set timeline context
    intervals
_tasks: age_messages messages options query objects regex_timeout literal_regexes selection
    clocks api model ages kinds kind_table api_classes result times
_client: connection messages options session master_connection login left_sessions pool master
    jsonrpc transport http_client background tls tls_errors endpoint credentials schema gc_pause
    retry
: _messages _validators _error_codes _error_descriptions _error_descriptions_rare _short_failures
    _text _durations _errors
"""
# An inventory can be YAML where PyYAML is installed; JSON needs no package.
READS_YAML = {"tests/simulator/plan.py"}
KNOWS_ANSIBLE = {"_module", "_output", "_client/options", "_events/options"}
# What runs on the controller alone: modules cannot import it, and only these files know Ansible.
PLUGIN_UTILS = f"{COLLECTION}.plugins.plugin_utils"
CONTROLLER_FOLDERS = {"action", "plugin_utils"}
KNOWS_CONTROLLER = {Path("plugins/plugin_utils/_progress_action.py")}
PURE_ON_CONTROLLER = {Path("plugins/plugin_utils/_progress_lines.py")}
# Files that only compute: no input, no output, no clock.
PURE = {
    *(f"_report/{name}" for name in ("page", "table", "timeline", "markup", "style", "cells")),
    "_report/suggestions",
    *("_events/tracker", "_events/content", "_events/messages", "_events/alarms", "_events/gaps"),
    *("_call/messages", "_call/values", "_call/refusals", "_call/datamodel"),
    "_call/datamodel_text",
    *("_cancel/progress", "_wait/progress", "_wait/observer", "_wait/speed"),
    *("_wait/messages", "_wait/task_set", "_wait/timeline", "_wait/intervals"),
    *(
        "_tasks/messages",
        "_tasks/age_messages",
        "_tasks/ages",
        "_tasks/literal_regexes",
        "_tasks/selection",
        "_tasks/kinds",
        "_tasks/kind_table",
        "_tasks/api_classes",
        "_tasks/result",
        "_tasks/times",
    ),
    *("_tasks/model", "_client/retry", "_client/endpoint", "_client/credentials"),
    *(
        "_client/schema",
        "_client/messages",
        "_messages",
        "_validators",
        "_error_codes",
        "_error_descriptions",
        "_error_descriptions_rare",
        "_short_failures",
    ),
    *("_text", "_durations", "_errors"),
}
# Named one by one: a list of libraries that do I/O would never be complete.
PURE_LIBRARY = {
    "__future__",
    "abc",
    "calendar",
    "collections",
    "contextlib",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
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


def files_in_order(layers: str) -> list[str]:
    """The files of module_utils from top to bottom, as `_wait/waiter` or `_errors`."""
    order = []
    package = ""
    for word in layers.replace(":", ": ").split():
        if word.endswith(":"):
            package = word[:-1]
        else:
            order.append(f"{package}/{word}" if package else word)
    return order


ORDER = files_in_order(LAYERS)


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


def file_of_utils(path: Path) -> str | None:
    """`_wait/waiter` for plugins/module_utils/_wait/waiter.py, None for files elsewhere."""
    if path.parts[:2] != ("plugins", "module_utils"):
        return None
    return Path(*path.parts[2:]).with_suffix("").as_posix()


def target_of(name: str) -> str | None:
    """The file of module_utils that an imported name is in; None for a package or no file."""
    parts = name[len(UTILS) + 1 :].split(".")
    candidates = ["/".join(parts[:length]) for length in (1, 2)]
    return next((file for file in candidates if file in ORDER), None)


def is_broken_in_plugins(path: Path, name: str) -> bool:
    file = file_of_utils(path)
    top = name.partition(".")[0]
    if within(name, UTILS):
        # A file that is not in the order must not import from module_utils.
        allowed = ORDER if file is None else ORDER[ORDER.index(file) + 1 :] if file in ORDER else []
        return target_of(name) not in allowed
    if within(name, PLUGIN_UTILS):
        return path.parent.name not in CONTROLLER_FOLDERS
    if top == "ansible":
        is_interface = path.parent.name in ("filter", "modules") or path in KNOWS_CONTROLLER
        return not is_interface and file not in KNOWS_ANSIBLE
    if top in ("requests", "urllib3"):
        return file != "_client/http_client"
    if top not in sys.stdlib_module_names or top == "importlib":
        return True
    return (file in PURE or path in PURE_ON_CONTROLLER) and top not in PURE_LIBRARY


def is_broken_in_simulator(path: Path, name: str) -> bool:
    if path.as_posix() in READS_YAML and name == "yaml":
        return False
    return not within(name, SIMULATOR) and name.partition(".")[0] not in sys.stdlib_module_names


def violations(path: Path, source: str) -> list[str]:
    """The imports and calls that a file, named from the root of the collection, must not have."""
    tree = ast.parse(source)
    package = ".".join([COLLECTION, *path.parent.parts])
    names = imported(tree, package)
    if path.parts[0] == "tests":
        return [name for name in names if is_broken_in_simulator(path, name)]
    found = [name for name in names if is_broken_in_plugins(path, name)]
    file = file_of_utils(path)
    if file is not None and file not in ORDER:
        found.append(f"{file} is not in LAYERS")
    if file in PURE or path in PURE_ON_CONTROLLER:
        found.extend(f"{name}()" for name in called(tree) if name in IMPURE_CALLS)
    return found


def sources() -> list[str]:
    folders = (ROOT / "plugins", ROOT / "tests" / "simulator")
    return sorted(
        file.relative_to(ROOT).as_posix() for folder in folders for file in folder.rglob("*.py")
    )


@pytest.mark.parametrize("path", sources())
def test_every_file_follows_import_rules(path: str) -> None:
    assert violations(Path(path), (ROOT / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("file", ORDER)
def test_layers_name_only_existing_files(file: str) -> None:
    assert (ROOT / "plugins" / "module_utils" / f"{file}.py").is_file()


def test_layers_name_each_file_once() -> None:
    assert sorted(ORDER) == sorted(set(ORDER))


@pytest.mark.parametrize("file", sorted(PURE | KNOWS_ANSIBLE))
def test_rules_name_only_files_of_the_layers(file: str) -> None:
    assert file in ORDER


def test_packages_are_not_interleaved() -> None:
    packages = [file.rpartition("/")[0] for file in ORDER]
    runs = [one for one, before in zip(packages, [None, *packages], strict=False) if one != before]
    named = [package for package in runs if package]
    assert sorted(named) == sorted(set(named))


@pytest.mark.parametrize("path", sorted(KNOWS_CONTROLLER | PURE_ON_CONTROLLER))
def test_rules_name_only_existing_files_of_controller(path: Path) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize(
    "folder",
    [
        "plugins/action",
        "plugins/modules",
        "plugins/module_utils",
        "plugins/plugin_utils",
        "tests/simulator",
    ],
)
def test_checked_sources_include_each_folder(folder: str) -> None:
    assert [path for path in sources() if path.startswith(folder)]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        # Upwards between packages, in each way to write it.
        ("_client/session", "from .._wait.waiter import Waiter"),
        ("_client/session", "from .._wait import waiter"),
        ("_client/session", f"import {UTILS}._wait.waiter"),
        ("_client/session", f"from {UTILS}._wait.waiter import Waiter"),
        ("_client/session", "def f():\n    from .._tasks.model import Task"),
        ("_tasks/model", "from .._cancel.options import CancelOptions"),
        ("_errors", "from ._client.jsonrpc import Rpc"),
        # A whole package: its files would be reached past the order.
        ("_client/session", "from .. import _wait"),
        ("_cancel/report", "from .. import _wait"),
        ("_cancel/report", f"import {UTILS}._wait"),
        ("_module", "from . import _client"),
        # Upwards inside a package, and a file that imports itself.
        ("_client/jsonrpc", "from . import session"),
        ("_client/jsonrpc", "from .session import Session"),
        ("_client/jsonrpc", "def f():\n    from .jsonrpc import Rpc"),
        # Files that the order does not have.
        ("_client/jsonrpc", "from .helpers import tidy"),
        ("_client/helpers", ""),
        ("_helpers", ""),
        ("_wait/quiet/window", ""),
        # Libraries.
        ("_client/jsonrpc", "import requests.adapters"),
        ("_client/jsonrpc", "import importlib"),
        ("_client/session", "from ansible.module_utils import basic"),
        ("_wait/waiter", "from ansible.module_utils import basic"),
        ("_client/session", "try:\n    import yaml\nfinally:\n    pass"),
        # Purity.
        ("_tasks/model", "import socket"),
        ("_tasks/model", "import os.path"),
        ("_tasks/model", "from pathlib import Path"),
        ("_tasks/model", "if TYPE_CHECKING:\n    from socket import socket"),
        ("_tasks/model", "print('task')"),
        ("_errors", "print('error')"),
    ],
)
def test_it_catches_in_module_utils(path: str, source: str) -> None:
    assert violations(Path("plugins", "module_utils", f"{path}.py"), source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("plugins/modules/task_info.py", "import requests"),
        ("plugins/modules/task_info.py", "from ..module_utils import _wait"),
        ("plugins/modules/task_info.py", f"from {COLLECTION}.tests.simulator import server"),
        ("plugins/modules/task_info.py", "from ...tests import simulator"),
        ("plugins/modules/task_info.py", "from tests import simulator"),
        ("plugins/doc_fragments/connection.py", "from ansible import constants"),
        ("plugins/modules/task_wait.py", "from ..plugin_utils._progress_lines import LinePacer"),
        ("plugins/module_utils/_module.py", f"from {PLUGIN_UTILS} import _progress_lines"),
        ("plugins/action/task_wait.py", "from ansible.utils.display import Display"),
        ("plugins/action/task_wait.py", "import requests"),
        ("plugins/plugin_utils/_progress_channel.py", "from ansible import constants"),
        ("plugins/plugin_utils/_progress_lines.py", "import time"),
        ("plugins/plugin_utils/_progress_lines.py", "print('line')"),
        ("tests/simulator/server.py", f"from {UTILS} import _errors"),
        ("tests/simulator/server.py", "from ...plugins.module_utils import _errors"),
        ("tests/simulator/server.py", "from ..support import collection"),
        ("tests/simulator/server.py", "import requests"),
    ],
)
def test_rule_violations_are_detected(path: str, source: str) -> None:
    assert violations(Path(path), source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("plugins/module_utils/_module.py", "from ansible.module_utils import basic"),
        ("plugins/module_utils/_module.py", "from ._client.session import Session"),
        ("plugins/module_utils/_client/session.py", "from .jsonrpc import Rpc\nimport time"),
        ("plugins/module_utils/_client/session.py", "from . import jsonrpc"),
        ("plugins/module_utils/_cancel/idle.py", "from .._wait.watcher import WatchScope"),
        ("plugins/module_utils/_tasks/model.py", "from .._errors import XapiError\nimport re"),
        ("plugins/module_utils/_client/http_client.py", "import requests, socket"),
        ("plugins/modules/task_info.py", "from ..module_utils._module import run"),
        (
            "plugins/action/task_wait.py",
            "from ..plugin_utils._progress_action import ProgressAction",
        ),
        ("plugins/plugin_utils/_progress_action.py", "from ansible import constants"),
        ("plugins/plugin_utils/_progress_lines.py", "from ..module_utils._text import escape"),
        ("plugins/modules/task_info.py", f"from {UTILS}._wait.report import WaitReport"),
        ("tests/simulator/server.py", "from .wire import encode\nimport http.server"),
    ],
)
def test_allowed_imports_pass(path: str, source: str) -> None:
    assert violations(Path(path), source) == []


@pytest.mark.parametrize("package", ["_cancel", "_call", "_wait", "_tasks", "_client"])
def test_naming_a_package_as_a_file_allows_none_of_its_files(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tempting repair after a move: it must not silence the rule."""
    monkeypatch.setitem(globals(), "ORDER", ["_module", package, "_errors"])
    inside = Path("plugins", "module_utils", package, "file.py")
    assert violations(inside, "")
    assert violations(inside, "from .._module import run")
    assert violations(inside, f"from ..{package}.other import name")
