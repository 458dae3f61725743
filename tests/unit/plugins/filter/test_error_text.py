# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.xen.xapi.plugins.filter.error_text import FilterModule

error_text = FilterModule().filters()["error_text"]
NEEDS_SR = ["VM_REQUIRES_SR", "OpaqueRef:1", "OpaqueRef:2"]


@pytest.mark.parametrize(
    ("error", "names", "text"),
    [
        (
            NEEDS_SR,
            {"OpaqueRef:1": "web-1", "OpaqueRef:2": ""},
            "The virtual machine web-1 needs the storage repository OpaqueRef:2 on its host.",
        ),
        (
            {"code": "HOST_STILL_BOOTING", "params": None},
            None,
            "The host is still starting its services.",
        ),
        (["STRANGE", "a\u202eb"], None, "STRANGE: a\\u202eb"),
        (["STRANGE", "a"], {"a": "b" * 400}, "STRANGE: " + "b" * 300 + "…"),
    ],
)
def test_error_is_described_with_names(error, names, text):
    assert error_text(error, names) == text


@pytest.mark.parametrize("error", [None, "SR_FULL", [], [1], {}, {"code": None}])
def test_anything_but_an_error_is_refused(error):
    with pytest.raises(AnsibleFilterError, match="a list of an error code"):
        error_text(error)


def test_names_are_a_map():
    with pytest.raises(AnsibleFilterError, match="not a map"):
        error_text(NEEDS_SR, ["a"])
