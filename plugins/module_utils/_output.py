# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

import json
from typing import Any, Collection

from ansible.module_utils import basic
from ansible.module_utils.common.parameters import remove_values

from ._text import bound_message

_FULL_VERBOSITY = 3
_MASKED = (
    "The value of a secret option, such as the password, also occurs in the results. Ansible "
    "replaces it with asterisks or VALUE_SPECIFIED_IN_NO_LOG_PARAMETER, so labels, ids and numbers "
    "may be masked, and conditions on them may be wrong. A long random password avoids this."
)


class Module(basic.AnsibleModule):  # type: ignore[misc]
    """An AnsibleModule that limits the length of messages, and warns of secrets in its results.

    That includes Ansible's own messages about options.
    """

    def warn(self, warning: str) -> None:
        super().warn(self._bound(warning))

    def fail_json(self, msg: str, **returned: Any) -> None:
        # Only a failure needs it, and a module run should start quickly.
        from ._short_failures import shorten_failure

        self._warn_of_masks({"msg": msg, **returned})
        is_verbose = self._verbosity >= _FULL_VERBOSITY
        shortened = shorten_failure(str(msg), returned, is_verbose=is_verbose)
        super().fail_json(msg=self._bound(str(msg)), **shortened)

    def exit_json(self, **returned: Any) -> None:
        self._warn_of_masks(returned)
        super().exit_json(**returned)

    def _bound(self, text: str) -> str:
        # Mask first, since Ansible does not find a secret that is cut in two.
        return bound_message(remove_values(text, self.no_log_values))

    def _warn_of_masks(self, returned: dict[str, Any]) -> None:
        if occurs_in(returned, self.no_log_values):
            self.warn(_MASKED)


def occurs_in(returned: Any, secrets: Collection[str]) -> bool:
    """Return whether Ansible would mask one of the secrets in the values."""
    wanted = [secret for secret in secrets if secret]
    # A cheap check for thousands of tasks, since most secrets do not occur. It includes keys.
    text = json.dumps(returned, default=str, skipkeys=True)
    likely = [secret for secret in wanted if json.dumps(secret)[1:-1] in text]
    return bool(likely) and _has_any(returned, likely)


def _has_any(value: Any, secrets: Collection[str]) -> bool:
    if isinstance(value, dict):
        return any(_has_any(item, secrets) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_has_any(item, secrets) for item in value)
    if value is None or isinstance(value, bool):
        return False
    text = str(value)
    return any(secret in text for secret in secrets)
