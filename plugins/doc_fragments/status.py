# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Must match status_spec in module_utils/_tasks/options.py.
    DOCUMENTATION = r"""
---
options:
  status:
    description:
      - Only tasks with one of these statuses.
      - V(success), V(failure) and V(cancelled) are final. With V(pending) and V(cancelling), a task
        is running.
    type: list
    elements: str
    choices:
      - pending
      - cancelling
      - success
      - failure
      - cancelled
"""
