# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run make targets in turn, with a line for each, and stop at the first that fails.

The output of a target goes to .cache/logs and is printed only if the target fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TextIO
from xml.etree import ElementTree

REPORTS = Path(".cache/reports")
LOGS = Path(".cache/logs")


def count(report: Path, exit_code: int) -> Counter[str]:
    """Return the results of a pytest run; a target without a report counts as one test."""
    if not report.exists():
        return Counter(failed=1) if exit_code else Counter(passed=1)
    totals: Counter[str] = Counter()
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        passed = int(suite.get("tests", 0)) - failed - skipped
        totals += Counter(passed=passed, failed=failed, skipped=skipped)
    if exit_code and not totals["failed"]:
        totals["failed"] = 1
    return totals


def skipped(report: Path) -> list[str]:
    """Return the reasons of the tests that a target skipped."""
    if not report.exists():
        return []
    return [node.get("message", "") for node in ElementTree.parse(report).iter("skipped")]


def summary(totals: Counter[str]) -> str:
    words = ["passed", "failed"] + (["skipped"] if totals["skipped"] else [])
    return ", ".join(f"{totals[word]} {word}" for word in words)


def run_target(target: str, log: TextIO) -> int:
    """Run one target; its output, errors too, goes to the log in the order in which it comes."""
    call = [os.environ.get("MAKE", "make"), "--no-print-directory", target]
    return subprocess.run(call, stdout=log, stderr=subprocess.STDOUT, check=False).returncode


def main(targets: list[str]) -> int:
    shutil.rmtree(REPORTS, ignore_errors=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    totals: Counter[str] = Counter()
    reasons: list[str] = []
    exit_code = 0
    for number, target in enumerate(targets, 1):
        started = time.monotonic()
        print(f"{number} of {len(targets)} {target} …", end=" ", flush=True)
        path = LOGS / f"{target}.log"
        with path.open("w", encoding="utf-8") as log:
            exit_code = run_target(target, log)
        report = REPORTS / f"{target}.xml"
        totals += count(report, exit_code)
        print(f"{time.monotonic() - started:.0f} s", flush=True)
        for reason in skipped(report):
            print(f"!! SKIPPED: {reason}", flush=True)
            reasons.append(reason)
        if exit_code:
            print(path.read_text(encoding="utf-8", errors="replace"))
            print(f"{target} failed. Not run: {' '.join(targets[number:]) or 'none'}")
            break
    for reason in reasons:
        print(f"!! SKIPPED: {reason}")
    print(f"\n{summary(totals)}", flush=True)
    return 1 if exit_code else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print(f"\nInterrupted. The output of the target is in {LOGS}.")
        sys.exit(130)
