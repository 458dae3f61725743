# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pool in fast time for programs of others, and a loud skip for those that are not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.tests.foreign_clients.install import PYTHON
from ansible_collections.xen.xapi.tests.simulator import RealClock, Simulator

SPEED = 20.0


def need(name: str, path: Path, target: str = "make foreign-clients") -> None:
    """Skip a test whose program is not installed."""
    for needed in (path, PYTHON):
        if not needed.exists():
            pytest.skip(f"{name} is not installed; {target} installs it")


@pytest.fixture
def pool() -> Iterator[Simulator]:
    """Return a pool of two hosts. Sessions that programs leave are their own affair."""
    with Simulator(product="xcp-ng-8.3", supporters=1, clock=RealClock(SPEED)) as simulator:
        yield simulator
