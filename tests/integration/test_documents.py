# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest

from ansible_collections.xen.xapi.plugins.modules import call, task_cancel, task_info, task_wait
from ansible_collections.xen.xapi.tests.simulator import Life
from ansible_collections.xen.xapi.tests.simulator.vm_work import set_power
from ansible_collections.xen.xapi.tests.support.collection import ROOT
from ansible_collections.xen.xapi.tests.support.doc_examples import blocks, play_of
from ansible_collections.xen.xapi.tests.support.fixtures import answered
from ansible_collections.xen.xapi.tests.support.samples import ENDLESS, LONG_AGO

PRINTED = {
    "EXAMPLES of task_info": [task_info.EXAMPLES],
    "EXAMPLES of task_cancel": [task_cancel.EXAMPLES],
    "EXAMPLES of task_wait": [task_wait.EXAMPLES],
    "EXAMPLES of call": [call.EXAMPLES],
    "README.md": blocks("README.md"),
    # The first block there is variables of a group.
    "roles/task_gate/README.md": blocks("roles/task_gate/README.md")[1:],
    "docs/chaining_results.md": blocks("docs/chaining_results.md"),
    "docs/clean_up_stale_tasks.md": blocks("docs/clean_up_stale_tasks.md"),
    "docs/common_questions.md": blocks("docs/common_questions.md"),
    "docs/environment_variables.md": blocks("docs/environment_variables.md"),
    # The first and the third are played below, the second runs xe, the fifth the rolling update.
    "docs/from_uri_to_call.md": [
        block for place, block in enumerate(blocks("docs/from_uri_to_call.md")) if place in (3, 5)
    ],
    "docs/gate_a_deploy_step.md": blocks("docs/gate_a_deploy_step.md"),
    # test_host_maintenance.py restarts hosts.
    "docs/host_maintenance.md": blocks("docs/host_maintenance.md")[:1],
    "docs/start_and_wait.md": blocks("docs/start_and_wait.md"),
    "docs/wait_until_quiet.md": blocks("docs/wait_until_quiet.md"),
    "docs/progress.md": blocks("docs/progress.md"),
    "docs/migrating.md": blocks("docs/migrating.md"),
    # The second block starts a pool of its own: test_simulator_playbook.py plays it.
    "docs/testing_with_the_simulator.md": blocks("docs/testing_with_the_simulator.md")[:1],
    "docs/finding_tasks.md": ["\n".join(blocks("docs/finding_tasks.md"))],
}
_ONE, SEVERAL_AT_ONCE, _RESCUE, A_WHOLE_STEP = PRINTED["docs/gate_a_deploy_step.md"][:4]
A_CODE_DECIDES = PRINTED["docs/chaining_results.md"][2]
# Printed options that take long, and their replacements.
TIMEOUT = {
    r"\bquiet_for: \w+": "quiet_for: 1",
    r"\bidle_for: \w+": "idle_for: 0.5",
    r"\btimeout: (6h|1d)": "timeout: 2m",
    r"\bretries: (60|360)\n( +)delay: 10": r"retries: 2\n\2delay: 0",
}
DIRECT = {
    "VM.get_power_state",
    "host.assert_can_evacuate",
    "host.get_enabled",
    "host.get_resident_VMs",
}
"""Methods that are called without a task."""
READERS = {"task.get_all_records", "task.get_record", "event.from"}


@pytest.fixture
def real_pool(start_pool):
    """A pool over TLS with the objects that the documents name."""
    pool = start_pool(tls=True, collects=False)
    pool.simulator = start_pool(control=True)
    for method in ("VM.copy", "host.disable", "host.evacuate", "host.enable"):
        pool.operations.lives[method] = Life(duration=0.5)
    pool.database.write("host", pool.master_ref, "name_label", "xcp1")
    # XAPI's times are whole seconds: a task of this second would count as one of the step.
    pool.add_task(
        "Async.VM.start",
        status="failure",
        error_info=["VM_BAD_POWER_STATE", "a", "b"],
        created=LONG_AGO,
    )
    done = pool.add_task(
        "Async.VM.snapshot",
        status="success",
        result="<value>OpaqueRef:x</value>",
        created=LONG_AGO,
    )
    pool.variables = {
        "pool_password": pool.password,
        "import_task_ref": done,
        "snapshot_task_ref": done,
        "snapshot_task_refs": [done],
        "vm_names": ["web-1"],
        "task_ref": done,
        "task_uuid": pool.record(done)["uuid"],
        "copy_task_ref": done,
        "idle_for": "0.5",
        "copy_task_uuids": [pool.record(done)["uuid"]],
        "step_began": "2018-01-01T00:00:00Z",
        "simulator": pool.simulator.url,
        "pool_uuid": pool.pool_uuid,
        "quiet_for": "1",
        "host_maintenance_quiet_for": "1",
        "task_gate_quiet_for": "1",
        "task_gate_idle_for": "0.5",
        "vm_uuid": pool.database.read("VM", pool.find("VM", "web-1"))["uuid"],
        "host_uuid": pool.database.read("host", pool.master_ref)["uuid"],
    }
    return pool


@pytest.fixture
def play_printed(real_pool, play_file, tmp_path):
    """Plays a printed play, with other hosts, certificates and times."""

    def run(printed):
        port = real_pool.hosts[0].port
        text = play_of(printed.replace("---\n", ""))
        for host in ("xcp1.example.com", "xcp2.example.com"):
            text = text.replace(host, f"localhost:{port}")
        for path in ("/etc/ssl/certs/pool.pem", "/etc/ssl/certs/xcp1.pem"):
            text = text.replace(path, str(real_pool.certificate.pem))
        for long, short in TIMEOUT.items():
            text = re.sub(long, short, text)
        playbook = tmp_path / "printed.yml"
        playbook.write_text(text, encoding="utf-8")
        environment = {
            "XAPI_HOST": f"localhost:{port}",
            "XAPI_PASSWORD": real_pool.password,
            "XAPI_CA_PATH": str(real_pool.certificate.pem),
        }
        return play_file(playbook, environment=environment, **real_pool.variables)

    return run


@pytest.mark.parametrize(
    ("name", "number"),
    [
        # The templates of the core work on chained results.
        pytest.param(name, number, marks=[pytest.mark.cores] if "chaining" in name else [])
        for name, texts in PRINTED.items()
        for number in range(len(texts))
    ],
)
def test_document_example_runs(real_pool, play_printed, when, name, number):
    if "cancel" in name or "stale" in name or "abandoned_uuid" in PRINTED[name][number]:
        # To the documents that wait for quiet it would be in the way. It honours a cancel, since
        # force takes at least five minutes.
        abandoned = real_pool.add_task("nightly backup", created=LONG_AGO, life=ENDLESS)
        real_pool.variables["abandoned_uuid"] = real_pool.record(abandoned)["uuid"]
    if "gate" in name:
        # The task of a step, since printed steps start none; it comes after the time was noted.
        when(
            lambda: answered(real_pool, "task.get_all_records"),
            lambda: real_pool.add_task("Async.VM.clean_reboot", status="success"),
        )
    if re.search("evacuate|resident_VMs|tasks_from: enter", PRINTED[name][number]):
        # The pool has one host, from which no machine can move.
        for vm, record in real_pool.database.records("VM").items():
            if record["power_state"] == "Running" and not record["is_control_domain"]:
                set_power(real_pool.inventory, vm, "Halted")
    play_printed(PRINTED[name][number])
    asked = [*real_pool.log, *real_pool.simulator.log]
    assert [call for call in asked if call.method in READERS or call.method in DIRECT]


def told_by(task, failed):
    """Return the output of a failed play for a task, in one line for all releases of Ansible."""
    return re.sub(r"\s+", " ", str(failed.value).split(f"TASK [{task}]")[1])


def test_gate_reports_failed_tasks(real_pool, play_printed):
    real_pool.operations.lives["VM.snapshot"] = Life(
        duration=0.5, outcome="failure", error=("SR_FULL", "20", "10")
    )
    with pytest.raises(AssertionError) as failed:
        play_printed(SEVERAL_AT_ONCE)
    output = str(failed.value)
    assert output.count("msg: 'Async.VM.snapshot: The storage repository is full") == 2
    assert re.search(r"Task '+Async\.VM\.snapshot'", told_by("Stop here", failed))
    assert "Use the snapshots" not in output.replace(SEVERAL_AT_ONCE, "")


def test_gate_reports_login_failure(real_pool, play_printed):
    # The third login is that of task_wait.
    real_pool.fail(
        "session.login_with_password", nth=3, error=("SESSION_AUTHENTICATION_FAILED", "root", "")
    )
    with pytest.raises(AssertionError) as failed:
        play_printed(SEVERAL_AT_ONCE)
    for task in ("Wait for the end of all", "Stop here"):
        assert "Login to" in told_by(task, failed)


def test_gate_fails_if_step_started_no_task(play_printed):
    with pytest.raises(AssertionError, match="No task matches name_regex"):
        play_printed(A_WHOLE_STEP)


@pytest.mark.parametrize(
    "error_info", [["SR_OPERATION_NOT_SUPPORTED", "sr"], ["SR_FULL", "20", "10"], []]
)
def test_only_expected_error_code_lets_play_continue(real_pool, play_printed, error_info):
    ref = real_pool.add_task("Async.VM.snapshot", status="failure", error_info=error_info)
    real_pool.variables["snapshot_task_ref"] = ref
    if error_info[:1] == ["SR_OPERATION_NOT_SUPPORTED"]:
        assert "msg: no snapshot" in play_printed(A_CODE_DECIDES)
        return
    with pytest.raises(AssertionError) as failed:
        play_printed(A_CODE_DECIDES)
    told = told_by("Stop unless the failure does not matter", failed)
    assert re.search(r"Task '+Async\.VM\.snapshot'", told)


NO_BACKUP, NO_COALESCING, OF_A_VM = PRINTED["docs/common_questions.md"][:3]


@pytest.mark.parametrize("printed", PRINTED["docs/common_questions.md"])
def test_answer_to_common_question_is_short(printed):
    assert len(printed.splitlines()) < 12


@pytest.mark.parametrize(
    ("printed", "label"),
    [(NO_BACKUP, "[XO] Exporting content of VDI web-1"), (NO_COALESCING, "Garbage Collection")],
    ids=["backup", "coalescing"],
)
def test_gate_by_kind_waits_for_the_task(real_pool, play_printed, when, printed, label):
    ref = (
        real_pool.add_garbage_collection(real_pool.find("SR", "Local storage"))
        if label == "Garbage Collection"
        else real_pool.add_task(label, life=ENDLESS)
    )
    when(
        lambda: answered(real_pool, "event.from"),
        lambda: real_pool.set_task(ref, status="success"),
    )
    play_printed(printed)
    assert real_pool.record(ref)["status"] == "success"


def test_tasks_of_a_vm_are_listed(real_pool, play_printed):
    real_pool.add_task("Async.SR.scan", life=ENDLESS)
    working = real_pool.add_task("Async.VM.snapshot", life=ENDLESS)
    vm = real_pool.find("VM", "web-1")
    real_pool.database.write("VM", vm, "current_operations", {working: "snapshot"})
    output = play_printed(OF_A_VM)
    assert "Async.VM.snapshot" in output
    assert "Async.SR.scan" not in output


MAY_EVACUATE, IS_EMPTY, IS_BACK = PRINTED["docs/common_questions.md"][6:9]


@pytest.mark.parametrize("printed", [MAY_EVACUATE, IS_EMPTY, IS_BACK])
def test_host_with_machines_is_not_ready(real_pool, play_printed, printed):
    """The only host of the pool cannot be evacuated, and is disabled."""
    real_pool.inventory.set_enabled(real_pool.master_ref, False)
    with pytest.raises(AssertionError) as failed:
        play_printed(printed)
    assert "failed=1" in str(failed.value)


NOT_TOO_MANY = PRINTED["docs/common_questions.md"][5]


@pytest.mark.parametrize(("count", "goes_on"), [(1, True), (2, False)])
def test_limit_counts_running_tasks(real_pool, play_printed, count, goes_on):
    for _number in range(count):
        real_pool.add_task("Async.VM.pool_migrate", life=ENDLESS)
    if goes_on:
        play_printed(NOT_TOO_MANY)
        return
    with pytest.raises(AssertionError) as failed:
        play_printed(NOT_TOO_MANY)
    assert "failed=1" in str(failed.value)


FROM_URI = blocks("docs/from_uri_to_call.md")
COUNTED = (ROOT / "docs" / "from_uri_to_call.md").read_text(encoding="utf-8")


def test_lines_are_counted_as_printed():
    lines = [len(block.splitlines()) for block in FROM_URI]
    row = re.search(r"^\| lines of the plays below \| (\d+) \| (\d+) \| (\d+) \|$", COUNTED, re.M)
    now = re.findall(r"^\| [^|]* \| \d+ \| (\d+) \|$", COUNTED, re.M)
    assert [*row.groups(), *now] == [str(count) for count in lines]


@pytest.mark.parametrize(("place", "column"), [(0, 1), (2, 3)], ids=["uri", "call"])
def test_requests_are_counted_as_sent(real_pool, play_printed, place, column):
    play_printed(FROM_URI[place])
    row = re.search(r"^\| requests .*\|$", COUNTED, re.M)[0].split("|")
    sent = [call for call in real_pool.log if not call.method.startswith("event.")]
    assert str(len(sent)) == row[column + 1].strip(), [call.method for call in sent]
