#!/usr/bin/python

# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: task_cancel
short_description: Cancel tasks of a XenServer or XCP-ng pool
version_added: 1.0.0
author:
  - xen.xapi contributors (@xen-xapi)
description:
  - Sees to it that tasks of XAPI, the management API of XenServer and XCP-ng, are not running any
    more, and tells of each what became of it. A second run changes nothing.
  - The server takes every request to cancel and promises nothing, so the module waits and reads. A
    task that goes on is asked again every 5 seconds.
  - What is not meant is not touched. All that can speak against a cancel is checked before the
    first one is sent. Nothing is sent to a task that is known to have ended or was not read within
    the last 5 seconds, nor when nobody waits for the module any more.
options:
  max_tasks:
    description:
      - If more running tasks than this match, after O(min_age), O(exclude) and all filters, the
        module fails before it cancels any, and lists them.
      - The default is 1 for O(name_label), O(name_regex), O(object) and O(kind), and no limit for
        O(uuid) and O(ref).
    type: int
  include_housekeeping:
    description:
      - Whether to cancel tasks that a pool runs for itself all the time, if they match. By default,
        tasks that O(name_regex), O(object) or O(kind) select are spared if a label of the group
        V(housekeeping) of O(kind), such as C(SR.scan), C(SR.update_snapshot_info_),
        C(/rrd_updates) or C(Connection to VM console), is found in their label, in addition to
        those that O(exclude) spares.
      - It cannot be V(true) with O(uuid) and O(ref), which need no such protection.
    type: bool
    default: false
    version_added: 2.0.0
  idle_for:
    description:
      - Only cancel tasks whose progress does not move while the module watches them for this long.
      - Seconds, or numbers with C(w), C(d), C(h), C(m) or C(s), such as V(30m) or V(1h30m).
    type: str
    default: "0"
  wait:
    description:
      - Whether to wait until the tasks have ended. With V(false) they are asked to end, and nobody
        knows whether they will.
    type: bool
    default: true
  timeout:
    description:
      - How long asking and waiting may take. What goes on then is an error. Written like
        O(idle_for), whose time does not count. V(0) is an error. With O(force), another minute may
        pass for what follows.
    type: str
    default: "60"
  on_uncancellable:
    description:
      - What to do about a running task that the server does not offer to cancel. Whether it does
        comes and goes while a task runs.
      - V(try) asks all the same, V(fail) fails before any task is cancelled, V(skip) leaves it.
    type: str
    choices: [try, fail, skip]
    default: try
  on_missing:
    description:
      - With V(fail), a uuid or a reference that no task has, or a selection that none matches, is
        an error, and no task is cancelled.
    type: str
    choices: [ok, fail]
    default: ok
  fail_if_not_running:
    description:
      - Fail before any task is cancelled if one that is named by O(uuid) or O(ref) is not running,
        or if no running task matches.
    type: bool
    default: false
  force:
    description:
      - Marks a task as cancelled that has ignored the requests to cancel for all of O(timeout), if
        nothing shows that anybody works on it. It is for records that a client made with
        C(task.create) and left behind.
      - This is bookkeeping and stops no work. All gates and clients see the task as cancelled, and
        the server deletes it within a minute.
      - Only with O(uuid) and O(ref), and with O(wait). O(timeout) must be at least V(5m), and is
        V(5m) if it is not given.
      - The task must be older than an hour, and nothing may be written to its record meanwhile. It
        may have no result and no running subtask, and may not name an object in
        C(other_config) C(applies_to). No object of any class may name it in
        C(current_operations). Its label may not be one that XAPI gives, such as V(Async.VM.copy).
        Its host must be live and enabled, and XAPI may not have restarted there. All of this is
        checked before anything is sent, and again right before the task is marked.
    type: bool
    default: false
extends_documentation_fragment:
  - xen.xapi.connection
  - xen.xapi.selector
  - xen.xapi.status
  - xen.xapi.attributes
  - xen.xapi.attributes.cancels
notes:
  - One of O(uuid), O(ref), O(name_label), O(name_regex), O(object) and O(kind) is required. All
    other options narrow the selection.
  - O(name_regex) must match the whole label here, and O(exclude) is searched for anywhere in it, so
    that a doubt spares a task.
  - For O(name_label), O(name_regex), O(object) and O(kind), the default of O(min_age) is V(60).
  - The tasks of other accounts, and of sessions that have logged out, can only be cancelled with
    the role pool-operator or above.
seealso:
  - module: xen.xapi.task_info
  - module: xen.xapi.task_wait
"""

EXAMPLES = r"""
---
- name: Cancel a task that is not needed any more
  xen.xapi.task_cancel:
    hostname: xcp1.example.com
    password: "{{ pool_password }}"
    ref: "{{ copy_task_ref }}"

- name: Cancel copies that have been running for six hours and have come to a halt
  xen.xapi.task_cancel:
    hostname:
      - xcp1.example.com
      - xcp2.example.com
    password: "{{ pool_password }}"
    ca_path: /etc/ssl/certs/pool.pem
    name_regex: Async\.(VM|VDI)\.copy
    min_age: 6h
    idle_for: 5m
    max_tasks: 5

- name: Stop all that acts on a virtual machine, with the pool from the environment
  xen.xapi.task_cancel:
    object:
      type: VM
      uuid: "{{ vm_uuid }}"
    min_age: 0
    max_tasks: 10

- name: Write off what a backup tool left behind
  xen.xapi.task_cancel:
    hostname: xcp1.example.com
    password: "{{ pool_password }}"
    uuid: "{{ orphan_uuid }}"
    timeout: 10m
    force: true
"""

RETURN = r"""
---
tasks:
  description:
    - The tasks that were meant, each as it was last seen. A value is null where it is not known.
  returned: when the tasks were read
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
      description:
        - The error that the task ended with or, where RV(tasks[].action) is V(denied) or V(error),
          the one that the server answered our request with. Null if there is none.
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
    action:
      description:
        - What became of it. V(cancelled), it was asked and is seen cancelled. V(requested), it was
          asked, and nobody waited. V(already_finished), there was nothing to do. V(finished_first),
          it ended otherwise, or before our request arrived. V(gone), its record disappeared and it
          has ended. V(unknown), see RV(tasks[].reason). V(not_cancellable), see
          O(on_uncancellable). V(still_running), it goes on at the end of O(timeout). V(denied) and
          V(error), the server refused, see RV(tasks[].error). V(not_sent), nothing was sent.
          V(skipped), see RV(tasks[].reason). V(forced), see O(force).
      type: str
      sample: cancelled
    reason:
      description:
        - Why a task was skipped, V(too young), V(excluded), V(filtered) or V(not idle).
        - Where RV(tasks[].action) is V(unknown), why a task that disappeared may still be running.
        - Where it is V(requested) or V(still_running) and the answer to the request was lost, that
          the request may not have arrived, unless a later record shows that it did.
        - After O(force), why the task was not marked as cancelled. Otherwise null.
      type: str
      sample: null
by_action:
  description: The uuids of the tasks by their action. All actions are always there.
  returned: when the tasks were read
  type: dict
  sample: {cancelled: [9c2ee352-3f95-0e0a-8f77-4c4e7a3f2d11], skipped: []}
elapsed:
  description: How many seconds it took to watch for O(idle_for), to ask and to wait.
  returned: when the tasks were read
  type: float
  sample: 1.25
diff:
  description: The status of each task that was to be cancelled, before and after.
  returned: when the tasks were read
  type: dict
  contains:
    before:
      description: A line for each task.
      type: str
    after:
      description: A line for each task, as predicted in check mode.
      type: str
missing:
  description: What was asked for and does not exist.
  returned: when the tasks were read
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
  description: The running tasks that were named and that O(exclude) left out.
  returned: when the tasks were read
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
  returned: when the tasks were read
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
  description: The clock of the pool's master, read just before the tasks.
  returned: when the tasks were read
  type: str
  sample: "2026-11-23T10:12:42Z"
requests:
  description: How many requests were sent to the pool, the login and the logout among them.
  returned: when the tasks were read
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

from typing import Any, Callable

from ..module_utils._cancel.cancellation import Action
from ..module_utils._cancel.force import FORCE_TIMEOUT, ForceOperation
from ..module_utils._cancel.idle import IdleCondition
from ..module_utils._cancel.operation import CancelOperation
from ..module_utils._cancel.options import cancelling_spec, parse_cancel_options
from ..module_utils._cancel.report import CancelReport
from ..module_utils._cancel.targets import guard_violations, select_targets
from ..module_utils._client.options import connection_spec
from ..module_utils._client.session import Session
from ..module_utils._module import Run, run_module
from ..module_utils._tasks.options import SELECTOR_EXCLUSIVE, selector_spec, status_spec
from ..module_utils._wait.disappearance import Disappearances
from ..module_utils._wait.task_set import Decision
from ..module_utils._wait.waiter import Waiter


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        **connection_spec(),
        **selector_spec(),
        **status_spec(),
        **cancelling_spec(),
    }


def cancel_tasks(run: Run) -> dict[str, Any]:
    options = parse_cancel_options(run.params, given=run.raw_params)
    with run.connect() as session:
        targets = select_targets(session, options.selection, clock=run.clock)
        report = CancelReport(session, targets, options)
        run.partial_result = report.to_dict
        disappearances = Disappearances(session)
        problems = guard_violations(report.targets, options, session, clock=run.clock)
        if options.idle_for and report.targets.running and not problems:
            problems = skip_busy_tasks(run, session, report, disappearances)
        if not problems:
            report.skip_uncancellable()
            report.is_prediction = run.check_mode
        if not problems and not run.check_mode:
            cancel(run, session, report, disappearances)
    for warning in report.warnings():
        run.warn(warning)
    return report.refusal(problems) if problems else {**report.to_dict(), **report.failure()}


def skip_busy_tasks(
    run: Run, session: Session, report: CancelReport, disappearances: Disappearances
) -> list[str]:
    """Watch the tasks for idle_for, and skip those that make progress.

    Read all tasks again afterwards. Return the problems that forbid a cancel request.
    """
    options = report.options
    condition = IdleCondition(
        session,
        report.targets.running,
        idle_for=options.idle_for,
        server_time=server_clock(run, report),
        disappearances=disappearances,
        clock=run.clock,
    )
    timeout = options.idle_for + options.timeout
    waiter = Waiter(session, condition, timeout=timeout, clock=run.clock, sleep=run.sleep)
    report.waiters.append(waiter)
    waiter.wait()
    report.disappeared = condition.disappeared
    if condition.decision is not Decision.MET:
        seconds = f"{options.idle_for:g} s"
        return [f"The tasks could not be watched for the {seconds} of idle_for in {timeout:g} s."]
    again = report.targets = select_targets(session, options.selection, clock=run.clock)
    running, again.running = again.running, []
    for task in running:
        if condition.was_idle(task):
            again.running.append(task)
        else:
            again.skipped.append((task, "not idle"))
    return guard_violations(again, options, session, clock=run.clock)


def cancel(
    run: Run, session: Session, report: CancelReport, disappearances: Disappearances
) -> None:
    options = report.options
    operation = CancelOperation(
        session,
        report.targets.running,
        session_generation=report.targets.session_generation,
        waits=options.waits,
        deadline=run.clock() + options.timeout,
        only_idle=options.idle_for > 0,
        server_time=server_clock(run, report),
        disappearances=disappearances,
        disappeared=report.disappeared,
        clock=run.clock,
    )
    report.operation = operation
    waiter = Waiter(session, operation, timeout=options.timeout, clock=run.clock, sleep=run.sleep)
    report.waiters.append(waiter)
    waiter.wait()
    operation.close()
    if options.force:
        force(run, session, report, operation)


def force(run: Run, session: Session, report: CancelReport, operation: CancelOperation) -> None:
    """Mark tasks as cancelled that are still running, if there is no sign of work on them."""
    cancels = operation.cancels.values()
    forcing = ForceOperation(
        session,
        [cancel for cancel in cancels if cancel.action is Action.STILL_RUNNING],
        operation.disappearances,
        ignored_for=report.options.timeout,
        deadline=run.clock() + FORCE_TIMEOUT,
        clock=run.clock,
    )
    waiter = Waiter(session, forcing, timeout=FORCE_TIMEOUT, clock=run.clock, sleep=run.sleep)
    report.waiters.append(waiter)
    try:
        waiter.wait()
    finally:
        forcing.close()
    if forcing.forced:
        run.warn(
            "force marked tasks as cancelled. This is bookkeeping: it stops no work, and the "
            "server deletes the records within a minute."
        )


def server_clock(run: Run, report: CancelReport) -> Callable[[], int | None]:
    """Return a callable for the server's time, continued from when the tasks were read."""
    read_time, read_at = report.targets.found.server_time, run.clock()
    return lambda: None if read_time is None else read_time + int(run.clock() - read_at)


def main() -> None:
    run_module(
        cancel_tasks,
        argument_spec=argument_spec(),
        mutually_exclusive=SELECTOR_EXCLUSIVE,
    )


if __name__ == "__main__":
    main()
