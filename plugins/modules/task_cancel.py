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
  - Ensures that the selected tasks of XAPI, the management API of XenServer and XCP-ng, are no
    longer running, and reports the outcome for each. A second run changes nothing.
  - Select the tasks with one of O(uuid), O(ref), O(name_label), O(name_regex), O(object) and
    O(kind). All other options narrow that selection.
  - All safety checks run before the first cancel request is sent. Immediately before each request,
    the module makes sure that it has read the task within the last 5 seconds, that the task was
    running, and that Ansible still waits for the module.
  - The server accepts every cancel request but does not guarantee that the task ends. So the module
    reads the tasks until they end, and repeats the request every 5 seconds.
options:
  name_regex:
    description:
      - A regular expression of Python that must match the whole label of a task. It is a single
        string, never a list.
      - Escape characters that are special in a regular expression. Labels of Xen Orchestra begin
        with C([XO]), which is written V(\\[XO\\] Exporting content.*). If the expression does not
        match a running task but would match it as plain text, the module fails and shows the
        escaped form.
      - The module rejects an expression that matches the empty string, and one that needs more than
        2 seconds for the labels of a pool.
      - A label of more than 1,000 characters never matches.
      - Mutually exclusive with O(uuid), O(ref) and O(name_label).
    type: raw
  exclude:
    description:
      - A regular expression of Python, or a list of them. The module leaves a task alone if one of
        them matches any part of its label. An empty list leaves no task alone.
      - Escape characters that are special in a regular expression, as in O(name_regex).
      - Where an expression is given, or the default of O(include_housekeeping) applies, tasks with
        a label of more than 1,000 characters are left alone as well.
      - RV(excluded) lists the running tasks that were left alone.
    type: raw
  min_age:
    description:
      - Only cancel tasks that were created at least this long ago. The default is V(60) with
        O(name_label), O(name_regex), O(object) and O(kind), and no minimum with O(uuid) and O(ref).
      - The clock of the host that created the task counts. If it differs from the master's clock,
        the task must be old enough by both. A task whose age is unknown is left alone.
      - Seconds, or numbers with C(w), C(d), C(h), C(m) or C(s), such as V(30m) or V(1h30m).
    type: str
  max_tasks:
    description:
      - Fail before any task is cancelled if more running tasks than this match, after O(min_age),
        O(exclude) and all filters. The message lists them.
      - The default is 1 with O(name_label), O(name_regex), O(object) and O(kind), and no limit with
        O(uuid) and O(ref).
    type: int
  include_housekeeping:
    description:
      - Cancel the tasks that a pool runs for itself as well, if they match. By default, the module
        leaves a task alone that O(name_regex), O(object) or O(kind) selects and whose label
        contains one of the group V(housekeeping) of O(kind), such as C(SR.scan),
        C(SR.update_snapshot_info_), C(/rrd_updates) or C(Connection to VM console).
      - It cannot be V(true) with O(uuid) and O(ref), where nothing is excluded by default.
    type: bool
    default: false
    version_added: 2.0.0
  idle_for:
    description:
      - Only cancel tasks whose progress does not change while the module watches them for this
        long.
      - Seconds, or numbers with C(w), C(d), C(h), C(m) or C(s), such as V(30m) or V(1h30m).
    type: str
    default: "0"
  wait:
    description:
      - Wait until the tasks have ended. With V(false), the module only sends the requests and does
        not check whether the tasks end.
    type: bool
    default: true
  timeout:
    description:
      - Fail if a task is still running after this time, which includes sending the requests and
        waiting, but not O(idle_for). Written like O(idle_for). V(0) is an error.
      - With O(force), the final checks may take one minute more.
    type: str
    default: "60"
  on_uncancellable:
    description:
      - How to treat a running task that the server does not offer to cancel. The offer can come and
        go while a task runs.
      - V(try) sends the request anyway, V(fail) fails before any task is cancelled, and V(skip)
        leaves the task alone.
    type: str
    choices: [try, fail, skip]
    default: try
  on_missing:
    description:
      - With V(fail), a uuid or a reference that does not exist, or a selection that matches no
        task, is an error, and no task is cancelled.
    type: str
    choices: [ok, fail]
    default: ok
  fail_if_not_running:
    description:
      - Fail before any task is cancelled if a task given in O(uuid) or O(ref) is not running, or if
        no running task matches.
    type: bool
    default: false
  force:
    description:
      - Mark a task as cancelled if it ignored the cancel requests for all of O(timeout) and nothing
        shows that anything still works on it. This is for records that a client made with
        C(task.create) and abandoned.
      - It changes the record only and stops no work. All gates and clients then see the task as
        cancelled, and the server deletes it within a minute.
      - Only with O(uuid) and O(ref), and with O(wait). O(timeout) must be at least V(5m), and
        defaults to V(5m) here.
      - The task must be older than an hour, and its record must not change while the module
        watches. It must not have a result or a running subtask, nor name an object in
        C(other_config) C(applies_to). No object of any class may name it in
        C(current_operations). Its label must not be one that XAPI gives, such as
        V(Async.VM.copy). Its host must be live and enabled, and XAPI must not have restarted there.
        The module checks all of this before it sends anything, and again right before it marks the
        task.
    type: bool
    default: false
extends_documentation_fragment:
  - xen.xapi.connection
  - xen.xapi.selector
  - xen.xapi.status
  - xen.xapi.progress
  - xen.xapi.attributes
  - xen.xapi.attributes.cancels
notes:
  - For a cancel, O(name_regex) must match the whole label and O(exclude) matches any part of it. In
    M(xen.xapi.task_info) and M(xen.xapi.task_wait) it is the other way round. So a doubt leaves a
    task alone here and counts it there.
  - To cancel tasks of other accounts, or of sessions that have logged out, an account needs the
    role pool-operator or above.
seealso:
  - module: xen.xapi.task_info
  - module: xen.xapi.task_wait
  - name: The role xen.xapi.task_gate
    description: Its entry point cleanup reports tasks before it cancels them.
    link: https://github.com/xen-xapi/xen.xapi/blob/main/roles/task_gate/README.md
  - name: Clean up stale tasks
    description: A guide with complete playbooks.
    link: https://github.com/xen-xapi/xen.xapi/blob/main/docs/clean_up_stale_tasks.md
"""

EXAMPLES = r"""
---
- name: Cancel a task by its reference
  xen.xapi.task_cancel:
    hostname: xcp1.example.com
    password: "{{ pool_password }}"
    ref: "{{ copy_task_ref }}"

- name: Cancel copies that are older than six hours and make no progress
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

- name: Stop everything that works on a virtual machine, on the pool that the environment names
  xen.xapi.task_cancel:
    object:
      type: VM
      uuid: "{{ vm_uuid }}"
    min_age: 0
    max_tasks: 10

- name: Mark a record that a backup tool abandoned as cancelled
  xen.xapi.task_cancel:
    hostname: xcp1.example.com
    password: "{{ pool_password }}"
    uuid: "{{ abandoned_uuid }}"
    timeout: 10m
    force: true
"""

RETURN = r"""
---
tasks:
  description:
    - The selected tasks, each as it was last seen. Unknown values are null.
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
      description:
        - The error that the task ended with. If RV(tasks[].action) is V(denied) or V(error), the
          error that the server returned for the cancel request. Null without an error.
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
    action:
      description:
        - The outcome for this task.
        - V(cancelled), the module requested the cancel and saw the task cancelled. V(requested),
          the module sent the request and did not wait. V(already_finished), the task had ended
          before. V(finished_first), the task ended otherwise, or before the request arrived.
          V(gone), the record disappeared and the task has ended. V(unknown), see
          RV(tasks[].reason). V(not_cancellable), see O(on_uncancellable). V(still_running), the
          task is running when O(timeout) has passed. V(denied) and V(error), the server refused
          the request, see RV(tasks[].error). V(not_sent), the module sent no request. V(skipped),
          see RV(tasks[].reason). V(forced), see O(force).
      type: str
      sample: cancelled
    reason:
      description:
        - Why a task was skipped, V(too young), V(excluded), V(filtered) or V(not idle).
        - If RV(tasks[].action) is V(unknown), why a task that disappeared may still be running.
        - If it is V(requested) or V(still_running) and the answer to the request was lost, that the
          request may not have arrived, unless a later record shows that it did.
        - After O(force), why the task was not marked as cancelled. Otherwise null.
      type: str
      sample: null
tasks_omitted:
  description:
    - How many tasks RV(tasks) leaves out. A failure returns at most 20, those that its message
      names first. The lists of uuids name all of them.
  returned: when the module fails with more than 20 tasks
  type: int
  sample: 480
  version_added: 2.0.0
by_action:
  description: The uuids of the tasks by their action. All actions are always present.
  returned: when the tasks were read
  type: dict
  sample: {cancelled: [9c2ee352-3f95-0e0a-8f77-4c4e7a3f2d11], skipped: []}
elapsed:
  description: How long O(idle_for), the requests and the wait took, in seconds.
  returned: when the tasks were read
  type: float
  sample: 1.25
diff:
  description: The status of each task to be cancelled, before and after.
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
  description: The given tasks that do not exist.
  returned: when the tasks were read
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
  description: The running tasks that the selection matched and that O(exclude) left out.
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
      description: The name of the pool. Many pools have an empty one.
      type: str
      sample: production
    master:
      description: The name of the host that is the pool's master.
      type: str
      sample: xcp1
server_time:
  description: The time on the pool's master, read just before the tasks.
  returned: when the tasks were read
  type: str
  sample: "2026-11-23T10:12:42Z"
requests:
  description: The number of requests sent to the pool, including login and logout.
  returned: when the tasks were read
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

from typing import Any, Callable

from ..module_utils._cancel.cancellation import Action
from ..module_utils._cancel.force import FORCE_TIMEOUT, ForceOperation
from ..module_utils._cancel.idle import IdleCondition
from ..module_utils._cancel.operation import CancelOperation
from ..module_utils._cancel.options import cancelling_spec, parse_cancel_options
from ..module_utils._cancel.progress import observe
from ..module_utils._cancel.report import CancelReport
from ..module_utils._cancel.targets import guard_violations, select_targets
from ..module_utils._client.options import connection_spec
from ..module_utils._client.session import Session
from ..module_utils._module import Run, run_module
from ..module_utils._progress import progress_spec
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
        **progress_spec(),
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
    waiter = create_waiter(run, session, condition, timeout=timeout)
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
    waiter = create_waiter(run, session, operation, timeout=options.timeout)
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
    waiter = create_waiter(run, session, forcing, timeout=FORCE_TIMEOUT)
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


def create_waiter(
    run: Run,
    session: Session,
    work: IdleCondition | CancelOperation | ForceOperation,
    *,
    timeout: float,
) -> Waiter:
    return Waiter(
        session,
        work,
        timeout=timeout,
        clock=run.clock,
        sleep=run.sleep,
        observe=observe(work, run.progress, clock=run.clock),
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
