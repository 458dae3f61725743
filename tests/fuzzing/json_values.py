# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Invalid values, and valid ones of which a part was made invalid."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from ansible_collections.xen.xapi.tests.support.samples import REF, UUID

_DELETED = object()
_DEEPEST = 6


def nested(depth: int, *, inner: Any = 1) -> Any:
    value = inner
    for number in range(depth):
        value = [value] if number % 2 else {"a": value}
    return value


# Surrogates too: JSON can spell a half of a pair, and Python takes it.
TEXTS = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "\x00",
            "\ud800",
            "\u2028",
            "{0}",
            "{0.__class__}",
            "%s",
            "'\"",
            "NaN",
            "-1e400",
            "pending",
            "success",
            "cancel",
            "OpaqueRef:NULL",
            REF,
            UUID,
            "19700101T00:00:00Z",
            "99991231T23:59:59Z",
            "00000000T00:00:00Z",
            "20261332T25:61:61Z",
            "<value></value>",
            "<value><int>1</int></value>",
        ]
    ),
    st.sampled_from([300, 5000]).map(lambda length: "1" * length),
    st.text(max_size=12),
)
NUMBERS = st.one_of(
    st.sampled_from([0, 1, -1, 2**63, 0.0, 5e-324, 1e308, -1e308]),
    st.sampled_from(["nan", "inf", "-inf"]).map(float),
    # By their exponents: huge numbers would fill the screen if hypothesis prints a strategy.
    st.sampled_from([400, 4000]).map(lambda exponent: 10**exponent),
    st.integers(),
    st.floats(),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
VALUES = st.one_of(
    SCALARS,
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)
        ),
        max_leaves=6,
    ),
    st.sampled_from([60, 300, 900]).map(nested),
)


def paths(value: Any, *, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to the parts of a value, the whole first; not to those that lie deep."""
    found = [path]
    if isinstance(value, (dict, list)) and len(path) < _DEEPEST:
        for key in value if isinstance(value, dict) else range(len(value)):
            found += paths(value[key], path=(*path, key))
    return found


def changed(value: Any, path: tuple[Any, ...], part: Any) -> Any:
    """The value with another part in one place, or without it."""
    if not path:
        return None if part is _DELETED else part
    key, *rest = path
    if not isinstance(value, (dict, list)):
        return value
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    try:
        if not rest and part is _DELETED:
            del copy[key]
        else:
            copy[key] = changed(copy[key], tuple(rest), part)
    except (IndexError, KeyError, TypeError):
        # Another change has removed the target of this one.
        return value
    return copy


@st.composite
def mutated(draw: st.DrawFn, *bases: Any, most: int = 3) -> Any:
    """Return a strategy: a valid value, whole or with some parts invalid, missing or added."""
    value = draw(st.sampled_from(bases))
    for _time in range(draw(st.integers(0, most))):
        path = draw(st.sampled_from(paths(value)))
        part: Any = draw(st.one_of(VALUES, VALUES, VALUES, st.just(_DELETED)))
        value = changed(value, path, part)
    return value


def as_json(value: Any) -> str:
    """A module must print strict JSON, without NaN."""
    return json.dumps(value, allow_nan=False)
