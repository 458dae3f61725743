# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import html.parser
import re

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.xen.xapi.plugins.filter.task_report import FilterModule
from ansible_collections.xen.xapi.tests.unit.plugins.filter.samples import (
    HOSTILE_TEXTS,
    WRONG_VALUES,
    task,
)

task_report = FilterModule().filters()["task_report"]
_TAGS = """
    html head meta title style body main h1 h2 p dl div dt dd svg line text rect
    table thead tbody tr th td
"""
_ATTRIBUTES = """
    lang charset name content http-equiv class viewbox role aria-label scope
    x x1 x2 y y1 y2 width height rx
"""
TAGS, ATTRIBUTES = set(_TAGS.split()), set(_ATTRIBUTES.split())
VOID = {"meta", "line"}
FAILED = {
    "failed": True,
    "msg": "Timed out after 600 s waiting for 1 of 2 tasks.",
    "pool": {"uuid": "u", "name_label": "production", "master": "xcp1"},
    "server_time": "2026-11-23T11:41:12Z",
    "elapsed": 600.5,
    "warnings": ["The way to the pool failed 3 times while waiting"],
}


class Page(html.parser.HTMLParser):
    """A page that is taken apart: its tags, and whether each is closed in its turn."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.opened, self.texts = set(), set(), [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _value in attrs)
        if tag not in VOID:
            self.opened.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _value in attrs)

    def handle_endtag(self, tag):
        assert self.opened.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def read(text):
    """Return a page that has only harmless markup and no template."""
    page = Page(text)
    assert page.tags <= TAGS, page.tags - TAGS
    assert page.attributes <= ATTRIBUTES, page.attributes - ATTRIBUTES
    assert page.opened == []
    assert not re.search(r"url\(|@import|javascript:|https?://", text.split("</style>")[0])
    assert not any(mark in text for mark in ("{{", "{%", "{#"))
    assert all(line.isprintable() for line in text.splitlines())
    return page


def test_page_has_outcome_message_facts_and_tasks():
    failed = task(status="failure", is_finished=True, error={"message": "The SR is full"})
    tasks = [task(), failed]
    changes = [
        {"at": "2026-11-23T11:40:12Z", "uuid": task()["uuid"], "status": "gone", "progress": 1}
    ]
    page = read(task_report({**FAILED, "tasks": tasks, "timeline": changes}, title="A gate"))
    text = " ".join(page.texts)
    for words in (
        *(
            "A gate",
            "Failed",
            "Timed out after 600 s",
            "production",
            "xcp1",
            "10m",
            "failed 3 times",
        ),
        *(
            "1 failure, 1 running",
            "Async.VM.start",
            "VM web-1",
            "50 %",
            "The SR is full",
            "Changes",
        ),
        "gone",
    ):
        assert words in text
    assert page.tags >= {"svg", "rect", "table"}


def test_tasks_that_were_left_out_are_counted():
    page = read(task_report({**FAILED, "tasks": [task()] * 520, "tasks_omitted": 7}))
    assert "And 27 more tasks." in page.texts


@pytest.mark.parametrize("value", [[], {}, {"tasks": []}, FAILED, {"tasks": [], "changed": False}])
def test_page_without_tasks_is_whole(value):
    assert "No tasks." in read(task_report(value)).texts


@pytest.mark.parametrize("value", ["a text", 5, None, {"tasks": "a"}, [5]])
def test_anything_else_is_an_error(value):
    with pytest.raises(AnsibleFilterError, match="task_report: "):
        task_report(value)


def test_title_must_be_text():
    with pytest.raises(AnsibleFilterError, match="title must be a string"):
        task_report([], title=5)


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=lambda text: ascii(text)[:30])
def test_hostile_text_is_escaped_everywhere(text):
    fields = ("name_label", "status", "kind", "uuid", "resident_on_name", "created", "finished")
    hostile = task(**dict.fromkeys(fields, text), error={"message": text}, is_finished=True)
    hostile["objects"] = [{"type": text, "name_label": text}] * 9
    change = {"at": text, "uuid": text, "status": text, "progress": text}
    result = {
        "failed": True,
        "msg": text,
        "pool": {"name_label": text, "master": text},
        "server_time": text,
        "elapsed": text,
        "warnings": [text] * 50,
        "timeline": [change] * 300,
        "tasks": [hostile, task(name_label=text)],
    }
    page = task_report(result, title=text)
    read(page)
    assert len(page) < 400_000


@pytest.mark.parametrize("value", WRONG_VALUES, ids=lambda value: ascii(value)[:30])
@pytest.mark.parametrize("field", sorted(task()))
def test_value_of_a_wrong_type_breaks_nothing(field, value):
    read(task_report([task(**{field: value}), task()]))


@pytest.mark.parametrize("value", WRONG_VALUES, ids=lambda value: ascii(value)[:30])
@pytest.mark.parametrize(
    "field", ["msg", "pool", "server_time", "elapsed", "warnings", "timeline", "tasks_omitted"]
)
def test_result_of_a_wrong_type_breaks_nothing(field, value):
    read(task_report({**FAILED, "tasks": [task()], field: value}))


def test_page_is_of_bounded_size():
    hostile = task(name_label="<" * 300_000, error={"message": "'" * 300_000})
    assert len(task_report({**FAILED, "msg": "<" * 10**6, "tasks": [hostile] * 5000})) < 3_000_000
    assert len(task_report({**FAILED, "tasks": [task()] * 500})) < 400_000


def test_running_and_failed_tasks_are_drawn_first():
    good = [task(status="success", is_finished=True, name_label="good")] * 300
    bad = [task(status="failure", is_finished=True, name_label="bad")] * 3
    image = re.search(r"<svg.*?</svg>", task_report([*good, *bad, task()]), re.DOTALL)[0]
    assert image.count('class="failure"') == 3
    assert image.count('class="running"') == 1
    assert image.count('class="success"') == 196
