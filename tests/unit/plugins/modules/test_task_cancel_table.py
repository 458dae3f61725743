# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._cancel.cancellation import Action
from ansible_collections.xen.xapi.plugins.module_utils._cancel.options import cancelling_spec
from ansible_collections.xen.xapi.tests.support.collection import ROOT
from ansible_collections.xen.xapi.tests.support.doc_examples import rows
from ansible_collections.xen.xapi.tests.support.samples import LONG_AGO

GUIDE = "docs/clean_up_stale_tasks.md"
TABLE = rows(GUIDE)


def test_table_lists_every_option():
    assert sorted(row.option for row in TABLE) == sorted(cancelling_spec())


def test_table_lists_every_action():
    text = Path(ROOT / GUIDE).read_text(encoding="utf-8")
    first = re.findall(r"^\| (\w+) \|", text, re.MULTILINE)
    actions = [action.value for action in Action]
    assert [word for word in first if word in actions] == actions


@pytest.mark.parametrize("row", TABLE, ids=[row.option for row in TABLE])
def test_table_example_is_accepted(pool, cancel, row):
    assert list(row.example) == [row.option]
    ref = pool.add_task("backup", created=LONG_AGO, status="success")
    # Forcing needs a timeout of minutes, of which nothing is used here.
    more = {"timeout": "5m"} if row.option == "force" else {}
    cancel(ref=[ref], **{**more, **row.example})
