# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

"""Finds text in place of a regular expression, and an expression in place of text."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import combinations
from typing import Iterable, Iterator, Sequence

from .._errors import OptionError
from .._text import quote
from .model import Task
from .selection import Selection, is_long, is_named

# A group stands for its opening parenthesis; the text after it is a token of its own.
_TOKEN = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?|[()|]|\{\d+\}|\{\d*,\d*\}|[+?*]+|[$^]|.", re.DOTALL
)
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")
_MAX_CHOICES = 6


def check_literal(tasks: Iterable[Task], selection: Selection) -> None:
    """Raise OptionError if an option for text has an expression, or the other way round.

    That is found out from the tasks that would match if the option were read in the other way. Only
    running tasks are looked at, and finished ones too if the selection includes these.
    """
    if selection.has_regexes:
        counted = (t for t in tasks if not t.is_finished or selection.includes_finished)
        for error in _errors(counted, selection):
            raise error


def find_literal(tasks: Iterable[Task], selection: Selection) -> list[OptionError]:
    """Return the errors of check_literal, one for each option value, by tasks of any status."""
    found: dict[str, OptionError] = {}
    if selection.has_regexes:
        for error in _errors(tasks, selection):
            found.setdefault(error.value, error)
    return list(found.values())


def _errors(tasks: Iterable[Task], selection: Selection) -> Iterator[OptionError]:
    regexes = [("exclude", regex, not selection.is_destructive) for regex in selection.exclude]
    if selection.name_regex is not None:
        regexes.insert(0, ("name_regex", selection.name_regex, selection.is_destructive))
    for task in tasks:
        for option, regex in selection.texts_like_regexes.items():
            if _is_meant_as_regex(str(task.record.get(option)), regex):
                problem = _exact_problem(option, task.name_label)
                yield OptionError(option, value=regex.pattern, problem=problem)
        label = task.name_label
        if is_long(label) or not _SPECIAL.search(label):
            continue
        for option, regex, is_whole in regexes:
            if _matches(regex, label, is_whole=is_whole):
                continue
            if option == "exclude" and not is_named(task, selection):
                continue
            escaped = _escaped_match(regex.pattern, label, is_whole=is_whole)
            if escaped:
                problem = _problem(option, label, escaped)
                yield OptionError(option, value=regex.pattern, problem=problem)


def _is_meant_as_regex(text: str, regex: re.Pattern[str]) -> bool:
    return not is_long(text) and text != regex.pattern and regex.fullmatch(text) is not None


def _exact_problem(option: str, label: str) -> str:
    remedy = "give the whole description"
    if option == "name_label":
        remedy = "give it in name_regex, or the whole label"
    return (
        f"does not select the task {quote(label)}, but would as a regular expression: an exact "
        f"text is expected here, so {remedy}"
    )


def _problem(option: str, label: str, escaped: str) -> str:
    remedy = f"write '{escaped}' to match the text"
    if option == "name_regex":
        remedy += ", or give the whole label in name_label"
    return (
        f"does not match the task {quote(label)} as a regular expression, but would as plain text: "
        f"{remedy}"
    )


def is_found_as_text(pattern: str, label: str) -> bool:
    """Whether an expression that is read as text is found anywhere in a label."""
    return not is_long(label) and bool(_escaped_match(pattern, label, is_whole=False))


def _escaped_match(pattern: str, label: str, *, is_whole: bool) -> str:
    """Return the expression with as few characters escaped as makes it match; empty if none does.

    Only parts of the label are escaped, so that labels without special characters cost nothing.
    """
    tokens, choices = _parse(pattern)
    present = tuple(choice for choice in choices if _text(tokens, choice) in label)
    for escaped in _subsets(present):
        regex = _with_escapes(pattern, escaped)
        if regex is not None and _matches(regex, label, is_whole=is_whole):
            return regex.pattern
    is_text = pattern == label if is_whole else pattern in label
    return _escape(pattern) if is_text and _SPECIAL.search(pattern) else ""


def _matches(regex: re.Pattern[str], label: str, *, is_whole: bool) -> bool:
    return (regex.fullmatch(label) if is_whole else regex.search(label)) is not None


_Choice = Sequence[int]
"""The places of tokens that are escaped together."""


@lru_cache(maxsize=64)
def _parse(pattern: str) -> tuple[list[str], list[_Choice]]:
    """Return the tokens of an expression, and those that may have been meant as text.

    A quantifier after anything but an ordinary character, a group with alternatives, and anchors at
    the ends are what they seem to be: nobody writes them in a text.
    """
    tokens = _TOKEN.findall(pattern)
    choices: list[_Choice] = []
    groups: list[tuple[int, bool]] = []
    for place, token in enumerate(tokens):
        if token in ("(", "(?"):
            groups.append((place, token == "("))
        elif token == "|" and groups:
            groups[-1] = (groups[-1][0], False)
        elif token == ")" and groups:
            begin, may_be_text = groups.pop()
            if may_be_text:
                choices.append((begin, place))
        elif _may_be_text(tokens, place):
            choices.append((place,))
    return tokens, choices


def _may_be_text(tokens: list[str], place: int) -> bool:
    token = tokens[place]
    if token[0] == "[" and len(token) > 1:
        return True
    if token in ("^", "$"):
        return 0 < place < len(tokens) - 1
    is_quantifier = token[0] in "+?*" or (token[0] == "{" and len(token) > 1)
    return is_quantifier and place > 0 and not _SPECIAL.search(tokens[place - 1])


def _text(tokens: list[str], choice: _Choice) -> str:
    return tokens[choice[0]]


def _subsets(choices: Sequence[_Choice]) -> Iterator[frozenset[int]]:
    """Return which tokens to escape, the fewest first; of very many choices, only all at once."""
    sizes = range(1, len(choices) + 1) if len(choices) <= _MAX_CHOICES else [len(choices)]
    for size in sizes:
        for chosen in combinations(choices, size):
            yield frozenset(place for choice in chosen for place in choice)


@lru_cache(maxsize=1024)
def _with_escapes(pattern: str, escaped: frozenset[int]) -> re.Pattern[str] | None:
    tokens, _choices = _parse(pattern)
    parts = [_escape(part) if at in escaped else part for at, part in enumerate(tokens)]
    try:
        return re.compile("".join(parts))
    except (re.error, RecursionError, OverflowError, ValueError):
        return None


def _escape(text: str) -> str:
    """Escape special characters; unlike re.escape, leave spaces as they are written."""
    return _SPECIAL.sub(r"\\\g<0>", text)
