# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python -m tests.fault_injection: the modules under faults by chance, in virtual and real time."""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.support.collection import forget_the_network, use_this_collection

AT_ONCE = 6
PLAYBOOKS_AT_ONCE = 2
MAX_MEMORY = 640
"""MiB: an answer may take 256 MiB, a buffer that grows is copied, and there is Python itself."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fault_injection", description=__doc__.split(": ")[1]
    )
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--virtual", type=int, default=2000, metavar="N", help="in virtual time")
    parser.add_argument("--sources", type=int, default=200, metavar="N", help="of event sources")
    parser.add_argument("--real", type=int, default=48, metavar="N", help="over real sockets")
    parser.add_argument("--roles", type=int, default=6, metavar="N", help="of host_maintenance")
    parser.add_argument("--replay", metavar="SEED/NUMBER", help="one run in virtual time")
    parser.add_argument("--replay-source", metavar="SEED/NUMBER", help="one of an event source")
    parser.add_argument("--replay-real", metavar="SEED/NUMBER", help="one run over sockets")
    parser.add_argument("--replay-role", metavar="SEED/NUMBER", help="one of host_maintenance")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    forget_the_network(os.environ)
    use_this_collection(os.environ)
    sys.path.insert(0, os.environ["ANSIBLE_COLLECTIONS_PATH"])
    replays = ("replay", "replay_source", "replay_real", "replay_role")
    if any(getattr(arguments, name) for name in replays):
        return replay(arguments)
    print(f"seed {arguments.seed}", flush=True)
    failed = tell("virtual time", virtual(arguments.seed, arguments.virtual), "--replay")
    failed += tell("event sources", sources(arguments.seed, arguments.sources), "--replay-source")
    failed += tell("real time", real(arguments.seed, arguments.real), "--replay-real")
    failed += tell("host_maintenance", roles(arguments.seed, arguments.roles), "--replay-role")
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"The largest process took {most} MiB, of {MAX_MEMORY} MiB that it may take.")
    failed += most > MAX_MEMORY
    total = arguments.virtual + arguments.sources + arguments.real + arguments.roles + 1
    print(f"{total - failed} passed, {failed} failed")
    return 1 if failed else 0


def virtual(seed: int, runs: int) -> Iterator[tuple[str, Any]]:
    from ansible_collections.xen.xapi.tests.fault_injection.virtual_runs import Play

    for number in range(runs):
        name = f"{seed}/{number}"
        yield name, Play(name).run()


def sources(seed: int, runs: int) -> Iterator[tuple[str, Any]]:
    from ansible_collections.xen.xapi.tests.fault_injection.source_runs import SourcePlay

    for number in range(runs):
        name = f"{seed}/{number}"
        yield name, SourcePlay(name).run()


def real(seed: int, runs: int) -> Iterator[tuple[str, Any]]:
    from ansible_collections.xen.xapi.tests.fault_injection.socket_runs import RealPlay

    return _at_once(RealPlay, seed, runs, AT_ONCE)


def roles(seed: int, runs: int) -> Iterator[tuple[str, Any]]:
    from ansible_collections.xen.xapi.tests.fault_injection.role_runs import RolePlay

    return _at_once(RolePlay, seed, runs, PLAYBOOKS_AT_ONCE)


def _at_once(play: type[Any], seed: int, runs: int, count: int) -> Iterator[tuple[str, Any]]:
    """Run so many plays at a time, each with a folder of its own."""
    names = [f"{seed}/{number}" for number in range(runs)]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(count) as workers:
        paths = (Path(folder, name.replace("/", "-")) for name in names)
        outcomes = workers.map(lambda name, path: play(name).run(path), names, paths)
        yield from zip(names, outcomes, strict=True)


def tell(title: str, outcomes: Iterator[tuple[str, Any]], option: str) -> int:
    """Print the outcome, and return how many runs broke an invariant."""
    counts: dict[str, Counter[str]] = {"Faults": Counter(), "Endings": Counter()}
    counts["Checks"] = Counter()
    failed = 0
    for name, outcome in outcomes:
        counts["Faults"].update(outcome.faults)
        counts["Endings"][outcome.ending] += 1
        counts["Checks"].update(outcome.checks)
        if outcome.violations:
            failed += 1
            print(f"FAILED {option} {name}: {'; '.join(outcome.violations)}", flush=True)
    for kind, found in counts.items():
        print(f"{kind} in {title}:")
        for name, count in sorted(found.items()):
            print(f"{count:>8} {name}")
    return failed


def replay(arguments: argparse.Namespace) -> int:
    from ansible_collections.xen.xapi.tests.fault_injection.role_runs import RolePlay
    from ansible_collections.xen.xapi.tests.fault_injection.socket_runs import RealPlay
    from ansible_collections.xen.xapi.tests.fault_injection.source_runs import SourcePlay
    from ansible_collections.xen.xapi.tests.fault_injection.virtual_runs import Play

    play: Play | SourcePlay | RealPlay | RolePlay
    if arguments.replay or arguments.replay_source:
        replayed, seed = (
            (Play, arguments.replay) if arguments.replay else (SourcePlay, arguments.replay_source)
        )
        play = replayed(seed)
        outcome = play.run()
    else:
        play = (
            RolePlay(arguments.replay_role)
            if arguments.replay_role
            else RealPlay(arguments.replay_real)
        )
        with tempfile.TemporaryDirectory() as folder:
            outcome = play.run(Path(folder, "one"))
    print(play.module, play.options, play.faults, play.text, *outcome.violations, sep="\n")
    return 1 if outcome.violations else 0


if __name__ == "__main__":
    sys.exit(main())
