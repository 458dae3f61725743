# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re

import pytest

from ansible_collections.xen.xapi.tests.simulator import Life
from ansible_collections.xen.xapi.tests.simulator.plan import usual
from ansible_collections.xen.xapi.tests.simulator.vm_work import set_power
from ansible_collections.xen.xapi.tests.support.fixtures import answered
from ansible_collections.xen.xapi.tests.support.samples import ENDLESS

CHANGING = ("host.disable", "host.evacuate", "host.enable", "host.reboot")
QUICK = {"quiet_for": "0", "timeout": "20", "quiet_timeout": "20", "evacuate_timeout": "20"}


def include(entry, host="host-2", **variables):
    named = {
        f"host_maintenance_{name}": value
        for name, value in {"host": host, **QUICK, **variables}.items()
    }
    role = {"name": "xen.xapi.host_maintenance", "tasks_from": entry}
    return {"ansible.builtin.include_role": role, "vars": named}


def expect(**values):
    conditions = [f"host_maintenance_result.{name} == {value!r}" for name, value in values.items()]
    return {"ansible.builtin.assert": {"that": conditions}}


@pytest.fixture
def cluster(start_pool):
    """Return a pool of three hosts, with VMs on the second one."""
    pool = start_pool(product="xcp-ng-8.3", supporters=2, plan=usual(6))
    for method in CHANGING:
        pool.operations.lives[method] = Life(duration=0.3)
    pool.restarts.configure(leaves_after=0.3, away=1.0, startup=0.3)
    return pool


@pytest.fixture
def play_tasks(tmp_path, play_file):
    def run(pool, tasks, *options, **keywords):
        connection = {"hostname": pool.url, "password": pool.password}
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/xen.xapi.xapi": connection},
            "vars": {"_host_maintenance_delay": 0.3, "_host_maintenance_confirm_seconds": 3},
            "tasks": tasks,
            **keywords,
        }
        playbook = tmp_path / "maintenance.yml"
        playbook.write_text(json.dumps([play]))
        extra = (
            "-e",
            json.dumps({"_host_maintenance_delay": 0.3, "_host_maintenance_confirm_seconds": 3}),
        )
        return play_file(playbook, *extra, *options, environment={"ANSIBLE_PIPELINING": "1"})

    return run


def called(pool):
    """Return which methods that change hosts were called, in order."""
    names = [call.method.removeprefix("Async.") for call in pool.log]
    return [name for name in names if name in CHANGING]


def host(pool, name):
    return pool.database.read("host", pool.find("host", name))


def guest_refs(pool, name):
    found = host(pool, name)["resident_VMs"]
    return [vm for vm in found if not pool.database.read("VM", vm)["is_control_domain"]]


def disk_of(pool, vm):
    devices = [pool.database.read("VBD", vbd) for vbd in pool.database.read("VM", vm)["VBDs"]]
    return next(device["VDI"] for device in devices if device["VDI"] != "OpaqueRef:NULL")


def guests(pool, name):
    found = [pool.database.read("VM", vm) for vm in guest_refs(pool, name)]
    return [{"uuid": vm["uuid"], "name_label": vm["name_label"]} for vm in found]


def failure_of(run):
    with pytest.raises(AssertionError) as failed:
        run()
    return re.sub(r"\s+", " ", str(failed.value))


def test_host_is_emptied_and_taken_back_and_the_second_run_changes_nothing(cluster, play_tasks):
    there = guests(cluster, "host-2")
    uuid = host(cluster, "host-2")["uuid"]
    checked = play_tasks(cluster, [include("enter", uuid), include("leave")], "--check")
    assert "host-2: disabled, evacuated (check mode)" in checked
    assert called(cluster) == []
    assert guests(cluster, "host-2") == there
    play_tasks(cluster, [include("enter"), expect(done=["disabled", "evacuated"], moved=there)])
    assert called(cluster) == ["host.disable", "host.evacuate"]
    assert not host(cluster, "host-2")["enabled"]
    assert guests(cluster, "host-2") == []
    output = play_tasks(cluster, [include("enter", uuid), expect(done=[], moved=[])])
    assert "changed=0" in output
    play_tasks(cluster, [include("leave", uuid), include("leave"), expect(done=[])])
    assert called(cluster) == ["host.disable", "host.evacuate", "host.enable"]
    assert host(cluster, "host-2")["enabled"]


def test_keyword_check_mode_takes_precedence_over_the_command_line(cluster, play_tasks):
    checked = play_tasks(cluster, [include("enter")], check_mode=True)
    assert "host-2: disabled, evacuated (check mode)" in checked
    assert called(cluster) == []
    tasks = [include("enter"), expect(done=["disabled", "evacuated"])]
    output = play_tasks(cluster, tasks, "--check", check_mode=False)
    assert "(check mode)" not in output
    assert called(cluster) == ["host.disable", "host.evacuate"]
    assert guests(cluster, "host-2") == []


@pytest.mark.cores
def test_machines_that_cannot_move_are_named_with_the_reason(cluster, play_tasks):
    vm = guest_refs(cluster, "host-2")[0]
    cluster.database.write("VM", vm, "name_label", "web {{ 7 * 191 }} \u202e")
    cluster.database.write("VM", vm, "blocked_operations", {"pool_migrate": "of the owner"})
    local = cluster.inventory.add_sr("only here", shared=False)
    cluster.database.write("VDI", disk_of(cluster, guest_refs(cluster, "host-2")[1]), "SR", local)
    output = failure_of(lambda: play_tasks(cluster, [include("enter")]))
    assert "2 virtual machines cannot leave the host host-2." in output
    assert "web {{ 7 * 191 }} ?" in output
    assert "of the owner" in output
    assert "needs the storage repository only here on its host." in output
    assert "1337" not in output
    assert called(cluster) == []


def test_enter_waits_for_a_backup_of_a_machine_on_the_host(cluster, play_tasks, when):
    vm = guest_refs(cluster, "host-2")[0]
    backup = cluster.add_task("[XO] Exporting content of VDI web", life=ENDLESS)
    cluster.database.write("VM", vm, "current_operations", {backup: "export"})

    def end_backup():
        assert called(cluster) == []
        cluster.database.write("VM", vm, "current_operations", {})

    asked = "host.get_vms_which_prevent_evacuation"
    when(lambda: len(cluster.log.of(asked)) >= 3, end_backup)
    enter = include("enter", quiet_timeout="never")
    play_tasks(cluster, [enter, expect(done=["disabled", "evacuated"], obstacles=[])])


def test_enter_waits_for_a_task_of_the_host_before_it_disables_it(cluster, play_tasks, when):
    ours = cluster.find("host", "host-2")
    move = cluster.add_task("Async.VM.pool_migrate", life=ENDLESS)
    cluster.database.write("host", ours, "current_operations", {move: "vm_migrate"})
    before = []

    def end_move():
        before.extend(called(cluster))
        cluster.set_task(move, status="success")
        cluster.database.write("host", ours, "current_operations", {})

    when(lambda: cluster.events.blocked, end_move)
    play_tasks(cluster, [include("enter"), expect(done=["disabled", "evacuated"])])
    assert before == []


def test_enter_waits_for_a_machine_that_is_on_its_way_to_the_host(cluster, play_tasks, when):
    ours, other = cluster.find("host", "host-2"), cluster.find("host", "host-3")
    for vm in guest_refs(cluster, "host-2"):
        cluster.database.write("VM", vm, "resident_on", other)
    vm = guest_refs(cluster, "host-1")[0]
    move = cluster.add_task("Async.VM.pool_migrate", life=ENDLESS)

    def begin_move():
        cluster.database.write("VM", vm, "current_operations", {move: "pool_migrate"})
        cluster.database.write("host", ours, "current_operations", {move: "vm_migrate"})

    when(lambda: "host.disable" in called(cluster), begin_move)
    enter = include("enter", quiet_timeout="5")
    assert "Async.VM.pool_migrate" in failure_of(lambda: play_tasks(cluster, [enter]))
    assert host(cluster, "host-2")["enabled"]


@pytest.mark.parametrize(
    ("keeps", "ignores"),
    [pytest.param(False, False, marks=pytest.mark.cores), (True, False), (False, True)],
)
def test_failed_evacuation_enables_the_host_again_unless_told_otherwise(
    cluster, play_tasks, keeps, ignores
):
    """A play that ignores errors must not take the host for an empty one."""
    error = ("VM_MIGRATE_FAILED", "OpaqueRef:a", "b", "c", "out of memory")
    cluster.operations.lives["host.evacuate"] = Life(0.2, outcome="failure", error=error)
    enter = include("enter", keep_disabled=keeps)
    output = failure_of(lambda: play_tasks(cluster, [enter], ignore_errors=ignores))
    assert "out of memory" in output
    assert ("The host was enabled again." in output) is not keeps
    assert host(cluster, "host-2")["enabled"] is not keeps
    assert called(cluster) == ["host.disable", "host.evacuate", *([] if keeps else ["host.enable"])]


def test_host_that_was_disabled_before_stays_disabled_after_a_failure(cluster, play_tasks):
    cluster.inventory.set_enabled(cluster.find("host", "host-2"), False)
    cluster.operations.lives["host.evacuate"] = Life(0.2, outcome="failure", error=("SR_FULL",))
    failure_of(lambda: play_tasks(cluster, [include("enter")]))
    assert called(cluster) == ["host.evacuate"]
    assert not host(cluster, "host-2")["enabled"]


def test_host_that_is_not_live_is_left_alone(cluster, play_tasks):
    cluster.inventory.set_live(cluster.find("host", "host-2"), False)
    output = failure_of(lambda: play_tasks(cluster, [include("enter")]))
    assert "The host host-2 is not live" in output
    assert called(cluster) == []
    assert host(cluster, "host-2")["enabled"]


def test_host_is_enabled_again_if_its_disabling_was_not_answered(cluster, play_tasks):
    cluster.fail("Async.host.disable", cut="after")
    cluster.operations.lives["host.evacuate"] = Life(0.2, outcome="failure", error=("SR_FULL",))
    output = failure_of(lambda: play_tasks(cluster, [include("enter")]))
    assert "The host was enabled again." in output
    assert called(cluster) == ["host.disable", "host.evacuate", "host.enable"]
    assert host(cluster, "host-2")["enabled"]


def test_host_that_is_enabled_during_the_evacuation_is_a_failure(cluster, play_tasks, when):
    cluster.operations.lives["host.evacuate"] = Life(duration=2.0)
    ours = cluster.find("host", "host-2")
    asked = "Async.host.evacuate"
    when(lambda: answered(cluster, asked), lambda: cluster.inventory.set_enabled(ours, True))
    output = failure_of(lambda: play_tasks(cluster, [include("enter")]))
    assert "The host host-2 has been enabled since it was seen disabled." in output
    assert guests(cluster, "host-2") == []


def test_host_whose_xapi_is_starting_does_not_count_as_disabled(cluster, play_tasks, when):
    """XAPI disables the host when it starts there, and enables it at the end of its start-up."""
    asked = "host.get_vms_which_prevent_evacuation"
    when(
        lambda: len(cluster.log.of(asked)) >= 2,
        lambda: cluster.restart_supporter(1, startup=600),
    )
    output = failure_of(lambda: play_tasks(cluster, [include("enter")]))
    assert "The host host-2 has become disabled since the run began." in output
    assert called(cluster) == []


def test_lost_answers_are_resolved_by_reading_and_nothing_is_started_twice(cluster, play_tasks):
    for method in ("host.disable", "host.evacuate"):
        cluster.fail(f"Async.{method}", cut="after")
    play_tasks(cluster, [include("enter"), expect(done=["disabled", "evacuated"])])
    assert called(cluster) == ["host.disable", "host.evacuate"]
    assert guests(cluster, "host-2") == []


def test_call_that_was_lost_before_it_took_effect_is_a_failure(cluster, play_tasks):
    cluster.fail("Async.host.disable", cut="before")
    output = failure_of(lambda: play_tasks(cluster, [include("enter")]))
    assert "It is not known whether Async.host.disable was started" in output
    assert "The host is still enabled." in output
    assert "The host is enabled, but it may still become disabled" in output
    assert "The host was enabled again." not in output
    assert called(cluster) == ["host.disable"]
    assert host(cluster, "host-2")["enabled"]


def test_evacuation_that_was_lost_before_it_took_effect_is_a_failure(cluster, play_tasks):
    there = guests(cluster, "host-2")
    cluster.fail("Async.host.evacuate", cut="before")
    output = failure_of(lambda: play_tasks(cluster, [include("enter")]))
    assert f"{len(there)} virtual machines are still on the host host-2" in output
    assert called(cluster) == ["host.disable", "host.evacuate", "host.enable"]
    assert guests(cluster, "host-2") == there


def test_host_that_is_still_being_disabled_is_not_reported_as_enabled(cluster, play_tasks):
    cluster.operations.lives["host.disable"] = ENDLESS
    output = failure_of(lambda: play_tasks(cluster, [include("enter", timeout="4")]))
    assert "so it may still be disabled, or become so later." in output
    assert called(cluster) == ["host.disable"]


def test_leave_goes_on_when_xapi_on_the_master_restarts(cluster, play_tasks, when):
    cluster.inventory.set_enabled(cluster.find("host", "host-2"), False)
    cluster.operations.lives["host.enable"] = ENDLESS

    def restart():
        cluster.operations.lives["host.enable"] = Life(0.2)
        cluster.restart_master()

    when(lambda: answered(cluster, "Async.host.enable"), restart)
    play_tasks(cluster, [include("leave", timeout=120), expect(done=["enabled"])])
    assert called(cluster) == ["host.enable", "host.enable"]
    assert host(cluster, "host-2")["enabled"]


def test_restart_waits_until_the_host_has_started(cluster, play_tasks, when):
    for vm in guest_refs(cluster, "host-1"):
        set_power(cluster.inventory, vm, "Halted")
    cluster.inventory.set_enabled(cluster.find("host", "host-1"), False)
    before = host(cluster, "host-1")["other_config"]["boot_time"]
    cluster.fail("Async.host.reboot", cut="after")
    refusal = ("SESSION_AUTHENTICATION_FAILED", "root", "not ready")
    when(
        lambda: answered(cluster, "host.get_other_config"),
        lambda: cluster.fail("session.login_with_password", error=refusal),
    )
    play_tasks(cluster, [include("restart", "host-1"), include("leave", "host-1")])
    assert host(cluster, "host-1")["other_config"]["boot_time"] != before
    assert host(cluster, "host-1")["enabled"]
    assert called(cluster).count("host.reboot") == 1


def test_restart_fails_if_the_host_does_not_come_back(cluster, play_tasks):
    for vm in guest_refs(cluster, "host-2"):
        set_power(cluster.inventory, vm, "Halted")
    refused = failure_of(lambda: play_tasks(cluster, [include("restart")]))
    assert "The host host-2 is enabled." in refused
    cluster.inventory.set_enabled(cluster.find("host", "host-2"), False)
    cluster.restarts.configure(away=3600)
    tasks = [
        {
            "block": [include("restart", timeout=8)],
            "rescue": [{"ansible.builtin.debug": {"msg": "A {{ ansible_failed_result.msg }}"}}],
        },
        include("leave", timeout=4),
    ]
    output = failure_of(lambda: play_tasks(cluster, tasks))
    assert "A The host host-2 did not start again within 8" in output
    assert "XAPI on the host host-2 did not answer within 4" in output
    assert called(cluster) == ["host.reboot"]
    assert not host(cluster, "host-2")["enabled"]


WRONG = [
    ("enter", {"tmeout": "5"}, "does not know host_maintenance_tmeout .do you mean"),
    ("leave", {"timeout": "soon"}, "host_maintenance_timeout of the role .* is not a duration"),
    ("restart", {"hostname": []}, "host_maintenance_hostname of the role .* must not be empty"),
    ("main", {}, "needs tasks_from"),
    ("enter", {"host": ""}, "host_maintenance_host of the role .* must not be empty"),
]


@pytest.mark.cores
def test_wrong_variables_are_rejected_before_pool_contact(cluster, play_tasks):
    tasks = [
        {
            "block": [
                include(entry, **variables),
                {"ansible.builtin.fail": {"msg": "let through"}},
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
        for entry, variables, said in WRONG
    ]
    play_tasks(cluster, tasks)
    assert not cluster.log


def test_host_is_chosen_by_exactly_one_match(cluster, play_tasks):
    cluster.database.write("host", cluster.find("host", "host-3"), "hostname", "host-2")
    several = failure_of(lambda: play_tasks(cluster, [include("enter")]))
    assert "Several hosts of the pool have the name host-2; give a uuid." in several
    none = failure_of(lambda: play_tasks(cluster, [include("enter", "host-9")]))
    assert "No host of the pool has the uuid, name_label or hostname host-9." in none
    assert host(cluster, "host-1")["uuid"] in none
    assert called(cluster) == []
