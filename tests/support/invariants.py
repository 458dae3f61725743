# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts the checks of a run, and their violations."""

from __future__ import annotations

from collections import Counter


class Checks:
    """How often each invariant was checked, and its violations in one run."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []

    def check(self, name: str, holds: bool) -> None:
        self.counts[name] += 1
        if not holds:
            self.violations.append(name)
