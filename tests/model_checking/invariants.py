# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Invariants at the end of each run, checked against the server's state and answers."""

from __future__ import annotations

from typing import Any

from ansible_collections.xen.xapi.plugins.module_utils._errors import XapiError
from ansible_collections.xen.xapi.plugins.module_utils._wait.task_set import Decision
from ansible_collections.xen.xapi.tests.model_checking.model import SmallPool
from ansible_collections.xen.xapi.tests.model_checking.scripted_transport import ScriptedWire
from ansible_collections.xen.xapi.tests.simulator.clock import START
from ansible_collections.xen.xapi.tests.support.invariants import Checks

LAST_LOOK = 5.0
EARLY = 18.0
"""Seconds: the client knows all changes until then well before the deadline."""
AT_ONCE = 1.0
EXPECTED = "success"


class Ended:
    """The outcome of one run."""

    def __init__(self, pool: SmallPool, wire: ScriptedWire) -> None:
        self.pool = pool
        self.wire = wire
        self.began = pool.now()
        self.ended = self.began
        self.timeout = 0.0
        self.decision = Decision.PENDING
        self.quiet_since: float | None = None
        self.troubled_at = 0.0
        """When a request failed last, before the end of the wait, like the one above."""
        self.error: BaseException | None = None
        self.result: dict[str, Any] | None = None
        """The result of task_cancel."""
        self.second: dict[str, Any] | None = None
        """The result of a second run."""
        self.settled_at: float | None = None
        """When the last task ended or went, if all have."""


def judge(rule: str, run: Ended, checks: Checks) -> None:
    """All that holds for a rule."""
    checks.check("ends by the deadline + 5 s", run.ended - run.began <= run.timeout + LAST_LOOK)
    _judge_sessions(run, checks)
    if rule == "cancel":
        checks.check("only errors of our own", isinstance(run.error, (XapiError, type(None))))
        _judge_cancel(run, checks)
        return
    checks.check("no error out of a wait", run.error is None)
    if run.error is None:
        {"all": _judge_all, "any": _judge_any, "none": _judge_none}[rule](run, checks)
        if run.decision is Decision.PENDING:
            checks.check("no early time-out", run.ended - run.began >= run.timeout)


def _judge_sessions(run: Ended, checks: Checks) -> None:
    left = set(run.pool.sessions()) & run.wire.told_sessions - run.wire.logouts_cut
    checks.check("no session left", not left)


def _judge_all(run: Ended, checks: Checks) -> None:
    refs, told, reached = run.pool.refs, run.wire.told_end, run.pool.reached
    if run.decision is Decision.MET:
        checks.check("no false open", all(reached.get(ref) == EXPECTED for ref in refs))
        checks.check("opens by what it was told", all(told.get(ref) == EXPECTED for ref in refs))
    if run.decision is Decision.FAILED:
        bad = [ref for ref in refs if reached.get(ref, EXPECTED) != EXPECTED]
        gone = [ref for ref in refs if ref in run.pool.gone and ref not in told]
        checks.check("no false fail", bool(bad or gone))
    if all(told.get(ref) == EXPECTED for ref in refs):
        checks.check("a truth that was seen counts", run.decision is Decision.MET)
    if any(told.get(ref, EXPECTED) != EXPECTED for ref in refs):
        checks.check("a bad end that was seen counts", run.decision is Decision.FAILED)
    _judge_settled(run, checks)


def _judge_any(run: Ended, checks: Checks) -> None:
    refs, told, reached = run.pool.refs, run.wire.told_end, run.pool.reached
    if run.decision is Decision.MET:
        checks.check("no false open", any(reached.get(ref) == EXPECTED for ref in refs))
        checks.check("opens by what it was told", EXPECTED in told.values())
    if run.decision is Decision.FAILED:
        lost = [
            ref
            for ref in refs
            if reached.get(ref, EXPECTED) != EXPECTED
            or (ref in run.pool.gone and told.get(ref) != EXPECTED)
        ]
        checks.check("no false fail", lost == refs)
    if any(told.get(ref) == EXPECTED for ref in refs):
        checks.check("a truth that was seen counts", run.decision is Decision.MET)
    _judge_settled(run, checks)


def _judge_settled(run: Ended, checks: Checks) -> None:
    """Check that the client knows the final state at the end, even if events were lost."""
    if run.settled_at is not None:
        calm_since = max(run.settled_at, run.troubled_at)
        if calm_since < run.began + run.timeout:
            checks.check("what is settled is decided", run.decision is not Decision.PENDING)
    settled_at = promptness_of(run.pool, run.troubled_at)
    if settled_at is not None:
        late = run.ended - max(settled_at, run.began)
        checks.check("what is settled is decided at once", late <= AT_ONCE)


def promptness_of(pool: SmallPool, troubled_at: float) -> float | None:
    """When all was settled, if nothing has kept the news from coming at once."""
    is_hindered = pool.is_broken_off or pool.has_lost or troubled_at >= START
    return None if is_hindered else pool.settled_at


def _judge_none(run: Ended, checks: Checks) -> None:
    pool, wire = run.pool, run.wire
    taken = pool.restarted_over & wire.told_running_at.keys() - wire.told_end.keys()
    if run.decision is Decision.MET:
        checks.check("no false open", not pool.running)
        quiet = -1.0 if run.quiet_since is None else run.ended - run.quiet_since
        checks.check("quiet for all of the time", quiet >= 10.0 - 1e-6)
        checks.check("no open over what a restart took", not taken)
    if run.decision is Decision.FAILED:
        vanished = (wire.told_running_at.keys() & pool.gone) - wire.told_end.keys()
        checks.check("no false fail", bool(vanished) and pool.is_broken_off)
    is_plain = not pool.has_lost and not pool.is_broken_off
    if is_plain and is_settled_early(run.settled_at, run.troubled_at):
        checks.check("what is settled is decided", run.decision is Decision.MET)


def is_settled_early(settled_at: float | None, troubled_at: float) -> bool:
    """Whether there is time for a longest pause and the quiet time, all of it to spare."""
    return settled_at is not None and max(settled_at, troubled_at) < START + EARLY


def _judge_cancel(run: Ended, checks: Checks) -> None:
    pool, wire = run.pool, run.wire
    checks.check("no stray cancel", not wire.unexpected)
    if run.result is None:
        return
    by_ref = {task["ref"]: task["action"] for task in run.result["tasks"]}
    for ref, action in by_ref.items():
        checks.check("an action is what happened", _is_true(run, ref, action))
    if run.result["changed"]:
        asked = set(wire.cancels)
        over = {ref for ref in asked if pool.reached.get(ref) == "cancelled" or ref in pool.gone}
        checks.check("changed by a cancel of ours alone", bool(over))
    if all(wire.told_end.get(ref) for ref in pool.refs):
        checks.check("no false fail", not run.result.get("failed"))
    unknown = wire.taken & pool.restarted_over - wire.told_end.keys()
    if unknown:
        checks.check("no success over what a restart took", bool(run.result.get("failed")))
    if not run.result.get("failed"):
        over = {ref for ref in pool.refs if ref in pool.reached or ref in pool.gone}
        checks.check("no false success", over == set(pool.refs))
        assert run.second is not None
        checks.check("a second run changes nothing", run.second["changed"] is False)
        checks.check("a second run does not fail", not run.second.get("failed"))


def _is_true(run: Ended, ref: str, action: str) -> bool:
    reached, told, is_asked = (
        run.pool.reached.get(ref),
        run.wire.told_end.get(ref),
        ref in (run.wire.cancels),
    )
    if action == "cancelled":
        return is_asked and reached == told == "cancelled"
    if action in ("already_finished", "finished_first"):
        return reached is not None and told == reached
    if action == "gone":
        return ref in run.pool.gone and told is None and ref not in run.pool.restarted_over
    if action == "unknown":
        return ref in run.pool.gone and told is None
    if action == "not_sent":
        return told is None
    return action == "still_running" and is_asked and told is None
