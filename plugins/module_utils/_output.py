# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the collection xen.xapi: it may change in any release.
# Use it at your own risk outside of the collection.

from __future__ import annotations

from typing import Any

from ansible.module_utils import basic
from ansible.module_utils.common.parameters import remove_values

from ._texts import bound_message


class Module(basic.AnsibleModule):  # type: ignore[misc]
    """An AnsibleModule that bounds its messages.

    Messages of Ansible's own about options are among them.
    """

    def warn(self, warning: str) -> None:
        super().warn(self._bound(warning))

    def fail_json(self, msg: str, **returned: Any) -> None:
        super().fail_json(msg=self._bound(str(msg)), **returned)

    def _bound(self, text: str) -> str:
        # First, since Ansible does not know a secret that is cut in two.
        return bound_message(remove_values(text, self.no_log_values))
