# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._report.cells import ReportError
from ..module_utils._report.table import format_table


def task_table(tasks: Any, columns: Any = None, limit: Any = 100) -> str:
    """Return tasks as a table of text."""
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise AnsibleFilterError("task_table: limit must be a whole number of 1 or more")
    try:
        return format_table(tasks, columns=columns, limit=limit)
    except ReportError as error:
        raise AnsibleFilterError(f"task_table: {error}") from None


class FilterModule:
    """The filter xen.xapi.task_table."""

    def filters(self) -> dict[str, Callable[..., str]]:
        return {"task_table": task_table}
