# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run make targets in turn, with a line for each, and stop at the first that fails.

Targets that are joined with + run side by side. The output of a target goes to .cache/logs and is
printed only if the target fails.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
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


def log_of(target: str) -> Path:
    return LOGS / f"{target}.log"


def run_together(targets: list[str]) -> dict[str, int]:
    """Run targets side by side, each with its output in its log, and return their exit codes."""
    make = os.environ.get("MAKE", "make")
    with contextlib.ExitStack() as stack:
        running = {}
        for target in targets:
            log = stack.enter_context(log_of(target).open("w", encoding="utf-8"))
            call = [make, "--no-print-directory", target]
            process = subprocess.Popen(call, stdout=log, stderr=subprocess.STDOUT)
            running[target] = stack.enter_context(process)
        return {target: process.wait() for target, process in running.items()}


def main(groups: list[str]) -> int:
    shutil.rmtree(REPORTS, ignore_errors=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    totals: Counter[str] = Counter()
    reasons: list[str] = []
    failed: list[str] = []
    for number, group in enumerate(groups, 1):
        started = time.monotonic()
        print(f"{number} of {len(groups)} {group.replace('+', ' and ')} …", end=" ", flush=True)
        exit_codes = run_together(group.split("+"))
        print(f"{time.monotonic() - started:.0f} s", flush=True)
        for target, exit_code in exit_codes.items():
            report = REPORTS / f"{target}.xml"
            totals += count(report, exit_code)
            for reason in skipped(report):
                print(f"!! SKIPPED: {reason}", flush=True)
                reasons.append(reason)
        failed = [target for target, exit_code in exit_codes.items() if exit_code]
        for target in failed:
            print(log_of(target).read_text(encoding="utf-8", errors="replace"))
        if failed:
            others = " ".join(groups[number:]).replace("+", " ") or "none"
            print(f"{' and '.join(failed)} failed. Not run: {others}")
            break
    for reason in reasons:
        print(f"!! SKIPPED: {reason}")
    print(f"\n{summary(totals)}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print(f"\nInterrupted. The output of the target is in {LOGS}.")
        sys.exit(130)
