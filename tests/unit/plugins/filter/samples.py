# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks as modules return them, harmless and hostile ones, for the tests of the filters."""

from __future__ import annotations

from typing import Any

from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.tests.support.samples import REF, TASK

NOW = 1_795_428_672 + 5400
"""An hour and a half after the sample was created."""

HOSTILE_TEXTS = (
    "<script>alert(1)</script>",
    "</title></style><img src=x onerror=alert(1)>",
    "\"' onmouseover='alert(1)",
    "{{ lookup('pipe', 'id') }}",
    "{% raw %}{# x #}",
    "{{{{ 7 * 7 }}}}",
    "\x1b[2J\x07\x00\r\n\t\x9b",
    "\u202eabc\u200b\ufeff\u2028",
    "&lt;script&gt;",
    "]]><!--",
    "x" * 300_000,
    "<" * 300_000,
    "\ud800",
)
WRONG_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    1e300,
    float("nan"),
    float("inf"),
    "",
    [],
    {},
    [1, None],
    {"a": {"b": 1}},
    "9" * 5000,
    10**400,
)


def task(**changes: Any) -> dict[str, Any]:
    """Return the sample as task_info returns it, with changed values."""
    returned = Task(REF, TASK).to_dict(now=NOW)
    objects = [{"type": "VM", "uuid": "u", "name_label": "web-1", "operation": "start"}]
    return {**returned, "objects": objects, "resident_on_name": "xcp1", **changes}
