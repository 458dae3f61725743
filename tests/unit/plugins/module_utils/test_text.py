# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ast
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ansible_collections.xen.xapi.plugins.module_utils._text import (
    MAX_MESSAGE,
    bound_message,
    escape,
    join_limited,
    quote,
    shorten,
    show_value,
)

ESCAPE = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[nrt\\'])")
any_size = settings(max_examples=200, suppress_health_check=list(HealthCheck), deadline=None)
# Text with terminal sequences, quotation marks and backslashes, and longer than any limit.
texts = st.builds(
    lambda part, times: part * times,
    st.text(
        st.one_of(st.characters(), st.sampled_from("\x1b\u202e\U000e0001\\'\"\n")), max_size=40
    ),
    st.sampled_from([1, 1, 7, 5000]),
)


def unquoted(shown):
    return ast.literal_eval(shown.removesuffix("…"))


@any_size
@given(texts, st.integers(1, 400))
@example("x" * 300, 300)
@example("\x1b" * 100, 399)
def test_escaped_text_is_printable_and_within_limit(text, limit):
    shown = escape(text, limit=limit)
    assert shown.isprintable()
    assert len(shown) <= limit + 1
    assert escape(text, limit=10**9).startswith(shown.removesuffix("…"))
    if "\\" not in text:
        # The rest is a sequence of complete escapes, so none is cut in two.
        assert "\\" not in ESCAPE.sub("", shown)


@any_size
@given(texts, st.integers(1, 400))
def test_quote_yields_printable_literal_of_text_prefix(text, limit):
    shown = quote(text, limit=limit)
    assert shown.isprintable()
    assert len(shown) <= limit + 3
    assert text.startswith(unquoted(shown))
    assert shown.endswith("…") is (unquoted(shown) != text)


def test_short_text_is_not_truncated():
    text = "it's " + "\\" * 5
    assert quote(text) == repr(text)
    assert escape("it's ü", limit=6) == "it's ü"


@any_size
@given(texts, st.integers(11, 400))
def test_shorten_does_not_split_escape_sequences(text, limit):
    whole = repr(text)
    shown = shorten(whole, limit)
    assert len(shown) <= limit + 1
    assert whole.startswith(shown.removesuffix("…"))
    if shown != whole:
        assert "\\" not in ESCAPE.sub("", shown)


@any_size
@given(texts, st.sampled_from(["", "\n", "\nIt ends here.\n"]))
def test_message_is_printable_and_within_length_limit(text, end):
    shown = bound_message(text + end)
    assert len(shown) <= MAX_MESSAGE
    assert shown.replace("\n", "").isprintable()
    assert shown.endswith("(shortened; the result has all values)") or len(text) <= MAX_MESSAGE


@pytest.mark.parametrize("text", ["x" * MAX_MESSAGE, 'one\ncert_fingerprint: "AA:BB"\nthree'])
def test_message_within_limit_is_unchanged(text):
    assert bound_message(text) == text


@any_size
@given(st.lists(texts, min_size=1, max_size=9), st.integers(1, 7))
def test_joined_text_is_bounded_and_starts_with_first_part(parts, most):
    shown = join_limited(parts, max_parts=most, limit=500)
    assert len(shown) <= 600
    assert shown.startswith(shorten(parts[0], 500))


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        ([], ""),
        (["a", "b"], "a, b"),
        (["a", "b", "c", "d"], "a, b, c and 1 more"),
        (["a" * 8, "b" * 8, "c"], "aaaaaaaa and 2 more"),
        (["a" * 11, "b"], "aaaaaaaaaa… and 1 more"),
    ],
)
def test_joins_parts_that_fit_and_counts_the_rest(parts, shown):
    assert join_limited(parts, max_parts=3, limit=10) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("it", "'it'"),
        (5, "5"),
        (["a", "\x1b"], r"['a', '\x1b']"),
        ({"key": "x" * 300}, "{'key': '" + "x" * 191 + "…"),
        ("x" * 201, "'" + "x" * 200 + "'…"),
    ],
)
def test_show_value_escapes_and_truncates(value, shown):
    assert show_value(value) == shown
