#!/usr/bin/python

# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: task_info
short_description: List the tasks of a XenServer or XCP-ng pool
version_added: 1.0.0
author:
  - xen.xapi contributors (@xen-xapi)
description:
  - Lists tasks of XAPI, the management API of XenServer and XCP-ng, by uuid, reference, label or
    other properties, and returns their status, progress, result and error as plain values.
  - Without any option that selects, it returns all tasks of the pool, including short ones that the
    pool runs for itself.
  - A task that does not exist is not an error, and RV(missing) names it. XAPI deletes finished
    tasks after a while, and many clients delete theirs at once.
options:
  sort:
    description:
      - The order of RV(tasks). V(-created) lists the newest first, V(created) the oldest first,
        V(progress) the least progress first, and V(name_label) sorts by label.
    type: str
    choices: [created, -created, progress, name_label]
    default: -created
  limit:
    description:
      - Return at most this many tasks, in the order of O(sort). RV(count) and RV(by_status) still
        count all of them.
    type: int
  with_objects:
    description:
      - Also return the objects that each task works on and the name of the host that runs it.
      - This reads all virtual machines, hosts, storage repositories, disks and networks.
    type: bool
    default: false
extends_documentation_fragment:
  - xen.xapi.connection
  - xen.xapi.selector
  - xen.xapi.status
  - xen.xapi.attributes
  - xen.xapi.attributes.changes_nothing
  - xen.xapi.attributes.read_only
seealso:
  - module: xen.xapi.task_wait
  - module: xen.xapi.task_cancel
  - name: Find tasks
    description: A guide with examples, regular expressions and the rules for ages.
    link: https://github.com/xen-xapi/xen.xapi/blob/main/docs/finding_tasks.md
"""

EXAMPLES = r"""
---
- name: List all tasks of the pool
  xen.xapi.task_info:
    hostname: xcp1.example.com
    username: root
    password: "{{ pool_password }}"
  register: tasks

- name: Stop unless the import has succeeded
  xen.xapi.task_info:
    hostname:
      - xcp1.example.com
      - xcp2.example.com
    password: "{{ pool_password }}"
    ca_path: /etc/ssl/certs/pool.pem
    ref:
      - "{{ import_task_ref }}"
  register: imported
  failed_when: imported is failed or imported.tasks[0].status | default('gone') != 'success'

- name: Find copies that have been running for more than six hours
  xen.xapi.task_info:
    hostname: xcp1.example.com
    password: "{{ pool_password }}"
    name_regex: VM\.copy|VDI\.copy
    status: [pending]
    min_age: 6h
    sort: created
    with_objects: true
  register: slow

- name: List the tasks that work on a virtual machine
  xen.xapi.task_info:
    hostname: xcp1.example.com
    password: "{{ pool_password }}"
    object:
      type: VM
      uuid: "{{ vm_uuid }}"
  register: working

- name: List the running exports and imports
  xen.xapi.task_info:
    hostname: xcp1.example.com
    password: "{{ pool_password }}"
    kind: [export, import]
    status: [pending, cancelling]
  register: transfers

- name: Count the running snapshots, on the pool that the environment names
  xen.xapi.task_info:
    name_label: Async.VM.snapshot
    status: [pending, cancelling]
  register: snapshots

- name: Show their progress
  ansible.builtin.debug:
    msg: "{{ item.name_label }}: {{ (item.progress * 100) | round }} % done"
  loop: "{{ snapshots.tasks }}"
  loop_control:
    label: "{{ item.uuid }}"
"""

RETURN = r"""
---
tasks:
  description: The tasks, in the order of O(sort). Unknown values are null.
  returned: success
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
    objects:
      description:
        - The objects that name the task in their C(current_operations), and those that the task
          names in C(applies_to) of its RV(tasks[].other_config).
      returned: when O(with_objects) is true
      type: list
      elements: dict
      sample: []
      contains:
        type:
          description: The class of the object, as in O(object.type).
          type: str
        uuid:
          description: The uuid of the object.
          type: str
        name_label:
          description: The name of the object.
          type: str
        operation:
          description: The operation on the object. Null if only the task names the object.
          type: str
          sample: snapshot
    resident_on_name:
      description: The name of the host in RV(tasks[].resident_on), or null if it does not exist.
      returned: when O(with_objects) is true
      type: str
      sample: xcp1
count:
  description: The number of tasks found, before O(limit).
  returned: success
  type: int
  sample: 1
by_status:
  description: The number of tasks with each status. The five statuses of XAPI are always present.
  returned: success
  type: dict
  sample: {pending: 1, cancelling: 0, success: 0, failure: 0, cancelled: 0}
missing:
  description: The given tasks that do not exist.
  returned: success
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
  description: The running tasks that only O(exclude) left out.
  returned: success
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
  returned: success
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
  returned: success
  type: str
  sample: "2026-11-23T10:12:42Z"
requests:
  description: The number of requests sent to the pool, including login and logout.
  returned: success
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

import gc
from collections import Counter
from typing import Any

from ..module_utils._client.gc_pause import pause_gc
from ..module_utils._client.options import connection_spec
from ..module_utils._errors import OptionError
from ..module_utils._module import Run, run_module
from ..module_utils._tasks.age_messages import NEW, age_warnings
from ..module_utils._tasks.model import STATUSES
from ..module_utils._tasks.options import (
    SELECTOR_EXCLUSIVE,
    parse_selection,
    selector_spec,
    status_spec,
)
from ..module_utils._tasks.query import common_returns, find
from ..module_utils._tasks.selection import Selection

SORT_KEYS = {
    "created": lambda task: task.created or 0,
    "-created": lambda task: -(task.created or 0),
    "progress": lambda task: task.progress or 0,
    "name_label": lambda task: task.name_label,
}


def listing_spec() -> dict[str, dict[str, Any]]:
    return {
        "sort": {"type": "str", "choices": list(SORT_KEYS), "default": "-created"},
        "limit": {"type": "int"},
        "with_objects": {"type": "bool", "default": False},
    }


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        **connection_spec(),
        **selector_spec(),
        **status_spec(),
        **listing_spec(),
    }


def list_tasks(run: Run) -> dict[str, Any]:
    selection = parse_selection(run.params, given=run.raw_params)
    limit = run.params["limit"]
    if limit is not None and limit < 1:
        raise OptionError("limit", value=limit, problem="is below 1; leave it out for no limit")
    with pause_gc():
        listing = _listing(run, selection, limit)
        # It is needed until the end of the process, so the collector need not examine it.
        gc.freeze()
        return listing


def _listing(run: Run, selection: Selection, limit: int | None) -> dict[str, Any]:
    with run.connect() as session:
        found = find(session, selection, clock=run.clock)
        objects = None
        if run.params["with_objects"]:
            # Imports that most runs do not need stand where they are needed, for a quick start.
            from ..module_utils._tasks.objects import Objects

            objects = Objects(session)
    if found.doubts:
        from ..module_utils._messages import error_message

        for error in found.doubts:
            run.warn(error_message(error))
    listed = sorted(found.tasks, key=lambda task: task.uuid)
    listed.sort(key=SORT_KEYS[run.params["sort"]])
    clocks = found.context.clocks
    tasks = [task.to_dict(now=found.server_time, clocks=clocks) for task in listed[:limit]]
    for warning in age_warnings(found.undated, found.context, consequence=NEW):
        run.warn(warning)
    if objects is not None:
        for task, result in zip(listed, tasks):
            result.update(objects.to_dict(task))
    return {
        "changed": False,
        "tasks": tasks,
        "count": len(listed),
        "by_status": {**dict.fromkeys(STATUSES, 0), **Counter(t.status for t in listed)},
        **common_returns(
            session,
            server_time=found.server_time,
            missing=found.missing,
            excluded=found.excluded_briefly,
        ),
    }


def main() -> None:
    run_module(
        list_tasks,
        argument_spec=argument_spec(),
        mutually_exclusive=SELECTOR_EXCLUSIVE,
    )


if __name__ == "__main__":
    main()
