# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

from ansible_collections.xen.xapi.plugins.module_utils._errors import RequestTimedOut
from ansible_collections.xen.xapi.plugins.module_utils._tasks.model import Task
from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import Selection
from ansible_collections.xen.xapi.plugins.module_utils._wait.completion import CompletionCondition
from ansible_collections.xen.xapi.plugins.module_utils._wait.observer import Observer
from ansible_collections.xen.xapi.plugins.module_utils._wait.progress import observe
from ansible_collections.xen.xapi.plugins.module_utils._wait.quiet import QuietCondition
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import CompletionRules
from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.simulator.values import Date
from ansible_collections.xen.xapi.tests.support.virtual.screen import Screen
from ansible_collections.xen.xapi.tests.support.virtual.wait import on

COPY = "Async.VM.copy"
HOUR = 3600


@pytest.fixture
def screen(virtual):
    return Screen(virtual.now)


@pytest.fixture
def watch(virtual, screen):
    """Waits for tasks by reference, or until it is quiet, and returns the lines."""

    def run_wait(refs=None, *, timeout, rules=None, quiet_for=30, **options):
        def make_condition(session):
            if refs is None:
                return QuietCondition(
                    session, Selection(), quiet_for=quiet_for, clock=virtual.now, **options
                )
            selection = Selection(refs=tuple(refs))
            return CompletionCondition(
                session, selection, rules or CompletionRules(), clock=virtual.now
            )

        with on(
            virtual,
            make_condition,
            timeout=timeout,
            make_observer=lambda condition: observe(condition, screen, clock=virtual.now),
        ) as run:
            run.wait()
            screen.requests = run.wire.requests
        return screen.texts

    return run_wait


def set_progress(pool, ref, *, every, until, end=1.0):
    for number in range(1, int(until / every) + 1):
        pool.at(
            number * every,
            lambda number=number: pool.set_task(ref, progress=end * number * every / until),
        )


def test_line_has_progress_eta_and_count(virtual, watch):
    refs = [virtual.add_task(COPY, life=Life(duration=HOUR, steps=3600)) for _number in range(2)]
    refs.append(virtual.add_task("Async.VM.clone", life=Life(duration=8)))
    texts = watch(refs, timeout=121)
    assert texts[0] == "xcp1 | Async.VM.copy 0 %; 3 of 3 tasks running"
    assert texts[-1] == "xcp1 | Async.VM.copy 3 %, about 57 min left; 2 of 3 tasks running"


def test_eta_follows_observed_rate(virtual, watch):
    """The task was slow before the wait: its average rate is not the one that counts."""
    ref = virtual.add_task(COPY, progress=0.1)
    virtual.solo.advance(10 * HOUR)
    for second in range(1, 61):
        virtual.at(second, lambda second=second: virtual.set_task(ref, progress=0.1 + second / 100))
    texts = watch([ref], timeout=61)
    assert "70 %, about 30 s left" in texts[-1]


def test_first_movement_gives_eta_by_age_of_task(virtual, watch):
    ref = virtual.add_task(COPY)
    virtual.solo.advance(600)
    virtual.set_task(ref, progress=0.49)
    virtual.at(3, lambda: virtual.set_task(ref, progress=0.5))
    assert "50 %, about 10 min left" in watch([ref], timeout=12)[1]


def test_task_that_was_not_seen_to_move_has_no_eta(virtual, watch):
    """It may hang: then the average since it was created is of another time."""
    ref = virtual.add_task(COPY, progress=0.5)
    virtual.solo.advance(600)
    texts = watch([ref], timeout=100)
    assert len(texts) >= 2
    assert [text for text in texts if " left" in text] == []


def test_average_needs_an_age_by_the_clock_of_the_master(virtual, watch):
    """The clock of a supporter may be minutes ahead, and only options for ages read it."""
    ref = virtual.add_task(COPY, resident_on=virtual.members[1].ref)
    virtual.solo.advance(600)
    virtual.set_task(ref, progress=0.49)
    virtual.at(3, lambda: virtual.set_task(ref, progress=0.5))
    assert watch([ref], timeout=12)[-1].startswith("xcp1 | Async.VM.copy 50 %; ")
    virtual.set_task(ref, progress=0.59)
    virtual.at(3, lambda: virtual.set_task(ref, progress=0.6))
    assert watch(timeout=12)[-1].startswith("xcp1 | Async.VM.copy 60 %; ")


def test_average_needs_a_time_that_can_be_right(virtual, watch):
    """The clock of the master began at zero when it made the task."""
    ref = virtual.add_task(COPY, created=Date.at(1000), progress=0.89)
    virtual.at(3, lambda: virtual.set_task(ref, progress=0.99999))
    line = watch([ref], timeout=12)[-1]
    assert line.startswith("xcp1 | Async.VM.copy 99 %; ")


@pytest.mark.parametrize("progress", [0.994, 0.997, 0.9999999])
def test_running_task_is_not_shown_as_complete(virtual, watch, progress):
    ref = virtual.add_task(COPY, progress=progress - 0.1)
    virtual.at(3, lambda: virtual.set_task(ref, progress=progress))
    for line in (watch([ref], timeout=20)[-1], watch(timeout=6)[-1]):
        assert "Async.VM.copy 99 %" in line
        assert "about 0 s" not in line


def test_standstill_is_named(virtual, watch):
    ref = virtual.add_task(COPY, progress=0.5)
    assert "50 %, no progress for 4 min" in watch([ref], timeout=300)[-1]


def test_progress_that_goes_back_gives_no_eta(virtual, watch):
    ref = virtual.add_task(COPY, progress=0.9)
    virtual.at(20, lambda: virtual.set_task(ref, progress=0.2))
    texts = watch([ref], timeout=26)
    assert texts[-1].startswith("xcp1 | Async.VM.copy 20 %; ")


def test_second_phase_has_the_eta_of_its_own_rate(virtual, watch):
    """The age counts from the start of the first phase, which took an hour."""
    ref = virtual.add_task(COPY, progress=0.9)
    virtual.solo.advance(HOUR)
    virtual.at(10, lambda: virtual.set_task(ref, progress=0.95))
    for second in range(20, 61):
        virtual.at(second, lambda second=second: virtual.set_task(ref, progress=second / 100 - 0.2))
    texts = watch([ref], timeout=61)
    second_phase = [text for text in texts if " 9" not in text]
    assert second_phase[0].startswith("xcp1 | Async.VM.copy 0 %; ")
    assert [text for text in second_phase if " min left" in text or " h" in text] == []
    assert "30 %, about 70 s left" in texts[-1]


@pytest.mark.parametrize("every", [5, 600])
def test_hour_of_waiting_prints_between_60_and_720_lines(virtual, screen, watch, every):
    refs = [virtual.add_task(COPY) for _number in range(3)]
    for ref in refs:
        set_progress(virtual, ref, every=every, until=HOUR, end=0.99)
    watch(refs, timeout=HOUR)
    times = [line.at for line in screen.lines]
    assert 60 <= len(times) <= 720
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert times[0] >= 5
    assert min(gaps) >= 5
    assert max(gaps) <= 60


def test_hour_of_quick_changes_prints_at_most_720_lines(virtual, screen, watch):
    ref = virtual.add_task(COPY)
    for number in range(HOUR // 2):
        progress = 0.5 * (number % 2) + 0.1
        virtual.at(2 * number, lambda progress=progress: virtual.set_task(ref, progress=progress))
    assert 700 <= len(watch([ref], timeout=HOUR)) <= 720


def test_each_step_of_ten_percent_gets_a_line(virtual, screen, watch):
    ref = virtual.add_task(COPY)
    set_progress(virtual, ref, every=10, until=1000, end=0.99)
    texts = watch([ref], timeout=1001)
    for step in range(1, 10):
        assert [text for text in texts if f" {step}" in text.partition("%")[0]]


def test_progress_sends_no_request(virtual, screen, watch):
    ref = virtual.add_task(COPY, life=Life(duration=600, steps=60))
    watch([ref], timeout=700)
    observed = screen.requests
    other = virtual.add_task(COPY, life=Life(duration=600, steps=60))
    screen.is_on = False
    watch([other], timeout=700)
    assert screen.requests == observed


def test_any_names_task_that_is_furthest(virtual, watch):
    refs = [virtual.add_task(COPY, progress=0.2), virtual.add_task("export", progress=0.7)]
    assert "| export 70 %" in watch(refs, timeout=6, rules=CompletionRules(wait_for="any"))[0]


def test_all_names_task_that_is_least_far(virtual, watch):
    refs = [virtual.add_task(COPY, progress=0.2), virtual.add_task("export", progress=0.7)]
    assert "| Async.VM.copy 20 %" in watch(refs, timeout=6)[0]


def test_missing_and_ended_tasks_are_counted(virtual, watch):
    refs = [
        virtual.add_task(COPY),
        virtual.add_task("fails", life=Life(duration=1, outcome="failure")),
    ]
    rules = CompletionRules(fail_fast=False, on_missing="wait")
    line = watch([*refs, "OpaqueRef:none"], timeout=6, rules=rules)[0]
    assert "1 of 2 tasks running; 1 not found yet; 1 ended in another state" in line


def test_unusual_status_is_named(virtual, watch):
    ref = virtual.add_task(COPY, status="cancelling", progress=0.5)
    assert "Async.VM.copy cancelling 50 %" in watch([ref], timeout=6)[0]


def test_quiet_wait_names_task_in_the_way(virtual, watch):
    virtual.add_task(COPY, progress=0.43)
    (line, *_rest) = watch(timeout=60)
    assert line.startswith("xcp1 | Async.VM.copy 43 %")
    assert line.endswith("; not quiet: 1 task running")


def test_quiet_time_grows_between_reports(virtual, watch):
    texts = watch(quiet_for=150, timeout=200)
    assert texts[0] == "xcp1 | quiet for 5 s of 2 min"
    assert texts[1] == "xcp1 | quiet for 60 s of 2 min"


def test_quiet_time_does_not_grow_while_pool_does_not_answer(virtual, watch):
    """The time is of the latest answer before the trouble."""
    virtual.at(40, lambda: [virtual.take_down_for(300, place) for place in (0, 1)])
    texts = watch(quiet_for=600, timeout=300)
    assert len(texts) >= 5
    troubled = [text for text in texts if "no answer from" in text]
    assert len(troubled) >= 3
    assert {text.partition("last seen: ")[2] for text in troubled} == {"quiet for 60 s of 10 min"}


def test_quiet_time_is_marked_as_observed(virtual):
    """It does not grow while the module waits for an answer."""
    reports = []
    sink = SimpleNamespace(
        is_open=True, cpu_clock=lambda: 0.0, mask=lambda text: text, send=reports.append
    )
    with on(
        virtual,
        lambda session: QuietCondition(session, Selection(), quiet_for=60, clock=virtual.now),
        timeout=30.0,
        make_observer=lambda condition: observe(condition, sink, clock=virtual.now),
    ) as run:
        run.wait()
    durations = [part for report in reports for part in report["line"] if isinstance(part, list)]
    assert durations
    assert {tuple(part[1:]) for part in durations} == {("observed",)}


def test_quiet_wait_tells_change_to_quiet(virtual, watch):
    virtual.add_task(COPY, life=Life(duration=20))
    texts = watch(quiet_for=30, timeout=200)
    assert texts[-1].startswith("xcp1 | quiet for ")


def test_pool_that_does_not_answer_is_named_and_retried(virtual, watch):
    ref = virtual.add_task(COPY, progress=0.5)
    virtual.at(6, lambda: [virtual.take_down_for(60, place) for place in (0, 1)])
    texts = watch([ref], timeout=60)
    troubled = [text for text in texts if "no answer from 10.0.0.1" in text]
    assert len(troubled) == 2
    assert troubled[0].startswith("xcp1 | no answer from 10.0.0.1, retrying; last seen: ")
    assert troubled[1].startswith("xcp1 | no answer from 10.0.0.1 for 23 s, retrying; last seen: ")
    assert "last seen: Async.VM.copy 50 %" in troubled[1]


def test_starting_pool_is_named(virtual, watch):
    ref = virtual.add_task(COPY)
    virtual.boot_for(30)
    assert "10.0.0.1 answered HOST_STILL_BOOTING for 5 s, retrying" in watch([ref], timeout=20)[0]


def test_line_after_recovery_has_no_trouble_in_it(virtual, watch):
    ref = virtual.add_task(COPY, progress=0.5)
    virtual.at(6, lambda: [virtual.take_down_for(10, place) for place in (0, 1)])
    assert watch([ref], timeout=60)[-1].startswith("xcp1 | Async.VM.copy 50 %")


@pytest.mark.parametrize(
    "label", ["\x1b[2J\r\nok: [xcp1] {{ lookup('pipe', 'id') }}", "x" * 300 * 1024, "é" * 5000, ""]
)
def test_labels_are_escaped_and_bounded(virtual, screen, watch, label):
    ref = virtual.add_task(label)
    (line,) = watch([ref], timeout=6)
    assert line.isprintable()
    assert len(line) < 250
    last = screen.pacer.last_line()
    assert last.isprintable()
    assert len(last) < 800


def test_secrets_are_masked_before_a_label_is_cut(virtual, screen, watch):
    virtual.add_task(f"{'x' * 77}secret")
    ref = virtual.add_task(f"{'x' * 197}secret")
    texts = [*watch([ref], timeout=6), *watch(timeout=6), screen.pacer.last_line()]
    assert len(texts) >= 3
    assert [text for text in texts if "sec" in text] == []


def test_last_line_lists_running_tasks(virtual, screen, watch):
    refs = [
        virtual.add_task(COPY, progress=0.43),
        virtual.add_task("export", life=Life(duration=1)),
    ]
    watch(refs, timeout=6)
    uuid = virtual.record(refs[0])["uuid"]
    assert screen.pacer.last_line() == (
        "xcp1 | stopped waiting; running in the pool when last seen: "
        f"'Async.VM.copy' (uuid {uuid}, pending, 43 %)"
    )


def test_observer_that_fails_does_not_end_the_wait(virtual, watch, screen, monkeypatch):
    def fail(_report):
        raise RuntimeError("defect")

    monkeypatch.setattr(screen, "send", fail)
    ref = virtual.add_task(COPY, life=Life(duration=10))
    assert watch([ref], timeout=60) == []
    assert virtual.status(ref) == "success"


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


class ExpensiveObserver(Observer):
    """Needs a processor, and time, for each report."""

    def __init__(self, *, wall, cpu):
        self.clock, self.cpu = Clock(), Clock()
        self.screen = Screen(self.clock, cpu_clock=self.cpu)
        super().__init__(None, self.screen, clock=self.clock)
        self.tasks = [Task("OpaqueRef:1", {"name_label": COPY, "status": "pending"})]
        self._wall, self._cpu = wall, cpu

    def _running(self):
        return self.tasks

    def _line(self, running):
        self.clock.time += self._wall
        self.cpu.time += self._cpu
        return [f"{len(running)} running"]

    def take_steps(self, number, *, every=0.5, error=None):
        """Return how many of the steps were reported."""
        before = len(self.screen.reports)
        for _number in range(number):
            self.clock.time += every
            self(error)
        return len(self.screen.reports) - before


def test_reports_take_a_small_share_of_the_processor():
    """Where a report takes long, as with thousands of tasks, there are fewer of them."""
    observer = ExpensiveObserver(wall=0.05, cpu=0.05)
    assert 35 <= observer.take_steps(200) <= 45


def test_reports_stop_for_at_most_five_seconds():
    observer = ExpensiveObserver(wall=1.0, cpu=1.0)
    assert 20 <= observer.take_steps(200) <= 25


def test_busy_machine_suppresses_no_report():
    observer = ExpensiveObserver(wall=0.6, cpu=0.001)
    assert observer.take_steps(100) == 100


def test_change_of_what_runs_is_reported_at_once():
    """The next step may be 30 seconds away, and a line would call a busy pool quiet until then."""
    observer = ExpensiveObserver(wall=1.0, cpu=1.0)
    assert observer.take_steps(2) == 1
    observer.tasks = []
    assert observer.take_steps(2) == 1
    assert observer.screen.reports[-1].parts == ("0 running",)


def test_trouble_is_reported_at_once():
    observer = ExpensiveObserver(wall=1.0, cpu=1.0)
    assert observer.take_steps(2) == 1
    assert observer.take_steps(1, error=RequestTimedOut("https://10.0.0.1", seconds=60)) == 1
    assert "no answer from 10.0.0.1" in observer.screen.reports[-1].parts[0]
    assert observer.take_steps(1) == 1
