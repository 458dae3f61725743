# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
import subprocess

import pytest

from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.module_runner import by_core
from ansible_collections.xen.xapi.tests.support.samples import ENDLESS, LONG_AGO, NO_REF

ROLE = {"name": "xen.xapi.task_gate"}


def include(entry="main", **variables):
    named = {f"task_gate_{name}": value for name, value in variables.items()}
    return {"ansible.builtin.include_role": {**ROLE, "tasks_from": entry}, "vars": named}


@pytest.fixture
def play_tasks(tmp_path, play_file):
    """Plays tasks for some pools, each of which is a host of the inventory."""

    def run(pools, tasks, *options, keywords=None, with_password=True, **rest):
        hosts = {
            f"pool-{number}": {
                "task_gate_hostname": pool.url,
                **({"task_gate_password": pool.password} if with_password else {}),
            }
            for number, pool in enumerate(pools, 1)
        } or {"somewhere": {}}
        inventory = tmp_path / "pools.yml"
        inventory.write_text(json.dumps({"pools": {"hosts": hosts}}))
        play = {
            "hosts": "pools:!localhost",
            "gather_facts": False,
            "tasks": tasks,
            **(keywords or {}),
        }
        playbook = tmp_path / "gate.yml"
        playbook.write_text(json.dumps([play]))
        return play_file(playbook, f"--inventory={inventory}", *options, **rest)

    return run


def failure_of(run):
    with pytest.raises(AssertionError) as failed:
        run()
    return str(failed.value)


def say_when_open(text="open"):
    return {"ansible.builtin.debug": {"msg": f"{text} {{{{ inventory_hostname }}}}"}}


DONE = {"name_label": "Async.VM.snapshot", "created_after": "2020-01-01T00:00:00Z"}
IMPORT = {
    "ansible.builtin.import_role": ROLE,
    "vars": include(**DONE)["vars"],
    "tags": ["gate"],
}
INCLUDE_TAGGED = {
    "ansible.builtin.include_role": {**ROLE, "apply": {"tags": ["gate"]}},
    "vars": include(**DONE)["vars"],
    "tags": ["gate"],
}


@pytest.mark.parametrize(
    ("gate", "options", "keywords"),
    [
        pytest.param(include(**DONE), [], {}, marks=pytest.mark.cores),
        (IMPORT, [], {}),
        (include(**DONE), [], {"serial": 1}),
        (include(**DONE), [], {"strategy": "free"}),
        pytest.param(include(**DONE), ["--check"], {}, marks=pytest.mark.cores),
        (include(**DONE), [], {"become": True, "become_user": "nobody-such"}),
        pytest.param(IMPORT, ["--tags=gate"], {}, marks=pytest.mark.cores),
        (INCLUDE_TAGGED, ["--tags=gate"], {}),
    ],
    ids=["include", "import", "serial", "free", "check", "become", "import tag", "include tag"],
)
def test_gate_passes_with_different_role_and_play_settings(
    start_pool, play_tasks, gate, options, keywords
):
    pools = [start_pool(), start_pool()]
    for pool in pools:
        pool.add_task("Async.VM.snapshot", status="success")
    play_tasks(pools, [gate], *options, keywords=keywords)
    assert all(pool.log.of("task.get_all_records") for pool in pools)


def test_included_gate_is_skipped_by_other_tags(pool, play_tasks):
    play_tasks([pool], [INCLUDE_TAGGED], "--tags=other")
    assert not pool.log


@pytest.mark.parametrize("entry", ["main", "quiesce"])
@pytest.mark.parametrize("how", ["include_role", "import_role"])
def test_tag_selection_does_not_skip_gate_checks(pool, play_tasks, entry, how):
    pool.add_task("Async.VM.copy", life=ENDLESS)
    gate = include(entry, name_label="Async.VM.copy", quiet_for="0.2", timeout="5")
    gate[f"ansible.builtin.{how}"] = gate.pop("ansible.builtin.include_role")
    tasks = [{**gate, "tags": ["deploy"]}, {**say_when_open(), "tags": ["deploy"]}]
    output = failure_of(lambda: play_tasks([pool], tasks, "--tags=deploy"))
    assert "Timed out after 5 s" in output
    assert "open pool-1" not in output


@pytest.mark.parametrize("entry", ["main", "quiesce"])
def test_tag_selection_does_not_skip_variable_checks(pool, play_tasks, entry):
    gate = {**include(entry, name_label="x", exclud=["y"]), "tags": ["deploy"]}
    output = failure_of(lambda: play_tasks([pool], [gate], "--tags=deploy"))
    assert "does not know task_gate_exclud" in output
    assert not pool.log


def test_cleanup_is_skipped_by_other_tags(pool, play_tasks):
    gate = include("cleanup", name_regex="copy", apply=True)
    gate["ansible.builtin.import_role"] = gate.pop("ansible.builtin.include_role")
    play_tasks([pool], [{**gate, "tags": ["clean"]}], "--tags=other")
    assert not pool.log


@pytest.mark.cores
def test_gate_uses_group_module_defaults_unless_overridden(start_pool, play_tasks):
    ours, theirs = start_pool(), start_pool(password="of another")
    for pool in (ours, theirs):
        pool.add_task("Async.VM.snapshot", life=Life(duration=0.3))
    defaults = {"hostname": [ours.url], "password": ours.password, "pool_uuid": ours.pool_uuid}
    tasks = [
        include(**DONE),
        include(hostname=theirs.url, password="of another", pool_uuid=theirs.pool_uuid, **DONE),
        include("quiesce", quiet_for="0"),
        include("cleanup", name_regex="nobody"),
    ]
    keywords = {"module_defaults": {"group/xen.xapi.xapi": defaults}}
    play_tasks([], tasks, keywords=keywords)
    assert len(ours.log.of("session.logout")) == 3
    assert len(theirs.log.of("session.logout")) == 1


@pytest.mark.parametrize(
    ("entry", "variables", "module"),
    [
        ("main", DONE, "task_wait"),
        ("quiesce", {"quiet_for": "0"}, "task_wait"),
        ("cleanup", {"name_regex": "nobody", "apply": True}, "task_cancel"),
    ],
)
def test_gate_prefers_defaults_of_single_module_to_environment(
    start_pool, play_tasks, entry, variables, module
):
    ours, theirs = start_pool(), start_pool()
    ours.add_task("Async.VM.snapshot", status="success")
    defaults = {"hostname": ours.url, "password": ours.password, "pool_uuid": ours.pool_uuid}
    play_tasks(
        [],
        [include(entry, **variables)],
        keywords={"module_defaults": {f"xen.xapi.{module}": defaults}},
        environment={"XAPI_HOST": theirs.url, "XAPI_PASSWORD": theirs.password},
    )
    assert (bool(ours.log), bool(theirs.log)) == (True, False)


def test_housekeeping_tasks_count_only_if_included(start_pool, play_tasks):
    pool = start_pool(collects=False)
    pool.add_task("SR.scan", life=ENDLESS, created=LONG_AGO)
    quiet = {"quiet_for": "0", "timeout": "5", "exclude": []}
    play_tasks([pool], [include("quiesce", **quiet)])
    included = include("quiesce", include_housekeeping=True, **quiet)
    assert "SR.scan" in failure_of(lambda: play_tasks([pool], [included]))
    stale = {"name_regex": r"SR\..*", "idle_for": "0", "apply": True}
    play_tasks([pool], [include("cleanup", **stale)])
    assert not pool.log.of("task.cancel")
    play_tasks([pool], [include("cleanup", include_housekeeping=True, **stale)])
    assert len(pool.log.of("task.cancel")) == 1


def test_quiesce_selects_object_by_name(pool, play_tasks):
    sr = pool.find("SR", "Local storage")
    pool.add_garbage_collection(sr)
    gate = include(
        "quiesce", object={"type": "SR", "name_label": "Local storage"}, quiet_for="0", timeout="5"
    )
    assert "Garbage Collection" in failure_of(lambda: play_tasks([pool], [gate]))
    other = {"type": "VM", "name_label": "web-1"}
    play_tasks([pool], [include("quiesce", object=other, quiet_for="0", timeout="5")])


@pytest.mark.cores
def test_vaulted_password_works_and_is_not_printed(pool, play_tasks, tmp_path):
    pool.add_task("Async.VM.snapshot", status="success")
    key, secrets = tmp_path / "key", tmp_path / "secrets.yml"
    key.write_text("a key")
    secrets.write_text(f"task_gate_password: {pool.password}\n")
    subprocess.run(
        ["ansible-vault", "encrypt", f"--vault-password-file={key}", secrets],
        check=True,
        capture_output=True,
    )
    gate = include(name_label="Async.VM.snapshot", created_after="2020-01-01T00:00:00Z")
    vault = [f"--vault-password-file={key}", f"--extra-vars=@{secrets}"]
    output = play_tasks([pool], [gate], "-vvvv", *vault, with_password=False)
    assert pool.password not in output


@pytest.mark.parametrize("quiet", [False, True])
def test_only_busy_pool_of_fleet_fails(start_pool, play_tasks, quiet):
    pools = [start_pool() for _number in range(8)]
    if not quiet:
        pools[6].add_task("Async.VM.copy", life=ENDLESS)
    # It has to be longer than the first answers of all pools on two processors take.
    tasks = [include("quiesce", quiet_for="1", timeout="45"), say_when_open("patch")]

    def run():
        return play_tasks(pools, tasks, "--forks=8", keywords={"strategy": "free"})

    output = run() if quiet else failure_of(run)
    opened = {int(number) for number in re.findall(r"msg: patch pool-(\d+)", output)}
    assert opened == set(range(1, 9)) - (set() if quiet else {7})
    if not quiet:
        assert "Async.VM.copy" in output
        assert re.findall(r"fatal: \[(pool-\d+)", output) == ["pool-7"]


WRONG = [
    ({"tmeout": "5"}, r"does not know task_gate_tmeout \(do you mean task_gate_timeout"),
    ({"timeout": ["a"]}, "'timeout': "),
    ({"name_regex": ""}, "task_gate_name_regex of the role xen.xapi.task_gate must not be empty"),
    (
        {"timeout": None},
        by_core(
            "task_gate_timeout of the role xen.xapi.task_gate must not be empty",
            of_2_18="argument 'task_gate_timeout' is of type",
        ),
    ),
    ({"exclude": [], "hostname": []}, "task_gate_hostname of the role"),
    ({"timeout": "soon"}, "'timeout': 'soon'"),
    ({"name_regex": "("}, "'name_regex': '[(]'"),
    ({"ca_path": "{{ nobody_knows }}"}, "nobody_knows"),
]
WRONG_FOR_ONE = {
    "main": [
        ({"uuid": [], "name_regex": "{{ omit }}"}, "task_gate_uuid of the role"),
        ({"wait_for": "none"}, "task_gate_wait_for"),
        ({"assert": {"a": 1}}, "task_gate_assert"),
        ({"fail_fast": "perhaps"}, "task_gate_fail_fast"),
        ({"name_regex": "{{ omit }}"}, "one of the following is required: uuid"),
        ({"assert": ""}, "task_gate_assert of the role xen.xapi.task_gate must not be empty"),
        ({"cancel_on_failure": True}, "is for tasks that task_gate_uuid or task_gate_ref names"),
    ],
    "quiesce": [
        ({"quiet_for": "2h"}, "'quiet_for': '2h'"),
        ({"ref": "OpaqueRef:a"}, "task_gate_ref cannot narrow what the entry point quiesce"),
    ],
    "cleanup": [
        (
            {"object": {"type": "VM", "uuid": "a"}, "uuid": ["a"]},
            "task_gate_object, task_gate_uuid",
        ),
        ({"name_label": "a"}, "cannot narrow what the entry point cleanup"),
        ({"max_tasks": "many"}, "task_gate_max_tasks"),
        ({"max_tasks": 0}, "'max_tasks': 0"),
        ({"apply": "perhaps"}, "task_gate_apply"),
    ],
}


@pytest.mark.parametrize(
    "entry", [pytest.param("main", marks=pytest.mark.cores), "quiesce", "cleanup"]
)
def test_invalid_variables_are_rejected_before_pool_contact(pool, play_tasks, entry):
    tasks = [
        {
            "block": [
                include(entry, **{"name_regex": "a", **wrong}),
                {"ansible.builtin.fail": {"msg": "it was let through"}},
            ],
            "rescue": [
                {
                    "ansible.builtin.assert": {
                        "that": "ansible_failed_result.msg is search(said)",
                        "fail_msg": "{{ said }} is not in {{ ansible_failed_result.msg }}",
                    },
                    "vars": {"said": said},
                }
            ],
        }
        for wrong, said in [*WRONG, *WRONG_FOR_ONE[entry]]
    ]
    play_tasks([pool], tasks)
    assert not pool.log


@pytest.mark.cores
def test_cleanup_requires_name_regex(pool, play_tasks):
    output = failure_of(lambda: play_tasks([pool], [include("cleanup")]))
    assert "missing required arguments: task_gate_name_regex" in output
    assert not pool.log


@pytest.mark.cores
def test_omitted_variable_does_not_count_as_empty(pool, play_tasks):
    gate = include(name_label="Async.VM.copy", ca_path="{{ omit }}", on_missing="ok")
    play_tasks([pool], [gate])


@pytest.mark.cores
def test_failed_gate_reports_reason_and_cancels_running_tasks(pool, play_tasks):
    late = pool.add_task("Async.VM.copy", life=ENDLESS)
    full = Life(0.1, outcome="failure", error=("SR_FULL", "2", "1"))
    broken = pool.add_task("Async.VM.copy", life=full)
    other = pool.add_task("Async.VM.move", life=ENDLESS)
    rescued = {
        "block": [include(ref=[late, broken], cancel_on_failure=True)],
        "rescue": [
            {"ansible.builtin.debug": {"msg": "why: {{ ansible_failed_result.msg }}"}},
            {"ansible.builtin.debug": {"msg": "left {{ task_gate_result.cancel.by_action }}"}},
        ],
    }
    output = re.sub(r"\s+", " ", play_tasks([pool], [rescued]))
    why = output[output.index("why: ") :]
    assert why.startswith("why: Task ''Async.VM.copy''")
    assert "The storage repository is full" in why
    assert "The cancellation of the running tasks was requested (cancelled: 1)." in why
    assert pool.record(late)["status"] == "cancelled"
    assert pool.record(other)["status"] == "pending"


def test_failed_cancel_does_not_hide_why_the_gate_failed(pool, play_tasks):
    late = pool.add_task("Async.VM.copy", life=ENDLESS)
    broken = pool.add_task("Async.VM.move", status="failure")
    pool.fail("task.cancel", error=["RBAC_PERMISSION_DENIED", "task.cancel"], count=None)
    gate = include(ref=[late, broken], cancel_on_failure=True)
    output = re.sub(r"\s+", " ", failure_of(lambda: play_tasks([pool], [gate])))
    why = output.split("Fail with the reason")[1]
    assert "'Async.VM.move'" in why
    assert "ended as failure" in why
    assert "was denied" in why


def test_failed_gate_does_not_cancel_without_cancel_on_failure(pool, play_tasks):
    ref = pool.add_task("Async.VM.copy", life=ENDLESS)
    output = failure_of(lambda: play_tasks([pool], [include(ref=ref, timeout="5")]))
    assert "Timed out after 5 s waiting for" in output
    assert not pool.log.of("task.cancel")


def test_unreachable_pool_is_reported_as_failure_reason(pool, play_tasks):
    gate = include(ref=NO_REF, timeout="0", cancel_on_failure=True)
    tasks = [{**gate, "vars": {**gate["vars"], "task_gate_hostname": "127.0.0.1:1"}}]
    output = re.sub(r"\s+", " ", failure_of(lambda: play_tasks([pool], tasks)))
    assert "127.0.0.1:1 refused" in output.split("Fail with the reason")[1]


@pytest.mark.cores
@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("task_gate_result.tasks | length == 1", ""),
        ("task_gate_result.tasks[0].duration < 0", "duration < 0. of task_gate_assert does not"),
        (
            "task_gate_result.nonsense.more > 1",
            "task_gate_assert could not be evaluated: .*nonsense",
        ),
    ],
)
def test_assert_conditions_are_checked_against_result(pool, play_tasks, condition, said):
    uuid = pool.record(pool.add_task("Async.VM.copy", life=Life(0.1)))["uuid"]
    gate = include(uuid=uuid, **{"assert": [condition]})

    def run():
        return play_tasks([pool], [gate, say_when_open()])

    if not said:
        assert "open pool-1" in run()
        return
    output = re.sub(r"\s+", " ", failure_of(run))
    assert re.search(said, output.split("Fail with the reason")[1])
    assert "open pool-1" not in output


def test_assert_conditions_are_checked_where_a_play_turns_check_mode_off(pool, play_tasks):
    uuid = pool.record(pool.add_task("Async.VM.copy", life=Life(0.1)))["uuid"]
    gate = include(uuid=uuid, **{"assert": ["1 > 2"]})
    off = {"check_mode": False}
    output = failure_of(lambda: play_tasks([pool], [gate], "--check", keywords=off))
    assert "of task_gate_assert does not hold" in re.sub(r"\s+", " ", output)


@pytest.mark.parametrize(
    ("applies", "check", "options", "keywords"),
    [
        (False, False, [], {}),
        (True, False, [], {}),
        (False, True, ["--check"], {}),
        (True, True, ["--check"], {}),
        (True, True, [], {"check_mode": True}),
        (True, False, ["--check"], {"check_mode": False}),
    ],
)
def test_cleanup_cancels_only_old_tasks_and_only_when_applied(
    start_pool, play_tasks, applies, check, options, keywords
):
    pool = start_pool(collects=False)
    old = pool.add_task("Async.VM.copy", created=LONG_AGO, life=ENDLESS)
    young = pool.add_task("Async.VM.copy", age=5 * 3600, life=ENDLESS)
    gate = include("cleanup", name_regex=r"Async\.VM\.copy", apply=applies, idle_for="0.2")
    output = play_tasks([pool], [gate], *options, keywords=keywords)
    asked = [call.params[0] for call in pool.log.of("task.cancel")]
    assert asked == ([old] if applies and not check else [])
    uuids = [pool.record(ref)["uuid"] for ref in (old, young)]
    word = "cancelled" if asked else "would be cancelled"
    assert re.search(rf"- {word} .*{uuids[0]} +Async.VM.copy", output)
    assert re.search(rf"- too young .*{uuids[1]} +Async.VM.copy", output)
    assert f"changed={int(applies)}" in output
    assert "- None" not in output
    assert ("nothing was cancelled" in output.lower()) is not bool(asked)


@pytest.mark.parametrize("text", [pytest.param("false", marks=pytest.mark.cores), "0"])
def test_false_string_for_apply_or_cancel_on_failure_cancels_no_task(start_pool, play_tasks, text):
    """Of the command line, of inventories in INI and of surveys all values are texts."""
    pool = start_pool(collects=False)
    ref = pool.add_task("Async.VM.copy", created=LONG_AGO, life=ENDLESS)
    tasks = [
        include("cleanup", name_regex=r"Async\.VM\.copy", idle_for="0"),
        {"block": [include(ref=ref, timeout="5")], "rescue": [say_when_open("shut")]},
    ]
    said = [f"-etask_gate_apply={text}", f"-etask_gate_cancel_on_failure={text}"]
    output = play_tasks([pool], tasks, *said)
    assert "This is a report, and nothing was cancelled" in output
    assert "Timed out after 5 s" in output
    assert not pool.log.of("task.cancel")


@pytest.mark.cores
def test_true_string_for_apply_and_cancel_on_failure_cancels_tasks(start_pool, play_tasks):
    pool = start_pool(collects=False)
    ref = pool.add_task("Async.VM.move", life=ENDLESS)
    pool.add_task("Async.VM.copy", created=LONG_AGO, life=ENDLESS)
    tasks = [
        include("cleanup", name_regex=r"Async\.VM\.copy", idle_for="0"),
        {"block": [include(ref=ref, timeout="5")], "rescue": [say_when_open("shut")]},
    ]
    play_tasks([pool], tasks, "-etask_gate_apply=yes", "-etask_gate_cancel_on_failure=true")
    assert len(pool.log.of("task.cancel")) == 2


def test_quiesce_ignores_stalled_tasks(start_pool, play_tasks):
    pool = start_pool(collects=False)
    uuid = pool.record(pool.add_task("Async.VM.copy", created=LONG_AGO, life=ENDLESS))["uuid"]
    gate = include("quiesce", quiet_for="0", timeout="5", ignore_stalled="1h")
    left_out = {"ansible.builtin.assert": {"that": f"task_gate_result.stalled == ['{uuid}']"}}
    play_tasks([pool], [gate, left_out])


def test_wrong_variable_is_an_error_where_a_play_ignores_errors(start_pool, play_tasks):
    pool = start_pool(collects=False)
    pool.add_task("Async.VM.copy", created=LONG_AGO, life=ENDLESS)
    variables = {"name_regex": r"Async\.VM\.copy", "exlude": "Async.VM.copy", "apply": True}
    ignore = {"ignore_errors": True}
    output = failure_of(
        lambda: play_tasks([pool], [include("cleanup", **variables)], keywords=ignore)
    )
    assert "task_gate_exlude (do you mean task_gate_exclude?)" in re.sub(r"\s+", " ", output)
    assert not pool.log


REFUSED = {
    "unknown variable": ("main", {"tmeout": "1"}),
    "wrong choice": ("main", {"on_gone": "bogus"}),
    "wrong type": ("main", {"port": "not a port"}),
    "missing variable": ("cleanup", {}),
    "failing template": ("main", {"timeout": "{{ there_is_no_such_variable }}"}),
    "wrong value": ("quiesce", {"quiet_for": "soon"}),
}
OF_CORE = ("missing variable", "failing template")


@pytest.mark.parametrize(
    ("entry", "variables"),
    [
        pytest.param(*values, marks=[pytest.mark.cores] if name in OF_CORE else [], id=name)
        for name, values in REFUSED.items()
    ],
)
@pytest.mark.parametrize("how", ["include_role", "import_role"])
def test_rejected_gate_does_not_keep_earlier_result(pool, play_tasks, entry, variables, how):
    pool.add_task("Async.VM.snapshot", status="success")
    selected = DONE if entry == "main" else {}
    gate = include(entry, **selected, **variables)
    gate[f"ansible.builtin.{how}"] = gate.pop("ansible.builtin.include_role")
    nothing = {"ansible.builtin.assert": {"that": "'satisfied' not in task_gate_result"}}
    refused = {"block": [gate, say_when_open()], "rescue": [nothing, say_when_open("shut")]}
    output = play_tasks([pool], [include(**DONE), refused])
    assert "shut pool-1" in output
    assert "open pool-1" not in output


OF_THE_INVENTORY = {
    "ansible_become": True,
    "ansible_become_user": "nobody",
    "ansible_become_method": "su",
    "ansible_become_exe": "/nonexistent/su",
    "ansible_connection": "ssh",
    "ansible_host": "192.0.2.1",
    "ansible_port": 2222,
    "ansible_user": "nobody",
    "ansible_password": "nonsense",
    "ansible_python_interpreter": "/nonexistent/python",
    "ansible_shell_type": "powershell",
    "ansible_shell_executable": "/nonexistent/sh",
    "ansible_remote_tmp": "/nonexistent/tmp",
    "ansible_pipelining": True,
    "ansible_async_dir": "/nonexistent/async",
    "ansible_delegated_vars": {},
    "ansible_facts": {},
    "task_gate_result": {"satisfied": ["of the inventory"]},
}


@pytest.mark.parametrize(
    "entry", ["main", pytest.param("quiesce", marks=pytest.mark.cores), "cleanup"]
)
def test_inventory_variables_do_not_change_how_gate_runs(start_pool, play_tasks, tmp_path, entry):
    pool = start_pool(collects=False)
    pool.add_task("Async.VM.snapshot", status="success")
    pool.add_task("Async.VM.copy", created=LONG_AGO, life=ENDLESS)
    variables = tmp_path / "group_vars" / "all.yml"
    variables.parent.mkdir()
    variables.write_text(json.dumps(OF_THE_INVENTORY))
    # The inventory has the connection of localhost, which these take precedence over.
    of_localhost = tmp_path / "host_vars" / "localhost.yml"
    of_localhost.parent.mkdir()
    of_localhost.write_text(json.dumps(OF_THE_INVENTORY))
    options = {
        "main": DONE,
        "quiesce": {"name_label": "other", "quiet_for": "0"},
        "cleanup": {"name_regex": r"Async\.VM\.copy", "idle_for": "0", "apply": True},
    }
    play_tasks([pool], [include(entry, **options[entry]), say_when_open()])
    assert len(pool.log.of("session.logout")) == 1


def test_cleanup_over_max_tasks_cancels_no_task(start_pool, play_tasks):
    pool = start_pool(collects=False)
    for _number in range(3):
        pool.add_task("Async.VM.copy", created=LONG_AGO, life=ENDLESS)
    gate = include("cleanup", name_regex=".*copy", apply=True, idle_for="0", max_tasks=2)
    output = failure_of(lambda: play_tasks([pool], [gate]))
    assert "max_tasks" in output
    assert len(re.findall(r"- not_sent .*Async.VM.copy", output)) == 3
    assert not pool.log.of("task.cancel")


@pytest.mark.cores
def test_task_labels_are_never_templated(start_pool, play_tasks):
    pool = start_pool(collects=False)
    nasty = "copy {{ 7 * 191 }} \u202e"
    uuid = pool.record(pool.add_task(nasty, created=LONG_AGO, life=ENDLESS))["uuid"]
    tasks = [
        include("cleanup", name_regex="copy.*", idle_for="0"),
        include(uuid=uuid, timeout="5"),
    ]
    output = failure_of(lambda: play_tasks([pool], tasks))
    assert "copy {{ 7 * 191 }}" in output
    assert "1337" not in output
    assert "\u202e" not in output.partition("Wait for the tasks")[0]
