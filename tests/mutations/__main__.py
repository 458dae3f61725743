# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python -m tests.mutations: remove each safeguard in turn; its test must fail."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from tests.mutations.entries import Mutation, find_tests, format_table, load
from tests.support.collection import ROOT

_PASSED, _FAILED, _TIMED_OUT = 0, 1, -1


class Worker:
    """A copy of the checkout, and a process that changes it and runs tests in it."""

    def __init__(self, folder: Path) -> None:
        self._copy = folder / "ansible_collections" / "xen" / "xapi"
        _copy_checkout(self._copy)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.mutations.worker"],
            cwd=self._copy,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, **request: Any) -> dict[str, Any]:
        """Have a request carried out; see worker.py."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def _copy_checkout(target: Path) -> None:
    """Copy the files that git knows, and new ones that it does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


@contextlib.contextmanager
def start_workers(count: int) -> Iterator[list[Worker]]:
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder, contextlib.ExitStack() as ends:
        workers = []
        for number in range(count):
            workers.append(Worker(Path(folder) / str(number)))
            ends.callback(workers[-1].close)
        yield workers


class Campaign:
    """Runs the mutations, and counts those that their tests catch."""

    def __init__(self, workers: list[Worker], *, seconds: float) -> None:
        self._free: SimpleQueue[Worker] = SimpleQueue()
        for worker in workers:
            self._free.put(worker)
        self._count = len(workers)
        self._seconds = seconds
        self._paths = find_tests(ROOT)
        self._printing = threading.Lock()
        self.caught = self.survived = 0

    def check_tests(self, mutations: list[Mutation]) -> bool:
        """Run each test without a mutation; return whether all pass."""
        names = list(dict.fromkeys(mutation.test for mutation in mutations))
        parts = [part for place in range(self._count) if (part := names[place :: self._count])]
        with ThreadPoolExecutor(self._count) as pool:
            answers = list(pool.map(self._check_some, parts))
        for answer in answers:
            if answer["status"] != _PASSED:
                print(answer["output"])
        print(f"{len(names)} tests without a mutation", flush=True)
        return all(answer["status"] == _PASSED for answer in answers)

    def run(self, mutations: list[Mutation]) -> None:
        """Run each mutation, several at once."""
        with ThreadPoolExecutor(self._count) as pool:
            list(pool.map(self._run_one, mutations))

    def _check_some(self, names: list[str]) -> dict[str, Any]:
        tests = [self._paths[name][0] for name in names]
        with self._worker() as worker:
            return worker.run(tests=tests, seconds=sum(map(self._limit, names)))

    def _limit(self, name: str) -> float:
        """Return the time limit of a test; a playbook takes longer than a module."""
        is_slow = self._paths[name][0].startswith("tests/integration/")
        return self._seconds * (4 if is_slow else 1)

    def _run_one(self, mutation: Mutation) -> None:
        with self._worker() as worker:
            began = time.monotonic()
            answer = worker.run(
                file=mutation.file,
                old=mutation.old,
                new=mutation.new,
                tests=self._paths[mutation.test],
                seconds=self._limit(mutation.test),
            )
        # A test that hangs does not pass. Another status than that of a failed test says that the
        # tests did not run, as if the mutation is not valid Python.
        is_caught = answer["status"] in (_FAILED, _TIMED_OUT)
        word = "caught" if is_caught else "SURVIVED"
        if answer["status"] not in (_PASSED, _FAILED):
            word += " (time limit)" if is_caught else f" (status {answer['status']})"
        with self._printing:
            self.caught += is_caught
            self.survived += not is_caught
            seconds = time.monotonic() - began
            print(f"{word}: {mutation.safeguard} [{mutation.test}, {seconds:.1f} s]", flush=True)

    @contextlib.contextmanager
    def _worker(self) -> Iterator[Worker]:
        worker = self._free.get()
        try:
            yield worker
        finally:
            self._free.put(worker)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="those with TEXT in any field")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=90, help="the time limit of a test")
    parser.add_argument("--table", action="store_true", help="print the table of the document")
    arguments = parser.parse_args()
    mutations = [one for one in load() if arguments.only in "\n".join(one)]
    if arguments.table:
        print(format_table(mutations))
        return 0
    with start_workers(arguments.processes) as workers:
        campaign = Campaign(workers, seconds=arguments.seconds)
        if not campaign.check_tests(mutations):
            return 1
        campaign.run(mutations)
    print(f"{len(mutations)} mutations, {campaign.caught} caught, {campaign.survived} survived")
    return 1 if campaign.survived else 0


if __name__ == "__main__":
    sys.exit(main())
