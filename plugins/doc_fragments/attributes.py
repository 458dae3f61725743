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

    # For modules that change nothing.
    CHANGES_NOTHING = r"""
---
options: {}
attributes:
  diff_mode:
    description: Returns what changed, or would change, when in diff mode.
    support: N/A
    details:
      - The module changes nothing.
  idempotent:
    description: Changes nothing more when it is run again with the same options.
    support: full
    details:
      - The module changes nothing.
"""

    # For those of them that read once.
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

    # For those of them that wait for what others do.
    WAITS = r"""
---
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and predict its result without changing anything.
    support: full
    details:
      - In check mode the module reads once, reports what it would wait for with a warning that it
        did not, and never fails because of a task.
"""

    # For the module that cancels.
    CANCELS = r"""
---
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and predict its result without changing anything.
    support: full
    details:
      - The prediction is for tasks that honour a cancel. Nobody knows which do.
  diff_mode:
    description: Returns what changed, or would change, when in diff mode.
    support: full
    details:
      - The difference is the status of each task that was to be cancelled.
  idempotent:
    description: Changes nothing more when it is run again with the same options.
    support: full
    details:
      - What is not running any more is left alone.
"""
