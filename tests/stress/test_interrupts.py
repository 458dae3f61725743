# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest

from ansible_collections.xen.xapi.tests.stress.interrupts import drawn, violations

RUNS = int(os.environ.get("RELIABILITY_ENDS", "6"))
SEED = int(os.environ.get("RELIABILITY_SEED", "20261124"))
# Of the short form, which runs anywhere and beside anything, no figure is told.
LOGGED_OUT_WITHIN = float(os.environ.get("RELIABILITY_LOGGED_OUT_WITHIN", "30"))


@pytest.mark.parametrize("end", drawn(SEED, RUNS), ids=str)
def test_interrupted_module_leaves_no_process_or_session(tmp_path, end):
    assert violations(end, tmp_path, within=LOGGED_OUT_WITHIN) == []
