# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All schedules of a few tasks and steps: each is run, unless another one comes to the same."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import math
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple
from unittest import mock

from ansible_collections.xen.xapi.plugins.module_utils._client.gc_pause import pause_gc
from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.module_utils._tasks.selection import Selection
from ansible_collections.xen.xapi.plugins.module_utils._wait.completion import CompletionCondition
from ansible_collections.xen.xapi.plugins.module_utils._wait.quiet import QuietCondition
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import CompletionRules
from ansible_collections.xen.xapi.plugins.module_utils._wait.waiter import WaitCondition, Waiter
from ansible_collections.xen.xapi.plugins.modules import task_cancel
from ansible_collections.xen.xapi.tests.model_checking.invariants import Ended, judge
from ansible_collections.xen.xapi.tests.model_checking.model import (
    LABEL,
    EndlessTalk,
    Merged,
    Schedule,
    Script,
    SmallPool,
    uuids,
)
from ansible_collections.xen.xapi.tests.model_checking.scripted_transport import ScriptedWire
from ansible_collections.xen.xapi.tests.model_checking.state_hash import state_of
from ansible_collections.xen.xapi.tests.simulator import events, getters
from ansible_collections.xen.xapi.tests.support.invariants import Checks
from ansible_collections.xen.xapi.tests.support.module_runner import ModuleRun
from ansible_collections.xen.xapi.tests.support.virtual.transport import virtual_session

COLLECT_EVERY = 2000
"""Runs: each leaves a ring of objects, and looking for such all the time costs a quarter more."""
TROUBLES = frozenset({"restart", "failover", "logout", "cut", "cut-after"})
RULES = ("all", "any", "none", "cancel")
TIMEOUTS = {"all": 40.0, "any": 40.0, "none": 40.0, "cancel": 12.0}
QUIET_FOR = 10.0
POLL_INTERVAL = 10.0
ASKED_FOR = ("pool", "host", "host_metrics", "task")
"""The classes that a wait asks for; a pool that serves no more is there sooner."""
SHORT = 1.0
"""Seconds."""


class Start(NamedTuple):
    """The start of a run: for `none` some of the tasks may begin later, as a step."""

    rule: str
    tasks: int
    born: int

    def __str__(self) -> str:
        return f"{self.rule} --tasks {self.tasks} --born {self.born}"


class Outcome(NamedTuple):
    schedule: Schedule
    branches: list[Schedule]
    is_merged: bool
    violations: list[str]
    conversation: list[str]


class Left(NamedTuple):
    """How many steps may still come, and how many of them may be troubles."""

    steps: int
    transient_errors: int

    def after(self, schedule: Schedule) -> Left:
        transient_errors = sum(timed.step.kind in TROUBLES for timed in schedule)
        return Left(self.steps - len(schedule), self.transient_errors - transient_errors)

    def covers(self, other: Left) -> bool:
        return self.steps >= other.steps and self.transient_errors >= min(
            other.transient_errors, other.steps
        )


class Known:
    """The states that were met, each with what was left for that which follows."""

    def __init__(self) -> None:
        self._left: dict[bytes, list[Left]] = {}

    def meets(self, state: bytes, left: Left) -> bool:
        """Whether all that may follow was run before."""
        met = self._left.setdefault(state, [])
        if any(one.covers(left) for one in met):
            return True
        met[:] = [one for one in met if not left.covers(one)] + [left]
        return False

    def __len__(self) -> int:
        return len(self._left)


class Player:
    """Plays schedules of one start."""

    def __init__(self, start: Start, *, bound: Left, known: Known | None) -> None:
        self.start = start
        self.checks = Checks()
        self._bound = bound
        self._known = known

    def play(self, schedule: Schedule) -> Outcome:
        script = Script(schedule)
        with (
            mock.patch.object(uuid, "uuid4", uuids()),
            mock.patch.object(events, "DELAY_BEFORE", 0.0),
            mock.patch.object(getters, "READABLE", ASKED_FOR),
        ):
            fails_over = self.start.rule == "none"
            pool = SmallPool(self.start.tasks, self.start.born, fails_over=fails_over)
            wire = ScriptedWire(pool, script)
            run = Ended(pool, wire)
            run.timeout = TIMEOUTS[self.start.rule]
            is_merged = self._run(run, script)
            self.checks.violations = []
            if not is_merged:
                self._judge(run)
        if not script.is_played:
            self.checks.violations.append("the run ended before its schedule")
        branches = [one for one in script.branches if min(self._bound.after(one)) >= 0]
        return Outcome(
            schedule,
            branches,
            is_merged,
            self.checks.violations,
            wire.conversation,
        )

    def _run(self, run: Ended, script: Script) -> bool:
        """Whether it has merged with another run."""
        hook = self._hook(run, script)
        try:
            if self.start.rule == "cancel":
                self._cancel(run, script, hook)
            else:
                self._wait(run, hook)
        except Merged:
            return True
        except (Exception, EndlessTalk) as error:
            run.error = error
        run.settled_at = run.pool.settled_at
        return False

    def _judge(self, run: Ended) -> None:
        judge(self.start.rule, run, self.checks)
        if run.error is not None and self.checks.violations:
            self.checks.violations.append(f"{type(run.error).__name__}: {run.error}")

    def _hook(self, run: Ended, script: Script) -> Any:
        passed: set[bytes] = set()

        def arrive(waiter: Waiter) -> None:
            if self._known is None or not script.is_played:
                return
            state = state_of(self.start.rule, waiter, run.pool, run.wire)
            name = hashlib.blake2b(repr(state).encode(), digest_size=16).digest()
            if name in passed:
                raise EndlessTalk
            passed.add(name)
            if self._known.meets(name, self._bound.after(script.done)):
                run.wire.is_merged = True
                raise Merged

        return arrive

    def _wait(self, run: Ended, hook: Any) -> None:
        with virtual_session(run.wire, run.pool) as session:
            condition = self._condition(session, run.pool)
            waiter = _HookedWaiter(
                session,
                condition,
                timeout=run.timeout,
                clock=run.pool.now,
                sleep=run.pool.solo.advance,
            )
            waiter.hook = hook
            try:
                waiter.wait()
            finally:
                run.decision, run.ended = condition.decision, run.pool.now()
                run.quiet_since, run.troubled_at = run.wire.quiet_since, run.wire.troubled_at[-1]

    def _condition(self, session: Session, pool: SmallPool) -> WaitCondition:
        if self.start.rule == "none":
            selection = Selection(name_label=LABEL)
            return QuietCondition(session, selection, quiet_for=QUIET_FOR, clock=pool.now)
        selection = Selection(refs=tuple(pool.refs))
        return CompletionCondition(
            session, selection, CompletionRules(wait_for=self.start.rule), clock=pool.now
        )

    def _cancel(self, run: Ended, script: Script, hook: Any) -> None:
        with mock.patch.object(task_cancel, "Waiter", _HookedWaiter), _hooked(hook):
            try:
                run.result = _cancelling(run).work()
            finally:
                run.ended = run.pool.now()
        if run.result is not None and not run.result.get("failed"):
            script.is_over = True
            sessions = set(run.pool.sessions())
            run.second = _cancelling(run).work()
            assert set(run.pool.sessions()) <= sessions


class _HookedWaiter(Waiter):
    """Knows when it is between two steps, and is deterministic."""

    hook: Any = staticmethod(lambda _waiter: None)

    def __init__(self, session: Session, condition: WaitCondition, **options: Any) -> None:
        self._pass_time = options["sleep"]
        options |= {"poll_interval": POLL_INTERVAL, "jitter": lambda: 1.0, "sleep": self._rest}
        super().__init__(session, condition, **options)

    def _rest(self, seconds: float) -> None:
        """Short pauses take no time, but for the last: what differs in them only is the same."""
        if seconds >= SHORT or self._pacer.remaining <= SHORT:
            self._pass_time(seconds)

    def _step(self) -> None:
        self.hook(self)
        super()._step()


@contextlib.contextmanager
def _hooked(hook: Any) -> Iterator[None]:
    with mock.patch.object(_HookedWaiter, "hook", staticmethod(hook)):
        yield


def _cancelling(run: Ended) -> ModuleRun:
    return ModuleRun(
        "task_cancel",
        {"ref": list(run.pool.refs), "timeout": f"{run.timeout:g}"},
        lambda: virtual_session(run.wire, run.pool),
        clock=run.pool.now,
        sleep=run.pool.solo.advance,
    )


class Tally:
    """The result of a search."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        self.schedules = 0
        self.failed: list[tuple[Start, Outcome]] = []
        self.by_steps: Counter[int] = Counter()
        self.merged = 0
        self.states = 0
        self.checks: Counter[str] = Counter()
        self.is_complete = True


def starts(rule: str, tasks: int) -> list[Start]:
    """For `none`, tasks may be there at first or come later; else they are all there."""
    if rule != "none":
        return [Start(rule, tasks, tasks)]
    return [Start(rule, tasks, born) for born in range(tasks, -1, -1)]


def search(
    rule: str,
    *,
    tasks: int,
    steps: int,
    transient_errors: int | None = None,
    merges: bool = True,
    most: float = math.inf,
) -> Tally:
    """Run all schedules of a rule, the shorter ones first, but no more than so many."""
    tally = Tally(rule)
    with pause_gc():
        for start in starts(rule, tasks):
            bound = Left(steps, steps if transient_errors is None else transient_errors)
            _search(tally, start, bound, merges=merges, most=most)
    return tally


def _search(tally: Tally, start: Start, bound: Left, *, merges: bool, most: float) -> None:
    known = Known() if merges else None
    player = Player(start, bound=bound, known=known)
    level: list[Schedule] = [()]
    while level:
        level = _play_level(player, level, tally, most)
    tally.checks += player.checks.counts
    tally.states += 0 if known is None else len(known)


def _play_level(player: Player, level: list[Schedule], tally: Tally, most: float) -> list[Schedule]:
    """Play schedules of one length; the next ones are a step longer."""
    following = []
    for schedule in level:
        if tally.schedules % COLLECT_EVERY == 0:
            gc.collect()
        if tally.schedules >= most:
            tally.is_complete = False
            return []
        if not _is_first_of_twins(schedule, player.start):
            continue
        outcome = player.play(schedule)
        tally.schedules += 1
        tally.by_steps[len(schedule)] += 1
        tally.merged += outcome.is_merged
        following += outcome.branches
        if outcome.violations:
            tally.failed.append((player.start, outcome))
    return following


def _is_first_of_twins(schedule: Schedule, start: Start) -> bool:
    """Tasks that begin alike can be told apart by their names only: the first is touched first."""
    if start.rule == "cancel" or start.born < 2:
        return True
    touched = [timed.step.task for timed in schedule if timed.step.task is not None]
    return not touched or touched[0] == 0
