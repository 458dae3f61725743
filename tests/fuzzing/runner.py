# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The targets of fuzzing and how to run them, in tests or for as long as one likes."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st

# A batch has a seed of its own: hypothesis becomes slow after many examples.
_BATCH = 2000


class Target(NamedTuple):
    """A reader of untrusted data; the check fails if an error escapes from it."""

    name: str
    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], object]
    share: float = 1.0
    """How many inputs it gets, as against the others."""


class Outcome(NamedTuple):
    passed: int
    failure: str


def shares(targets: list[Target], total: int) -> dict[str, int]:
    """How many inputs each target gets, so that they have that many in total."""
    whole = sum(target.share for target in targets)
    counts = {target.name: int(total * target.share / whole) for target in targets}
    counts[targets[0].name] += total - sum(counts.values())
    return counts


def try_out(target: Target, examples: int) -> None:
    """The same inputs at each run; raises the error of the smallest input that fails."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs)
    def check(value: Any) -> None:
        target.check(value)

    check()


def try_on(target: Target, examples: int, *, start: int) -> Outcome:
    """So many inputs of a target, by batches whose seeds follow from the first."""
    passed, batch = 0, 0
    while passed < examples:
        before = passed
        outcome = _batch(target, min(examples - passed, _BATCH), number=start + batch)
        passed, batch = passed + outcome.passed, batch + 1
        if outcome.failure or passed == before:
            return Outcome(passed, outcome.failure)
    return Outcome(passed, "")


def _batch(target: Target, examples: int, *, number: int) -> Outcome:
    passed, latest = 0, None

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(target.inputs)
    def check(value: Any) -> None:
        nonlocal passed, latest
        latest = value
        target.check(value)
        passed += 1

    try:
        check()
    except Exception:
        # The latest is the smallest that fails: with it, hypothesis ends.
        return Outcome(passed, f"{traceback.format_exc()}input: {latest!r}\nbatch: {number}")
    return Outcome(passed, "")
