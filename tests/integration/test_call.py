# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""call in plays and as a process: several at once, signals, check mode, secrets in arguments."""

from __future__ import annotations

import json
import signal

import pytest

from ansible_collections.xen.xapi.tests.simulator import Life
from ansible_collections.xen.xapi.tests.support.fixtures import answered, secrets_of
from ansible_collections.xen.xapi.tests.support.module_runner import start_module_process
from ansible_collections.xen.xapi.tests.support.polling import wait_until
from ansible_collections.xen.xapi.tests.support.samples import ENDLESS

LOGOUT = "session.logout"
SNAPSHOT = "Async.VM.snapshot"
OPTIONS = {
    "method": "VM.snapshot",
    "args": [{"class": "VM", "name_label": "web-1"}, "before the update"],
}
SEVERAL = """
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/xen.xapi.xapi:
      hostname: "{{ pool_url }}"
      password: "{{ pool_password }}"
  tasks:
    - name: Start several
      xen.xapi.call:
        method: VM.snapshot
        args:
          - {class: VM, name_label: "{{ item }}"}
          - snapshot of {{ item }}
        wait: false
      loop: [web-1, web-2, db-1]
      register: started

    - name: Wait for all
      xen.xapi.task_wait:
        ref: "{{ started.results | map(attribute='task.ref') }}"
      register: snapshots

    - name: Check what came of it
      ansible.builtin.assert:
        that:
          - started is changed
          - started.results | map(attribute='outcome') | unique == ['running']
          - snapshots.satisfied == started.results | map(attribute='task.uuid')
          - made | select('match', 'OpaqueRef:') | length == 3
      vars:
        made: "{{ snapshots.tasks | map(attribute='result_value') }}"

    - name: Read a value in check mode, too
      xen.xapi.call:
        method: VM.get_power_state
        args: [{class: VM, name_label: web-1}]
      register: power
      check_mode: true
      failed_when: power.result_value != 'Running' or power is changed

    - name: Call nothing in check mode
      xen.xapi.call:
        method: VM.clean_shutdown
        args: [{class: VM, name_label: web-1}]
        task: "{{ true }}"
      register: stopped
      check_mode: true
      failed_when: stopped is not changed or stopped.outcome != 'not_started'

    - name: Take numbers and booleans from templates
      xen.xapi.call:
        method: VM.start
        args:
          - {class: VM, name_label: db-1}
          - "{{ 1 == 2 }}"
          - "{{ 'false' }}"
        timeout: "{{ 60 }}"
"""


@pytest.mark.cores
def test_several_are_started_at_once_and_waited_for_together(pool, play_file, tmp_path):
    playbook = tmp_path / "several.yml"
    playbook.write_text(SEVERAL, encoding="utf-8")
    pool.operations.lives["VM.snapshot"] = Life(duration=15)
    play_file(playbook, pool_url=pool.url, pool_password=pool.password)
    starts = [call.session for call in pool.log.of(SNAPSHOT)]
    logouts = [call.session for call in pool.log.of(LOGOUT)]
    waits = [call.session for call in answered(pool, "event.from")]
    # Each start has a session of its own, which has ended when another one waits for the task.
    assert len(set(starts)) == 3
    assert set(starts) <= set(logouts[:3])
    assert not set(starts) & set(waits)


@pytest.fixture
def start_call(tmp_path):
    """Starts call on a pool, in a process of its own, as Ansible does."""
    return lambda pool, **options: start_module_process(
        tmp_path, "call", pool, {**OPTIONS, **options}
    )


def refs_of(pool):
    return list(pool.database["task"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_during_the_wait_names_the_task_that_goes_on(pool, start_call, number):
    pool.operations.lives["VM.snapshot"] = ENDLESS
    with start_call(pool) as module:
        assert wait_until(lambda: pool.events.blocked, within=60)
        module.send_signal(number)
        output, errors = module.communicate()
    result = json.loads(output)
    assert (module.returncode, errors) == (1, "")
    assert result["msg"].startswith(
        f"Stopped by {number.name}. The operation {SNAPSHOT} was started"
    )
    assert [result["task"]["ref"]] == refs_of(pool)
    assert result["outcome"] == "running"
    assert pool.sessions() == []


def test_signal_during_the_call_waits_for_its_answer(pool, start_call):
    """What is sent is not left: without the answer nobody would know what was started."""
    pool.fail(SNAPSHOT, delay=3)
    with start_call(pool) as module:
        assert wait_until(lambda: pool.log.of(SNAPSHOT), within=60)
        module.send_signal(signal.SIGTERM)
        result = json.loads(module.communicate()[0])
    assert [result["task"]["ref"]] == refs_of(pool)
    assert result["msg"].startswith("Stopped by SIGTERM. The operation")
    assert len(pool.log.of(SNAPSHOT)) == 1


def test_signal_before_the_call_starts_nothing(pool, start_call):
    pool.fail("host.get_servertime", delay=600)
    with start_call(pool) as module:
        assert wait_until(lambda: pool.log.of("host.get_servertime"), within=60)
        module.send_signal(signal.SIGTERM)
        result = json.loads(module.communicate()[0])
    assert result["outcome"] == "not_started"
    assert result["msg"] == f"The call of {SNAPSHOT} started nothing. Stopped by SIGTERM."
    assert not pool.log.of(SNAPSHOT)


def test_closed_output_during_the_wait_leaves_no_session(pool, start_call):
    pool.operations.lives["VM.snapshot"] = ENDLESS
    with start_call(pool) as module:
        assert wait_until(lambda: pool.events.blocked, within=60)
        module.stdout.close()
        assert module.wait() == 1
        assert module.stderr.read() == ""
    assert [call.method for call in pool.log][-1] == LOGOUT
    assert len(pool.log.of(SNAPSHOT)) == 1


@pytest.mark.cores
def test_interrupted_playbook_leaves_no_session_and_starts_once(pool, start_play):
    pool.operations.lives["VM.snapshot"] = ENDLESS
    options = {"hostname": pool.url, "password": pool.password, **OPTIONS}
    process = start_play(options, module="call")
    assert wait_until(lambda: pool.events.blocked, within=60)
    process.send_signal(signal.SIGINT)
    assert wait_until(lambda: not pool.sessions(), within=60)
    assert len(answered(pool, SNAPSHOT)) == 1


@pytest.mark.cores
def test_secrets_in_arguments_are_masked(pool, start_play, tmp_path):
    """Under such a key, a secret stands in no output, however much Ansible prints."""
    secret = "hunter2-hunter2"
    host = {"class": "host", "name_label": "host-1"}
    args = [host, "plugin", "function", {"username": "root", "chappassword": secret}]
    pool.operations.lives["host.call_plugin"] = Life(
        duration=0.1, outcome="failure", error=(secret,)
    )
    options = {"hostname": pool.url, "password": pool.password, "method": "host.call_plugin"}
    process = start_play(
        {**options, "args": args},
        module="call",
        environment={"ANSIBLE_VERBOSITY": "4", "ANSIBLE_LOG_PATH": str(tmp_path / "log")},
    )
    output, _errors = process.communicate()
    assert pool.log.of("Async.host.call_plugin")[0].params[3]["chappassword"] == secret
    assert process.returncode != 0
    assert "ended as failure" in output
    for told in (output, (tmp_path / "log").read_text()):
        for one in secrets_of(pool) | {secret}:
            assert one not in told
