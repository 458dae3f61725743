# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.xen.xapi.plugins.filter.task_table import FilterModule
from ansible_collections.xen.xapi.plugins.module_utils._report.cells import COLUMNS
from ansible_collections.xen.xapi.tests.unit.plugins.filter.samples import (
    HOSTILE_TEXTS,
    WRONG_VALUES,
    task,
)

task_table = FilterModule().filters()["task_table"]


def test_table_has_a_line_for_each_task():
    copy = task(name_label="Async.VM.copy", kind="copy", status="success", is_finished=True)
    assert task_table([task(), copy]).splitlines() == [
        "age    progress  eta    kind   label           object    host",
        "1h30m  50 %      1h30m  power  Async.VM.start  VM web-1  xcp1",
        "1h30m  success   1h30m  copy   Async.VM.copy   VM web-1  xcp1",
    ]


def test_result_of_a_module_and_its_tasks_give_the_same_table():
    assert task_table({"tasks": [task()], "changed": False}) == task_table([task()])


def test_objects_and_host_are_left_out_where_no_task_has_them():
    bare = task()
    del bare["objects"], bare["resident_on_name"]
    assert "host" not in task_table([bare]).splitlines()[0]
    assert "host" in task_table([bare], columns=["label", "host"]).splitlines()[0]
    assert "host" in task_table([bare, task()]).splitlines()[0]


def test_columns_are_shown_in_their_order():
    skipped = task(action="skipped", reason="too young")
    table = task_table([task(action="cancelled", reason=None), skipped], ["action", "uuid"])
    assert [line.split("  ")[0] for line in table.splitlines()] == [
        "action",
        "cancelled",
        "too young",
    ]


def test_all_columns_can_be_shown():
    assert len(task_table([task()], columns=list(COLUMNS)).splitlines()) == 2


@pytest.mark.parametrize("value", [[], {"tasks": []}, {"task": None}, ()])
def test_no_tasks_is_no_error(value):
    assert task_table(value) == "No tasks."


@pytest.mark.parametrize("value", [{}, {"failed": True, "msg": "no pool"}])
def test_result_without_tasks_does_not_claim_that_there_are_none(value):
    assert task_table(value) == "The tasks are not known."


def test_task_of_call_is_shown():
    assert task_table({"task": task(), "outcome": "running"}) == task_table([task()])


def test_disappeared_task_is_not_shown_as_running():
    assert "gone" in task_table([task(gone=True)])
    assert "50 %" not in task_table([task(gone=True)])


@pytest.mark.parametrize(("progress", "shown"), [(0.997, "99 %"), (1.0, "100 %"), (0.004, "0 %")])
def test_progress_is_100_percent_only_if_all_is_done(progress, shown):
    assert shown in task_table([task(progress=progress)]).split("  ")


def test_omitted_tasks_of_a_failure_are_counted():
    assert (
        task_table({"tasks": [task()], "tasks_omitted": 480}).splitlines()[-1] == "… and 480 more"
    )


def test_more_tasks_than_the_limit_are_counted():
    assert task_table([task()] * 5, limit=2).splitlines()[-1] == "… and 3 more"
    assert len(task_table([task()] * 5000).splitlines()) == 102


@pytest.mark.parametrize(
    "value", ["a text", 5, None, True, {"tasks": "a"}, {"tasks": None}, [5], [None]]
)
def test_anything_else_is_an_error(value):
    with pytest.raises(AnsibleFilterError, match=r"task_table: (give the result|each task must)"):
        task_table(value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": "label"}, "columns must be a list"),
        ({"columns": []}, "columns must be a list"),
        ({"columns": 5}, "columns must be a list"),
        ({"columns": ["labels"]}, "unknown columns 'labels'; the columns are action, age"),
        ({"columns": [None]}, "unknown columns 'None'"),
        ({"limit": 0}, "limit must be a whole number"),
        ({"limit": "5"}, "limit must be a whole number"),
        ({"limit": True}, "limit must be a whole number"),
    ],
)
def test_wrong_options_are_an_error(options, words):
    with pytest.raises(AnsibleFilterError, match=words):
        task_table([task()], **options)


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=lambda text: ascii(text)[:30])
@pytest.mark.parametrize("field", ["name_label", "status", "kind", "uuid", "resident_on_name"])
def test_hostile_text_is_escaped_and_shortened(field, text):
    table = task_table([task(**{field: text, "is_finished": True})], columns=list(COLUMNS))
    assert len(table.splitlines()) == 2
    assert len(table) < 3000
    assert all(line.isprintable() for line in table.splitlines())
    assert not any(mark in table for mark in ("{{", "{%", "{#"))


def test_line_does_not_begin_with_options_of_a_template():
    label = "#jinja2:variable_start_string:'<<'"
    table = task_table([task(name_label=label)], columns=["label"])
    assert table.splitlines()[1] == "# jinja2:variable_start_string:'<<'"


@pytest.mark.parametrize("value", WRONG_VALUES, ids=lambda value: ascii(value)[:30])
@pytest.mark.parametrize("field", sorted(task()))
def test_value_of_a_wrong_type_breaks_nothing(field, value):
    table = task_table([task(**{field: value})], columns=list(COLUMNS))
    assert len(table.splitlines()) == 2
    assert len(table) < 3000
