# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from unittest import mock

import pytest

from ansible_collections.xen.xapi.tests.support.collection import forget_the_network
from ansible_collections.xen.xapi.tests.support.fixtures import pool, start_pool

__all__ = ["pool", "start_pool"]


@pytest.fixture(autouse=True)
def _no_settings_of_the_user():
    """The environment of whoever runs the tests is about other pools, and other ways to them."""
    with mock.patch.dict(os.environ):
        forget_the_network(os.environ)
        yield
