# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.tests.simulator.certificate import Certificate
from ansible_collections.xen.xapi.tests.support.raw_server import transport_for
from ansible_collections.xen.xapi.tests.support.virtual.pool import VirtualPool


@pytest.fixture
def virtual():
    """A pool in virtual time: its clock only advances during waits."""
    return VirtualPool()


@pytest.fixture
def transport():
    """A transport that trusts the CAs of the environment."""
    one = transport_for()
    yield one
    one.close()


@pytest.fixture
def certificate():
    """A function that creates certificates for names."""
    made = []

    def make(*names, **validity):
        made.append(Certificate(list(names), **validity))
        return made[-1]

    yield make
    for one in made:
        one.remove()
