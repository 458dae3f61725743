# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._events.content import (
    EventWriter,
    PoolState,
    make_safe,
)
from ansible_collections.xen.xapi.plugins.module_utils._events.secrets import Secrets
from ansible_collections.xen.xapi.plugins.module_utils._tasks.ages import NO_CLOCKS
from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.tests.support.samples import TASK

STATE = PoolState(
    pool={"uuid": "u", "name_label": "{{ 1 }}", "master": "m\x1b[2J"},
    now=1_800_000_000,
    clocks=NO_CLOCKS,
    method="events",
    running=2,
    after_gap=False,
)
BEGINNINGS = ("{{", "{%", "{#")


def write(**fields):
    writer = EventWriter(Secrets({"password": "s3cret"}).mask_all)
    return writer.write_end(Task("ref", {**TASK, "status": "success", **fields}), STATE)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("{{ x }}", "{ { x }}"),
        ("{{{%{#", "{ { { %{ #"),
        ("{%raw%}", "{ %raw%}"),
        ("#jinja2:variable_start_string:'<<'", "# jinja2:variable_start_string:'<<'"),
        (" \t#jinja2: x", " \\t#jinja2: x"),
        ("a\nb\x1b\u202e", "a\\nb\\x1b\\u202e"),
    ],
)
def test_text_is_escaped_and_is_not_a_template(text, shown):
    assert make_safe(text) == shown


def test_long_values_are_cut():
    assert len(make_safe("x" * 5000)) == 1001
    assert len(make_safe(["x"] * 5000)) == 10
    assert len(json.dumps(write(name_label="x" * 100_000, result="y" * 100_000))) < 10_000


def test_hostile_texts_leave_no_template_anywhere():
    hostile = "{{ lookup('pipe', 'id') }}{% x %}{# y #}\x1b]0;x\x07"
    event = write(
        name_label=hostile,
        name_description=hostile,
        result=f"<value>{hostile}</value>",
        status="failure",
        error_info=[hostile, hostile],
        uuid=hostile,
        resident_on=hostile,
    )
    text = json.dumps(event)
    assert not [one for one in BEGINNINGS if one in text]
    assert "\\u001b" not in text
    assert event["message"].startswith('Task "{ { lookup(')


def test_secrets_are_masked_in_every_text():
    event = write(
        name_label="has s3cret in it",
        status="failure",
        error_info=["CODE", "s3cret"],
        result="<value>s3cret</value>",
    )
    assert "s3cret" not in json.dumps(event)
    assert event["task"]["name_label"] == "has ******** in it"


def test_status_is_not_masked():
    writer = EventWriter(Secrets({"password": "success"}).mask_all)
    event = writer.write_end(Task("ref", {**TASK, "status": "success"}), STATE)
    assert (event["type"], event["task"]["status"]) == ("success", "success")


@pytest.mark.parametrize(
    ("result", "value"),
    [
        ("<value>OpaqueRef:x</value>", "OpaqueRef:x"),
        ("<value><boolean>1</boolean></value>", True),
        ("<value><array><data><value>a</value></data></array></value>", None),
        ("<value></value>", None),
    ],
)
def test_result_value_is_one_plain_value(result, value):
    assert write(status="success", result=result)["task"]["result_value"] == value
