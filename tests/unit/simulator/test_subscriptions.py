# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Subscriptions of event.from."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.simulator import Simulator
from ansible_collections.xen.xapi.tests.unit.simulator.client import MISSING, Client, kinds


@pytest.mark.parametrize(
    "classes",
    [
        ["task"],
        ["TASK"],
        ["Task"],
        ["*"],
        ["task", "vm"],
        ["task/{0}"],
        ["tAsK/{0}"],
        ["task/{0}", "task/x"],
        ["nosuch", "task/{0}"],
    ],
)
def test_matching_subscription_reports_task(root: Client, classes: list[str]) -> None:
    task = root.task()
    answer = root.events([name.format(task) for name in classes])
    assert ("add", task) in kinds(answer)


@pytest.mark.parametrize(
    "classes",
    [
        [],
        *([name] for name in ("nosuch", "", " task", "tas\u212a", "session", "task/", "task/x")),
        *([name] for name in ("task/{0}/x", "vm/{0}", "/{0}", "*/{0}", "task {0}")),
    ],
)
def test_non_matching_subscription_reports_no_events(root: Client, classes: list[str]) -> None:
    task = root.task()
    assert root.events([name.format(task) for name in classes])["events"] == []


def test_object_subscriptions_report_only_those_objects(root: Client) -> None:
    one, _unused, three = (root.task() for _unused in range(3))
    found = kinds(root.events([f"task/{one}", f"task/{three}"]))
    assert sorted(found) == sorted([("add", one), ("add", three)])


def test_subscription_to_nonexistent_object_reports_no_events(root: Client) -> None:
    assert root.events([f"task/{MISSING}"])["events"] == []


def test_classes_and_objects_can_be_combined(root: Client, still: Simulator) -> None:
    one, _unused = root.task(), root.task()
    vm = still.find("VM", "web-1")
    answer = root.events([f"task/{one}", f"VM/{vm}", "sr"])
    assert [event["class"] for event in answer["events"]] == ["task", "vm", "sr"]


def test_wildcard_reports_all_classes_except_session(root: Client, still: Simulator) -> None:
    root.task()
    answer = root.events(["*"])
    counts: dict[str, int] = {}
    for event in answer["events"]:
        counts[event["class"]] = counts.get(event["class"], 0) + 1
    assert "session" not in counts
    all_counts = answer["valid_ref_counts"]
    assert {name: all_counts[name] for name in counts} == counts
    assert (all_counts["task"], all_counts["session"], all_counts["vm"]) == (1, 1, 3)
    assert all_counts["pbd"] == 0
    assert len(all_counts) == 73
    assert all(name == name.lower() for name in all_counts)
    assert root.events(["task"])["valid_ref_counts"] == all_counts
