# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs make targets in turn, stops at the first that fails, and says how many tests passed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

REPORTS = Path(".cache/reports")


def count(report: Path, exit_code: int) -> Counter[str]:
    """The tests of a pytest run; a gate without a report is one test itself."""
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
    """What a gate says that it left out."""
    if not report.exists():
        return []
    return [node.get("message", "") for node in ElementTree.parse(report).iter("skipped")]


def summary(totals: Counter[str]) -> str:
    words = ["passed", "failed"] + (["skipped"] if totals["skipped"] else [])
    return ", ".join(f"{totals[word]} {word}" for word in words)


def main(gates: list[str]) -> int:
    shutil.rmtree(REPORTS, ignore_errors=True)
    totals: Counter[str] = Counter()
    left_out: list[str] = []
    exit_code = 0
    make = os.environ.get("MAKE", "make")
    for position, gate in enumerate(gates):
        started = time.monotonic()
        print(f"\n== {gate}", flush=True)
        exit_code = subprocess.run([make, "--no-print-directory", gate], check=False).returncode
        totals += count(REPORTS / f"{gate}.xml", exit_code)
        left_out += skipped(REPORTS / f"{gate}.xml")
        print(f"== {gate}: {time.monotonic() - started:.1f} s", flush=True)
        if exit_code:
            print(f"\n{gate} failed. Not run: {' '.join(gates[position + 1 :]) or 'none'}")
            break
    for what in left_out:
        print(f"!! SKIPPED: {what}")
    print(f"\n{summary(totals)}", flush=True)
    return 1 if exit_code else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
