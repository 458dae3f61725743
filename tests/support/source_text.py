# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The repository as text: its files, and the words, names, comments and lengths in them."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ansible_collections.xen.xapi.tests.support.collection import ROOT

OPTION_DOCS = ("DOCUMENTATION", "RETURN", "EXAMPLES")
SKIPPED = {".venv", ".cache", ".git", "__pycache__", "output", "CHANGELOG.md", "changelog.yaml"}
SUFFIXES = {".py", ".md", ".yml", ".rst", ".css", ".toml"}

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_HEADER = re.compile(r"# (SPDX|Copyright|GNU|This file is private|Use it at)|#!|# (noqa|type:)")
_NO_CODE = re.compile(r"```.*?```|`[^`\n]*`|https?://\S+|<[^>\n]+>", re.DOTALL)
_MARKUP = re.compile(r"[A-Z]\([^)]*\)")
_NOT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


class Passage(NamedTuple):
    """A piece of a file and the line on which it begins."""

    line: int
    text: str


def text_files(root: Path = ROOT) -> list[Path]:
    """Return the text files of a checkout that people write, relative to its root."""
    found = (path.relative_to(root) for path in root.rglob("*") if path.suffix in SUFFIXES)
    return sorted(path for path in found if not SKIPPED & set(path.parts))


def split_words(text: str) -> Iterator[str]:
    """Yield the words of a text in lower case, those inside identifiers too."""
    for match in _WORD.finditer(text):
        yield match.group().lower()


def defined_names(source: str) -> Iterator[Passage]:
    """Yield each name that Python code gives to a function, class, argument or variable."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Definition):
            yield Passage(node.lineno, node.name)
        elif isinstance(node, ast.arg):
            yield Passage(node.lineno, node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield Passage(node.lineno, node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield Passage(node.lineno, node.attr)


def prose_of_markdown(text: str) -> str:
    """Return Markdown without code, links and tags; lines keep their numbers."""
    return _NO_CODE.sub(lambda match: "\n" * match.group().count("\n") + " ", text)


def option_docs(source: str) -> Iterator[Passage]:
    """Yield the descriptions in the DOCUMENTATION and RETURN of a plugin, without markup."""
    for node in ast.walk(ast.parse(source)):
        if _assigned_name(node) in ("DOCUMENTATION", "RETURN") and isinstance(node, ast.Assign):
            value = node.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield Passage(node.lineno, _MARKUP.sub("X", value.value))


def comments_and_docstrings(source: str) -> Iterator[Passage]:
    """Yield the comments and docstrings of Python code, without headers and without code in them.

    Comment lines that follow each other are one passage.
    """
    previous = -1
    block: list[str] = []
    start = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or _HEADER.match(token.string):
            continue
        if token.start[0] != previous + 1 and block:
            yield Passage(start, prose_of_markdown(" ".join(block)))
            block = []
        if not block:
            start = token.start[0]
        block.append(token.string.lstrip("# "))
        previous = token.start[0]
    if block:
        yield Passage(start, prose_of_markdown(" ".join(block)))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            text = node.value.value
            if isinstance(text, str):
                yield Passage(node.lineno, prose_of_markdown(text))


def lines_of_code(source: str) -> set[int]:
    """Return the numbers of the lines that are code: no comment, docstring or option doc."""
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NOT_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_text or _assigned_name(node) in OPTION_DOCS:
            assert isinstance(node, ast.stmt)
            code.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return code


def definitions(source: str) -> Iterator[Definition]:
    """Yield each function and class of Python code, nested ones too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Definition):
            yield node


def length(node: Definition) -> int:
    """Return how many lines a function or class has, not counting option documentation."""
    lines = set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    for child in node.body:
        if _assigned_name(child) in OPTION_DOCS:
            lines.difference_update(range(child.lineno, (child.end_lineno or child.lineno) + 1))
    return len(lines)


def attributes(node: ast.ClassDef) -> set[str]:
    """Return the attributes of the instances of a class: fields, and those that methods set."""
    names = {
        statement.target.id
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    }
    for child in ast.walk(node):
        if (
            isinstance(child, ast.Attribute)
            and isinstance(child.ctx, ast.Store)
            and isinstance(child.value, ast.Name)
            and child.value.id == "self"
        ):
            names.add(child.attr)
    return names


def _assigned_name(node: ast.AST) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    return target.id if isinstance(target, ast.Name) else ""
