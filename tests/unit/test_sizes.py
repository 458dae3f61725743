# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that functions, classes and files stay small.

A docstring that says "Long because …" allows one definition, or one file, to be longer. Prefer to
split it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from ansible_collections.xen.xapi.tests.support.collection import ROOT
from ansible_collections.xen.xapi.tests.support.source_text import (
    attributes,
    definitions,
    length,
    lines_of_code,
)


class Limits(NamedTuple):
    """How large a definition or a file may be."""

    function: int = 40
    class_: int = 150
    attributes: int = 12
    file: int = 250


LIMITS = {
    "plugins": Limits(),
    "docs/site": Limits(),
    "scripts": Limits(),
    "tests/support": Limits(),
    # Its data model is larger than that of the client.
    "tests/simulator": Limits(function=80, class_=240, attributes=13),
}
REASON = re.compile(r"\b(Long|Large) because\b")


def excuses(docstring: str | None) -> bool:
    return bool(REASON.search(docstring or ""))


def too_large(path: str, source: str, limits: Limits) -> Iterator[tuple[str, str]]:
    """Yield the name of each definition over the limits, or of the file, and its size."""
    for node in definitions(source):
        name = f"{path}: {node.name}"
        if excuses(ast.get_docstring(node)):
            continue
        is_class = isinstance(node, ast.ClassDef)
        limit = limits.class_ if is_class else limits.function
        if length(node) > limit:
            yield name, f"{length(node)} lines, at most {limit}"
        if is_class and len(attributes(node)) > limits.attributes:
            yield name, f"{len(attributes(node))} attributes, at most {limits.attributes}"
    lines = len(lines_of_code(source))
    if lines > limits.file and not excuses(ast.get_docstring(ast.parse(source))):
        yield path, f"{lines} lines of code, at most {limits.file}"


def violations(folder: str) -> Iterator[tuple[str, str]]:
    for file in sorted((ROOT / folder).rglob("*.py")):
        path = file.relative_to(ROOT).as_posix()
        yield from too_large(path, file.read_text(encoding="utf-8"), LIMITS[folder])


@pytest.mark.parametrize("folder", LIMITS)
def test_definitions_and_files_stay_within_limits(folder: str) -> None:
    found = [f"{name}: {size}" for name, size in violations(folder)]
    assert found == []


@pytest.mark.parametrize("folder", LIMITS)
def test_every_folder_has_files(folder: str) -> None:
    assert list((ROOT / folder).rglob("*.py"))


def with_attributes(count: int) -> str:
    body = "\n".join(f"        self.a{number} = {number}" for number in range(count))
    return f"class Large:\n    def __init__(self):\n{body}\n"


LINES = "\n".join(f"    x = {number}" for number in range(40))
FIELDS = "\n".join(f"    a{number}: int" for number in range(13))


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (f"def work():\n{LINES}", "f: work"),
        (f"async def work():\n{LINES}", "f: work"),
        (f"class A:\n    def work(self):\n{LINES.replace('    x', '        x')}", "f: work"),
        ("class A:\n" + "    x = 1\n" * 150, "f: A"),
        (with_attributes(13), "f: Large"),
        (f"class A:\n{FIELDS}", "f: A"),
        ("x = 1\n" * 251, "f"),
    ],
)
def test_too_large_code_is_reported(source: str, name: str) -> None:
    assert [found for found, _size in too_large("f", source, Limits())] == [name]


@pytest.mark.parametrize(
    "source",
    [
        f"def work():\n{LINES.rpartition(chr(10))[0]}",
        with_attributes(12),
        "x = 1\n" * 250,
        "# why\n" * 300,
        '"""Return.\n' + "text\n" * 300 + '"""',
        'DOCUMENTATION = """\n' + "text\n" * 300 + '"""',
        f'def work():\n    """Work.\n\n    Long because it is a table.\n    """\n{LINES}',
        f'class A:\n    """Data. Large because it mirrors the record."""\n{FIELDS}',
        '"""A table.\n\nLong because it is one.\n"""\n' + "x = 1\n" * 300,
    ],
)
def test_small_or_excused_code_passes(source: str) -> None:
    assert list(too_large("f", source, Limits())) == []
