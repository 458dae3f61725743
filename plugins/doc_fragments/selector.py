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
      - The uuids of the tasks. With O(ref), the tasks of both lists are selected.
      - Upper and lower case are the same, and a uuid that is listed twice counts once.
      - An empty list selects nothing, never everything.
      - Mutually exclusive with O(name_label) and O(name_regex).
    type: list
    elements: str
  ref:
    description:
      - The references of the tasks, such as V(OpaqueRef:12345678-9abc-def0-1234-56789abcdef0).
        This is what a call with C(Async.) in its name returns.
      - References, and the tasks themselves, last no longer than the XAPI process of the pool's
        master.
      - An empty list selects nothing, never everything.
      - Mutually exclusive with O(name_label) and O(name_regex).
    type: list
    elements: str
  name_label:
    description:
      - The whole label of the tasks, in its exact spelling. It is one text, never a list.
      - For most tasks XAPI takes the name of the method as the label, such as
        V(Async.VM.snapshot), so that many tasks have the same one.
      - If the value is written like a regular expression that would match a running task,
        M(xen.xapi.task_wait) and M(xen.xapi.task_cancel) fail and M(xen.xapi.task_info) warns.
      - Mutually exclusive with O(uuid), O(ref) and O(name_regex).
    type: raw
  name_regex:
    description:
      - A regular expression of Python for the label of the tasks. It is one text, never a list.
      - M(xen.xapi.task_info) and M(xen.xapi.task_wait) search for it anywhere in the label. In
        M(xen.xapi.task_cancel) it must match the whole label.
      - Escape what is special in a label. Those of Xen Orchestra begin with C([XO]), which is
        written V(\\[XO\\] Exporting content). If the expression does not match a running task but
        would do so as plain text, M(xen.xapi.task_wait) and M(xen.xapi.task_cancel) fail and
        M(xen.xapi.task_info) warns, each with the escaped form.
      - An expression that the empty text matches is refused, since every label would match it. So
        is one that needs more than 2 seconds for the labels of a pool.
      - A label of more than 1,000 characters matches in M(xen.xapi.task_info) and
        M(xen.xapi.task_wait), and does not in M(xen.xapi.task_cancel), whatever the expression.
      - Mutually exclusive with O(uuid), O(ref) and O(name_label).
    type: raw
  name_description:
    description:
      - Only tasks with exactly this description. Xen Orchestra, C(xe) and the storage manager often
        write there what a task is about.
    type: raw
    version_added: 2.0.0
  kind:
    description:
      - Only tasks of one of these kinds, or of one of the groups V(backup) and V(housekeeping). The
        kind of a task follows from its label and description, by the table in the guide "Kinds of
        tasks". It is V(other) for a label that is not in the table.
      - V(backup) stands for V(export), V(import), V(copy) and V(snapshot). XAPI's own labels do not
        show which client called it. M(xen.xapi.task_cancel) therefore only selects those tasks
        whose label shows that Xen Orchestra or C(xe) made them.
      - V(housekeeping) stands for the scans, console connections and metrics requests that occur in
        a pool all the time. C(Async.SR.scan), which somebody asked for, is not one of them.
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
      - Only tasks that were made at least this long ago, by the clock of the host that made them.
      - Seconds, or numbers with C(w), C(d), C(h), C(m) or C(s), such as V(30m) or V(1h30m).
    type: str
  max_age:
    description:
      - Only tasks that were made at most this long ago, by the clock of the host that made them.
      - Written like O(min_age).
    type: str
  created_after:
    description:
      - Only tasks that were made at this time or later, by the clock of the host that made them.
      - A time in ISO 8601 with its offset from UTC, such as V(2026-11-23T10:11:12Z) or
        V(2026-11-23T11:11:12+01:00). What a module of this collection returned as C(server_time)
        fits. A time without an offset is refused.
    type: str
  created_before:
    description:
      - Only tasks that were made at this time or earlier, by the clock of the host that made them.
      - Written like O(created_after).
    type: str
  cancellable:
    description:
      - V(true) for running tasks that the server offers to cancel, V(false) for all others.
      - Whether a task can be cancelled comes and goes while it runs.
    type: bool
  object:
    description:
      - Only tasks that work on this object. Those are the tasks that the object names in its
        C(current_operations), and the tasks that name its reference or uuid in C(applies_to) of
        their C(other_config).
      - The server writes C(current_operations) to the object that an operation holds. A host has
        neither the tasks of its storage repositories and disks nor the exports that it serves, and
        a migration within the pool is on the virtual machine and the host that it goes to.
      - C(applies_to) is how the storage manager, Xen Orchestra and XenCenter link their tasks to
        objects. The garbage collection of a storage repository can only be found by it.
    type: dict
    suboptions:
      type:
        description: What the object is.
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
          - The name of the object, in its exact spelling. If several objects of the type have it,
            that is an error, which lists their uuids.
          - It can be empty for a pool, since many pools have no name.
        type: raw
        version_added: 2.0.0
  subtask_of:
    description:
      - Only parts of this task, which is given by its uuid or its reference.
    type: raw
  resident_on:
    description:
      - Only tasks that this host carries out, which is given by its uuid or its name.
    type: raw
  other_config:
    description:
      - Only tasks that have all these keys with these values in their C(other_config).
      - Keys and values are compared as texts; V(true) and V(false) are written in lower case.
    type: dict
  exclude:
    description:
      - A regular expression of Python, or a list of them, for the labels of tasks to leave out. An
        empty list leaves out nothing.
      - In M(xen.xapi.task_info) and M(xen.xapi.task_wait) an expression must match the whole label.
        M(xen.xapi.task_cancel) searches for it anywhere in the label, so that a doubt spares a
        task.
      - Escape what is special in a label, as with O(name_regex). A label of more than 1,000
        characters is left out by M(xen.xapi.task_cancel) only.
      - Running tasks that were left out are returned in RV(excluded).
    type: raw
notes:
  - A value that cannot be meant is an error and never a selection of something else. That is an
    empty text, white space at the start or the end of one, a null, a list where one text is
    meant, a text that is no uuid, reference, time or duration, and an object, host or parent task
    that does not exist. To leave an option out, use C(omit).
  - Identity and filters are all to be met, so each further option selects less.
  - With O(min_age), O(max_age), O(created_after) or O(created_before), the module reads the clocks
    of all hosts of the pool. Where the clock of a host differs from the master's, the creation
    times by both clocks are considered. M(xen.xapi.task_cancel) needs both to be within the bounds,
    M(xen.xapi.task_wait) one of them, and M(xen.xapi.task_info) takes the younger age.
  - An age is unknown if the creation time cannot be right, since it is before 2005, before XAPI
    started on the host that made the task or on the master, or in the future, or if the clock of
    that host cannot be read. M(xen.xapi.task_cancel) leaves such a task alone,
    M(xen.xapi.task_wait) counts it unless it had already ended as expected, and
    M(xen.xapi.task_info) takes it for new. A warning names such tasks.
"""
