# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of all tests that need a simulated pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator


@pytest.fixture
def start_pool() -> Iterator[Callable[..., Simulator]]:
    """Starts simulated pools; in none of them may a session be left in the end."""
    pools: list[Simulator] = []

    def start(**options: Any) -> Simulator:
        pools.append(Simulator(**options).__enter__())
        return pools[-1]

    yield start
    left = [session for pool in pools for session in pool.sessions()]
    for pool in pools:
        pool.__exit__(None, None, None)
    assert left == []


@pytest.fixture
def pool(start_pool: Callable[..., Simulator]) -> Simulator:
    return start_pool()
