# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes a file of the current folder, runs tests, and restores the file, for each line of input.

Each run is a fork of this process, which has imported the libraries. That takes half of the time of
a new process. The files of the collection are imported in the fork alone.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

_PRELOADED = (
    "conftest",
    "hypothesis",
    "requests",
    "ansible.module_utils.basic",
    "ansible_collections.xen.xapi.tests.simulator",
)
"""conftest comes first, since the environment has to be right before Ansible is imported.

The simulator shares no code with the collection, so no mutation changes it.
"""
_TIMED_OUT = -1
_LAST = 3000
"""Characters of the output that are kept."""


def run_tests(tests: list[str], *, seconds: float) -> tuple[int, str]:
    """Run tests in a fork; return the exit status of pytest and the end of its output."""
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            _run(tests, output.fileno())
        status = _wait(child, seconds)
        output.seek(0)
        return status, output.read().decode(errors="replace")[-_LAST:]


def _run(tests: list[str], output: int) -> None:
    """Run pytest in a session of its own, and exit with its status."""
    status = 1
    try:
        os.setsid()
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        status = pytest.main(["--exitfirst", "--quiet", "--numprocesses=0", *tests])
    finally:
        sys.stdout.flush()
        os._exit(status)


def _wait(child: int, seconds: float) -> int:
    """Return the exit status of a fork; end it and its processes if it takes too long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return _TIMED_OUT


def change(path: Path, old: str, new: str) -> str:
    """Replace a text in a file; return the whole text that the file had."""
    text = path.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise ValueError(f"{path} has the text {text.count(old)} times, not once: {old}")
    _write(path, text.replace(old, new))
    return text


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    if path.suffix == ".py":
        # Python compares times in seconds, and would use the compiled file of before.
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


def work(request: dict[str, Any]) -> dict[str, Any]:
    """Run the tests of a request, with its change if it has one."""
    if "file" not in request:
        status, output = run_tests(request["tests"], seconds=request["seconds"])
        return {"status": status, "output": output}
    path = Path(request["file"])
    before = change(path, request["old"], request["new"])
    try:
        status, output = run_tests(request["tests"], seconds=request["seconds"])
    finally:
        _write(path, before)
    return {"status": status, "output": output}


def main() -> None:
    for name in _PRELOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        print(json.dumps(work(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
