# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Simulators for the tests of the simulator, and clients of them."""

from __future__ import annotations

import concurrent.futures
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator, VirtualClock
from ansible_collections.xen.xapi.tests.unit.simulator.client import (
    Background,
    Client,
    Connect,
    Start,
)


@pytest.fixture
def start() -> Iterator[Start]:
    """Start simulators; at the end no session may be left."""
    with contextlib.ExitStack() as stack:
        started: list[Simulator] = []

        def begin(**options: Any) -> Simulator:
            started.append(stack.enter_context(Simulator(**options)))
            return started[-1]

        yield begin
        left = [ref for simulator in started for ref in simulator.sessions()]
    assert not left, "the test has not logged out"


@pytest.fixture
def simulator(start: Start) -> Simulator:
    """Return a simulator in real time."""
    return start()


@pytest.fixture
def still(start: Start) -> Simulator:
    """Return a simulator in virtual time."""
    return start(clock=VirtualClock())


@pytest.fixture
def connect(start: Start) -> Iterator[Connect]:
    """Log in; sessions that are left at the end are closed."""
    clients: list[Client] = []

    def log_in(simulator: Simulator, name: str = "root", **options: str) -> Client:
        clients.append(Client(simulator.master.url, name, **options))
        return clients[-1]

    yield log_in
    for client in clients:
        client.logout()


@pytest.fixture
def client(simulator: Simulator, connect: Connect) -> Client:
    """Root, on the simulator that keeps real time."""
    return connect(simulator)


@pytest.fixture
def root(still: Simulator, connect: Connect) -> Client:
    """Root, on the simulator whose time stands still."""
    return connect(still)


@pytest.fixture
def background() -> Iterator[Background]:
    """Runs a function beside the test."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=256) as executor:
        yield executor.submit
