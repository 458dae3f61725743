# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that metaphors and private words do not come back, in text or in names.

docs/glossary.md has the words to use instead.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.tests.support.collection import ROOT
from ansible_collections.xen.xapi.tests.support.source_text import (
    defined_names,
    split_words,
    text_files,
)

# Each with the word to use. They are found in text, in strings and inside identifiers.
WORDS = {
    "crowd": "sample tasks",
    "deaf": "uncancellable",
    "door": "interface, control endpoint",
    "doors": "interfaces",
    "house": "project",
    "kin": "similar",
    "mend": "fix, change",
    "mended": "fixed",
    "mending": "fixing",
    "mends": "fixes",
    "odd": "invalid, unusual",
    "oddly": "unusually",
    "patience": "timeout",
    "reckon": "expect",
    "reckoned": "expected",
    "reckons": "expects",
    "ridden": "retried",
    "room": "module, space",
    "rooms": "modules, spaces",
    "sight": "update",
    "sights": "updates",
    "stranger": "other client",
    "strangers": "other clients",
    "stray": "unexpected",
    "strays": "unexpected requests",
    "surroundings": "context",
    "trouble": "transient error, connection problem",
    "troubled": "with transient errors",
    "troubles": "transient errors",
    "truth": "actual state",
    "twin": "must match",
    "twins": "must match",
    "upon": "on, after",
    "vanish": "disappear",
    "vanished": "disappeared",
    "vanishes": "disappears",
    "vanishing": "disappearing",
    "verdict": "decision",
    "verdicts": "decisions",
}
# Words with an ordinary use in text, but not in the name of anything.
NAME_WORDS = {
    "letter": "body, request",
    "look": "refresh, check",
    "looked": "refreshed",
    "looks": "refreshes",
    "told": "reported; a verb for a function",
    "telling": "reported",
}
PHRASES = {
    r"\bas against\b": "compared with",
    r"\bin the small\b": "in bounded models",
    r"\blook(s|ed|ing)? around\b": "resolve the context, refresh",
    r"\brid(e|es|ing) out\b": "retry",
    r"\b(sees?|seen|saw) to it\b": "ensure",
    r"\bstays? shut\b|\bshut for good\b": "keeps waiting, fails",
    r"\bwrit(e|es|ten|ing) off\b": "mark as cancelled",
}
THIS_FILE = Path("tests/unit/test_words.py")

# How many are left where a change is still to come, by file or folder. The numbers only fall;
# remove an entry when it is 0.
LEFT: dict[str, int] = {
    "tests": 210,
}


def findings(path: Path, text: str) -> Iterator[str]:
    """Yield each word of a file that must not be there."""
    for word, count in Counter(split_words(text)).items():
        if word in WORDS:
            yield from [f"{path}: {word} (better: {WORDS[word]})"] * count
    flat = re.sub(r"\s+(?:# )?", " ", text)
    for phrase, better in PHRASES.items():
        for found in re.finditer(phrase, flat):
            yield f"{path}: {found.group()} (better: {better})"
    names = defined_names(text) if path.suffix == ".py" else ()
    for line, name in names:
        for word in NAME_WORDS.keys() & set(split_words(name)):
            yield f"{path}:{line}: the name {name} (better: {NAME_WORDS[word]})"


def entry_for(path: Path) -> str | None:
    """Return the entry of LEFT that covers a file: the file itself or the nearest folder."""
    names = [path.as_posix(), *(parent.as_posix() for parent in path.parents)]
    return next((name for name in names if name in LEFT), None)


def all_findings() -> dict[str | None, list[str]]:
    """Return what is found in the repository, by the entry of LEFT that covers it."""
    found: dict[str | None, list[str]] = {}
    for path in text_files():
        if path != THIS_FILE:
            text = (ROOT / path).read_text(encoding="utf-8")
            found.setdefault(entry_for(path), []).extend(findings(path, text))
    return found


def test_no_private_word_is_used_beyond_those_left_for_later() -> None:
    found = all_findings()
    assert found.pop(None, []) == []
    for entry, words in found.items():
        assert entry is not None
        assert len(words) <= LEFT[entry], "\n".join(words)


@pytest.mark.parametrize("entry", sorted(LEFT))
def test_entry_left_for_later_exists(entry: str) -> None:
    assert (ROOT / entry).exists()


@pytest.mark.parametrize("suffix", [".py", ".md", ".yml"])
@pytest.mark.parametrize("folder", ["plugins", "roles", "docs", "tests"])
def test_checked_files_include_each_folder(folder: str, suffix: str) -> None:
    checked = [path for path in text_files() if path.parts[0] == folder]
    expected = list((ROOT / folder).rglob(f"*{suffix}"))
    assert {path.suffix for path in checked} >= ({suffix} if expected else set())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", "Trouble on the way"),
        ("a.md", "the task vanished."),
        ("a.md", "`last_trouble`"),
        ("a.md", "errors are ridden\nout"),
        ("a.md", "the gate stays\nshut"),
        ("a.yml", "# the twin of it"),
        ("a.py", "class Verdict: pass"),
        ("a.py", "lastVerdict = 1"),
        ("a.py", "needs_look = 1"),
        ("a.py", "self.look_in = 1"),
        ("a.py", "def look(): pass"),
        ("a.py", "def f(told): pass"),
        ("a.py", "class Letter: pass"),
        ("a.py", "'one odd message'"),
        ("a.py", "# seen\n# to it"),
    ],
)
def test_private_words_are_detected(name: str, text: str) -> None:
    assert list(findings(Path(name), text))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", "Troubleshooting and housekeeping"),
        ("a.md", "look up a task by a letter"),
        ("a.py", "# Look up the host\nx = 'letters and digits'"),
        ("a.py", "shutdown = clean_shut_down()"),
        ("a.py", "scenario = outlook"),
    ],
)
def test_ordinary_words_pass(name: str, text: str) -> None:
    assert list(findings(Path(name), text)) == []


def test_nearest_entry_covers_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LEFT, "plugins/x", 2)
    monkeypatch.setitem(LEFT, "plugins/x/one.py", 1)
    assert entry_for(Path("plugins/x/one.py")) == "plugins/x/one.py"
    assert entry_for(Path("plugins/x/two.py")) == "plugins/x"
    assert entry_for(Path("plugins/y/two.py")) is None
