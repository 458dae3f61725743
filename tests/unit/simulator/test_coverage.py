# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page that lists the simulator's answers."""

from __future__ import annotations

from ansible_collections.xen.xapi.tests.simulator.coverage import KINDS, kinds, page
from ansible_collections.xen.xapi.tests.support.collection import ROOT

RECORDED = set((ROOT / "tests/conformance/recorded_messages.txt").read_text().split())


def test_page_is_up_to_date() -> None:
    written = (ROOT / "docs/simulator_coverage.md").read_text()
    assert written == page(RECORDED), "run scripts/simulator_coverage.py"


def test_each_message_has_a_kind() -> None:
    found = kinds(RECORDED)
    assert len(found) == 2009
    assert set(found.values()) == set(KINDS)
    assert found["VM.snapshot"] == "recorded"
    assert found["host.migrate_receive"] == "from source"
    assert found["PIF.get_DNS"] == "generated"
    assert found["VM.sysprep"] == "missing"
