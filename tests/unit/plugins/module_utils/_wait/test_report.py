# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._errors import ConnectionCut
from ansible_collections.xen.xapi.plugins.module_utils._wait.messages import (
    describe_transient_errors,
)
from ansible_collections.xen.xapi.plugins.module_utils._wait.report import (
    timeout_message,
)

CUT = "The connection to https://p was closed before the answer was complete."


def waiter(timeout=600.0, *, latest=None, transient_errors=0, is_disconnected=False):
    return SimpleNamespace(
        timeout=timeout,
        errors=SimpleNamespace(
            latest=latest, count=transient_errors, is_disconnected=is_disconnected
        ),
    )


@pytest.mark.parametrize(
    ("timeout", "how_long"),
    [(600.0, "600 s"), (0.5, "0.5 s"), (0.0, "one check, since timeout is 0,")],
)
def test_timeout_message_states_waiting_time(timeout, how_long):
    text = timeout_message(waiter(timeout), "waiting for it.", was_reached=True)
    assert text == f"Timed out after {how_long} waiting for it."


def test_timeout_message_if_pool_never_answered():
    text = timeout_message(
        waiter(latest=ConnectionCut("https://p"), transient_errors=3), "", was_reached=False
    )
    assert text == f"Timed out after 600 s without an answer from the pool. {CUT}"


@pytest.mark.parametrize("is_disconnected", [True, False])
def test_timeout_message_marks_stale_state_if_disconnected(is_disconnected):
    since = waiter(latest=ConnectionCut("https://p"), is_disconnected=is_disconnected)
    old = f" The pool did not answer, so this state may be out of date. {CUT}"
    assert timeout_message(since, "waiting for it.", was_reached=True) == (
        "Timed out after 600 s waiting for it." + old * is_disconnected
    )


@pytest.mark.parametrize(("times", "words"), [(1, "once"), (2, "2 times")])
def test_warning_counts_transient_errors(times, words):
    errors = waiter(latest=ConnectionCut("https://p"), transient_errors=times).errors
    assert describe_transient_errors(errors) == [
        f"The connection to the pool failed {words} while waiting; the last error: {CUT}"
    ]
    assert describe_transient_errors(waiter().errors) == []
