# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server's time: real, faster than real, or virtual."""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from collections.abc import Callable
from typing import Protocol

START = 1_800_000_000.0
"""When virtual time begins."""
TICK = 1e-6
"""Seconds; moments closer than this are one: POSIX times as floats tell no more apart."""


class Timer:
    """Something that is due once; `cancel` may come at any moment, also too late."""

    def __init__(self, due: float, callback: Callable[[], None]) -> None:
        self.due = due
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock(Protocol):
    """Clocks of the simulator. All values are seconds."""

    def now(self) -> float:
        """The time as it passes, as a POSIX time; the hosts' clocks show it, unless set off."""

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call back when that much of the server's time has passed."""

    def after_real(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call back when that much of the client's time has passed: limits that a client set."""

    def pause(self, seconds: float) -> None:
        """Hold the calling thread for that much of the client's time."""

    def wait(self, event: threading.Event) -> None:
        """Hold the calling thread until something sets the event."""

    def stop(self) -> None:
        """Cancel all callbacks."""


class WallClock(Protocol):
    """A clock that can be set."""

    def now(self) -> float:
        """The master's clock, as a POSIX time."""


class _Queue:
    """Timers in the order in which they are due; equal ones in the order of their making."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._count = itertools.count()

    def push(self, timer: Timer) -> None:
        heapq.heappush(self._heap, (timer.due, next(self._count), timer))

    def pop_due(self, moment: float) -> Timer | None:
        while self._heap and (self._heap[0][2].cancelled or self._heap[0][0] <= moment):
            timer = heapq.heappop(self._heap)[2]
            if not timer.cancelled:
                return timer
        return None

    def next_due(self) -> float | None:
        while self._heap and self._heap[0][2].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None


class RealClock:
    """Time as it passes, times `speed`; callbacks run on one thread of the clock's own."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._wall = time.time()
        self._began = time.monotonic()
        self._queue = _Queue()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def now(self) -> float:
        return self._wall + (time.monotonic() - self._began) * self.speed

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        return self.after_real(seconds / self.speed, callback)

    def after_real(self, seconds: float, callback: Callable[[], None]) -> Timer:
        timer = Timer(time.monotonic() + seconds, callback)
        with self._changed:
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
                self._thread.start()
            self._queue.push(timer)
            self._changed.notify()
        return timer

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def wait(self, event: threading.Event) -> None:
        event.wait()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                timer = None
                while not self._stopped and timer is None:
                    timer = self._queue.pop_due(time.monotonic())
                    if timer is None:
                        due = self._queue.next_due()
                        self._changed.wait(None if due is None else due - time.monotonic())
                if timer is None:
                    return
            timer.callback()


class VirtualClock:
    """Time that stands still until `advance` moves it; callbacks run in the advancing thread."""

    def __init__(self, now: float = START) -> None:
        self._now = now
        self._queue = _Queue()
        self._lock = threading.Lock()

    def now(self) -> float:
        return self._now

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        timer = Timer(self._now + seconds, callback)
        with self._lock:
            self._queue.push(timer)
        return timer

    after_real = after

    def advance(self, seconds: float) -> None:
        """Let time pass; each callback runs at its own moment."""
        end = self._now + seconds
        while self._step(end):
            pass
        self._now = end

    def _step(self, end: float) -> bool:
        """Let the next thing happen that is due by then, if there is one."""
        with self._lock:
            timer = self._queue.pop_due(end + TICK)
        if timer is None:
            return False
        self._now = max(self._now, timer.due)
        timer.callback()
        return True

    def pause(self, seconds: float) -> None:
        """Nothing: only `advance` moves this time."""

    def wait(self, event: threading.Event) -> None:
        event.wait()

    def stop(self) -> None:
        """Nothing: there is no thread to end."""


class SoloClock(VirtualClock):
    """Virtual time for one thread that is client and server: where it waits, time moves on."""

    def __init__(self, now: float = START) -> None:
        super().__init__(now)
        self.patience = math.inf
        """The moment at which the client stops waiting for an answer."""

    def pause(self, seconds: float) -> None:
        self.advance(min(seconds, max(self.patience - self._now, 0.0)))
        if self._now >= self.patience:
            raise OutOfPatience

    def wait(self, event: threading.Event) -> None:
        while not event.is_set():
            if not self._step(min(self.patience, self._queue.next_due() or math.inf)):
                self.advance(max(self.patience - self._now, 0.0))
                raise OutOfPatience


class OutOfPatience(Exception):
    """The client has hung up while the server was still waiting."""
