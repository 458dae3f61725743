#!/usr/bin/python

# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: task_wait
short_description: Wait for tasks of a XenServer or XCP-ng pool
version_added: 1.0.0
author:
  - xen.xapi contributors (@xen-xapi)
description:
  - Waits for tasks of XAPI, the management API of XenServer and XCP-ng, to end in an expected
    state. Fails if a task ends in another state or if its outcome cannot be determined.
  - Uses the event API of the pool, so a wait for a thousand tasks costs no more requests than a
    wait for one. All tasks are read again at least every 30 seconds, in case an event was lost.
  - Only the status of a task decides. V(success), V(failure) and V(cancelled) are final. Any other
    status means that the task is running, whatever its progress is.
  - A task that disappears while it is running may have succeeded or failed. It counts as gone,
    never as a success. The server forgets all tasks when XAPI on the pool's master restarts.
  - While the pool does not answer, is starting or changes its master, the module retries until
    O(timeout). This includes the first attempt. Wrong credentials, untrusted certificates and
    denied permissions end the module at once.
options:
  wait_for:
    description:
      - With V(all), every task must end as O(expect) says.
      - With V(any), one task must. Tasks that end otherwise, disappear or are missing are dropped,
        and the module fails when none remain. With O(on_missing=wait), it waits for missing ones.
      - With V(none), no running task may match for the time O(quiet_for). Tasks that appear during
        the wait count, and an interrupted connection restarts the quiet time. O(expect),
        O(fail_fast) and O(on_missing) have no effect.
    type: str
    choices: [all, any, none]
    default: all
  quiet_for:
    description:
      - With O(wait_for=none), how long no running task may match. Written like O(timeout), and
        shorter than it.
      - The default is V(10), or V(0) if O(timeout) is 0.
    type: str
  include_housekeeping:
    description:
      - With O(wait_for=none) and no option that selects tasks, also count the tasks that a pool
        runs for itself. By default the tasks of the group V(housekeeping) of O(kind) do not count,
        such as C(SR.scan), C(SR.update_snapshot_info_dest), C(/rrd_updates) and C(Connection to VM
        console), in addition to those of O(exclude).
      - O(resident_on), O(created_after) and O(created_before) only narrow the tasks of the pool, so
        the default also applies with them. With any other option that selects tasks, only
        O(exclude) leaves tasks out.
      - With V(true), O(wait_for) must be V(none).
    type: bool
    default: false
    version_added: 2.0.0
  ignore_stalled:
    description:
      - With O(wait_for=none), do not count running tasks whose status and progress have not changed
        for this long. RV(stalled) and a warning name them. By default every running task counts.
      - A task without any progress has not moved since it was created. For any other task, only
        the time counts during which the module watches it.
      - Written like O(timeout).
    type: str
    version_added: 2.0.0
  expect:
    description: The final states in which a task may end.
    type: list
    elements: str
    choices: [success, failure, cancelled]
    default: [success]
  fail_fast:
    description:
      - With O(wait_for=all), fail as soon as one task ends otherwise, disappears or is missing.
      - With V(false), the module lets the other tasks end first and reports all failures together.
    type: bool
    default: true
  timeout:
    description:
      - How long to wait, counted from the first attempt to reach the pool. When it has passed, the
        tasks are read once more, which takes 5 seconds at most.
      - Seconds, or numbers with C(w), C(d), C(h), C(m) or C(s), such as V(30m) or V(1h30m).
      - With V(0) the module checks once, and a pool that does not answer is an error. With V(never)
        it waits without a limit.
    type: str
    default: "3600"
  method:
    description:
      - V(events) receives changes from the pool, and V(poll) reads the tasks every
        O(poll_interval) seconds.
      - V(auto) uses events. It polls if the server refuses them, or if requests for events fail
        twice in a row while others are answered, as happens behind some proxies.
    type: str
    choices: [auto, events, poll]
    default: auto
  poll_interval:
    description:
      - The time between two reads when polling. Written like O(timeout). The minimum is 0.1
        seconds, and the maximum with O(wait_for=none) is 30.
    type: str
    default: "2"
  on_missing:
    description:
      - How to treat a uuid or a reference that does not exist, and a selection by label or filter
        that matches no task.
      - V(fail) fails, V(ok) continues without them and warns, and V(wait) waits until O(timeout)
        for them to appear.
    type: str
    choices: [fail, ok, wait]
    default: fail
  on_gone:
    description:
      - How to treat a task that disappears while it is running, so that its outcome is unknown.
        V(fail) fails, and V(ok) continues without it and warns.
      - With O(wait_for=none), this applies only to a task that may still be running. A task has
        ended if the same session watched it all the time, if its host is live, enabled and has not
        restarted XAPI, and if it was less than 24 hours old, because the server deletes older
        ones. While its host is disabled, the module waits until the host is enabled or reports a
        restart.
    type: str
    choices: [fail, ok]
    default: fail
extends_documentation_fragment:
  - xen.xapi.connection
  - xen.xapi.selector
  - xen.xapi.progress
  - xen.xapi.attributes
  - xen.xapi.attributes.changes_nothing
  - xen.xapi.attributes.waits
notes:
  - Give the tasks by O(uuid) and O(ref), or select them by O(name_label), O(name_regex) or a
    filter. One of these is required. Filters and O(exclude) cannot be used with O(uuid) and O(ref).
  - With O(wait_for=none) no selection is required, and the default is the whole pool. O(uuid),
    O(ref), O(min_age), O(max_age) and O(cancellable) cannot be used with it.
  - RV(excluded) lists the running tasks that O(exclude), or the default of
    O(include_housekeeping), left out.
  - With O(wait_for=none) and O(object), every operation that the object names in its
    C(current_operations) counts, even if its task no longer exists. Existing tasks can be left out
    by label, filter or O(exclude).
  - With O(wait_for=none), a match that began and ended between two answers of the pool, which are
    at most 30 seconds apart, restarts the quiet time if its record still exists. If its client
    deleted it at once, the module cannot see it.
  - A selection is made at the first check at which any task matches. Tasks that had finished before
    the very first check are left out, so that an old success does not count, unless
    O(created_after) or O(max_age) is given. With O(wait_for=all), each later match joins as soon as
    it is seen, running or finished, and the tasks are listed once more before the module succeeds.
  - With an empty list in O(uuid) or O(ref), O(wait_for=all) succeeds at once, with a warning.
seealso:
  - module: xen.xapi.task_info
  - module: xen.xapi.task_cancel
  - name: The role xen.xapi.task_gate
    description: Packages the usual gates.
    link: https://github.com/xen-xapi/xen.xapi/blob/main/roles/task_gate/README.md
  - name: Gate a deploy step on tasks
    description: A guide with complete playbooks.
    link: https://github.com/xen-xapi/xen.xapi/blob/main/docs/gate_a_deploy_step.md
  - name: Wait until the pool is quiet
    description: A guide with complete playbooks.
    link: https://github.com/xen-xapi/xen.xapi/blob/main/docs/wait_until_quiet.md
"""

EXAMPLES = r"""
---
- name: Continue when a task has succeeded
  xen.xapi.task_wait:
    hostname: xcp1.example.com
    password: "{{ pool_password }}"
    ref: "{{ import_task_ref }}"
    timeout: 30m
  register: imported

- name: Use the result of the task
  ansible.builtin.debug:
    msg: "The new VM is {{ imported.tasks[0].result_value }}"

- name: Wait for several tasks and report all failures together
  xen.xapi.task_wait:
    hostname:
      - xcp1.example.com
      - xcp2.example.com
    password: "{{ pool_password }}"
    ca_path: /etc/ssl/certs/pool.pem
    uuid: "{{ copy_task_uuids }}"
    fail_fast: false
    timeout: 2h

- name: Wait for every snapshot created since a step began, on the pool that the environment names
  xen.xapi.task_wait:
    name_label: Async.VM.snapshot
    created_after: "{{ step_began }}"

- name: Continue when no task has been running in the pool for a minute
  xen.xapi.task_wait:
    hostname: xcp1.example.com
    password: "{{ pool_password }}"
    wait_for: none
    quiet_for: 1m
    timeout: 2h

- name: Continue when no task works on a virtual machine
  xen.xapi.task_wait:
    hostname: xcp1.example.com
    password: "{{ pool_password }}"
    wait_for: none
    object:
      type: VM
      uuid: "{{ vm_uuid }}"

- name: Continue once no backup is running
  xen.xapi.task_wait:
    hostname: xcp1.example.com
    password: "{{ pool_password }}"
    wait_for: none
    kind: [backup]
    quiet_for: 1m
    timeout: 6h

- name: Continue when a task has ended or disappeared, whatever its outcome
  xen.xapi.task_wait:
    hostname: xcp1.example.com
    password: "{{ pool_password }}"
    ref: "{{ import_task_ref }}"
    expect: [success, failure, cancelled]
    on_gone: ok
    on_missing: ok
"""

RETURN = r"""
---
tasks:
  description:
    - The tasks of the wait, each as it was last seen. Unknown values are null.
    - With O(ref) and O(uuid) they are in the order of these lists, those of O(ref) first.
    - With O(wait_for=none), these are the running matches, the latest 200 that ended during the
      wait, and those that disappeared and may still be running.
  returned: when the pool was reached
  type: list
  elements: dict
  contains:
    ref:
      description: The reference of the task.
      type: str
      sample: OpaqueRef:0c5e9ed6-2d4d-7a95-13a7-ea0c8a9b6b5f
    uuid:
      description: The uuid of the task.
      type: str
      sample: 9c2ee352-3f95-0e0a-8f77-4c4e7a3f2d11
    name_label:
      description: The label, for most tasks the name of the method.
      type: str
      sample: Async.VM.snapshot
    name_description:
      description: The description, empty for most tasks.
      type: str
      sample: ""
    kind:
      description:
        - What the task does, one of V(export), V(import), V(copy), V(snapshot), V(migration),
          V(power), V(host), V(update), V(storage_gc), V(scan), V(plugin), V(console), V(metrics)
          and V(other). See O(xen.xapi.task_info#module:kind).
      type: str
      sample: snapshot
      version_added: 2.0.0
    client:
      description:
        - The program that gives tasks such a label, one of V(xapi), V(xo), V(xe), V(xencenter) and
          V(sm). Null if it is unknown, or if several do. A call of XAPI's API has a label of
          V(xapi), whichever client made it.
      type: str
      sample: xapi
      version_added: 2.0.0
    status:
      description:
        - The status as the server returns it. V(success), V(failure) and V(cancelled) are final.
          V(pending), V(cancelling) and any other value mean that the task is running.
      type: str
      sample: pending
    is_finished:
      description: Whether RV(tasks[].status) is final.
      type: bool
      sample: false
    progress:
      description:
        - The share of the work that is done, from 0 to 1. The server writes 1 when a task ends,
          even after a failure, and may write it earlier.
      type: float
      sample: 0.25
    created:
      description: When the task was created, by the clock of the host that created it.
      type: str
      sample: "2026-11-23T10:11:12Z"
    finished:
      description: When the task ended. Null if it is running or if the server recorded no time.
      type: str
      sample: null
    age:
      description:
        - Seconds between RV(tasks[].created) and RV(server_time). Null if the creation time is
          implausible, for example in the future.
      type: int
      sample: 90
    duration:
      description:
        - Seconds between RV(tasks[].created) and RV(tasks[].finished). Null if one of them is
          missing or implausible.
      type: int
      sample: null
    eta:
      description:
        - Estimated seconds until the task ends, at its average speed so far. Null unless the task
          is running, its progress is between 0 and 1, and it is at least 10 seconds old.
      type: int
      sample: 270
    allowed_operations:
      description: The operations that the server offers for the task, C(cancel) or C(destroy).
      type: list
      elements: str
      sample: [cancel]
    current_operations:
      description: The operations requested for the task, C(cancel) or C(destroy), by request.
      type: dict
      sample: {}
    cancellable:
      description: Whether the task is running and the server offers to cancel it.
      type: bool
      sample: true
    resident_on:
      description: The reference of the host that runs the task.
      type: str
      sample: OpaqueRef:5f2c8ef0-35c6-3c1b-3bb9-ea9c5bcd5a6e
    type:
      description: The type of the result. The server always returns the same value.
      type: str
      sample: <none/>
    result:
      description: The result as the server stores it, for most tasks the XML of an XML-RPC value.
      type: str
      sample: ""
    result_value:
      description:
        - The decoded result, or null without one. Integers are strings, because the server writes
          them that way. A result that cannot be decoded safely is returned unchanged.
      type: raw
      sample: null
    error_info:
      description: The error as the server stores it, its code first. Empty without an error.
      type: list
      elements: str
      sample: []
    error:
      description: The error, or null.
      type: dict
      sample: null
      contains:
        code:
          description: The XAPI error code.
          type: str
          sample: VM_BAD_POWER_STATE
        params:
          description: The parameters of the error.
          type: list
          elements: str
        message:
          description: A sentence for common codes, otherwise the code and its parameters.
          type: str
    backtrace:
      description:
        - The positions in the server's code that the error passed. A module that fails returns
          the first 200 characters, and all of them with C(-vvv).
      type: str
      sample: ()
    subtask_of:
      description: The reference of the parent task.
      type: str
      sample: null
    subtasks:
      description: The references of the subtasks.
      type: list
      elements: str
      sample: []
    other_config:
      description: Keys and values that clients store with the task.
      type: dict
      sample: {}
    gone:
      description: Whether the task disappeared while it was running. This is its last record.
      type: bool
      sample: false
tasks_omitted:
  description:
    - How many tasks RV(tasks) leaves out. A failure returns at most 20, those that its message
      names first. The lists of uuids name all of them.
  returned: when the module fails with more than 20 tasks
  type: int
  sample: 480
  version_added: 2.0.0
satisfied:
  description:
    - The uuids of the tasks that ended as O(expect) says.
    - With O(wait_for=none), the uuids of the tasks that ended during the wait, in any state.
  returned: when the pool was reached
  type: list
  elements: str
  sample: [9c2ee352-3f95-0e0a-8f77-4c4e7a3f2d11]
unmet:
  description: The uuids of the tasks that are still running.
  returned: when the pool was reached
  type: list
  elements: str
  sample: []
stalled:
  description: The uuids of the running tasks that did not count because of O(ignore_stalled).
  returned: when the pool was reached
  type: list
  elements: str
  sample: []
  version_added: 2.0.0
unexpected:
  description: The uuids of the tasks that ended in another state.
  returned: when the pool was reached
  type: list
  elements: str
  sample: []
gone:
  description:
    - The uuids of the tasks that disappeared while they were running.
    - With O(wait_for=none), only the uuids of those that may still be running.
  returned: when the pool was reached
  type: list
  elements: str
  sample: []
waited:
  description: Whether the module had to wait, because the first check did not decide or failed.
  returned: when the pool was asked
  type: bool
  sample: true
elapsed:
  description: How long the module waited, in seconds.
  returned: when the pool was asked
  type: float
  sample: 12.345
timed_out:
  description: Whether the wait ended because O(timeout) passed.
  returned: when the pool was asked
  type: bool
  sample: false
method:
  description: How the tasks were last watched, V(events) or V(poll).
  returned: when the pool was asked
  type: str
  sample: events
timeline:
  description:
    - The changes that the module saw, one row for each change of status and for each 10 % of
      progress. There are at most 200 rows. Changes of status take precedence.
  returned: when the pool was reached
  type: list
  elements: dict
  contains:
    at:
      description: The time by the server's clock.
      type: str
      sample: "2026-11-23T10:12:30Z"
    uuid:
      description: The uuid of the task.
      type: str
      sample: 9c2ee352-3f95-0e0a-8f77-4c4e7a3f2d11
    status:
      description: The status, or V(gone) for a task that disappeared.
      type: str
      sample: pending
    progress:
      description: The progress, from 0 to 1.
      type: float
      sample: 0.5
missing:
  description: The given tasks that do not exist.
  returned: when the pool was reached
  type: dict
  contains:
    uuid:
      description: The uuids that were not found.
      type: list
      elements: str
      sample: []
    ref:
      description: The references that were not found.
      type: list
      elements: str
      sample: []
excluded:
  description:
    - The running tasks that only O(exclude) left out, at the first check, or with
      O(wait_for=none) at the latest one.
  returned: when the pool was reached
  type: list
  elements: dict
  sample: []
  contains:
    uuid:
      description: The uuid of the task.
      type: str
    ref:
      description: The reference of the task.
      type: str
    name_label:
      description: The label of the task.
      type: str
    status:
      description: The status of the task.
      type: str
pool:
  description: The pool that answered.
  returned: when the pool was reached
  type: dict
  contains:
    uuid:
      description: The uuid of the pool.
      type: str
      sample: 3c1f9d0a-9d3e-6b0c-5a5b-1e2f3a4b5c6d
    name_label:
      description: The name of the pool. Many pools have an empty one.
      type: str
      sample: production
    master:
      description: The name of the host that is the pool's master.
      type: str
      sample: xcp1
server_time:
  description:
    - The time on the pool's master at the end, calculated from its time at the first check.
  returned: when the pool was reached
  type: str
  sample: "2026-11-23T10:12:42Z"
requests:
  description: The number of requests sent to the pool, including login and logout.
  returned: when the pool was asked
  type: int
  sample: 6
calls:
  description: The latest calls in the order in which they were made, without parameters.
  returned: with C(-vvv)
  type: list
  elements: dict
  contains:
    method:
      description: The XAPI method.
      type: str
      sample: task.get_all_records
    host:
      description: The host that was called.
      type: str
      sample: https://xcp1.example.com
    seconds:
      description: How long the call took, in seconds.
      type: float
      sample: 0.021
    error:
      description: The XAPI error code, the kind of another failure, or null.
      type: str
      sample: null
error:
  description: The error that the server returned for a request.
  returned: when the module fails because of it
  type: dict
  contains:
    code:
      description: The XAPI error code.
      type: str
      sample: SESSION_AUTHENTICATION_FAILED
    params:
      description: The parameters of the error.
      type: list
      elements: str
    message:
      description: A sentence for common codes, otherwise the code and its parameters.
      type: str
"""

from dataclasses import replace
from typing import Any

from ..module_utils._client.options import connection_spec
from ..module_utils._client.session import Session
from ..module_utils._module import Run, run_module
from ..module_utils._progress import progress_spec
from ..module_utils._tasks.options import (
    SELECTOR_EXCLUSIVE,
    parse_selection,
    selector_spec,
    with_default_exclude,
)
from ..module_utils._tasks.selection import Selection
from ..module_utils._wait.completion import CompletionCondition
from ..module_utils._wait.completion_report import CompletionReport
from ..module_utils._wait.options import WaitOptions, parse_wait_options, waiting_spec
from ..module_utils._wait.progress import observe
from ..module_utils._wait.quiet import QuietCondition
from ..module_utils._wait.quiet_report import QuietReport
from ..module_utils._wait.report import WaitReport
from ..module_utils._wait.waiter import Waiter


def argument_spec() -> dict[str, dict[str, Any]]:
    return {**connection_spec(), **selector_spec(), **waiting_spec(), **progress_spec()}


def wait_for_tasks(run: Run) -> dict[str, Any]:
    selection = replace(parse_selection(run.params, given=run.raw_params), is_gate=True)
    options = parse_wait_options(run.params, selection)
    with run.connect() as session:
        waiter, report = prepare_wait(run, session, selection, options)
        run.partial_result = report.to_dict
        if run.check_mode:
            waiter.refresh()
        else:
            waiter.wait()
    if run.check_mode:
        for warning in (report.check_mode_warning(), *report.age_warnings()):
            run.warn(warning)
        return report.to_dict()
    for warning in report.warnings():
        run.warn(warning)
    return {**report.to_dict(), **report.failure()}


def prepare_wait(
    run: Run, session: Session, selection: Selection, options: WaitOptions
) -> tuple[Waiter, WaitReport]:
    """Return a waiter for the condition that the options describe, and its report."""

    def create_waiter(condition: CompletionCondition | QuietCondition) -> Waiter:
        return Waiter(
            session,
            condition,
            timeout=options.timeout,
            method=options.method,
            poll_interval=options.poll_interval,
            clock=run.clock,
            sleep=run.sleep,
            observe=observe(condition, run.progress, clock=run.clock),
        )

    if options.quiet_for is None:
        completion = CompletionCondition(session, selection, options.rules, clock=run.clock)
        waiter = create_waiter(completion)
        return waiter, CompletionReport(session, completion, waiter, params=run.params)
    quiet = QuietCondition(
        session,
        with_default_exclude(selection, run.params),
        quiet_for=options.quiet_for,
        on_gone=options.rules.on_gone,
        ignore_stalled=options.ignore_stalled,
        clock=run.clock,
    )
    waiter = create_waiter(quiet)
    return waiter, QuietReport(session, quiet, waiter, params=run.params)


def main() -> None:
    run_module(
        wait_for_tasks,
        argument_spec=argument_spec(),
        mutually_exclusive=SELECTOR_EXCLUSIVE,
    )


if __name__ == "__main__":
    main()
