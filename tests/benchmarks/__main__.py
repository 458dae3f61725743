# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python -m tests.benchmarks: how fast it is, side by side with others."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.collection import ROOT, forget_the_network, use_this_collection

REPORT = ROOT / ".cache" / "reports" / "benchmarks.json"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--short", action="store_true", help="under two minutes, less certain")
    parser.add_argument("--only", default="", metavar="TEXT", help="figures with TEXT in the name")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    forget_the_network(os.environ)
    use_this_collection(os.environ)
    # Libraries have bytecode where they are installed as usual; Ansible's modules never have any.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(ROOT / ".cache" / "pycache")
    # The processes that are started find the collection like this, and this one too.
    os.environ["PYTHONPATH"] = os.environ["ANSIBLE_COLLECTIONS_PATH"]
    sys.path.insert(0, os.environ["PYTHONPATH"])
    from ansible_collections.xen.xapi.tests.benchmarks import (
        measurements,
        playbooks,
        report,
        worker,
    )

    measure: dict[str, Callable[..., Any]] = {
        "detection": measurements.detection,
        "next_task": playbooks.next_task,
        "idle": measurements.idle,
        "storm": measurements.storm,
        "events": measurements.events,
        "listing": measurements.listing,
        "one_run": playbooks.one_run,
        "cancelling": measurements.cancelling,
        "fleet": playbooks.fleet,
        "progress": playbooks.progress,
    }
    sizes = measurements.SHORT if arguments.short else measurements.LONG
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.machine()}"
    print(f"{machine}, {sizes}")
    rows = []
    began = time.monotonic()
    for name, rows_of in measure.items():
        if arguments.only in name:
            with worker.Worker() as server:
                found = rows_of(server, sizes)
            rows += found
            print(report.printed(found), flush=True)
    grown = measurements.growth(rows)
    print(report.printed(grown))
    print(f"\n{time.monotonic() - began:.0f} s")
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    told = [row.to_dict() for row in (*rows, *grown)]
    REPORT.write_text(json.dumps({"machine": machine, "rows": told}, indent=1))
    print(f"The same as JSON: {Path(REPORT).relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
