# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python -m tests.fuzzing: try a given number of invalid answers and invalid options."""

from __future__ import annotations

import argparse
import os
import random
import sys

from tests.support.collection import collections_path, forget_the_network


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzzing", description=__doc__.split(": ")[1]
    )
    parser.add_argument("--examples", type=int, default=10000, metavar="N", help="in total")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--only", default="", metavar="TEXT", help="targets with TEXT in the name")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    forget_the_network(os.environ)
    sys.path.insert(0, str(collections_path()))
    # Only now can the collection be found.
    from ansible_collections.xen.xapi.tests.fuzzing import (
        modules,
        options,
        progress_lines,
        responses,
        runner,
    )

    files = (responses, modules, options, progress_lines)
    targets = [target for file in files for target in file.TARGETS if arguments.only in target.name]
    if not targets:
        sys.exit(f"No target has {arguments.only!r} in its name.")
    print(f"seed {arguments.seed}", flush=True)
    passed = failed = 0
    for name, count in runner.shares(targets, arguments.examples).items():
        target = next(target for target in targets if target.name == name)
        outcome = runner.try_on(target, count, start=arguments.seed)
        passed += outcome.passed
        print(f"{outcome.passed:>8} {name}", flush=True)
        if outcome.failure:
            failed += 1
            print(outcome.failure, flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
