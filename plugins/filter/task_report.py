# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._report.cells import ReportError
from ..module_utils._report.page import format_page


def task_report(result: Any, title: Any = "Tasks") -> str:
    """Return tasks as an HTML page."""
    try:
        return format_page(result, title=title)
    except ReportError as error:
        raise AnsibleFilterError(f"task_report: {error}") from None


class FilterModule:
    """The filter xen.xapi.task_report."""

    def filters(self) -> dict[str, Callable[..., str]]:
        return {"task_report": task_report}
