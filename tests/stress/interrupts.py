# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends a module at any moment, and checks for its remains in the pool."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.xen.xapi.tests.simulator import Life, Simulator
from ansible_collections.xen.xapi.tests.simulator.tasks import FINAL
from ansible_collections.xen.xapi.tests.stress.progress_pipe import progress_pipe
from ansible_collections.xen.xapi.tests.support.fixtures import secrets_of
from ansible_collections.xen.xapi.tests.support.module_runner import start_module_process
from ansible_collections.xen.xapi.tests.support.polling import wait_until

CLOSED = 0
"""In place of a signal: the reader of the output is gone, as after Ansible's timeout."""
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, CLOSED)
_OPTIONS: dict[str, dict[str, Any]] = {
    "task_info": {},
    "task_wait": {"name_label": "Async.VM.copy", "timeout": "60"},
    "task_cancel": {"name_label": "Async.VM.copy", "min_age": "0", "max_tasks": 50},
    "call": {"method": "VM.snapshot", "args": [{"class": "VM", "name_label": "web-1"}, "x"]},
}
_SNAPSHOT = "Async.VM.snapshot"
_WRITES = ("task.cancel", _SNAPSHOT)
# Each call takes this long, so that a moment can fall into one.
_CALL = 0.05
# A login whose answer does not come cannot be undone; the moments begin behind it.
_LOGIN = 1
# The sixth call of `call` starts the operation, and a few more watch it.
_LAST = {"call": 10}


class End(NamedTuple):
    """How a module is ended, and when: so many seconds after its n-th call came in."""

    module: str
    signum: int
    calls: int
    seconds: float


def drawn(seed: int, runs: int) -> list[End]:
    """Moments by chance, the same for the same seed."""
    chance = random.Random(seed)
    return [_draw_end(chance) for _run in range(runs)]


def _draw_end(chance: random.Random) -> End:
    module = chance.choice(list(_OPTIONS))
    calls = chance.randint(_LOGIN + 1, _LAST.get(module, 7))
    return End(module, chance.choice(SIGNALS), calls, chance.random() * 0.1)


def violations(end: End, folder: Path, *, within: float) -> list[str]:
    """Return the remains that should not exist; the logout has so many seconds."""
    with Simulator() as pool, progress_pipe(folder) as read_progress:
        for _number in range(5):
            pool.add_task("Async.VM.copy", life=Life(duration=None, cancel_after=None))
        pool.fail("*", count=None, delay=_CALL)
        process = start_module_process(folder, end.module, pool, _OPTIONS[end.module])
        try:
            found = _after(end, pool, process, within)
            shown = read_progress()
            untold = [secret for secret in secrets_of(pool) if secret in shown]
            return [*found, *(f"{secret!r} in the progress" for secret in untold)]
        finally:
            process.kill()
            process.communicate()


def _after(end: End, pool: Simulator, process: subprocess.Popen[str], within: float) -> list[str]:
    wait_until(lambda: len(pool.log) >= end.calls or process.poll() is not None)
    time.sleep(end.seconds)
    ended_at = pool.clock.now()
    if end.signum == CLOSED:
        process.stdout.close()
    else:
        process.send_signal(end.signum)
    found = []
    if not wait_until(lambda: process.poll() is not None):
        found.append("the process goes on")
    if not wait_until(lambda: not pool.sessions()):
        found.append("a session is left")
    # By the pool's clock: how long a process takes to leave the machine is not the module's doing.
    if any(call.at - ended_at > within for call in pool.log.of("session.logout")):
        found.append("the logout came late")
    writes = [index for index, call in enumerate(pool.log) if call.method in _WRITES]
    logouts = [index for index, call in enumerate(pool.log) if call.method == "session.logout"]
    if writes and logouts and writes[-1] > logouts[0]:
        found.append("a write after the logout")
    if len(pool.log.of(_SNAPSHOT)) > 1:
        found.append("a second start")
    sent = len(writes)
    process.kill()
    result, errors = process.communicate()
    output = result + errors
    if len([call for call in pool.log if call.method in _WRITES]) > sent:
        found.append("a write after the end")
    untold = (*secrets_of(pool), "Traceback")
    found += [f"{what!r} in the output" for what in untold if what in output]
    if end.module == "call" and end.signum != CLOSED:
        found += _false_outcome(pool, result)
    return found


def _false_outcome(pool: Simulator, text: str) -> list[str]:
    """Return the errors in the report of a call; the tasks of the pool decide."""
    result = json.loads(text)
    outcome = result["outcome"]
    tasks = pool.database.records("task")
    made = [ref for ref, record in tasks.items() if record["name_label"] == _SNAPSHOT]
    if outcome == "not_started":
        return ["a start that was not reported"] if made else []
    if outcome == "unknown":
        return []
    if [result["task"]["ref"]] != made:
        return ["another task than the one that was started"]
    if outcome in FINAL and tasks[made[0]]["status"] != outcome:
        return ["another end than that of the task"]
    return []
