# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import concurrent.futures
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.release import virtualenvs
from tests.release.run_targets import count, skipped, summary


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
