# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.release import virtualenvs
from tests.release.run_targets import count, skipped, summary
from tests.support.collection import ROOT
from tests.support.polling import LONG_TIMEOUT

# A make for these tests: every target prints its name, "broken" fails, and "read" and "write" end
# only if both run at the same time.
MAKE = """#!/bin/sh
echo "output of $2"
echo "error of $2" >&2
case "$2" in
  broken) exit 1;;
  read) read -r line <pipe;;
  write) echo line >pipe;;
esac
"""


def run_targets(folder: Path, *targets: str) -> subprocess.CompletedProcess[str]:
    """Run targets of a make that exists for these tests only."""
    make = folder / "make"
    make.write_text(MAKE)
    make.chmod(0o755)
    script = [sys.executable, str(ROOT / "tests" / "release" / "run_targets.py")]
    environ = {"MAKE": str(make), "PATH": "/usr/bin:/bin", "PYTHONUTF8": "1"}
    return subprocess.run(
        [*script, *targets],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=LONG_TIMEOUT,
        check=False,
    )


def commands(*targets: str) -> str:
    """Return the commands that make would run for some targets."""
    make = shutil.which("make")
    assert make
    call = [make, "--no-print-directory", "--dry-run", "--assume-old=.venv/.ready", *targets]
    return subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def targets_of(target: str) -> list[str]:
    """Return the targets that `make test` or `make test-all` runs, in order."""
    (names,) = re.findall(r"run_targets\.py (.*)", commands(target))
    return str(names).replace("+", " ").split()


def test_line_for_each_target_has_number_name_and_seconds(tmp_path: Path) -> None:
    done = run_targets(tmp_path, "one", "two")
    lines = [re.sub(r"\d+ s$", "N s", line) for line in done.stdout.splitlines()]
    assert lines == ["1 of 2 one … N s", "2 of 2 two … N s", "", "2 passed, 0 failed"]
    assert (tmp_path / ".cache" / "logs" / "one.log").read_text() == "output of one\nerror of one\n"
    assert done.returncode == 0


def test_failed_target_shows_its_output_and_stops_the_run(tmp_path: Path) -> None:
    done = run_targets(tmp_path, "one", "broken", "two")
    assert "output of one" not in done.stdout
    assert "output of broken\nerror of broken\n" in done.stdout
    assert "broken failed. Not run: two" in done.stdout
    assert done.stdout.endswith("\n1 passed, 1 failed\n")
    assert done.returncode == 1


def test_joined_targets_run_side_by_side(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = run_targets(tmp_path, "read+write", "two")
    lines = [re.sub(r"\d+ s$", "N s", line) for line in done.stdout.splitlines()]
    assert lines == ["1 of 2 read and write … N s", "2 of 2 two … N s", "", "3 passed, 0 failed"]
    assert (tmp_path / ".cache" / "logs" / "read.log").read_text().startswith("output of read\n")


@pytest.mark.parametrize("group", ["one+broken", "broken+one"])
def test_failed_target_of_a_group_shows_its_output_and_stops_the_run(
    tmp_path: Path, group: str
) -> None:
    done = run_targets(tmp_path, group, "two+three")
    assert "output of one" not in done.stdout
    assert "output of broken\nerror of broken\n" in done.stdout
    assert "broken failed. Not run: two three" in done.stdout
    assert done.stdout.endswith("\n1 passed, 1 failed\n")
    assert done.returncode == 1


def test_everything_that_test_runs_is_in_test_all() -> None:
    quick, all_targets = targets_of("test"), targets_of("test-all")
    assert all_targets[: len(quick)] == quick
    assert len(all_targets) == len(set(all_targets))


def test_test_all_runs_every_suite() -> None:
    suites = {path.relative_to(ROOT).parts[1] for path in (ROOT / "tests").rglob("test_*.py")}
    run = commands(*targets_of("test-all"))
    assert len(suites) >= 9
    assert [suite for suite in sorted(suites) if f" tests/{suite}" not in run] == []


def test_documentation_names_only_existing_targets() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    files += [ROOT / "tests" / "README.md", *(ROOT / ".github").rglob("*.*")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    named = set(re.findall(r"(?:`|\$ |run: )make ([a-z][a-z-]*)", text))
    assert named >= {"test", "test-all", "reliability"}
    # Those of the cores have one pattern.
    assert named <= targets | {"core-"}


@pytest.mark.parametrize(
    ("attributes", "exit_code", "expected"),
    [
        (None, 0, "1 passed, 0 failed"),
        (None, 2, "0 passed, 1 failed"),
        ('tests="7" failures="0" errors="0" skipped="0"', 0, "7 passed, 0 failed"),
        ('tests="7" failures="2" errors="1" skipped="1"', 1, "3 passed, 3 failed, 1 skipped"),
        ('tests="0" failures="0" errors="0" skipped="0"', 5, "0 passed, 1 failed"),
    ],
)
def test_summary_counts_results_from_report_or_exit_code(
    attributes: str | None, exit_code: int, expected: str, tmp_path: Path
) -> None:
    report = tmp_path / "report.xml"
    if attributes:
        report.write_text(f"<testsuites><testsuite {attributes}/></testsuites>")
    assert summary(count(report, exit_code)) == expected


def test_skipped_check_is_counted_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtualenvs, "REPORTS", tmp_path)
    virtualenvs.skip("core-2.20", "no python3.12 here")
    report = tmp_path / "core-2.20.xml"
    assert summary(count(report, 0)) == "0 passed, 0 failed, 1 skipped"
    assert skipped(report) == ["no python3.12 here"]


def test_concurrent_requests_create_environment_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = []

    def run(command: list[str], **_options: Any) -> None:
        commands.append(command[1])
        time.sleep(0.05)
        (tmp_path / "one").mkdir(exist_ok=True)

    monkeypatch.setattr(virtualenvs, "BASE", tmp_path)
    monkeypatch.setattr(subprocess, "run", run)
    with concurrent.futures.ThreadPoolExecutor() as threads:
        makers = [threads.submit(virtualenvs.environment, "one", "a", ["b"]) for _one in range(2)]
        made = {maker.result() for maker in makers}
    assert made == {tmp_path / "one" / "bin" / "python"}
    assert commands == ["venv", "pip"]
