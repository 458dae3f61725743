# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.xen.xapi.plugins.filter.duration import FilterModule

duration = FilterModule().filters()["duration"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.9, "0s"),
        (59, "59s"),
        (60, "1m"),
        (61, "1m1s"),
        (3599, "59m59s"),
        (3600, "1h"),
        (5400, "1h30m"),
        (5401, "1h30m"),
        (86400, "1d"),
        (90000, "1d1h"),
        (604800, "1w"),
        (8 * 86400, "1w1d"),
        (-90, "-1m30s"),
        ("90", "1m30s"),
        (None, "-"),
        (1e14, "-"),
    ],
)
def test_duration_has_the_two_largest_units(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize("value", ["soon", "", [], {}, True, float("nan"), float("inf"), "1h"])
def test_anything_but_a_number_is_an_error(value):
    with pytest.raises(AnsibleFilterError, match="give a number of seconds"):
        duration(value)
