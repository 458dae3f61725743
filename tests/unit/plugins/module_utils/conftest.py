# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.virtual import VirtualPool


@pytest.fixture
def virtual():
    """A pool whose time passes only where somebody waits."""
    return VirtualPool()
