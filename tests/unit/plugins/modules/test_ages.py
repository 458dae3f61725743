# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ages that cannot be right, and hosts whose clocks differ from the master's."""

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.simulator import Life
from ansible_collections.xen.xapi.tests.simulator.values import Date
from ansible_collections.xen.xapi.tests.support.samples import ENDLESS, NO_REF

LABEL = "Async.VM.copy"
HOUR = 3600
AGES = ("min_age", "max_age", "created_after", "created_before")


@pytest.fixture
def members(start_pool):
    """A pool of two hosts."""
    return start_pool(supporters=1, collects=False)


def iso(moment):
    return f"{moment[:4]}-{moment[4:6]}-{moment[6:8]}{moment[8:]}"


def ago(pool, seconds):
    """A time of the master's clock, as an option takes it."""
    return iso(Date.at(pool.inventory.now() - seconds))


def uuids_of(pool, *refs):
    return {pool.record(ref)["uuid"] for ref in refs}


def told(result, words):
    return [warning for warning in result.get("warnings", []) if words in warning]


def on_supporter(pool, **fields):
    return pool.add_task(LABEL, resident_on=pool.hosts[1].ref, life=ENDLESS, **fields)


def restarted_supporter(pool):
    pool.restart_supporter(1)
    return on_supporter(pool, age=HOUR)


def restarted_master(pool):
    pool.restart_master()
    return on_supporter(pool, age=HOUR)


def offline_supporter(pool):
    ref = on_supporter(pool, age=HOUR)
    pool.take_down(1)
    return ref


def dated(moment):
    return lambda pool: pool.add_task(LABEL, life=ENDLESS, created=moment)


def aged(age):
    return lambda pool: pool.add_task(LABEL, life=ENDLESS, age=age)


# How to make a task whose age is not known, and why it is not.
UNKNOWN = {
    "1970": (dated("19700101T00:00:05Z"), "before 2005"),
    "2004": (dated("20041231T23:59:59Z"), "before 2005"),
    "garbage": (dated("yesterday"), "no time that can be read"),
    "empty": (dated(""), "no time that can be read"),
    "future": (aged(-2 * HOUR), "in the future"),
    "before the start": (aged(31 * 24 * HOUR), "before XAPI started on its host"),
    "before the start of its host": (restarted_supporter, "before XAPI started on its host"),
    "before the start of the master": (
        restarted_master,
        "before XAPI started on the pool's master",
    ),
    "host offline": (offline_supporter, "clock of its host could not be read"),
    "host removed": (
        lambda pool: pool.add_task(LABEL, life=ENDLESS, age=HOUR, resident_on=NO_REF),
        "clock of its host could not be read",
    ),
}


@pytest.fixture(params=UNKNOWN)
def undated(members, request):
    """The reference of a running task of unknown age, and the reason for that."""
    make, reason = UNKNOWN[request.param]
    return make(members), reason


def with_each(name, values):
    """Parametrize a test with every reason for the first value, and with two for the others.

    Reason and option are looked at in different places, so not every pair is needed.
    """
    first, *others = values
    pairs = [(reason, first) for reason in UNKNOWN]
    pairs += [(reason, value) for value in others for reason in ("1970", "host offline")]
    return pytest.mark.parametrize(("undated", name), pairs, indirect=["undated"], ids=str)


def bounds(pool):
    """For each option by age, values that a task of an hour is within."""
    return {
        "min_age": "1m",
        "max_age": "6h",
        "created_after": ago(pool, 6 * HOUR),
        "created_before": ago(pool, 60),
    }


def names(result, pool, ref, reason):
    """Whether a warning names the task with its label and uuid, and why its age is not known."""
    (warning,) = told(result, "The age of these tasks is not known")
    uuid = pool.record(ref)["uuid"]
    return f"'{LABEL}' (uuid {uuid}, created " in warning and reason in warning


@with_each("option", AGES)
def test_cancel_by_label_skips_task_of_unknown_age(members, cancel, undated, option):
    ref, reason = undated
    options = {"min_age": "0", option: bounds(members)[option]}
    result = cancel(hostname=members.url, name_label=LABEL, **options)
    assert [task["reason"] for task in result["tasks"]] == ["too young"]
    assert not members.log.of("task.cancel")
    assert names(result, members, ref, reason)
    assert (result["tasks"][0]["age"], result["tasks"][0]["eta"]) == (None, None)


@with_each("option", AGES)
def test_cancel_by_ref_with_age_option_skips_task_of_unknown_age(members, cancel, undated, option):
    ref, reason = undated
    options = {"ref": [ref], option: bounds(members)[option]}
    result = cancel(hostname=members.url, **options)
    expected = "too young" if option == "min_age" else "filtered"
    assert [task["reason"] for task in result["tasks"]] == [expected]
    assert names(result, members, ref, reason)


def test_cancel_by_ref_alone_ignores_unknown_age(members, cancel, undated):
    ref, _reason = undated
    result = cancel(hostname=members.url, ref=[ref])
    assert set(result["by_action"]["cancelled"]) == uuids_of(members, ref)
    assert not members.log.of("host.get_all_records")


@with_each(
    "options",
    [
        {"wait_for": "all", "min_age": "7d"},
        {"wait_for": "all", "max_age": "1s"},
        {"wait_for": "any", "created_after": "2004-01-01T00:00:00Z"},
        {"wait_for": "any", "created_after": "2999-01-01T00:00:00Z"},
        {"wait_for": "none", "created_before": "2004-01-01T00:00:00Z"},
    ],
)
def test_wait_counts_running_task_of_unknown_age(members, wait, undated, options):
    ref, reason = undated
    result = wait(hostname=members.url, name_label=LABEL, timeout=0, fails=True, **options)
    assert set(result["unmet"]) == uuids_of(members, ref)
    assert result["tasks"][0]["age"] is None
    assert names(result, members, ref, reason)
    checked = wait(
        hostname=members.url, name_label=LABEL, timeout=0, _ansible_check_mode=True, **options
    )
    assert names(checked, members, ref, reason)


@with_each("option", AGES)
def test_info_treats_task_of_unknown_age_as_new(members, info, undated, option):
    ref, reason = undated
    result = info(hostname=members.url, **{option: bounds(members)[option]})
    listed = [task["ref"] for task in result["tasks"]]
    assert listed == ([ref] if option in ("max_age", "created_after") else [])
    assert all(task["age"] is None for task in result["tasks"])
    assert names(result, members, ref, reason)


def test_unknown_age_of_filtered_out_task_adds_no_warning(members, info, wait, cancel):
    members.add_task("other", created="19700101T00:00:05Z")
    members.add_task(f"{LABEL} twice", created="19700101T00:00:05Z")
    options = {"hostname": members.url, "created_after": ago(members, 60)}
    found = [
        info(name_regex=f"^{LABEL}", exclude=".*twice", **options),
        wait(name_label=LABEL, on_missing="ok", **options),
        cancel(name_label=LABEL, **options),
    ]
    for result in found:
        assert not told(result, "is not known")


def test_unknown_age_warning_names_at_most_five_tasks(pool, info):
    for _number in range(7):
        pool.add_task(LABEL, created="19700101T00:00:05Z")
    (warning,) = told(info(max_age="1h"), "The age of these tasks is not known")
    assert warning.count("(uuid ") == 5
    assert "and 2 more. They count as new" in warning


def test_cancel_with_min_age_skips_task_dated_1970(pool, cancel):
    """The input of a report from the field."""
    pool.add_task(LABEL, created="19700101T00:00:05Z", life=Life(duration=30))
    result = cancel(name_label=LABEL, min_age="6h", timeout=5)
    assert result["by_action"]["skipped"]
    assert not pool.log.of("task.cancel")


def test_known_ages_add_no_warning(members, info, wait, cancel):
    old = members.add_task(LABEL, life=ENDLESS, age=2 * HOUR)
    also = on_supporter(members, age=2 * HOUR)
    options = {"hostname": members.url, "min_age": "1h"}
    listed = info(**options)
    waited = wait(name_label=LABEL, timeout=0, fails=True, **options)
    ended = cancel(name_label=LABEL, max_tasks=2, **options)
    assert set(ended["by_action"]["cancelled"]) == uuids_of(members, old, also)
    assert all(task["age"] >= 2 * HOUR for task in listed["tasks"])
    for result in (listed, waited, ended):
        assert not told(result, "not known")
        assert not told(result, "Clocks")


def test_wait_does_not_count_success_of_unknown_age(pool, wait):
    pool.add_task(LABEL, status="success", created="19700101T00:00:05Z")
    options = {"name_label": LABEL, "created_after": ago(pool, 60), "fails": True}
    for wait_for in ("all", "any"):
        result = wait(wait_for=wait_for, **options)
        assert f"No task matches name_label='{LABEL}'" in result["msg"]
        assert "set created_after" not in result["msg"]
        assert told(result, "except for those that had already ended as expected")


def test_wait_fails_on_failure_of_unknown_age(pool, wait):
    good = pool.add_task(LABEL, status="success")
    bad = pool.add_task(LABEL, status="failure", created="19700101T00:00:05Z")
    result = wait(name_label=LABEL, created_after=ago(pool, 60), fails=True)
    assert set(result["unexpected"]) == uuids_of(pool, bad)
    assert set(result["satisfied"]) == uuids_of(pool, good)


@pytest.mark.parametrize("offset", [-120, 120])
def test_cancel_requires_min_age_by_both_clocks(members, cancel, offset):
    members.set_clock(1, offset)
    fresh, old = on_supporter(members), on_supporter(members, age=600)
    handed_on = on_supporter(members, created=Date.at(members.inventory.now()))
    options = {"hostname": members.url, "name_label": LABEL, "max_tasks": 9}
    result = cancel(**options)
    assert set(result["by_action"]["cancelled"]) == uuids_of(members, old)
    assert set(result["by_action"]["skipped"]) == uuids_of(members, fresh, handed_on)
    assert told(result, f"'host-2' (120 s {'ahead' if offset > 0 else 'behind'})")


@pytest.mark.parametrize("offset", [-180, 180])
def test_wait_accepts_created_after_by_either_clock(members, wait, offset):
    """The case of a report from the field: a step starts one task on each host."""
    members.set_clock(1, offset)
    before = ago(members, 0)
    slow = members.add_task(LABEL, resident_on=members.hosts[1].ref, life=Life(duration=1.5))
    quick = members.add_task(LABEL, life=Life(duration=0.3))
    result = wait(hostname=members.url, name_label=LABEL, created_after=before)
    assert set(result["satisfied"]) == uuids_of(members, slow, quick)
    assert told(result, f"'host-2' (180 s {'ahead' if offset > 0 else 'behind'})")


@pytest.mark.parametrize("offset", [-180, 180])
def test_quiet_wait_accepts_creation_time_by_either_clock(members, wait, offset):
    members.set_clock(1, offset)
    before = ago(members, 0)
    ref = on_supporter(members)
    options = {"hostname": members.url, "wait_for": "none", "timeout": 0, "fails": True}
    result = wait(created_after=before, **options)
    assert set(result["unmet"]) == uuids_of(members, ref)
    result = wait(created_before=ago(members, -10), **options)
    assert set(result["unmet"]) == uuids_of(members, ref)


@pytest.mark.parametrize("offset", [-120, 120])
@pytest.mark.parametrize("age", [0, 600])
def test_info_uses_younger_age_of_two_clocks(members, info, offset, age):
    members.set_clock(1, offset)
    ref = on_supporter(members, age=age)
    limit = "1m" if age == 0 else str(age + 60)

    def lists(**options):
        return [task["ref"] for task in info(hostname=members.url, **options)["tasks"]] == [ref]

    assert lists(min_age="1m") is (age > 0)
    assert lists(created_before=ago(members, 60)) is (age > 0)
    assert lists(max_age=limit)
    assert lists(created_after=ago(members, age + 60))


def test_clock_difference_under_one_second_adds_no_warning(members, info):
    members.set_clock(1, 0.9)
    on_supporter(members)
    result = info(hostname=members.url, max_age="1m")
    assert (result["count"], told(result, "Clocks")) == (1, [])


@pytest.mark.parametrize(
    ("options", "hosts_read", "clocks_read"),
    [
        ({}, 0, 1),
        ({"name_label": LABEL}, 0, 1),
        ({"max_age": "1h"}, 1, 3),
        ({"created_before": "2026-01-01T00:00:00Z"}, 1, 3),
    ],
)
def test_host_clocks_are_read_only_for_age_options(
    start_pool, info, options, hosts_read, clocks_read
):
    pool = start_pool(supporters=2)
    info(hostname=pool.url, **options)
    assert len(pool.log.of("host.get_all_records")) == hosts_read
    assert len(pool.log.of("host.get_servertime")) == clocks_read


@pytest.mark.parametrize("result", ["5", "null"])
def test_server_time_of_another_type_is_an_error(pool, info, result):
    # It is the fifth call, after the login, the calls for the pool, and the hosts.
    pool.fail("host.get_servertime", body=f'{{"jsonrpc": "2.0", "result": {result}, "id": 5}}')
    message = info(fails=True, min_age="1h")["msg"]
    assert f"argument 'min_age' needs the clock of the pool's master, but {pool.url}" in message


@pytest.mark.parametrize(
    ("module", "options", "option"),
    [
        *(("info", {option: None}, option) for option in AGES),
        *(("wait", {"name_label": LABEL, option: None, "timeout": 0}, option) for option in AGES),
        ("wait", {"wait_for": "none", "created_after": None, "timeout": 0}, "created_after"),
        ("cancel", {"name_label": LABEL}, "min_age"),
        ("cancel", {"name_label": LABEL, "created_after": None, "min_age": "1h"}, "min_age"),
        ("cancel", {"ref": [NO_REF], "max_age": None}, "max_age"),
    ],
)
def test_unreadable_server_time_fails_and_names_age_option(request, pool, module, options, option):
    pool.fail("host.get_servertime", body='{"jsonrpc": "2.0", "result": "noon", "id": 5}')
    pool.add_task(LABEL, life=ENDLESS, age=HOUR)
    given = {k: bounds(pool)[k] if v is None else v for k, v in options.items()}
    message = request.getfixturevalue(module)(fails=True, **given)["msg"]
    assert f"argument '{option}' needs the clock of the pool's master, but {pool.url}" in message
    assert not pool.log.of("task.cancel")


def test_unreadable_server_time_is_ignored_without_age_options(pool, info):
    pool.fail("host.get_servertime", body='{"jsonrpc": "2.0", "result": "noon", "id": 4}')
    pool.add_task(LABEL)
    result = info()
    assert (result["server_time"], result["tasks"][0]["age"]) == (None, None)
