# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import signal
import threading

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._errors import OptionError
from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._tasks.query import select
from ansible_collections.xen.xapi.plugins.module_utils._tasks.regex_timeout import limit_matching
from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import (
    Selection,
    SelectionContext,
)

EXPONENTIAL = re.compile("(a+)+b")
HOSTILE = "a" * 1000
NOTHING = SelectionContext(now=0)


def task(label):
    return Task("OpaqueRef:a", {"name_label": label, "status": "pending"})


@pytest.fixture(autouse=True)
def _as_before():
    before = signal.getsignal(signal.SIGVTALRM)
    yield
    assert signal.getsignal(signal.SIGVTALRM) is before
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_exponential_regex_is_interrupted_within_one_label():
    with (
        pytest.raises(OptionError) as raised,
        limit_matching(Selection(name_regex=EXPONENTIAL), seconds=0.1),
    ):
        EXPONENTIAL.search(HOSTILE)
    assert (raised.value.option, raised.value.value) == ("name_regex", "(a+)+b")
    assert raised.value.problem == (
        "took more than 0.1 s on the labels of this pool; write a simpler expression"
    )


@pytest.mark.parametrize(
    ("options", "named", "value"),
    [
        ({"exclude": (EXPONENTIAL,)}, "exclude", "(a+)+b"),
        ({"name_label": "(a+)+b.*"}, "name_label", "(a+)+b.*"),
        (
            {"name_regex": re.compile("a"), "exclude": (EXPONENTIAL,)},
            "name_regex, exclude",
            ["a", "(a+)+b"],
        ),
    ],
)
def test_error_names_options_with_regexes(options, named, value):
    with pytest.raises(OptionError) as raised, limit_matching(Selection(**options), seconds=0.1):
        EXPONENTIAL.search(HOSTILE)
    assert (raised.value.option, raised.value.value) == (named, value)


def test_polynomial_regex_on_many_tasks_is_rejected():
    selection = Selection(name_regex=re.compile(".*.*.*.*x"))
    with pytest.raises(OptionError):
        select([task(HOSTILE)] * 10_000, selection, NOTHING)


def test_waiting_time_does_not_count_toward_limit():
    with limit_matching(Selection(name_regex=EXPONENTIAL), seconds=0.05):
        threading.Event().wait(0.1)


def test_ordinary_regex_on_many_tasks_stays_within_limit():
    selection = Selection(name_regex=re.compile(r"Async\.(VM|VDI)\.copy"))
    labels = ["Async.VM.copy", "Async.VM.snapshot " * 50]
    found = select([task(label) for label in labels * 5000], selection, NOTHING)
    assert len(found.tasks) == 5000


def test_nested_limit_uses_outer_limit():
    selection = Selection(name_regex=EXPONENTIAL)
    with pytest.raises(OptionError), limit_matching(selection, seconds=0.1):
        select([task(HOSTILE)], selection, NOTHING)


def test_no_limit_without_regexes_or_outside_main_thread():
    outside = []

    def run(selection):
        with limit_matching(selection, seconds=0.1):
            outside.append(signal.getitimer(signal.ITIMER_VIRTUAL))

    run(Selection(name_label="a"))
    thread = threading.Thread(target=run, args=(Selection(name_regex=EXPONENTIAL),))
    thread.start()
    thread.join()
    assert outside == [(0.0, 0.0)] * 2


def test_other_signals_are_handled_during_matching():
    received = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: received.append(number))
    timer = threading.Timer(0.05, signal.raise_signal, [signal.SIGTERM])
    timer.start()
    try:
        with (
            pytest.raises(OptionError),
            limit_matching(Selection(name_regex=EXPONENTIAL), seconds=0.2),
        ):
            EXPONENTIAL.search(HOSTILE)
    finally:
        timer.join()
        signal.signal(signal.SIGTERM, before)
    assert received == [signal.SIGTERM]
