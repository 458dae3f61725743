# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Must match progress_spec in module_utils/_progress.py.
    DOCUMENTATION = r"""
---
options:
  progress:
    description:
      - Whether to show the progress of the tasks on standard error while the module runs. The first
        line comes after 5 seconds. Then a line follows each change, at most one every 5 seconds and
        at least one a minute.
      - Lines are shown only if the module runs on the controller with the connection C(local), and
        not in check mode, with C(async) or with C(no_log). The result of the module is the same
        with and without them.
      - If this option is not set, the environment variable E(XAPI_PROGRESS) is used.
    type: bool
    default: true
    version_added: 2.0.0
attributes:
  action:
    description: Has a corresponding action plugin, so some parts run on the controller.
    support: partial
    details:
      - The action plugin shows the progress. The module does everything else.
  async:
    description: Supports being run with the C(async) keyword.
    support: full
"""
