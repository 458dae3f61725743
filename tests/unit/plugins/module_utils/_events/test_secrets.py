# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.xen.xapi.plugins.module_utils._events.secrets import Secrets


def test_masks_secrets_and_misplaced_passwords():
    secrets = Secrets(
        {"hostname": "https://root:pw1@xcp1", "password": "pw2", "session_ref": "OpaqueRef:x"},
        [("username", "root"), ("password", "pw3")],
    )
    secrets.unmask_values()
    masked = secrets.mask("pw1 pw2 pw3 OpaqueRef:x root")
    assert masked == "******** ******** ******** ******** root"


def test_masks_longest_secret_first():
    assert Secrets({"password": "a", "session_ref": "ab"}).mask("ab") == "********"


def test_values_of_other_options_are_masked_until_they_are_checked():
    secrets = Secrets({"kind": "root:pw1@xcp1"})
    assert "pw1" not in secrets.mask("got: root:pw1@xcp1")
    secrets.unmask_values()
    assert secrets.mask("root:pw1@xcp1") == "root:pw1@xcp1"


def test_masks_latest_sessions_in_bounded_memory():
    secrets = Secrets({})
    for number in range(1000):
        secrets.add_session(f"OpaqueRef:{number:04}")
    assert secrets.mask("OpaqueRef:0999 OpaqueRef:0001") == "******** OpaqueRef:0001"


def test_masks_at_any_depth():
    masked = Secrets({"password": "pw"}).mask_all({"a pw": ["x pw", ("pw", 1, None)]})
    assert masked == {"a ********": ["x ********", ["********", 1, None]]}
