# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Must match selector_spec in module_utils/_tasks/options.py.
    DOCUMENTATION = r"""
---
options:
  uuid:
    description:
      - Select the tasks with these uuids. Together with O(ref), the tasks of both lists.
      - Case does not matter, and a uuid that is listed twice counts once.
      - An empty list selects no task, never all of them.
      - Mutually exclusive with O(name_label) and O(name_regex).
    type: list
    elements: str
  ref:
    description:
      - Select the tasks with these references, such as
        V(OpaqueRef:12345678-9abc-def0-1234-56789abcdef0). A call with C(Async.) in its name returns
        one.
      - Tasks and their references last no longer than the XAPI process of the pool's master.
      - An empty list selects no task, never all of them.
      - Mutually exclusive with O(name_label) and O(name_regex).
    type: list
    elements: str
  name_label:
    description:
      - Select the tasks with exactly this label. It is a single string, never a list.
      - The label of most tasks is the name of the method, such as V(Async.VM.snapshot), so many
        tasks share one.
      - If the value reads like a regular expression that would match a running task,
        M(xen.xapi.task_wait) and M(xen.xapi.task_cancel) fail, and M(xen.xapi.task_info) warns.
      - Mutually exclusive with O(uuid), O(ref) and O(name_regex).
    type: raw
  name_regex:
    description:
      - Select the tasks whose label this regular expression of Python matches. It is a single
        string, never a list.
      - In M(xen.xapi.task_info) and M(xen.xapi.task_wait) it may match any part of the label. In
        M(xen.xapi.task_cancel) it must match the whole label.
      - Escape characters that are special in a regular expression. Labels of Xen Orchestra begin
        with C([XO]), which is written V(\\[XO\\] Exporting content). If the expression does not
        match a running task but would match it as plain text, M(xen.xapi.task_wait) and
        M(xen.xapi.task_cancel) fail and M(xen.xapi.task_info) warns, each with the escaped form.
      - The modules reject an expression that matches the empty string, and one that needs more than
        2 seconds for the labels of a pool.
      - A label of more than 1,000 characters always matches in M(xen.xapi.task_info) and
        M(xen.xapi.task_wait), and never in M(xen.xapi.task_cancel).
      - Mutually exclusive with O(uuid), O(ref) and O(name_label).
    type: raw
  name_description:
    description:
      - Only tasks with exactly this description. Xen Orchestra, C(xe) and the storage manager often
        write the subject of a task there.
    type: raw
    version_added: 2.0.0
  kind:
    description:
      - Only tasks of one of these kinds, or of one of the groups V(backup) and V(housekeeping). The
        label and the description of a task determine its kind, by the tables in the guide "Kinds of
        tasks". A task with any other label is V(other).
      - V(backup) stands for V(export), V(import), V(copy) and V(snapshot). XAPI's own labels do not
        show which client called it, so M(xen.xapi.task_cancel) only selects the tasks whose label
        shows that Xen Orchestra or C(xe) created them.
      - V(housekeeping) stands for the scans, console connections and metrics requests that occur in
        a pool all the time. C(Async.SR.scan), which a client requested, is not one of them.
    type: list
    elements: str
    choices:
      - export
      - import
      - copy
      - snapshot
      - migration
      - power
      - host
      - update
      - storage_gc
      - scan
      - plugin
      - console
      - metrics
      - other
      - backup
      - housekeeping
    version_added: 2.0.0
  min_age:
    description:
      - Only tasks that were created at least this long ago, by the clock of the host that created
        them.
      - Seconds, or numbers with C(w), C(d), C(h), C(m) or C(s), such as V(30m) or V(1h30m).
    type: str
  max_age:
    description:
      - Only tasks that were created at most this long ago, by the clock of the host that created
        them.
      - Written like O(min_age).
    type: str
  created_after:
    description:
      - Only tasks that were created at this time or later, by the clock of the host that created
        them.
      - A time in ISO 8601 with its offset from UTC, such as V(2026-11-23T10:11:12Z) or
        V(2026-11-23T11:11:12+01:00), or the C(server_time) that a module of this collection
        returned. A time without an offset is rejected.
    type: str
  created_before:
    description:
      - Only tasks that were created at this time or earlier, by the clock of the host that created
        them.
      - Written like O(created_after).
    type: str
  cancellable:
    description:
      - With V(true), only running tasks that the server offers to cancel. With V(false), only the
        others.
      - The offer can come and go while a task runs.
    type: bool
  object:
    description:
      - Only tasks that work on this object. The object names these tasks in its
        C(current_operations), or they name its reference or uuid in C(applies_to) of their
        C(other_config).
      - The server writes C(current_operations) only to the object that an operation holds. A host
        names neither the tasks of its storage repositories and disks nor the exports that it
        serves. A migration within the pool is on the virtual machine and on its destination host.
      - The storage manager, Xen Orchestra and XenCenter write C(applies_to). It is the only link
        from the garbage collection of a storage repository to the repository.
    type: dict
    suboptions:
      type:
        description: The class of the object.
        type: str
        required: true
        choices:
          - VM
          - host
          - SR
          - VDI
          - network
          - pool
      uuid:
        description:
          - The uuid of the object.
          - One of O(object.uuid) and O(object.name_label) is required.
        type: str
      name_label:
        description:
          - The exact name of the object. If several objects of the type have it, the module fails
            and lists their uuids.
          - It can be empty for a pool, because many pools have no name.
        type: raw
        version_added: 2.0.0
  subtask_of:
    description:
      - Only subtasks of this task, given by its uuid or reference.
    type: raw
  resident_on:
    description:
      - Only tasks that this host runs, given by its uuid or name.
    type: raw
  other_config:
    description:
      - Only tasks that have all these keys with these values in their C(other_config).
      - Keys and values are compared as strings. V(true) and V(false) are compared in lower case.
    type: dict
  exclude:
    description:
      - Leave out the tasks whose label this regular expression of Python matches, or one of a list
        of them. An empty list leaves out no task.
      - In M(xen.xapi.task_info) and M(xen.xapi.task_wait) an expression must match the whole label.
        In M(xen.xapi.task_cancel) it may match any part of the label.
      - Escape characters that are special in a regular expression, as in O(name_regex). Only
        M(xen.xapi.task_cancel) leaves out a label of more than 1,000 characters.
      - RV(excluded) lists the running tasks that were left out.
    type: raw
notes:
  - The module rejects invalid and ambiguous values. Examples are an empty string, leading or
    trailing whitespace, a null, a list in place of a string, a malformed uuid, reference, time or
    duration, and an object, host or parent task that does not exist. To leave an option out, use
    C(omit).
  - A task must match all given options, so each further option selects fewer tasks.
  - With O(min_age), O(max_age), O(created_after) or O(created_before), the module reads the clocks
    of all hosts of the pool. If the clock of a host differs from the master's, it considers the
    creation times by both clocks. For M(xen.xapi.task_cancel) both must be within the bounds, for
    M(xen.xapi.task_wait) one of them, and M(xen.xapi.task_info) uses the younger age.
  - An age is unknown if the creation time is implausible. That is a time before 2005, before XAPI
    started on the host that created the task or on the master, or in the future. A host whose clock
    cannot be read has the same effect. M(xen.xapi.task_cancel) leaves such a task alone,
    M(xen.xapi.task_wait) counts it unless it had already ended as expected, and
    M(xen.xapi.task_info) treats it as new. A warning names such tasks.
"""
