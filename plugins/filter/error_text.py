# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable, Mapping

from ansible.errors import AnsibleFilterError

from ..module_utils._error_codes import describe_error


def error_text(error: Any, names: Any = None) -> str:
    """Return an error of XAPI, a list of its code and parameters, in words."""
    if isinstance(error, Mapping):
        error = [error.get("code"), *(error.get("params") or [])]
    if not isinstance(error, (list, tuple)) or not error or not _are_texts(error):
        raise AnsibleFilterError("error_text: give a list of an error code and its parameters")
    if names is not None and not isinstance(names, Mapping):
        raise AnsibleFilterError("error_text: names is not a map of references to names")
    code, *params = (str(part) for part in error)
    shown = [str((names or {}).get(param) or param) for param in params]
    return describe_error(code, shown)


def _are_texts(parts: Any) -> bool:
    return all(isinstance(part, str) for part in parts)


class FilterModule:
    """The filter xen.xapi.error_text."""

    def filters(self) -> dict[str, Callable[..., str]]:
        return {"error_text": error_text}
