# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of many kinds, so that a simulator that was just started has something to show."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from .lifecycle import Life
from .values import Date, Value

if TYPE_CHECKING:
    from .server import Simulator

KINDS = (
    ("Async.VM.snapshot", "success", 900),
    ("Async.VM.copy", "pending", 40),
    ("Async.SR.scan", "success", 300),
    ("Async.VM.pool_migrate", "pending", 15),
    ("Async.VM.start", "failure", 120),
    ("Async.VDI.copy", "pending", 200),
    ("Async.VM.clean_shutdown", "cancelled", 60),
    ("Connection to VM console", "pending", 3000),
)
"""Label, status, age in seconds."""

WORK = 600.0
"""Seconds that each running task goes on for."""
NO_DISK_LEFT = ["SR_BACKEND_FAILURE_44", "", "There is insufficient space"]


def gather(simulator: Simulator, count: int) -> None:
    """Add that many tasks: finished, failed, and others at work for the next ten minutes."""
    now = simulator.clock.now()
    for number, (label, status, age) in zip(range(count), itertools.cycle(KINDS)):
        created = now - age - number // len(KINDS)
        fields: dict[str, Value] = {"created": Date.at(created), "status": status}
        if status != "pending":
            fields["finished"] = Date.at(created + age / 2)
        if status == "failure":
            fields["error_info"] = NO_DISK_LEFT
        life = None
        if status == "pending" and label.startswith("Async."):
            fields["progress"] = round(age / (age + WORK), 2)
            life = _rest_of_work(fields["progress"])
        simulator.add_task(label, life=life, **fields)


def _rest_of_work(progress: float) -> Life:
    """The life of a task that has come this far already: a step every twenty seconds."""
    steps = int(WORK / 20)
    rise = (1 - progress) / steps
    writes = tuple(
        (WORK * step / steps, "progress", round(progress + rise * step, 3))
        for step in range(1, steps)
    )
    return Life(duration=WORK, steps=1, writes=writes)
