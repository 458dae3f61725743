# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmarks run and count correctly; no test checks durations."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ansible_collections.xen.xapi.tests.benchmarks.report import Row, against, exponent, quantile
from ansible_collections.xen.xapi.tests.support.collection import ROOT

REPORT = ROOT / ".cache" / "reports" / "benchmarks.json"


def row(subject, size, *values):
    return Row("figure", subject, size, "ms", list(values))


def test_ratio_compares_medians_of_same_size():
    rows = against("bare", [row("bare", 1, 2, 2, 9), row("ours", 1, 3, 3, 1), row("ours", 2, 4)])
    assert [one.ratio for one in rows] == [1, 1.5, None]


def test_ratio_compares_within_same_figure():
    other = Row("another figure", "bare", 1, "%", [8])
    assert [one.ratio for one in against("bare", [row("bare", 1, 2), other])] == [1, 1]


@pytest.mark.parametrize(("share", "value"), [(0.5, 10), (0.95, 19), (1, 20)])
def test_quantile_returns_value_at_share(share, value):
    assert quantile(range(20, 0, -1), share) == value


@pytest.mark.parametrize("power", [0, 1, 2])
def test_growth_exponent_matches_power(power):
    assert exponent([(size, 7 * size**power) for size in (1, 100, 1000)]) == pytest.approx(power)


def test_cancelling_many_tasks_costs_one_request_each():
    command = [sys.executable, "-m", "tests.benchmarks", "--short", "--only=cancelling"]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    rows = json.loads(REPORT.read_text())["rows"]
    (thousand,) = [
        one
        for one in rows
        if one["figure"] == "Cancelling" and one["subject"] == "xen.xapi" and one["size"] == 1000
    ]
    assert thousand["requests"] <= 1000 * 1.02
    assert "| xen.xapi | 1,000 |" in output
