# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/troubleshooting.md lists each message of modules, roles, playbooks and filters."""

from __future__ import annotations

import ast
import re

import pytest
import yaml

from ansible_collections.xen.xapi.tests.support.collection import ROOT

GUIDE = ROOT / "docs" / "troubleshooting.md"
SPEAKERS = [
    *(
        ROOT / "plugins" / "module_utils" / f"{name}.py"
        for name in (
            "_call/messages",
            "_cancel/options",
            "_cancel/report",
            "_cancel/targets",
            "_client/messages",
            "_events/messages",
            "_messages",
            "_module",
            "_output",
            "_tasks/age_messages",
            "_wait/completion_report",
            "_wait/messages",
            "_wait/quiet_report",
            "_wait/report",
        )
    ),
    ROOT / "plugins" / "modules" / "task_cancel.py",
]
FILTERS = [
    *sorted((ROOT / "plugins" / "filter").glob("*.py")),
    *sorted((ROOT / "plugins" / "module_utils" / "_report").glob("*.py")),
]
FILTER_ERRORS = ("AnsibleFilterError", "ReportError")
TASKS = sorted(
    path
    for folder in (
        "roles/task_gate/tasks",
        "roles/host_maintenance/tasks",
        "playbooks",
        "playbooks/tasks/rolling_update",
    )
    for path in (ROOT / folder).glob("*.yml")
)
TEXTS_OF_ROLES = ("_task_gate_", "_host_maintenance_", "_rolling_update_")
GAP = "…"
# Texts that no user reads, or only after the beginning of another message.
FOLLOWING = (
    "Stopped, since Ansible does not wait",
    "An HTTPS port does that",
    f"({GAP} names it as the pool's master",
    f"{GAP} (uuid {GAP}, created",
    "The tasks of these hosts may be",
    "They count as",
    "They match no option by age",
    "And {} more",
    "Before you trust it, compare it",
    "a final listing to show",
    # In check mode.
    "The module would fail",
    "No matching task is running",
    "The module would wait",
    "The pool is quiet now",
    "The condition is already met",
)
ANSIBLES_OWN = ("Unsupported parameters", "Failed to import the required Python library")


def texts_of_python(path):
    """Yield the strings of a file except for docstrings, with a gap for each value."""
    yield from texts_of_python_node(ast.parse(path.read_text(encoding="utf-8")))


def texts_of_python_node(tree):
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                part.value if isinstance(part, ast.Constant) else GAP for part in node.values
            )
            waiting += [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"\{\w+(:\w+)?\}", GAP, node.value)
        else:
            waiting += ast.iter_child_nodes(node)


def errors_of_filters(path):
    """Yield the messages of the errors of a filter, without the filter's name before them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in FILTER_ERRORS:
            (text,) = list(texts_of_python_node(node.args[0]))[:1]
            message = re.sub(r"^\w+: ", "", text)
            if message != GAP:
                yield message


def texts_of_yaml(node, key=""):
    """Yield the texts of a role file's messages, with a gap for each template."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from texts_of_yaml(value, "fail_msg" if key.endswith(".fail") else name)
    elif isinstance(node, list):
        for value in node:
            yield from texts_of_yaml(value, key)
    elif isinstance(node, str) and (key.startswith(TEXTS_OF_ROLES) or key == "fail_msg"):
        for part in re.split(r"\{%.*?%\}", node, flags=re.DOTALL):
            yield " ".join(re.sub(r"\{\{.*?\}\}", GAP, part, flags=re.DOTALL).split())
        yield from (text.replace("%s", GAP) for text in re.findall(r"'([A-Z][^']+)'", node))


def is_message(text):
    """Return whether a text is a message or its beginning."""
    words, is_whole = len(text.split()), text.endswith((".", "?", ")"))
    if words < 3 or "\n" in text or text.startswith(FOLLOWING):
        return False
    return text[0].isupper() or (is_whole and (text[0].isalpha() or words >= 5))


def beginning(text):
    """Return a pattern for the beginning of a message, up to a clause end or the second gap."""
    until_gap = re.match(f"{GAP}?[^{GAP}]*{GAP}?[^{GAP}]*", text)[0]
    part = re.match(r".{12,}?(?=[,:;]|\.(?: |$)|$)", until_gap)[0]
    return re.escape(part.rstrip(f" (){GAP}'")).replace(GAP, ".+?")


TEXTS = [
    *(text.strip() for path in SPEAKERS for text in texts_of_python(path)),
    *(
        text
        for path in TASKS
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
        for text in texts_of_yaml(document)
    ),
]
MESSAGES = sorted(set(filter(is_message, TEXTS)))
FILTER_MESSAGES = sorted({text for path in FILTERS for text in errors_of_filters(path)})
ALL_ROWS = [
    message
    for row in re.findall(r"^\| (.+?) \|", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    for message in row.split(" / ")
    if message != "message"
]
FILTER_PREFIX = re.compile(rf"({'|'.join(path.stem for path in FILTERS)}): ")
ROWS = [row for row in ALL_ROWS if not FILTER_PREFIX.match(row)]
FILTER_ROWS = [FILTER_PREFIX.sub("", row, count=1) for row in ALL_ROWS if row not in ROWS]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message[:40])
def test_every_message_is_documented_in_guide(message):
    assert any(re.match(beginning(message), row) for row in ROWS), beginning(message)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[:40])
def test_every_guide_row_matches_message_in_code(row):
    is_known = any(re.match(beginning(message), row) for message in MESSAGES)
    assert is_known or row.startswith(ANSIBLES_OWN)


def test_errors_of_filters_are_documented_in_guide():
    assert len(FILTER_MESSAGES) > 6
    missing = [
        message
        for message in FILTER_MESSAGES
        if not any(re.match(beginning(message), row) for row in FILTER_ROWS)
    ]
    assert missing == []


@pytest.mark.parametrize("row", FILTER_ROWS, ids=lambda row: row[:40])
def test_row_of_filter_matches_message_in_code(row):
    assert any(re.match(beginning(message), row) for message in FILTER_MESSAGES)
