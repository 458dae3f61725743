# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._tasks.options import (
    selector_spec,
    status_spec,
)
from ansible_collections.xen.xapi.plugins.modules import task_info
from ansible_collections.xen.xapi.tests.simulator import classes
from ansible_collections.xen.xapi.tests.support.doc_examples import rows

TABLE = rows("docs/finding_tasks.md")
TASK_UUID = "9c2ee352-3f95-0e0a-8f77-4c4e7a3f2d11"
VM_UUID = "a70a868e-afa7-6e35-f22e-0824993c533a"


def test_table_lists_every_option():
    spec = {**selector_spec(), **status_spec(), **task_info.listing_spec()}
    assert sorted(row.option for row in TABLE) == sorted(spec)


@pytest.mark.parametrize("row", TABLE, ids=[row.option for row in TABLE])
def test_table_example_is_accepted(pool, run, row):
    pool.inventory.add_vm("a VM", uuid=VM_UUID)
    pool.inventory.add_host("xcp1", "127.0.0.7")
    pool.database.create("task", classes.new("task", uuid=TASK_UUID))
    assert list(row.example) == [row.option]
    run(task_info.main, {"hostname": pool.url, "password": pool.password, **row.example})
