# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python -m tests.model_checking: every interleaving of a wait and a few steps of the server."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter

from tests.support.collection import collections_path

RULES = ("all", "any", "none", "cancel")
LONG = {
    "all": [(1, 7, 2), (1, 3, 3), (2, 7, 0), (2, 2, 2)],
    "any": [(1, 7, 2), (1, 3, 3), (2, 3, 0), (2, 2, 2)],
    "none": [(1, 7, 1), (1, 2, 2), (2, 3, 0), (2, 2, 1)],
    "cancel": [(1, 7, 0), (1, 4, 1), (1, 2, 2), (2, 2, 0)],
}
"""Tasks, steps, and how many of the steps may be transient errors."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.model_checking", description=__doc__.split(": ")[1]
    )
    parser.add_argument("--tasks", type=int, default=2, metavar="N", help="(%(default)s)")
    parser.add_argument("--steps", type=int, default=2, metavar="N", help="(%(default)s)")
    parser.add_argument(
        "--transient-errors",
        type=int,
        metavar="N",
        help="how many of the steps may be restarts, lost sessions and cuts; without: all",
    )
    parser.add_argument("--rule", action="append", choices=RULES, help="only this one")
    parser.add_argument(
        "--no-merging", action="store_true", help="run what comes to the same as well"
    )
    parser.add_argument(
        "--most", type=float, default=math.inf, metavar="N", help="schedules of each rule"
    )
    parser.add_argument(
        "--long", action="store_true", help="a set of sizes that takes about ten minutes"
    )
    parser.add_argument("--replay", metavar="SCHEDULE", help="play one, and show the talk")
    parser.add_argument("--born", type=int, metavar="N", help="tasks that are there at first")
    return parser.parse_args()


def main() -> int:
    args = _arguments()
    sys.path.insert(0, str(collections_path()))
    return replay(args) if args.replay is not None else explore(args)


def parts(args: argparse.Namespace) -> list[tuple[str, int, int, int]]:
    """The space to search: rule, tasks, steps, and how many of these may be transient errors."""
    rules = args.rule or RULES
    if args.long:
        return [(rule, *size) for rule in rules for size in LONG[rule]]
    transient_errors = args.steps if args.transient_errors is None else args.transient_errors
    return [(rule, args.tasks, args.steps, transient_errors) for rule in rules]


def explore(args: argparse.Namespace) -> int:
    from ansible_collections.xen.xapi.tests.model_checking.explorer import search

    checks: Counter[str] = Counter()
    total = failed = 0
    for rule, tasks, steps, transient_errors in parts(args):
        began = time.process_time()
        tally = search(
            rule,
            tasks=tasks,
            steps=steps,
            transient_errors=transient_errors,
            merges=not args.no_merging,
            most=args.most,
        )
        lengths = ", ".join(f"{length}: {count}" for length, count in tally.by_steps.items())
        print(
            f"{rule}, tasks {tasks}, steps {steps}, transient errors {transient_errors}: "
            f"{tally.schedules} schedules (by steps {lengths}), of which {tally.merged} "
            f"came to what another had come to; {tally.states} states; "
            f"{'all' if tally.is_complete else 'NOT all'} there are; "
            f"{time.process_time() - began:.1f} s",
            flush=True,
        )
        for start, outcome in tally.failed[:20]:
            schedule = " ".join(map(str, outcome.schedule))
            print(f"  FAILED {start} --replay '{schedule}': {'; '.join(outcome.violations)}")
        if len(tally.failed) > 20:
            print(f"  and {len(tally.failed) - 20} more")
        checks.update({f"{rule}: {name}": count for name, count in tally.checks.items()})
        total += tally.schedules
        failed += len(tally.failed)
    print("Checks of each invariant:")
    for name, count in sorted(checks.items()):
        print(f"  {name}: {count}")
    print(f"{total - failed} passed, {failed} failed")
    return 1 if failed else 0


def replay(args: argparse.Namespace) -> int:
    from ansible_collections.xen.xapi.tests.model_checking.explorer import Left, Player, Start
    from ansible_collections.xen.xapi.tests.model_checking.model import parse

    (rule,) = args.rule or ["all"]
    start = Start(rule, args.tasks, args.tasks if args.born is None else args.born)
    outcome = Player(start, bound=Left(0, 0), known=None).play(parse(args.replay))
    print("\n".join(outcome.conversation))
    print("\n".join(f"FAILED: {violation}" for violation in outcome.violations))
    failed = bool(outcome.violations)
    print(f"{1 - failed} passed, {int(failed)} failed")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
