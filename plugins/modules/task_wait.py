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
  - Waits until tasks of XAPI, the management API of XenServer and XCP-ng, have ended as they
    should, and fails if they have not, or if nobody can know.
  - The pool tells of each change as it happens, so that one task or a thousand cost a few requests
    a minute. What a lost message could hide is read again at least every 30 seconds.
  - Only the status of a task decides. V(success), V(failure) and V(cancelled) are final, and any
    other word means that the task is running, whatever its progress says.
  - A task that vanishes before its end was seen may have succeeded or failed. It counts as gone,
    never as a success. The server forgets all tasks when XAPI on the pool's master restarts.
  - While the pool does not answer, or is starting, or gets a new master, the module keeps trying
    until O(timeout), from the first moment on. Wrong credentials, certificates that do not fit and
    denied permissions end it at once.
options:
  wait_for:
    description:
      - With V(all), every task must end as O(expect) says.
      - With V(any), one must. Those that do not, are gone or are missing only leave the set, and
        the module fails when none is left. With O(on_missing=wait), missing ones are awaited.
      - With V(none), no running task may match for O(quiet_for). Tasks that appear meanwhile count,
        and whenever the way to the pool is interrupted the quiet time starts again. O(expect),
        O(fail_fast) and O(on_missing) are about a set of tasks, and have no use here.
    type: str
    choices: [all, any, none]
    default: all
  quiet_for:
    description:
      - With O(wait_for=none), for how long no running task may match. Written like O(timeout), and
        shorter than it.
      - The default is V(10), or V(0) where O(timeout) is 0.
    type: str
  include_housekeeping:
    description:
      - With O(wait_for=none) and no option that selects tasks, also count the tasks that a pool
        runs for itself all the time. By default the tasks of the group V(housekeeping) of O(kind)
        are left out, such as C(SR.scan), C(SR.update_snapshot_info_dest), C(/rrd_updates) and
        C(Connection to VM console), in addition to those of O(exclude).
      - O(resident_on), O(created_after) and O(created_before) only narrow the tasks of the pool, so
        that the default holds with them. With any other option that selects tasks, only O(exclude)
        leaves tasks out.
      - With V(true), O(wait_for) must be V(none).
    type: bool
    default: false
    version_added: 2.0.0
  ignore_stalled:
    description:
      - With O(wait_for=none), running tasks whose status and progress have not changed for this
        long do not count. RV(stalled) and a warning name them.
      - A task that has made no progress when it is first seen has not moved since it was created.
        For any other, only the time counts in which the module watches it.
      - Without it, every running task counts. Written like O(timeout).
    type: str
    version_added: 2.0.0
  expect:
    description: The final states that count as good.
    type: list
    elements: str
    choices: [success, failure, cancelled]
    default: [success]
  fail_fast:
    description:
      - With O(wait_for=all), fail at the first task that ends otherwise, is gone or is missing.
      - With V(false), the rest may end first, and all that went wrong is told together.
    type: bool
    default: true
  timeout:
    description:
      - How long to wait at most, from the first attempt to reach the pool on. At the end the tasks
        are read once more, which takes no more than 5 seconds.
      - Seconds, or numbers with C(w), C(d), C(h), C(m) or C(s), such as V(30m) or V(1h30m).
      - With V(0) the module looks once, and a pool that does not answer is an error at once. With
        V(never) it waits without a limit.
    type: str
    default: "3600"
  method:
    description:
      - V(events) has the pool tell of changes, V(poll) reads every O(poll_interval) seconds.
      - V(auto) uses events, and polls where the server refuses them or where the requests for them
        fail twice in a row although others are answered, as behind some proxies.
    type: str
    choices: [auto, events, poll]
    default: auto
  poll_interval:
    description:
      - The time between two readings when polling. Written like O(timeout), at least 0.1 seconds,
        and with O(wait_for=none) at most 30.
    type: str
    default: "2"
  on_missing:
    description:
      - What to do about each uuid and reference that no task has, and about a selection by label or
        filter that no task matches.
      - V(ok) goes on without them and warns, V(wait) gives them until O(timeout) to appear.
    type: str
    choices: [fail, ok, wait]
    default: fail
  on_gone:
    description:
      - What to do when a task disappears before its end was seen, so that its outcome is unknown.
      - With O(wait_for=none) it only counts if it may still be running. It has ended if the same
        session has seen it all the time, its host is live, enabled, and has not restarted XAPI, and
        it was under 24 hours old, since the server deletes older ones. While its host is disabled,
        the module waits for the host to be enabled or to tell of a restart.
      - V(ok) goes on without it and warns.
    type: str
    choices: [fail, ok]
    default: fail
extends_documentation_fragment:
  - xen.xapi.connection
  - xen.xapi.selector
  - xen.xapi.attributes
  - xen.xapi.attributes.changes_nothing
  - xen.xapi.attributes.waits
notes:
  - The tasks are given by O(uuid) and O(ref), or selected by O(name_label), O(name_regex) or a
    filter; one of these is needed. Filters and O(exclude) do not go with O(uuid) and O(ref).
    With O(wait_for=none) nothing need be given, which means the whole pool, and O(uuid), O(ref),
    O(min_age), O(max_age) and O(cancellable) do not go with it.
  - RV(excluded) names the running tasks that O(exclude), or the default of
    O(include_housekeeping), left out.
  - With O(wait_for=none) and O(object), every operation that the object names in its
    C(current_operations) counts, even if its task no longer exists. Existing tasks can be left out
    by label, filter or O(exclude).
  - With O(wait_for=none), a match that began and ended between two answers of the pool, which are
    at most 30 seconds apart, starts the quiet time again if its record still exists. If its client
    deleted it at once, it cannot be seen.
  - A selection is made at the first check at which any task matches. Tasks that had finished before
    the very first check are left out, so that an old success opens no gate, unless O(created_after)
    or O(max_age) is given. With O(wait_for=all), each later match joins as soon as it is seen,
    whether it is running or has finished, and the tasks are listed once more before the module
    succeeds.
  - An empty list of O(uuid) or O(ref) opens O(wait_for=all) at once, with a warning.
seealso:
  - module: xen.xapi.task_info
"""

EXAMPLES = r"""
---
- name: Go on when a task has succeeded
  xen.xapi.task_wait:
    hostname: xcp1.example.com
    password: "{{ pool_password }}"
    ref: "{{ import_task_ref }}"
    timeout: 30m
  register: imported

- name: Use what it returned
  ansible.builtin.debug:
    msg: "The new VM is {{ imported.tasks[0].result_value }}"

- name: Wait for several, and hear of everything that went wrong
  xen.xapi.task_wait:
    hostname:
      - xcp1.example.com
      - xcp2.example.com
    password: "{{ pool_password }}"
    ca_path: /etc/ssl/certs/pool.pem
    uuid: "{{ copy_task_uuids }}"
    fail_fast: false
    timeout: 2h

- name: Wait for every snapshot that began after a step did, with the pool from the environment
  xen.xapi.task_wait:
    name_label: Async.VM.snapshot
    created_after: "{{ step_began }}"

- name: Go on when nothing has been running in the pool for a minute
  xen.xapi.task_wait:
    hostname: xcp1.example.com
    password: "{{ pool_password }}"
    wait_for: none
    quiet_for: 1m
    timeout: 2h

- name: Go on when nothing works on a virtual machine any more
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

- name: Go on when a task is over or gone, even if its work may go on after a restart
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
    - The tasks that were waited for, each as it was last seen. A value is null where it is not
      known.
    - With O(ref) and O(uuid) they are in the order in which these name them, those of O(ref) first.
    - With O(wait_for=none), these are the matches that are running, the latest 200 that have ended
      meanwhile, and those that disappeared and may still be running.
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
      description: The label, which is the name of the method for most tasks.
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
          and V(other). See O(kind).
      type: str
      sample: snapshot
    client:
      description:
        - The program that gives tasks such a label, one of V(xapi), V(xo), V(xe), V(xencenter) and
          V(sm). Null if it is unknown, or if several do. A call of XAPI's API has a label of
          V(xapi), whichever client made it.
      type: str
      sample: xapi
    status:
      description:
        - The state in the server's word. V(success), V(failure) and V(cancelled) are final.
          V(pending), V(cancelling) and any other word mean that the task is running.
      type: str
      sample: pending
    is_finished:
      description: Whether RV(tasks[].status) is final.
      type: bool
      sample: false
    progress:
      description:
        - What is done, from 0 to 1. The server writes 1 at every end, after a failure too, and may
          do so before the task ends.
      type: float
      sample: 0.25
    created:
      description: When the task was made, by the clock of the host that made it.
      type: str
      sample: "2026-11-23T10:11:12Z"
    finished:
      description: When it ended. Null for a task that is running, and where the server set no time.
      type: str
      sample: null
    age:
      description:
        - Seconds between RV(tasks[].created) and RV(server_time). Null if the creation time cannot
          be right, as when it is in the future.
      type: int
      sample: 90
    duration:
      description:
        - Seconds between RV(tasks[].created) and RV(tasks[].finished). Null if one of these cannot
          be right.
      type: int
      sample: null
    eta:
      description:
        - Seconds that are left if the task goes on at its average speed. Null unless the task is
          running, its progress is between 0 and 1, and it is at least 10 seconds old.
      type: int
      sample: 270
    allowed_operations:
      description: What the server offers to do with the task, C(cancel) or C(destroy).
      type: list
      elements: str
      sample: [cancel]
    current_operations:
      description: What was asked to be done with the task, C(cancel) or C(destroy), by request.
      type: dict
      sample: {}
    cancellable:
      description: Whether the task is running and the server offers to cancel it.
      type: bool
      sample: true
    resident_on:
      description: The reference of the host that the task runs on.
      type: str
      sample: OpaqueRef:5f2c8ef0-35c6-3c1b-3bb9-ea9c5bcd5a6e
    type:
      description: The server's word for the kind of result, which is always the same.
      type: str
      sample: <none/>
    result:
      description: The result as the server keeps it, the XML of an XML-RPC value for most tasks.
      type: str
      sample: ""
    result_value:
      description:
        - The result decoded. Null if there is none. Integers come as texts, since the server
          writes them like that. A result that cannot be decoded safely is left as it is.
      type: raw
      sample: null
    error_info:
      description: The error as the server keeps it, its code first. Empty without an error.
      type: list
      elements: str
      sample: []
    error:
      description: The error, or null.
      type: dict
      sample: null
      contains:
        code:
          description: The server's code of the error.
          type: str
          sample: VM_BAD_POWER_STATE
        params:
          description: What the server says to the code.
          type: list
          elements: str
        message:
          description: A sentence for the common codes, else the code and its parameters.
          type: str
    backtrace:
      description: The places in the server's code that the error went through.
      type: str
      sample: ()
    subtask_of:
      description: The reference of the task that this one is a part of.
      type: str
      sample: null
    subtasks:
      description: The references of the tasks that are parts of this one.
      type: list
      elements: str
      sample: []
    other_config:
      description: Keys and values that clients keep with the task.
      type: dict
      sample: {}
    gone:
      description: Whether the task disappeared before its end was seen; this is the last record.
      type: bool
      sample: false
satisfied:
  description:
    - The uuids of the tasks that ended as O(expect) says.
    - With O(wait_for=none), of those that ended meanwhile, however they did.
  returned: when the pool was reached
  type: list
  elements: str
  sample: [9c2ee352-3f95-0e0a-8f77-4c4e7a3f2d11]
unmet:
  description: The uuids of the tasks that were still running.
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
unexpected:
  description: The uuids of the tasks that ended otherwise.
  returned: when the pool was reached
  type: list
  elements: str
  sample: []
gone:
  description:
    - The uuids of the tasks that disappeared before their end was seen.
    - With O(wait_for=none), only of those that may still be running.
  returned: when the pool was reached
  type: list
  elements: str
  sample: []
waited:
  description: Whether the first look did not decide, or could not be had.
  returned: when the pool was asked
  type: bool
  sample: true
elapsed:
  description: How many seconds the module waited.
  returned: when the pool was asked
  type: float
  sample: 12.345
timed_out:
  description: Whether it was the end of O(timeout) that ended the wait.
  returned: when the pool was asked
  type: bool
  sample: false
method:
  description: How the tasks were watched in the end, V(events) or V(poll).
  returned: when the pool was asked
  type: str
  sample: events
timeline:
  description:
    - What happened while the tasks were watched, a row for each change of a status and for each
      tenth of progress. There are at most 200, the changes of a status before the others.
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
      description: The status, or V(gone) for a task that vanished.
      type: str
      sample: pending
    progress:
      description: The progress, from 0 to 1.
      type: float
      sample: 0.5
missing:
  description: What was asked for and does not exist.
  returned: when the pool was reached
  type: dict
  contains:
    uuid:
      description: The uuids that no task has.
      type: list
      elements: str
      sample: []
    ref:
      description: The references that no task has.
      type: list
      elements: str
      sample: []
excluded:
  description:
    - The running tasks that only O(exclude) left out, at the first look, or with O(wait_for=none)
      at the latest one.
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
      description: The name of the pool, which many pools leave empty.
      type: str
      sample: production
    master:
      description: The name of the host that is the pool's master.
      type: str
      sample: xcp1
server_time:
  description:
    - The clock of the pool's master at the end, reckoned from what it was at the first look.
  returned: when the pool was reached
  type: str
  sample: "2026-11-23T10:12:42Z"
requests:
  description: How many requests were sent to the pool, the login and the logout among them.
  returned: when the pool was asked
  type: int
  sample: 6
calls:
  description: The latest calls that were made, in their order, without parameters.
  returned: with C(-vvv)
  type: list
  elements: dict
  contains:
    method:
      description: The method of XAPI.
      type: str
      sample: task.get_all_records
    host:
      description: The host that was called.
      type: str
      sample: https://xcp1.example.com
    seconds:
      description: How long the call took.
      type: float
      sample: 0.021
    error:
      description: The server's code of the error, the kind of another failure, or null.
      type: str
      sample: null
error:
  description: The error with which the server answered a request.
  returned: when the module fails because of it
  type: dict
  contains:
    code:
      description: The server's code of the error.
      type: str
      sample: SESSION_AUTHENTICATION_FAILED
    params:
      description: What the server says to the code.
      type: list
      elements: str
    message:
      description: A sentence for the common codes, else the code and its parameters.
      type: str
"""

from dataclasses import replace
from typing import Any

from ..module_utils._client.options import connection_spec
from ..module_utils._module import Run, run_module
from ..module_utils._tasks.options import (
    SELECTOR_EXCLUSIVE,
    parse_selection,
    selector_spec,
    with_default_exclude,
)
from ..module_utils._wait.completion import CompletionCondition
from ..module_utils._wait.completion_report import CompletionReport
from ..module_utils._wait.options import parse_wait_options, waiting_spec
from ..module_utils._wait.quiet import QuietCondition
from ..module_utils._wait.quiet_report import QuietReport
from ..module_utils._wait.waiter import Waiter


def argument_spec() -> dict[str, dict[str, Any]]:
    return {**connection_spec(), **selector_spec(), **waiting_spec()}


def wait_for_tasks(run: Run) -> dict[str, Any]:
    selection = replace(parse_selection(run.params, given=run.raw_params), is_gate=True)
    waiting = parse_wait_options(run.params, selection)
    with run.connect() as session:
        condition: CompletionCondition | QuietCondition
        if waiting.quiet_for is None:
            condition = CompletionCondition(session, selection, waiting.rules, clock=run.clock)
        else:
            condition = QuietCondition(
                session,
                with_default_exclude(selection, run.params),
                quiet_for=waiting.quiet_for,
                on_gone=waiting.rules.on_gone,
                ignore_stalled=waiting.ignore_stalled,
                clock=run.clock,
            )
        waiter = Waiter(
            session,
            condition,
            timeout=waiting.timeout,
            method=waiting.method,
            poll_interval=waiting.poll_interval,
            clock=run.clock,
            sleep=run.sleep,
        )
        report: CompletionReport | QuietReport
        if isinstance(condition, CompletionCondition):
            report = CompletionReport(session, condition, waiter, params=run.params)
        else:
            report = QuietReport(session, condition, waiter, params=run.params)
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


def main() -> None:
    run_module(
        wait_for_tasks,
        argument_spec=argument_spec(),
        mutually_exclusive=SELECTOR_EXCLUSIVE,
    )


if __name__ == "__main__":
    main()
