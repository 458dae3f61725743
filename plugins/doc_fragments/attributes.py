# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
---
options: {}
attributes:
  action_group:
    description: Use C(group/xen.xapi.xapi) in C(module_defaults) to set the options of all modules.
    support: full
    membership:
      - xen.xapi.xapi
"""

    # For modules that do not change anything.
    CHANGES_NOTHING = r"""
---
options: {}
attributes:
  diff_mode:
    description: Returns what changed, or would change, when in diff mode.
    support: N/A
    details:
      - The module does not change anything.
  idempotent:
    description: A second run with the same options makes no further change.
    support: full
    details:
      - The module does not change anything.
"""

    # For modules that read once.
    READ_ONLY = r"""
---
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and predict its result without changing anything.
    support: full
    details:
      - The module only reads, so it does the same in check mode.
"""

    # For modules that wait for tasks.
    WAITS = r"""
---
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and predict its result without changing anything.
    support: full
    details:
      - In check mode the module reads the tasks once and does not wait. A warning says what it
        would wait for. It never fails because of a task.
"""

    # For the module that cancels tasks.
    CANCELS = r"""
---
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and predict its result without changing anything.
    support: full
    details:
      - The prediction assumes that every task honors a cancel request. Some operations do not.
  diff_mode:
    description: Returns what changed, or would change, when in diff mode.
    support: full
    details:
      - The diff shows the status of each task to be cancelled.
  idempotent:
    description: A second run with the same options makes no further change.
    support: full
    details:
      - The module leaves tasks alone that are no longer running.
"""

    # For the module that calls any method.
    CALLS = r"""
---
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and predict its result without changing anything.
    support: full
    details:
      - The module calls a method that only reads. For any other method, it checks the arguments and
        looks up the objects in them. The server may still refuse the call.
  diff_mode:
    description: Returns what changed, or would change, when in diff mode.
    support: none
  idempotent:
    description: A second run with the same options makes no further change.
    support: none
    details:
      - Each run calls the method once.
"""
