#!/usr/bin/python

# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: call
short_description: Call a method of XAPI and wait for its task
version_added: 2.0.0
author:
  - xen.xapi contributors (@xen-xapi)
description:
  - Calls one method of XAPI, the management API of XenServer and XCP-ng, such as C(VM.snapshot),
    waits for the task that it starts, and returns the result.
  - The module never starts an operation twice. If the answer to the call is lost, it fails with
    RV(outcome=unknown) and lists the tasks that the call may have started.
  - The module fails if the task ends in a state that is not in O(expect), if it disappears before
    its end is seen, or if O(timeout) passes. After a timeout, the operation continues in the pool.
  - The module has a description of the methods of XAPI 26.17. With it, the module checks and
    converts O(args) before it sends the call, and an error lists the parameters of the method. A
    method that is not in the description is called exactly as written.
options:
  method:
    description:
      - The method to call, as C(class.method), such as V(VM.snapshot), V(host.evacuate) or
        V(VM.get_power_state), without C(Async.). Case matters.
      - A method whose name begins with C(get_) or C(assert_) only reads. It changes nothing and
        also runs in check mode.
      - The module refuses methods of the classes C(session), C(event) and C(secret), methods that
        take or return a session, and methods that take a password or a private key, because
        Ansible prints and logs options and results.
    type: str
    required: true
  args:
    description:
      - The arguments in the order of the API, without the session.
      - Give an object by its reference, or as a map of C(class) and one of C(uuid) and
        C(name_label), as in the examples. It must exist, and no other object of its class may have
        this name.
      - Write booleans, numbers, lists and maps as in YAML. A string such as V("12") is converted if
        the method takes a number, because templates return strings. Write times such as
        C(2026-11-23T10:11:12Z).
      - The module masks values under keys such as C(password), and an argument that follows such a
        name, as in C(VM.add_to_other_config). For any other secret, set C(no_log) on the task.
    type: list
    elements: raw
    default: []
  task:
    description:
      - Whether to call the asynchronous form of the method, which starts a task. With V(auto), the
        module does so if the method has this form and does not only read.
      - Without a task, the server answers when the work is done. It must answer within
        O(request_timeout), and O(wait), O(timeout), O(expect) and O(wait_method) have no effect.
    type: str
    choices: [auto, "true", "false"]
    default: auto
  wait:
    description:
      - Whether to wait for the end of the task. With V(false), the module returns RV(task) at once,
        and M(xen.xapi.task_wait) can wait for it later, together with others.
    type: bool
    default: true
  timeout:
    description:
      - How long to wait for the task, counted from its start. When it has passed, the task is read
        once more, which takes 5 seconds at most.
      - Seconds, or numbers with C(w), C(d), C(h), C(m) or C(s), such as V(30m) or V(1h30m).
      - With V(0) the module checks once. With V(never) it waits without a limit.
    type: str
    default: "3600"
  expect:
    description: The final states in which the task may end.
    type: list
    elements: str
    choices: [success, failure, cancelled]
    default: [success]
  wait_method:
    description:
      - How to watch the task. V(events) receives changes from the pool, and V(poll) reads the task
        every 2 seconds.
      - V(auto) uses events. It polls if the server refuses them, or if requests for events fail
        twice in a row while others are answered, as happens behind some proxies.
    type: str
    choices: [auto, events, poll]
    default: auto
extends_documentation_fragment:
  - xen.xapi.connection
  - xen.xapi.progress
  - xen.xapi.attributes
  - xen.xapi.attributes.calls
notes:
  - The module does not repeat a call whose answer was lost. If RV(outcome) is V(not_started), the
    call started no operation, and you can run the task again.
  - A task belongs to the account that called the method, and continues after the logout of its
    session. To cancel it after that, an account needs the role pool-operator or above.
  - In check mode the module looks up the objects in O(args), and does not call a method that
    changes something.
seealso:
  - module: xen.xapi.task_wait
  - module: xen.xapi.task_info
  - module: xen.xapi.task_cancel
"""

EXAMPLES = r"""
---
- name: Take a snapshot and wait for it
  xen.xapi.call:
    hostname: xcp1.example.com
    password: "{{ pool_password }}"
    method: VM.snapshot
    args:
      - {class: VM, name_label: web-1}
      - before the update
    timeout: 30m
  register: snapshot

- name: Use the new object
  ansible.builtin.debug:
    msg: "{{ snapshot.object.name_label }} has the uuid {{ snapshot.object.uuid }}"

- name: Read a value, with the pool from the environment
  xen.xapi.call:
    method: VM.get_power_state
    args:
      - {class: VM, uuid: "{{ vm_uuid }}"}
  register: power

- name: Start a snapshot of each virtual machine
  xen.xapi.call:
    hostname: xcp1.example.com
    password: "{{ pool_password }}"
    method: VM.snapshot
    args:
      - {class: VM, name_label: "{{ item }}"}
      - before the update
    wait: false
  loop:
    - web-1
    - web-2
  register: started

- name: Wait for all of them
  xen.xapi.task_wait:
    hostname: xcp1.example.com
    password: "{{ pool_password }}"
    ref: "{{ started.results | map(attribute='task.ref') }}"
    timeout: 30m
"""

RETURN = r"""
---
outcome:
  description:
    - How the call ended. V(success), V(failure) and V(cancelled) are final states of the task. For
      a method without a task, V(failure) means that the server answered with an error.
    - V(running) means that the operation started and the module did not see its end.
    - V(not_started) means that the server refused the call, or that the module did not send it.
    - V(unknown) means that the answer was lost or the task disappeared. The server may have carried
      out the operation.
  returned: when the pool was asked
  type: str
  sample: success
method:
  description: The method that the module called, or would call without check mode.
  returned: when the pool was asked
  type: str
  sample: Async.VM.snapshot
result:
  description:
    - The result as the server returns it, for a task the XML of an XML-RPC value. Null without a
      result.
    - Values under keys such as C(password) are hidden.
  returned: when the pool was reached
  type: raw
  sample: <value>OpaqueRef:8a1f3f0e-6c0f-5c2b-9d6f-9a0f6f6a7c11</value>
result_value:
  description:
    - The decoded result, or null without one. Numbers are numbers if the description of the method
      says so. A result that cannot be decoded safely is returned unchanged.
  returned: when the pool was reached
  type: raw
  sample: OpaqueRef:8a1f3f0e-6c0f-5c2b-9d6f-9a0f6f6a7c11
object:
  description: The object that the result refers to. Null if the result is not a reference.
  returned: when the pool was reached
  type: dict
  contains:
    class:
      description: The class of the object.
      type: str
      sample: VM
    ref:
      description: The reference of the object.
      type: str
      sample: OpaqueRef:8a1f3f0e-6c0f-5c2b-9d6f-9a0f6f6a7c11
    uuid:
      description: The uuid of the object. Null if it could not be read.
      type: str
      sample: 4d2c0b77-0d0c-8a3f-7a55-0a1c53d5f0d2
    name_label:
      description: The name of the object. Null if it has none, or if it could not be read.
      type: str
      sample: before the update
task:
  description:
    - The task, as it was last seen. Null for a method without a task. Unknown values are null.
  returned: when the pool was reached
  type: dict
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
    client:
      description:
        - The program that gives tasks such a label, one of V(xapi), V(xo), V(xe), V(xencenter) and
          V(sm). Null if it is unknown, or if several do. A call of XAPI's API has a label of
          V(xapi), whichever client made it.
      type: str
      sample: xapi
    status:
      description:
        - The status as the server returns it. V(success), V(failure) and V(cancelled) are final.
          V(pending), V(cancelling) and any other value mean that the task is running.
      type: str
      sample: pending
    is_finished:
      description: Whether RV(task.status) is final.
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
        - Seconds between RV(task.created) and RV(server_time). Null if the creation time is
          implausible, for example in the future.
      type: int
      sample: 90
    duration:
      description:
        - Seconds between RV(task.created) and RV(task.finished). Null if one of them is
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
candidates:
  description:
    - The tasks that the call may have started, if its answer was lost. They have the label of the
      call and were created after it began. Another client may have started them.
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
    created:
      description: When the task was created, by the clock of the host that created it.
      type: str
waited:
  description: Whether the module had to wait, because the task had not ended at the first check.
  returned: when the pool was reached
  type: bool
  sample: true
timed_out:
  description: Whether the wait ended because O(timeout) passed.
  returned: when the pool was reached
  type: bool
  sample: false
elapsed:
  description: How long the call and the wait took, in seconds. 0 if the module only read.
  returned: when the pool was reached
  type: float
  sample: 12.345
wait_method:
  description: How the task was last watched, V(events) or V(poll). Null without a wait.
  returned: when the pool was reached
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
    - The time on the pool's master at the end, calculated from its time before the call. Null if
      the module only read, as in check mode.
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
  description: The error that the server returned for a request, or the error of the task.
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

from typing import Any

from ..module_utils._call.operation import RUNNING, Operation
from ..module_utils._call.options import call_spec, parse_call_options
from ..module_utils._call.references import resolve_args
from ..module_utils._call.report import CallReport
from ..module_utils._client.options import connection_spec
from ..module_utils._client.session import Session
from ..module_utils._module import Run, run_module
from ..module_utils._progress import progress_spec


def argument_spec() -> dict[str, dict[str, Any]]:
    return {**connection_spec(), **call_spec(), **progress_spec()}


def call_method(run: Run) -> dict[str, Any]:
    options = parse_call_options(run.params, given=run.raw_params)
    with run.connect() as session:
        report = CallReport(session, options)
        run.partial_result = report.to_dict
        args = resolve_args(session, options.args)
        if options.is_read and not options.is_async:
            report.read(args)
        elif run.check_mode and not options.is_read:
            report.predict()
        else:
            start_operation(run, session, report, args)
        report.read_object()
    for warning in report.all_warnings():
        run.warn(warning)
    return {**report.to_dict(), **report.failure()}


def start_operation(run: Run, session: Session, report: CallReport, args: list[Any]) -> None:
    """Call the method once, and wait for its task if it has one and the options say so."""
    # Before the call is sent, and not for reads: a module run should start quickly.
    from ..module_utils._call.waiting import wait_for_task

    options = report.options
    activity = f"waiting for the answer to {options.label}"
    operation = Operation(
        session,
        options,
        args,
        clock=run.clock,
        sleep=run.sleep,
        before_send=lambda: run.progress.announce(
            activity, left=f"{options.label} (sent, not answered)"
        ),
    )
    report.operation = operation
    operation.start()
    if operation.outcome == RUNNING and options.waits:
        wait_for_task(
            session,
            report,
            operation.task_ref,
            clock=run.clock,
            sleep=run.sleep,
            progress=run.progress,
        )
    elif operation.outcome == RUNNING:
        report.read_task()
    operation.end()


def main() -> None:
    run_module(call_method, argument_spec=argument_spec())


if __name__ == "__main__":
    main()
