# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError

from ..module_utils._report.suggestions import suggest_names as suggest


def suggest_names(names: Any, known: Any) -> str:
    """Return unknown names, each with the most similar known name."""
    for values in (names, known):
        if not isinstance(values, (list, tuple)) or not all(
            isinstance(value, str) for value in values
        ):
            raise AnsibleFilterError("suggest_names: give two lists of names")
    return suggest(names, known)


class FilterModule:
    """The filter xen.xapi.suggest_names."""

    def filters(self) -> dict[str, Callable[..., str]]:
        return {"suggest_names": suggest_names}
