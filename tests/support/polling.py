# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits for the effect of another thread or process."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Callable, Iterator

import pytest

Condition = Callable[[], object]

TIMEOUT = 60.0
"""Seconds until a test gives up on an immediate effect: a busy machine may take a while."""
LONG_TIMEOUT = 240.0
"""The same for a process that has much to do; a test that takes 300 ends the whole run."""


def wait_until(condition: Condition, *, within: float = TIMEOUT) -> bool:
    """Whether something comes true within some seconds; returns as soon as it has."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


@pytest.fixture
def when() -> Iterator[Callable[[Condition, Callable[[], object]], None]]:
    """Does something once a condition holds, while a module runs."""
    over = threading.Event()
    watching = []

    def watch(condition: Condition, happen: Callable[[], object]) -> None:
        while not condition():
            if over.wait(0.005):
                return
        happen()

    with concurrent.futures.ThreadPoolExecutor(max_workers=8) as threads:

        def do_when(condition: Condition, happen: Callable[[], object]) -> None:
            watching.append(threads.submit(watch, condition, happen))

        yield do_when
        over.set()
    for one in watching:
        one.result()
