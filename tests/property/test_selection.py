# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties of a selection by kind: exactly the tasks of the kinds, and groups as their members.

The kind of each task is known from how its label was made, never from the code under test.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.xapi.plugins.module_utils._tasks.kind_table import KINDS
from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._tasks.query import select
from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import (
    Selection,
    SelectionContext,
)
from ansible_collections.xen.xapi.tests.property.strategies import THOROUGHLY

CONTEXT = SelectionContext(now=1_800_000_000)
NAMES = st.text(max_size=20)
COPIES = {"export", "import", "copy", "snapshot"}
GROUPS = ("backup", "housekeeping")


class Made(NamedTuple):
    """A label, with its kind and client by the source that writes it."""

    label: str
    kind: str
    client: str | None
    is_housekeeping: bool = False


def fixed(*labels: str, kind: str, client: str | None, own: bool = False):
    return st.sampled_from([Made(label, kind, client, own) for label in labels])


def named(label: str, kind: str, client: str):
    return NAMES.map(lambda name: Made(label % name, kind, client))


MADE = st.one_of(
    fixed("Async.VM.copy", "VDI.clone", "sparse_dd", kind="copy", client="xapi"),
    fixed("Async.VM.snapshot", "InternalAsync.VDI.snapshot", kind="snapshot", client="xapi"),
    fixed("VM.export", "Exporting raw VDI", kind="export", client="xapi"),
    fixed("Importing raw VDI", "VM.metadata_import", kind="import", client="xapi"),
    fixed("VM import", "VM.import", kind="import", client=None),
    fixed("VDI import", "restore database", kind="import", client="xe"),
    fixed("Async.VM.pool_migrate", kind="migration", client="xapi"),
    fixed("Async.VM.start", "VM.hard_shutdown", kind="power", client="xapi"),
    fixed("Async.host.evacuate", "Host is rebooting", kind="host", client="xapi"),
    fixed("Async.pool_update.apply", "Uploading update", kind="update", client="xapi"),
    fixed("host.call_plugin", kind="plugin", client="xapi"),
    fixed("SR.scan", kind="scan", client="xapi", own=True),
    fixed("Async.SR.scan", kind="scan", client="xapi"),
    fixed("Connection to VM console", kind="console", client="xapi", own=True),
    fixed("/rrd_updates", kind="metrics", client=None, own=True),
    fixed("Async.VBD.plug", "SR Recovering", kind="other", client="xapi"),
    fixed("nightly", "backup of web-1", "", "[xo] VM export", kind="other", client=None),
    fixed("put_import_task", kind="import", client="xencenter"),
    named("[XO] Exporting content of VDI %s", "export", "xo"),
    named("[XO] Importing content into VDI %s on SR a", "import", "xo"),
    named("Export of VM: %s", "export", "xe"),
    named("[XO] about %s", "other", "xo"),
)


def is_member(made: Made, group: str, *, is_destructive: bool) -> bool:
    if group == "housekeeping":
        return made.is_housekeeping
    if (made.kind, made.client) == ("other", "xo"):
        return not is_destructive
    return made.kind in COPIES and (not is_destructive or made.client in ("xo", "xe"))


def tasks_of(made: list[Made]) -> list[Task]:
    return [
        Task(
            f"OpaqueRef:{place}", {"uuid": str(place), "name_label": one.label, "status": "pending"}
        )
        for place, one in enumerate(made)
    ]


def chosen(tasks: list[Task], **options) -> set[str]:
    found = select(tasks, Selection(**options), CONTEXT)
    return {task.ref for task in found.tasks}


@THOROUGHLY
@given(
    made=st.lists(MADE, max_size=12),
    kinds=st.frozensets(st.sampled_from(KINDS + GROUPS), min_size=1),
    is_destructive=st.booleans(),
    is_gate=st.booleans(),
)
def test_selection_by_kind_is_exactly_the_tasks_of_these_kinds(
    made, kinds, is_destructive, is_gate
):
    tasks = tasks_of(made)
    expected = {
        task.ref
        for task, one in zip(tasks, made, strict=True)
        if one.kind in kinds
        or any(
            is_member(one, group, is_destructive=is_destructive)
            for group in kinds.intersection(GROUPS)
        )
    }
    assert chosen(tasks, kind=kinds, is_destructive=is_destructive, is_gate=is_gate) == expected
    returned = [task.to_dict(now=None) for task in tasks]
    assert [(task["kind"], task["client"]) for task in returned] == [one[1:3] for one in made]


@THOROUGHLY
@given(made=st.lists(MADE, max_size=12), is_destructive=st.booleans())
def test_all_kinds_together_are_all_tasks_and_no_two_share_one(made, is_destructive):
    tasks = tasks_of(made)
    by_kind = [
        chosen(tasks, kind=frozenset({kind}), is_destructive=is_destructive) for kind in KINDS
    ]
    assert sum(map(len, by_kind)) == len(tasks)
    assert set().union(*by_kind) == {task.ref for task in tasks}


@THOROUGHLY
@given(
    made=st.lists(MADE, max_size=12),
    kinds=st.frozensets(st.sampled_from(KINDS + GROUPS), min_size=1),
    is_destructive=st.booleans(),
)
def test_kind_and_other_options_only_narrow(made, kinds, is_destructive):
    tasks = tasks_of(made)
    by_kind = chosen(tasks, kind=kinds, is_destructive=is_destructive)
    regex = re.compile(r"(?s:.*)VM(?s:.*)")
    by_label = chosen(tasks, name_regex=regex, is_destructive=is_destructive)
    both = chosen(tasks, kind=kinds, name_regex=regex, is_destructive=is_destructive)
    assert both == by_kind & by_label


@THOROUGHLY
@given(made=st.lists(MADE, max_size=12))
def test_gate_without_housekeeping_counts_everything_else(made):
    tasks = tasks_of(made)
    expected = {task.ref for task, one in zip(tasks, made, strict=True) if not one.is_housekeeping}
    assert chosen(tasks, excludes_housekeeping=True, is_gate=True) == expected


@THOROUGHLY
@given(made=st.lists(MADE, max_size=12))
def test_clean_up_of_backups_is_a_part_of_what_a_gate_waits_for(made):
    tasks = tasks_of(made)
    backup = frozenset({"backup"})
    cleaned = chosen(tasks, kind=backup, is_destructive=True)
    assert cleaned <= chosen(tasks, kind=backup, is_gate=True)
