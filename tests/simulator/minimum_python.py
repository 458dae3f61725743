# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuse a Python that is too old before anything else is imported."""

from __future__ import annotations

import sys
from typing import Any

MINIMUM = (3, 11)


def check(version: Any) -> None:
    """Raise ImportError with a sentence if a version is too old."""
    if tuple(version[:2]) < MINIMUM:
        wanted, found = (".".join(map(str, numbers[:2])) for numbers in (MINIMUM, version))
        raise ImportError(f"The simulator needs Python {wanted} or later; this is Python {found}.")


check(sys.version_info)
