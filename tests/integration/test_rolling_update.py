# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
import sys

import pytest

from ansible_collections.xen.xapi.tests.simulator import Life
from ansible_collections.xen.xapi.tests.simulator.vm_work import set_power
from ansible_collections.xen.xapi.tests.support.fixtures import answered
from ansible_collections.xen.xapi.tests.support.samples import ENDLESS

PLAYBOOK = "xen.xapi.rolling_update"
CHANGING = ("host.disable", "host.evacuate", "host.enable", "host.reboot")
PACE = {"_host_maintenance_delay": 0.3, "_host_maintenance_confirm_seconds": 3}
QUICK = {"rolling_update_quiet_for": "0", "rolling_update_timeout": "60", **PACE}


@pytest.fixture
def cluster(start_pool):
    pool = start_pool(product="xcp-ng-8.3", supporters=1)
    for method in CHANGING:
        pool.operations.lives[method] = Life(duration=0.2)
    pool.restarts.configure(leaves_after=0.3, away=1.0, startup=0.3)
    return pool


@pytest.fixture
def update(cluster, play_file, tmp_path):
    """Runs the playbook by its full name, with a file of tasks."""

    def run(tasks, *options, **variables):
        file = tmp_path / "update.yml"
        file.write_text(json.dumps(tasks))
        environment = {"XAPI_HOST": cluster.url, "XAPI_PASSWORD": cluster.password}
        values = {"rolling_update_tasks": str(file), **QUICK, **variables}
        return play_file(PLAYBOOK, *options, environment=environment, **values)

    return run


def failure_of(run):
    with pytest.raises(AssertionError) as failed:
        run()
    return re.sub(r"\s+", " ", str(failed.value))


def variables_of_next_run(output):
    return json.loads(re.search(r"add -e ''?(\{.*?\})''?\.", output)[1])


def steps(pool):
    """Return which methods that change hosts were called on which host, in order."""
    names = {pool.find("host", name): name for name in ("host-1", "host-2")}
    calls = [(call.method.removeprefix("Async."), call.params) for call in pool.log]
    return [f"{name} {names[params[0]]}" for name, params in calls if name in CHANGING]


def is_enabled(pool, name):
    return pool.database.read("host", pool.find("host", name))["enabled"]


SAY = {"ansible.builtin.debug": {"msg": "updating {{ rolling_update_host.name_label }}"}}
FAIL_ONCE = {
    "ansible.builtin.fail": {"msg": "no space left"},
    "when": ["rolling_update_host.name_label == 'host-2'", "fails | default(true)"],
}


def test_hosts_are_updated_in_turn_and_a_second_run_goes_on_after_a_failure(cluster, update):
    reboot = "{{ rolling_update_host.is_master }}"
    output = failure_of(lambda: update([SAY, FAIL_ONCE], rolling_update_reboot=reboot))
    assert re.findall(r"updating (host-\d)", output) == ["host-1", "host-2"]
    assert steps(cluster) == [
        "host.disable host-1",
        "host.evacuate host-1",
        "host.reboot host-1",
        "host.disable host-2",
        "host.evacuate host-2",
    ]
    assert "no space left. Hosts done: 1, not touched: 0, disabled now: 1." in output
    assert re.search(r"- 'host-1 \(\S+\): done, enabled'", output)
    assert re.search(r"- 'host-2 \(\S+\): the update stopped here, disabled'", output)
    assert (is_enabled(cluster, "host-1"), is_enabled(cluster, "host-2")) == (True, False)
    again = variables_of_next_run(output)
    cluster.log.clear()
    refused = failure_of(lambda: update([SAY], rolling_update_skip=again["rolling_update_skip"]))
    assert "These hosts are already disabled: host-2." in refused
    assert steps(cluster) == []
    update([SAY, FAIL_ONCE], fails=False, **again)
    assert steps(cluster) == ["host.enable host-2"]
    assert is_enabled(cluster, "host-2")


def test_host_that_somebody_disables_during_the_update_is_left_alone(cluster, update, when):
    host = cluster.find("host", "host-1")
    when(
        lambda: answered(cluster, "host_metrics.get_all_records"),
        lambda: cluster.inventory.set_enabled(host, False),
    )
    output = failure_of(lambda: update([SAY]))
    assert "The host host-1 was disabled or left the pool during the update." in output
    assert steps(cluster) == []
    assert not is_enabled(cluster, "host-1")


@pytest.mark.cores
def test_file_that_cannot_be_loaded_is_rejected_before_pool_contact(cluster, update):
    work = {"block": [SAY, {"no.such.module": {}}], "rescue": [SAY]}
    output = failure_of(lambda: update([work]))
    assert "no.such.module" in output
    assert not cluster.log


def test_pool_that_the_inventory_has_twice_is_left_alone(cluster, update, tmp_path):
    inventory = tmp_path / "pools.ini"
    python = f"ansible_python_interpreter={sys.executable}"
    inventory.write_text(f"[same]\na {python}\nb {python}\n")
    options = (f"--inventory={inventory}",)
    output = failure_of(lambda: update([SAY], *options, rolling_update_pools="same"))
    assert "These hosts of the inventory are the same pool as a: b." in output
    assert "These hosts of the inventory are the same pool as b: a." in output
    assert steps(cluster) == []


def test_tags_are_rejected(cluster, update):
    output = failure_of(lambda: update([SAY], "--tags=nightly"))
    assert "The playbook xen.xapi.rolling_update has no tags." in output
    assert not cluster.log


def test_connection_of_the_inventory_is_for_the_tasks_of_the_file(cluster, update, tmp_path):
    inventory = tmp_path / "pools.ini"
    inventory.write_text(
        "pool ansible_connection=ssh ansible_become=true ansible_python_interpreter=/no/python\n"
    )
    show = {"ansible.builtin.debug": {"msg": "by {{ ansible_connection }}"}}
    output = update([show], f"--inventory={inventory}", "--check", rolling_update_pools="pool")
    assert output.count("by ssh") == 2


def test_variables_of_the_role_task_gate_do_not_narrow_the_gate(cluster, update):
    cluster.add_task("Async.VM.copy", life=ENDLESS)
    early = {
        **SAY,
        "delegate_to": "{{ rolling_update_host.address }}",
        "loop": "{{ updated.stdout_lines }}",
        "tags": ["always"],
    }
    end = {"ansible.builtin.meta": "end_play", "tags": ["always"]}
    gate = {"task_gate_kind": ["backup"], "task_gate_hostname": ["https://127.0.0.1:1"]}
    output = failure_of(lambda: update([early, end, SAY], rolling_update_quiet_timeout="3", **gate))
    assert "updating" not in output
    assert "Async.VM.copy" in output
    assert steps(cluster) == []


def test_silent_failure_is_a_failure_and_other_hosts_stay_to_be_resumed(cluster, update):
    for vm, record in cluster.database.records("VM").items():
        if not record["is_control_domain"]:
            set_power(cluster.inventory, vm, "Halted")
    cluster.inventory.set_enabled(cluster.find("host", "host-2"), False)
    tasks = [{"ansible.builtin.fail": {"msg": ""}}]
    output = failure_of(lambda: update(tasks, rolling_update_resume="host-2"))
    assert "Hosts done: 0, not touched: 1, disabled now: 2." in output
    host = cluster.database.read("host", cluster.find("host", "host-1"))
    assert variables_of_next_run(output)["rolling_update_resume"] == ["host-2", host["uuid"]]


@pytest.mark.parametrize(
    "task",
    [
        pytest.param({"ansible.builtin.include_tasks": "missing.yml"}, marks=pytest.mark.cores),
        {"ansible.builtin.include_role": {"name": "missing"}},
    ],
)
def test_missing_include_stops_the_update_with_a_report(update, task):
    """Ansible does not carry out a rescue then."""
    output = failure_of(lambda: update([task]))
    assert "A task failed; its error is above. Hosts done: 0, not touched: 1" in output
    assert len(variables_of_next_run(output)["rolling_update_resume"]) == 1


@pytest.mark.cores
def test_check_mode_changes_nothing(cluster, update):
    output = update([SAY], "--check", rolling_update_reboot=True)
    assert "(check mode)" in output
    assert steps(cluster) == []


def test_pool_that_cannot_be_updated_is_left_alone(cluster, update):
    cluster.database.write("pool", cluster.inventory.pool, "ha_enabled", True)
    cluster.take_down(1)
    for name in ("host-1", "host-2"):
        cluster.database.write("host", cluster.find("host", name), "hostname", "node 1")
    names = {"rolling_update_skip": "host-7", "rolling_update_resume": "node 1"}
    output = failure_of(lambda: update([SAY], **names))
    for said in (
        "No host of the pool has the uuid, name_label or hostname host-7.",
        "Several hosts of the pool have the name node 1. Give their uuids instead.",
        "High availability is enabled",
        "These hosts are not live: host-2.",
    ):
        assert said in output
    assert steps(cluster) == []


@pytest.mark.parametrize(
    ("options", "variables", "said"),
    [
        ([], {"host_maintenance_host": "host-2"}, "host_maintenance_host names another host than"),
        (["--skip-tags", "always"], {}, "The role host_maintenance was not carried out for"),
    ],
)
def test_tasks_never_run_on_a_host_that_was_not_emptied(cluster, update, options, variables, said):
    output = failure_of(lambda: update([SAY], *options, rolling_update_skip="host-2", **variables))
    assert said in output
    assert "updating" not in output
    assert steps(cluster) == []


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"rolling_update_reboots": True}, "do you mean rolling_update_reboot"),
        ({"rolling_update_connection": "{'port'"}, "rolling_update_connection is not a map"),
        ({"rolling_update_host": "host-1"}, "rolling_update_host is set by the playbook"),
        ({"rolling_update_tasks": "update.yml"}, "is not the absolute path of a file"),
    ],
)
def test_wrong_variables_are_rejected_before_pool_contact(cluster, update, variables, said):
    assert said in failure_of(lambda: update([SAY], **variables))
    assert not cluster.log
