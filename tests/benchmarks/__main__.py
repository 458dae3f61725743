# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python -m tests.benchmarks: how fast it is, side by side with others."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.support.collection import ROOT, forget_the_network, use_this_collection

REPORT = ROOT / ".cache" / "reports" / "benchmarks.json"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--short", action="store_true", help="under two minutes, less certain")
    parser.add_argument("--only", default="", metavar="TEXT", help="figures with TEXT in the name")
    parser.add_argument(
        "--before", metavar="DIR", help="measure with the checkout in DIR, too, one after the other"
    )
    return parser.parse_args()


def _measure_before(folder: str, name: str, *, is_short: bool) -> dict[tuple[str, str, int], float]:
    """Return the medians of a measurement with another checkout, by figure, subject and size."""
    command = [sys.executable, "-m", "tests.benchmarks", f"--only={name}"]
    subprocess.run([*command, *["--short"] * is_short], cwd=folder, check=True, capture_output=True)
    report = Path(folder, REPORT.relative_to(ROOT)).read_text(encoding="utf-8")
    rows = json.loads(report)["rows"]
    return {(row["figure"], row["subject"], row["size"]): row["median"] for row in rows}


def _describe_machine() -> dict[str, str]:
    return {
        "cores": str(os.cpu_count()),
        "architecture": platform.machine(),
        "Python": platform.python_version(),
        "requests": version("requests"),
        "ansible-core": version("ansible-core"),
        "date": time.strftime("%Y-%m-%d"),
    }


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
    machine = _describe_machine()
    print(f"{machine}, {sizes}")
    rows = []
    began = time.monotonic()
    for name, rows_of in measure.items():
        if arguments.only in name:
            with worker.Worker() as server:
                found = rows_of(server, sizes)
            if arguments.before:
                before = _measure_before(arguments.before, name, is_short=arguments.short)
                for row in found:
                    row.before = before.get((row.figure, row.subject, row.size))
            rows += found
            print(report.printed(found), flush=True)
    grown = measurements.growth(rows)
    print(report.printed(grown))
    print(f"\n{time.monotonic() - began:.0f} s")
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    told = [row.to_dict() for row in (*rows, *grown)]
    document = {"machine": machine, "is_short": arguments.short, "rows": told}
    REPORT.write_text(json.dumps(document, indent=1), encoding="utf-8")
    print(f"The same as JSON: {REPORT.relative_to(ROOT)}")
    print("To show it in docs/performance.md: .venv/bin/python -m scripts.performance_page")
    return 0


if __name__ == "__main__":
    sys.exit(main())
