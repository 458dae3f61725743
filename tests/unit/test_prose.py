# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check how often some constructions that are hard to read occur, for each 1,000 words.

A rate does not judge a sentence: read a text aloud as well. Write who does what, in about 20 words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.tests.support.collection import ROOT
from ansible_collections.xen.xapi.tests.support.source_text import (
    comments_and_docstrings,
    option_docs,
    prose_of_markdown,
    text_files,
)

LONG_SENTENCE = 35
LIMITS = {
    # "What had finished is left out" for "Finished tasks are left out". Questions are counted out.
    "clause as noun": 1.5,
    # "is no uuid" for "is not a uuid".
    "is no": 0.8,
    # "Nothing is sent" for "The module sends no request".
    "nobody": 1.5,
    # "The pool tells of each change" for "reports each change".
    "tell": 0.6,
    # Sentences of more than 35 words.
    "long sentence": 1.5,
}
PATTERNS = {
    "clause as noun": re.compile(
        r"\b(?:what|whatever|whoever)\b(?! to do)(?![^.?\n]*\?)", re.IGNORECASE
    ),
    "is no": re.compile(r"\b(?:is|are|was|were) (?:no|none|nothing)\b(?! longer)"),
    "nobody": re.compile(r"\b(?:nobody|nothing|nowhere|no one)\b", re.IGNORECASE),
    "tell": re.compile(r"\b(?:tells?|told|telling)\b", re.IGNORECASE),
}

# The rates of today where they are over the limit. They only fall; remove one at its limit.
CEILINGS: dict[str, dict[str, float]] = {
    "comments of tests": {"clause as noun": 2.2, "tell": 0.9},
}


def passages(name: str) -> Iterator[tuple[Path, str]]:
    """Yield the prose of a group, each piece with the file that it is from."""
    for path in text_files():
        if (path.suffix == ".md") != (name == "docs") or path.suffix not in (".md", ".py"):
            continue
        text = (ROOT / path).read_text(encoding="utf-8")
        is_plugin = path.parts[0] == "plugins"
        if name == "docs":
            yield path, prose_of_markdown(text)
        elif name == "option docs" and is_plugin:
            yield from ((path, passage.text) for passage in option_docs(text))
        elif name == ("comments" if is_plugin else "comments of tests"):
            yield from ((path, passage.text) for passage in comments_and_docstrings(text))


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text; a paragraph, list item, table cell or heading ends one."""
    for block in re.split(r"\n\s*\n|\n\s*[-*#|]|\||\n\s*\w+:\s", text):
        yield from re.split(r"(?<=[.!?:;])\s+", block)


def count_words(text: str) -> int:
    return len(re.findall(r"[A-Za-z']+", text))


def hits(kind: str, text: str) -> list[str]:
    """Return the places of a construction in a text."""
    if kind == "long sentence":
        return [one for one in sentences(text) if count_words(one) > LONG_SENTENCE]
    flat = re.sub(r"\s+", " ", text)
    return [
        flat[max(0, found.start() - 40) : found.end() + 40]
        for found in PATTERNS[kind].finditer(flat)
    ]


class Group:
    """The prose of one kind of text."""

    def __init__(self) -> None:
        self.words = 0
        self.found: dict[str, list[str]] = {kind: [] for kind in LIMITS}

    def add(self, path: Path, text: str) -> None:
        self.words += count_words(text)
        for kind, places in self.found.items():
            places.extend(f"{path}: …{place}…" for place in hits(kind, text))

    def rate(self, kind: str) -> float:
        return round(1000 * len(self.found[kind]) / self.words, 2)


GROUPS = ("docs", "option docs", "comments", "comments of tests")


@pytest.mark.parametrize("name", GROUPS)
def test_constructions_stay_within_limits(name: str) -> None:
    group = Group()
    for path, text in passages(name):
        group.add(path, text)
    assert group.words > 2000
    ceilings = {**LIMITS, **CEILINGS.get(name, {})}
    too_many = {kind: group.rate(kind) for kind in LIMITS if group.rate(kind) > ceilings[kind]}
    places = "\n".join(place for kind in too_many for place in group.found[kind])
    assert too_many == {}, places


def test_ceilings_are_above_the_limits() -> None:
    for name, rates in CEILINGS.items():
        assert name in GROUPS
        assert all(rate > LIMITS[kind] for kind, rate in rates.items()), name


@pytest.mark.parametrize(
    ("kind", "text", "count"),
    [
        ("clause as noun", "What had finished is left out.", 1),
        ("clause as noun", "It prints what\nwas sent.", 1),
        ("clause as noun", "Whoever calls it may stop.", 1),
        ("clause as noun", "What does it print? Messages say what to do.", 0),
        ("is no", "This is no uuid.", 1),
        ("is no", "It is no longer there, and it is not a uuid.", 0),
        ("nobody", "Nobody waits, and nothing is sent.", 2),
        ("nobody", "No request is sent.", 0),
        ("tell", "The pool tells of it, as told.", 2),
        ("long sentence", "word " * 36 + ".", 1),
        ("long sentence", "word " * 35 + ".", 0),
        ("long sentence", "- " + "word " * 20 + "\n- " + "word " * 20, 0),
        ("long sentence", "| " + "word " * 20 + "| " + "word " * 20 + "|", 0),
    ],
)
def test_constructions_are_counted(kind: str, text: str, count: int) -> None:
    assert len(hits(kind, text)) == count


def test_code_and_links_are_not_prose() -> None:
    text = "Do `what nobody told`.\n```\nwhat is no\n```\n[a](https://what.example/nobody)"
    assert not any(hits(kind, prose_of_markdown(text)) for kind in LIMITS)


def test_comment_lines_and_docstrings_are_read_as_passages() -> None:
    source = '# SPDX-x: what\n\n# One\n# sentence.\nx = 1  # another\n"""Docs `what`."""\n'
    texts = [passage.text for passage in comments_and_docstrings(source)]
    assert [" ".join(text.split()) for text in texts] == ["One sentence. another", "Docs ."]


def test_option_docs_are_read_without_markup() -> None:
    source = 'DOCUMENTATION = """\noptions: V(what) is told.\n"""\nEXAMPLES = "what"\n'
    (passage,) = option_docs(source)
    assert hits("clause as noun", passage.text) == []
    assert len(hits("tell", passage.text)) == 1
