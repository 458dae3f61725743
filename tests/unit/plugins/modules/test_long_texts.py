# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""That texts of any size, of a pool or of a play, leave messages readable and results whole."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life

# XAPI keeps no control characters, but others that hide text or turn its direction.
LONG = "x\u202e" * 100_000
MASKED = "The value of a secret option, such as the password, also occurs"
BIG = {"status": "failure", "error_info": ["INTERNAL_ERROR", "x" * 200_000]}


def texts_of(result):
    """All that a run says: its message, its warnings and each line of its diff."""
    diff = result.get("diff", {})
    lines = [line for side in diff.values() for line in side.splitlines()]
    return [*filter(None, [result.get("msg")]), *result["warnings"], *lines]


def check(result):
    for text in texts_of(result):
        assert len(text) <= 2000
        assert text.replace("\n", "").isprintable()


def test_truncates_error_parameters_in_message_but_not_in_result(pool, wait):
    refs = [pool.add_task("a", **BIG) for _number in range(3)]
    result = wait(ref=refs, fail_fast=False, fails=True)
    check(result)
    assert result["msg"].startswith("Task 'a' (uuid ")
    assert result["msg"].count("INTERNAL_ERROR (The server had an internal error: xxx") == 3
    assert result["msg"].endswith("; expected success.")
    for task in result["tasks"]:
        assert task["error_info"] == BIG["error_info"]
        assert task["error"]["params"] == ["x" * 200_000]
        assert len(task["error"]["message"]) < 400


def test_message_with_many_long_errors_counts_remaining_tasks(pool, wait):
    fields = {**BIG, "error_info": ["A_NEW_CODE", *["y" * 5000] * 5]}
    refs = [pool.add_task("b" * 5000, **fields) for _number in range(30)]
    result = wait(ref=refs, fail_fast=False, fails=True)
    check(result)
    assert result["msg"].endswith(" more.")
    assert result["tasks"][0]["name_label"] == "b" * 5000


@pytest.mark.parametrize(
    "error_info",
    [[LONG], ["VDI_IN_USE", LONG], ["SR_BACKEND_FAILURE_1", LONG], ["X", *["y"] * 9999]],
)
def test_truncates_error_info_of_any_size_in_message(pool, wait, error_info):
    ref = pool.add_task(LONG, status="failure", error_info=error_info)
    result = wait(ref=[ref], fails=True)
    check(result)
    assert result["tasks"][0]["error_info"] == error_info


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"wait_for": "none", "quiet_for": 0.1, "timeout": 1, "name_regex": "x"},
        {"on_missing": "ok", "name_regex": "x", "timeout": 0},
    ],
    ids=["all", "none", "ok"],
)
def test_truncates_labels_of_running_tasks(pool, wait, options):
    refs = [pool.add_task(LONG, status="pending") for _number in range(20)]
    if "name_regex" not in options:
        options = {**options, "ref": refs}
    result = wait(**options, fails=True)
    check(result)
    assert result["msg"].count(r"'x\u202ex\u202e") >= 1
    assert " more" in result["msg"]


def test_truncates_labels_in_excluded_tasks_warning(pool, wait):
    for _number in range(20):
        pool.add_task(LONG[:1000], status="pending")
    result = wait(wait_for="none", quiet_for=0.1, exclude="[^a]+", timeout=5)
    check(result)
    assert result["warnings"][-1].startswith(
        "The wait succeeded while excluded tasks were running: 'x"
    )
    assert result["warnings"][-1].count("'…") == 5
    assert result["warnings"][-1].endswith(" and 15 more.")


def test_truncates_operation_name_of_object(pool, wait):
    vm = pool.find("VM", "web-1")
    web_1 = {"type": "VM", "uuid": pool.database.read("VM", vm)["uuid"]}
    pool.database.add_to_map("VM", vm, "current_operations", "OpaqueRef:none", LONG)
    result = wait(wait_for="none", object=web_1, quiet_for=0.1, timeout=1, fails=True)
    check(result)
    assert "… on the object, by a task that cannot be identified" in result["msg"]


def test_truncates_labels_in_diff_and_max_tasks_message(pool, cancel):
    refs = [pool.add_task(LONG, life=Life(duration=None)) for _number in range(20)]
    result = cancel(ref=refs, max_tasks=1, fails=True)
    check(result)
    assert "max_tasks is 1, and 20 running tasks match: 'x" in result["msg"]
    result = cancel(ref=refs[:1])
    check(result)
    assert result["diff"]["after"].endswith(": cancelled\n")
    assert result["tasks"][0]["name_label"] == LONG


def test_truncates_labels_in_partial_match_warning(pool, cancel):
    pool.add_task(LONG[:1000], life=Life(duration=None))
    result = cancel(name_regex="[x]", max_tasks=1)
    check(result)
    assert result["warnings"][-1].endswith("'….")


@pytest.mark.parametrize(
    ("options", "beginning"),
    [
        ({"name_regex": "x" * 20_000}, "No task matches name_regex='xxx"),
        ({"name_regex": "(" + "x" * 20_000}, "argument 'name_regex': '(xxx"),
        ({"name_regex": "(?P<" + "\x1b" * 20_000}, r"argument 'name_regex': '(?P<\x1b"),
        ({"name_label": "x", "timeout": "x" * 20_000}, "argument 'timeout': 'xxx"),
        ({"name_label": ["x" * 20_000]}, "argument 'name_label': ['xxx"),
        ({"name_label": "x", "wait_for": "x" * 20_000}, "value of wait_for must be one of"),
        ({"name_label": "x", "x" * 20_000: 1}, "Unsupported parameters for"),
        (
            {"name_label": "x", "other_config": {"\x1b" * 20_000: None}},
            r"argument 'other_config.\x1b",
        ),
        ({"hostname": "x" * 20_000, "name_label": "x"}, "argument 'hostname': 'xxx"),
    ],
)
def test_truncates_option_values_in_messages(wait, options, beginning):
    result = wait(**{"timeout": 0, **options}, fails=True)
    check(result)
    assert beginning in result["msg"]


def test_message_limits_number_of_missing_tasks(cancel, wait):
    uuids = [f"12345678-1234-1234-1234-{number:012}" for number in range(5000)]
    for result in (
        cancel(uuid=uuids, on_missing="fail", fails=True),
        cancel(uuid=uuids, on_missing="ok", fail_if_not_running=True, fails=True),
        wait(uuid=uuids, fails=True),
        wait(uuid=uuids, on_missing="wait", timeout=0, fails=True),
    ):
        check(result)
        assert " more" in result["msg"]
        assert len(result["missing"]["uuid"]) == 5000


@pytest.mark.parametrize("error", [[LONG], ["HOST_IS_SLAVE", LONG], ["UUID_INVALID", LONG, LONG]])
def test_truncates_error_of_any_size_at_login(pool, info, error):
    pool.fail("session.login_with_password", error=error)
    result = info(fails=True)
    check(result)


def test_rejected_regex_message_truncates_label_and_suggests_escape(pool, wait):
    pool.add_task("[XO] " + "y" * 900, status="pending")
    result = wait(wait_for="none", name_regex="[XO] yyy", quiet_for=0.1, fails=True)
    check(result)
    assert len(result["msg"]) < 600
    assert r"write '\[XO\] yyy' to match the text" in result["msg"]


def test_truncates_labels_in_unknown_age_warning(pool, info):
    for _number in range(20):
        pool.add_task(LONG, status="pending", created="19700101T00:00:05Z")
    result = info(min_age="1h")
    check(result)
    assert "The age of these tasks is not known: 'x" in result["warnings"][-1]
    assert "'… (uuid " in result["warnings"][-1]


def test_truncates_name_shared_by_several_objects(pool, info):
    for name in ("web-1", "web-2"):
        pool.database.write("VM", pool.find("VM", name), "name_label", LONG[:1000])
    result = info(object={"type": "VM", "name_label": LONG[:1000]}, fails=True)
    check(result)
    assert "is the name of 2 VMs of this pool: 'x" in result["msg"]
    assert result["msg"].endswith("give a uuid.")


def test_warns_if_password_occurs_in_result(start_pool, info, wait):
    pool = start_pool(password="backup")
    pool.add_task("backup of web-1", status="pending")
    connection = {"hostname": pool.url, "password": pool.password}
    result = info(**connection)
    assert result["tasks"][0]["name_label"] == "******** of web-1"
    assert result["warnings"][-1].startswith(MASKED)
    result = wait(**connection, name_label="backup of web-2", fails=True)
    assert result["warnings"][-1].startswith(MASKED)


def test_does_not_warn_if_password_is_absent_from_result(pool, info):
    pool.add_task("backup of web-1", status="pending")
    assert not any(text.startswith(MASKED) for text in info()["warnings"])
