# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a play that waits for three simulated pools side by side, and print what it shows.

python -m scripts.progress_run | sed '/^PLAY RECAP/,$d' |
    python -m scripts.terminal_svg 'ansible-playbook wait.yml' > docs/images/progress.svg
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from tests.simulator import Life, Simulator
from tests.support.collection import ROOT, forget_the_network, use_this_collection

COPY, EXPORT, SNAPSHOT = "Async.VM.copy", "[XO] Exporting content of VDI data", "Async.VM.snapshot"
PLAN: dict[str, dict[str, object]] = {
    "xcp1": {"label": COPY},
    "xcp2": {"gate": "none", "quiet": 10},
    "xcp3": {"label": SNAPSHOT},
}
SILENCE = (15.0, 31.0)
"""Seconds after the start from and until which the pool of xcp3 does not answer."""


def fill(pools: dict[str, Simulator]) -> None:
    """Add the tasks that the play waits for."""
    pools["xcp1"].add_task(COPY, life=Life(duration=55, steps=55))
    pools["xcp1"].add_task(COPY, life=Life(duration=20, steps=20))
    pools["xcp2"].add_task(EXPORT, life=Life(duration=25, steps=25))
    pools["xcp3"].add_task(SNAPSHOT, life=Life(duration=50, steps=50))


def write_play(folder: Path, pools: dict[str, Simulator]) -> list[str]:
    """Write the playbook and its inventory, and return the command."""
    common: dict[str, object] = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
    }
    hosts: dict[str, dict[str, object]] = {}
    for name, pool in pools.items():
        assert pool.certificate
        own = {"url": pool.url, "fingerprint": pool.certificate.sha256}
        hosts[name] = {**common, **own, **PLAN[name]}
    options = {
        "hostname": "{{ url }}",
        "password": pools["xcp1"].password,
        "cert_fingerprint": "{{ fingerprint }}",
        "name_label": "{{ label | default(omit) }}",
        "wait_for": "{{ gate | default(omit) }}",
        "quiet_for": "{{ quiet | default(omit) }}",
    }
    task = {"name": "Wait for three pools", "xen.xapi.task_wait": options}
    play = {"name": "Wait", "hosts": "all", "gather_facts": False, "tasks": [task]}
    inventory, playbook = folder / "inventory.json", folder / "wait.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    return [sys.executable, "-m", "ansible", "playbook", f"--inventory={inventory}", str(playbook)]


def main() -> int:
    environ = {**os.environ, "ANSIBLE_NOCOLOR": "1"}
    use_this_collection(environ)
    forget_the_network(environ)
    with contextlib.ExitStack() as stack:
        pools = {name: stack.enter_context(Simulator(tls=True)) for name in PLAN}
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environ["ANSIBLE_HOME"] = str(folder)
        call = write_play(folder, pools)
        fill(pools)
        (host,) = pools["xcp3"].hosts
        for seconds, change in zip(SILENCE, (host.down, host.up), strict=True):
            timer = threading.Timer(seconds, change)
            timer.start()
            stack.callback(timer.cancel)
        return subprocess.run(
            call,
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
