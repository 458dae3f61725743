# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for all tests that need a simulated pool."""

from __future__ import annotations

import contextlib
import json
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.simulator.call_log import Call


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


def answered(pool: Simulator, *methods: str) -> list[Call]:
    """The calls of some methods that a pool has answered."""
    return [call for call in pool.log if call.answered and call.method in methods]


def secrets_of(pool: Simulator) -> set[str]:
    """Return the secrets that no output may contain: the password and the sessions of all calls."""
    return {pool.password, *(call.session for call in pool.log if call.session)}


@contextlib.contextmanager
def session_on(pool: Simulator) -> Iterator[str]:
    """A session of somebody else's, which has to be there still at the end of the block."""
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "session.login_with_password",
        "params": [pool.username, pool.password, "1.0", "somebody else"],
    }
    request = urllib.request.Request(f"{pool.master.url}/jsonrpc", json.dumps(call).encode())
    # The certificate is made at start and for this loopback connection alone.
    trust = ssl._create_unverified_context() if pool.certificate else None
    with urllib.request.urlopen(request, context=trust) as answer:
        ref: str = json.load(answer)["result"]
    pool.log.clear()
    yield ref
    assert ref in pool.sessions()
    pool.logout(ref)
