# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._events.gaps import Answer, Gap, GapDetector
from ansible_collections.xen.xapi.plugins.module_utils._wait.disappearance import SESSION_LOST


@pytest.fixture
def gaps():
    return GapDetector(lambda: "the reason")


def refresh(gaps, asked_at, answered_at, generation=1):
    return gaps.record_refresh(Answer(asked_at, answered_at, generation))


def test_first_answer_ends_no_gap(gaps):
    gaps.interrupt()
    assert refresh(gaps, 5, 6) is None


def test_uninterrupted_answers_leave_no_gap(gaps):
    assert refresh(gaps, 0, 1) is None
    gaps.record_update(30)
    assert refresh(gaps, 30, 31) is None


def test_interruption_leaves_gap_since_latest_certain_moment(gaps):
    refresh(gaps, 0, 1)
    gaps.interrupt()
    assert refresh(gaps, 9, 10) == Gap(10, "the reason")
    assert refresh(gaps, 11, 12) is None


def test_answer_to_wait_shows_state_after_answer_before(gaps):
    refresh(gaps, 0, 1)
    gaps.record_update(20)
    gaps.record_update(25)
    gaps.interrupt()
    assert refresh(gaps, 39, 40) == Gap(20, "the reason")


def test_new_session_leaves_gap_without_failed_request(gaps):
    refresh(gaps, 0, 1)
    assert refresh(gaps, 2, 3, generation=2) == Gap(3, SESSION_LOST)


def test_suspended_process_leaves_gap(gaps):
    refresh(gaps, 0, 1)
    assert refresh(gaps, 100, 101) == Gap(101, "the source was not running")
