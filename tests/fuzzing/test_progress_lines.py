# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.fuzzing.progress_lines import TARGETS
from ansible_collections.xen.xapi.tests.fuzzing.runner import try_out


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_fuzzed_reports_become_single_lines(target):
    try_out(target, max(int(60 * target.share), 1))
