# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._wait.options import waiting_spec
from ansible_collections.xen.xapi.tests.support.doc_examples import rows

TABLE = rows("docs/gate_a_deploy_step.md")


def test_table_lists_every_option():
    assert sorted(row.option for row in TABLE) == sorted(waiting_spec())


@pytest.mark.parametrize("row", TABLE, ids=[row.option for row in TABLE])
def test_table_example_is_accepted(pool, wait, row):
    assert list(row.example) == [row.option]
    if row.option in ("quiet_for", "ignore_stalled", "include_housekeeping"):
        # As printed it would take a minute: in check mode it is only read.
        wait(wait_for="none", timeout="1h", _ansible_check_mode=True, **row.example)
        return
    ref = pool.add_task("Async.VM.copy", status="success")
    wait(ref=[ref], **row.example)
