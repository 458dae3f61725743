# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._call.report import hide_secrets


@pytest.mark.parametrize(
    ("result", "returned"),
    [
        ({"device_config": {"chappassword": "x", "target": "y"}}, {"chappassword": "(hidden)"}),
        ({"password_secret": "uuid"}, {"password_secret": "uuid"}),
        ([{"password": ""}], {"password": ""}),
        ({"vm-data/adminpass": "x"}, {"vm-data/adminpass": "(hidden)"}),
        ({"password2": "x"}, {"password2": "(hidden)"}),
        ({"api_key": "x"}, {"api_key": "(hidden)"}),
        ({"bypass": "true"}, {"bypass": "true"}),
        ({"Token": [1]}, {"Token": "(hidden)"}),
    ],
)
def test_values_under_secret_keys_are_hidden(result, returned):
    shown = str(hide_secrets(result))
    (pair,) = returned.items()
    assert f"{pair[0]!r}: {pair[1]!r}" in shown


def test_numbers_that_json_cannot_hold_become_text():
    assert hide_secrets([float("nan"), float("inf"), 1.5, 1]) == ["nan", "inf", 1.5, 1]


def test_what_is_nested_too_deeply_is_hidden():
    value = []
    for _level in range(2000):
        value = [value]
    assert "(hidden)" in str(hide_secrets(value))
