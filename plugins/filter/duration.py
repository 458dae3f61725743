# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._report.cells import format_duration, read_number


def duration(seconds: Any) -> str:
    """Return seconds in their two largest units."""
    if seconds is not None and read_number(seconds) is None:
        raise AnsibleFilterError(
            f"duration: give a number of seconds, not {type(seconds).__name__}"
        )
    return format_duration(seconds)


class FilterModule:
    """The filter xen.xapi.duration."""

    def filters(self) -> dict[str, Callable[..., str]]:
        return {"duration": duration}
