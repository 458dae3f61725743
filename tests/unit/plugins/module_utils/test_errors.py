# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._errors import redact


@pytest.mark.parametrize(
    ("code", "params", "secrets", "hidden"),
    [
        ("SESSION_INVALID", ["OpaqueRef:1"], [], ["(hidden)"]),
        ("SESSION_INVALID", [], [], []),
        ("INTERNAL_ERROR", ["got OpaqueRef:1 here"], ["OpaqueRef:1"], ["got (hidden) here"]),
        ("INTERNAL_ERROR", ["a", "b"], ["a", "b"], ["(hidden)", "(hidden)"]),
        ("INTERNAL_ERROR", ["kept"], [""], ["kept"]),
        ("INTERNAL_ERROR", ["ab"], ["a", "ab"], ["(hidden)"]),
        ("HANDLE_INVALID", ["task", "OpaqueRef:2"], ["OpaqueRef:1"], ["task", "OpaqueRef:2"]),
    ],
)
def test_redacts_secrets_and_session_refs_in_error_params(code, params, secrets, hidden):
    assert redact(code, params, secrets=secrets) == hidden
