# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in the arguments and results of call, and outcomes of calls without a task."""

from __future__ import annotations

import json

import pytest

from ansible_collections.xen.xapi.tests.simulator import Life
from ansible_collections.xen.xapi.tests.support.samples import ENDLESS, REF

SECRET = "HUNTER22"
WEB = {"class": "VM", "name_label": "web-1"}
HOST = {"class": "host", "name_label": "host-1"}
XML = (
    f"<value><struct><member><name>password</name><value>{SECRET}</value></member></struct></value>"
)


def call_plugin(call, argument):
    return call(method="host.call_plugin", args=[HOST, "p", "f", argument], fails=True)


def task_of(pool):
    (ref,) = [ref for ref, task in pool.database.records("task").items() if "VM" in str(task)]
    return ref


@pytest.mark.parametrize(
    ("argument", "secret"),
    [
        ({"password": 12345678}, "12345678"),
        (f'{{"password": "{SECRET}"}}', SECRET),
        ([{"note": "x" * 160, "password": SECRET * 10}], SECRET),
        ({"token": [SECRET * 50]}, SECRET),
    ],
    ids=["number", "JSON", "list in place of a map", "list in place of a string"],
)
def test_secret_in_argument_of_other_type_is_hidden(pool, call, argument, secret):
    result = call_plugin(call, argument)
    assert secret not in json.dumps(result)


def test_secret_is_redacted_before_an_error_is_shortened(pool, call):
    pool.add_plugin("p", f=lambda _args: "x")
    text = "x" * 290 + SECRET * 3
    pool.fail("host.call_plugin", error=["XENAPI_PLUGIN_FAILURE", "f", "E", text])
    args = [HOST, "p", "f", {"password": SECRET * 3}]
    result = call(method="host.call_plugin", args=args, task=False, fails=True)
    assert "HUNTER" not in json.dumps(result)


def test_keys_below_a_secret_do_not_mask_other_words(pool, call):
    assert "argument" in call_plugin(call, {"password": {"a": "b c"}})["msg"]


def test_secret_in_result_of_task_is_hidden_everywhere(pool, call, when_waiting):
    pool.operations.lives["VM.snapshot"] = ENDLESS
    when_waiting(lambda: pool.set_task(task_of(pool), status="success", result=XML))
    result = call(method="VM.snapshot", args=[WEB, "x"])
    assert result["result_value"] == {"password": "(hidden)"}
    assert SECRET not in json.dumps(result)


def test_getter_of_secret_is_refused(call):
    result = call(method="Cluster.get_cluster_token", args=[REF], fails=True)
    assert "is refused: it returns a secret" in result["msg"]


@pytest.mark.parametrize(
    "code", ["HOST_STILL_BOOTING", "MESSAGE_METHOD_UNKNOWN", "RBAC_PERMISSION_DENIED"]
)
def test_error_about_another_call_after_the_work_is_a_failure(pool, call, code):
    pool.operations.lives["VM.snapshot"] = Life(duration=0.1)
    pool.fail("VM.snapshot", error=[code, "x"], late=True)
    result = call(method="VM.snapshot", args=[WEB, "x"], task=False, fails=True)
    assert (result["outcome"], result["changed"]) == ("failure", True)


def test_task_that_failed_at_once_fails_without_a_wait(pool, call):
    pool.operations.lives["VM.start"] = Life(duration=0)
    result = call(method="VM.start", args=[WEB, False, False], wait=False, fails=True)
    assert result["outcome"] == "failure"
    assert "ended as failure" in result["msg"]


def test_null_reference_is_no_object(call):
    assert call(method="VM.get_snapshot_of", args=[WEB])["object"] is None


def test_backtrace_of_failed_task_is_shortened(pool, call, when_waiting):
    pool.operations.lives["VM.snapshot"] = ENDLESS
    error = {"status": "failure", "error_info": ["INTERNAL_ERROR", "x"], "backtrace": "b" * 2000}
    when_waiting(lambda: pool.set_task(task_of(pool), **error))
    result = call(method="VM.snapshot", args=[WEB, "x"], fails=True)
    assert len(result["task"]["backtrace"]) == 201


def test_secret_in_error_of_task_is_hidden_before_it_is_cut(pool, call, when_waiting):
    pool.add_plugin("p", f=lambda _args: "x")
    pool.operations.lives["host.call_plugin"] = ENDLESS
    error = ["XENAPI_PLUGIN_FAILURE", "f", "E", "x" * 290 + SECRET * 3]
    found = "Async.host.call_plugin"

    def fail():
        (ref,) = [
            ref
            for ref, task in pool.database.records("task").items()
            if task["name_label"] == found
        ]
        pool.set_task(ref, status="failure", error_info=error, backtrace=f"(({SECRET * 3}))")

    when_waiting(fail)
    args = [HOST, "p", "f", {"password": SECRET * 3}]
    result = call(method="host.call_plugin", args=args, fails=True)
    assert result["outcome"] == "failure"
    assert "HUNTER" not in json.dumps(result)
    assert "(hidden)" in result["error"]["params"][2]


@pytest.mark.parametrize(
    "args",
    [
        f'["r", "password", "{SECRET}"]',
        f"r, password, {SECRET}",
        ["r", ["password", SECRET]],
        ["r", {"list": f'["password", "{SECRET}"]'}],
    ],
    ids=["JSON", "commas", "inner list", "JSON in a map"],
)
def test_value_after_a_name_of_a_secret_is_hidden_in_every_form(call, args):
    result = call(method="VM.add_to_other_config", args=args, fails=True)
    assert "HUNTER" not in json.dumps(result)


def test_value_after_a_name_of_a_secret_is_hidden(pool, call):
    pool.fail("VM.add_to_other_config", error=["MAP_DUPLICATE_KEY", "VM", "x" * 290 + SECRET])
    args = [WEB, "vnc_password", SECRET]
    result = call(method="VM.add_to_other_config", args=args, fails=True)
    assert result["outcome"] == "failure"
    assert "HUNTER" not in json.dumps(result)
    (sent,) = pool.log.of("VM.add_to_other_config")
    assert sent.params[1:] == ["vnc_password", SECRET]
