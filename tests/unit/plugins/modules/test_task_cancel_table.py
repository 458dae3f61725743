# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

from ansible_collections.xen.xapi.plugins.module_utils._cancel.cancellation import Action
from ansible_collections.xen.xapi.tests.support.collection import ROOT

GUIDE = ROOT / "docs" / "clean_up_stale_tasks.md"


def test_table_lists_every_action():
    text = GUIDE.read_text(encoding="utf-8")
    first = re.findall(r"^\| (\w+) \|", text, re.MULTILINE)
    actions = [action.value for action in Action]
    assert [word for word in first if word in actions] == actions
