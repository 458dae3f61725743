# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measurements with Ansible: plays, and the parts of one run of a module."""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ansible_collections.xen.xapi.tests.benchmarks import pools
from ansible_collections.xen.xapi.tests.benchmarks.measurements import OURS, Sizes
from ansible_collections.xen.xapi.tests.benchmarks.report import Row, against
from ansible_collections.xen.xapi.tests.benchmarks.worker import Worker

PING, INFO = "ansible.builtin.ping", "xen.xapi.task_info"
INTERPRETER, PING_AND_REQUESTS = "start of Python", "ping and importing requests"
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
    """Measure a task of a play, and the CPU time of the processes that run modules."""
    (url,) = server.call(pools.start, 1, 20)
    rows = _tasks_of_a_play(url, sizes)
    (ended,) = server.call(pools.add_ended_task)
    commands = {
        INTERPRETER: ["-c", "pass"],
        "import of requests": ["-c", "import requests"],
        **_module_processes(url, ended),
    }
    values: dict[str, list[float]] = {name: [] for name in commands}
    for _number in range(max(sizes.repeats // 3, 3)):
        for name, command in commands.items():
            values[name].append(_cpu_of([sys.executable, *command]) * 1000)
    figure = "CPU of a module run"
    parts = zip(values["import of requests"], values[PING], values[INTERPRETER], strict=True)
    values[PING_AND_REQUESTS] = [library + ping - start for library, ping, start in parts]
    found = [Row(figure, name, 1, "ms", ours) for name, ours in values.items()]
    return rows + against(PING_AND_REQUESTS, found)


def _module_processes(url: str, ended: str) -> dict[str, list[str]]:
    """Return the arguments of Python for runs of modules, from the files that Ansible transfers."""
    login = {"jsonrpc": "2.0", "method": "session.login_with_password", "id": 1}
    body = {**login, "params": [pools.USERNAME, pools.PASSWORD]}
    post = {"url": f"{url}/jsonrpc", "method": "POST", "body_format": "json", "body": body}
    tasks: dict[str, dict[str, Any]] = {
        PING: {},
        "ansible.builtin.uri": post,
        INFO: {},
        "xen.xapi.task_wait": {"ref": ended},
        "xen.xapi.task_cancel": {"ref": ended},
        "xen.xapi.call": {"method": "pool.get_all"},
    }
    folder = Path(os.environ["ANSIBLE_REMOTE_TMP"])
    shutil.rmtree(folder, ignore_errors=True)
    play = _Play([url], [{"name": "Run", name: options} for name, options in tasks.items()])
    with patch.dict(os.environ, ANSIBLE_KEEP_REMOTE_FILES="1"):
        play.seconds()
    files = {path.stem.partition("_")[2]: path for path in folder.glob("*/AnsiballZ_*.py")}
    return {name: [str(files[name.rpartition(".")[2]])] for name in tasks}


def _cpu_of(command: list[str]) -> float:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} exited with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


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
    figure = "CPU of a play that waits"
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
