# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measurements with Ansible: plays, and the parts of one run of a module."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ansible_collections.xen.xapi.tests.benchmarks import pools
from ansible_collections.xen.xapi.tests.benchmarks.measurements import OURS, Sizes
from ansible_collections.xen.xapi.tests.benchmarks.report import Row, against
from ansible_collections.xen.xapi.tests.benchmarks.worker import Worker

PING, INFO = "ansible.builtin.ping", "xen.xapi.task_info"
_MODULE = "ansible_collections.xen.xapi.plugins.modules.task_info"
_CALL = "ansible_collections.xen.xapi.plugins.modules.call"
_MAX_FORKS = 20


def next_task(server: Worker, sizes: Sizes) -> list[Row]:
    """From the end of a task to the moment at which the play is at the task behind the gate."""
    row = Row("From the end of a task to the next task of the play", OURS, 1, "ms", [])
    (url,) = server.call(pools.start)
    (ref,) = server.call(pools.add_tasks, 1)
    tasks: list[dict[str, Any]] = [
        {"name": "Wait", "xen.xapi.task_wait": {"ref": ref, "timeout": "60"}},
        {
            "name": "Go on",
            "ansible.builtin.debug": {"msg": "{{ lookup('pipe', 'date +at=%s.%N') }}"},
        },
    ]
    for _number in range(sizes.slow_repeats):
        play = _Play([url], tasks)
        play.start()
        moment = server.call(pools.end_one_on_the_wall_clock, ref)
        output = play.output()
        (began,) = re.findall(r"at=([0-9.]+)", output)
        row.values.append((float(began) - moment) * 1000)
        server.call(pools.revive, ref)
    return [row]


def one_run(server: Worker, sizes: Sizes) -> list[Row]:
    """Measure a task of a play, and the parts of a run of a module, one after the other."""
    (url,) = server.call(pools.start)
    rows = _tasks_of_a_play(url, sizes)
    basic = "import ansible.module_utils.basic"
    module = f"{basic}; import {_MODULE}"
    options = {"hostname": url, "password": pools.PASSWORD}
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": options})
    call = {**options, "method": "pool.get_all"}
    parts = {
        "interpreter": ["-c", "pass"],
        "and module_utils.basic": ["-c", basic],
        "and requests": ["-c", f"{basic}; import requests"],
        "and this module": ["-c", module],
        "a whole run": ["-m", _MODULE, arguments],
        "call of a getter, a whole run": ["-m", _CALL, json.dumps({"ANSIBLE_MODULE_ARGS": call})],
        "ping, a whole run": ["-m", "ansible.modules.ping", '{"ANSIBLE_MODULE_ARGS": {}}'],
    }
    values: dict[str, list[float]] = {part: [] for part in parts}
    for _number in range(max(sizes.repeats // 3, 3)):
        for part, command in parts.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
            values[part].append((time.perf_counter() - began) * 1000)
    figure = "A module run taken apart"
    return rows + [Row(figure, part, 1, "ms", found) for part, found in values.items()]


def _tasks_of_a_play(url: str, sizes: Sizes) -> list[Row]:
    count = sizes.tasks_of_a_play
    plays: dict[str, list[dict[str, Any]]] = {
        "nothing": [],
        PING: [{"name": "Ping", PING: {}}] * count,
        INFO: [{"name": "List", INFO: {}}] * count,
    }
    seconds: dict[str, list[float]] = {name: [] for name in plays}
    for _number in range(sizes.slow_repeats):
        for name, tasks in plays.items():
            seconds[name].append(_Play([url], tasks).seconds())
    base = statistics.median(seconds["nothing"])
    figure = "One task of a play"
    rows = [
        Row(figure, name, 1, "ms", [(one - base) / count * 1000 for one in seconds[name]])
        for name in (PING, INFO)
    ]
    return against(PING, rows)


def fleet(server: Worker, sizes: Sizes) -> list[Row]:
    """One task on many pools, with forks."""
    rows = []
    for size in sizes.pools:
        urls = server.call(pools.start, size)
        for name in (PING, INFO):
            tasks = [{"name": "Do it", name: {}}]
            values = [_Play(urls, tasks).seconds() for _number in range(min(sizes.slow_repeats, 3))]
            rows.append(Row(f"A play over pools, {_MAX_FORKS} forks", name, size, "s", values))
    return against(PING, rows)


def progress(server: Worker, sizes: Sizes) -> list[Row]:
    """The CPU time of plays that wait for a task, with and without lines; all side by side."""
    figure = f"CPU of a play that waits {sizes.idle_seconds:g} s"
    rows = {
        is_shown: Row(figure, subject, 1, "s", [], requests=0)
        for is_shown, subject in ((False, "without lines"), (True, "with lines"))
    }
    urls = server.call(pools.start, len(rows) * sizes.slow_repeats)
    plays = []
    for place, url in enumerate(urls):
        is_shown = place % 2 == 1
        ref = server.call(pools.add_moving_task, sizes.idle_seconds, place)
        options = {"ref": ref, "timeout": "10m", "progress": is_shown}
        plays.append((is_shown, _Play([url], [{"name": "Wait", "xen.xapi.task_wait": options}])))
        plays[-1][1].start()
    for place, (is_shown, play) in enumerate(plays):
        row = rows[is_shown]
        row.values.append(play.cpu())
        row.requests = (row.requests or 0) + server.call(pools.calls, place) / sizes.slow_repeats
    return against("without lines", list(rows.values()))


class _Play:
    """A play over pools, in a folder that goes with it."""

    def __init__(self, urls: list[str], tasks: list[dict[str, Any]]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        hosts = {
            f"pool{number}": {"xapi_url": url, "ansible_connection": "local"}
            for number, url in enumerate(urls)
        }
        options = {"hostname": "{{ xapi_url }}", "password": pools.PASSWORD}
        play = {
            "hosts": "all",
            "gather_facts": False,
            "module_defaults": {"group/xen.xapi.xapi": options},
            "vars": {"ansible_python_interpreter": sys.executable},
            "tasks": tasks,
        }
        self._inventory = Path(self._folder.name, "inventory.json")
        self._inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
        self._playbook = Path(self._folder.name, "play.json")
        self._playbook.write_text(json.dumps([play]))

    def start(self) -> None:
        command = ["ansible-playbook", "-f", str(_MAX_FORKS), "-i", str(self._inventory)]
        # Each run warns that the password is sent unencrypted, as it should.
        self._process = subprocess.Popen(
            [*command, str(self._playbook)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def output(self) -> str:
        output, _errors = self._process.communicate()
        self._folder.cleanup()
        if self._process.returncode:
            raise RuntimeError(output)
        return output

    def cpu(self) -> float:
        """Wait for the end of the play, and return its CPU time with that of its processes."""
        assert self._process.stdout
        output = self._process.stdout.read()
        _pid, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._folder.cleanup()
        if self._process.returncode:
            raise RuntimeError(output)
        return usage.ru_utime + usage.ru_stime

    def seconds(self) -> float:
        began = time.perf_counter()
        self.start()
        self.output()
        return time.perf_counter() - began
