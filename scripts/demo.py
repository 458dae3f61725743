# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run playbooks/demo.yml on a simulated pool, or on the pool that XAPI_HOST names."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.support.collection import ROOT, forget_the_network, use_this_collection

PLAYBOOK = ["ansible", "playbook", "--inventory=playbooks/inventory", "playbooks/demo.yml"]
CALLBACKS = ROOT / "scripts" / "callbacks"

stop_signals: list[int] = []


def start(
    *arguments: str, env: dict[str, str] | None = None, stdout: int | None = None
) -> subprocess.Popen[str]:
    # In a group of its own, so that Ctrl-C reaches this process alone. It then ends the others.
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        start_new_session=True,
        text=True,
    )


def end(process: subprocess.Popen[str], signum: int) -> None:
    if process.poll() is None:
        process.send_signal(signum)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def simulated_pool() -> Iterator[str]:
    options = ("--port=0", "--tasks=8", "--control")
    simulator = start("tests.simulator", *options, stdout=subprocess.PIPE)
    try:
        assert simulator.stdout
        url = simulator.stdout.readline().strip()
        if not url:
            sys.exit("The simulator did not start.")
        yield url
    finally:
        end(simulator, signal.SIGTERM)


def play(*arguments: str, environ: dict[str, str]) -> int:
    playbook = start(*PLAYBOOK, *arguments, env=environ)
    while playbook.poll() is None and not stop_signals:
        time.sleep(0.05)
    if not stop_signals:
        return playbook.returncode
    # Ansible passes an interrupt on to its modules, which log out of the pool.
    end(playbook, signal.SIGINT)
    return 128 + stop_signals[0]


def main() -> int:
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda received, _frame: stop_signals.append(received))
    environ = dict(os.environ)
    use_this_collection(environ)
    environ.update(ANSIBLE_CALLBACK_PLUGINS=str(CALLBACKS), ANSIBLE_STDOUT_CALLBACK="demo_lines")
    if environ.get("XAPI_HOST"):
        if not (environ.get("XAPI_PASSWORD") or environ.get("XENSERVER_PASSWORD")):
            print("XAPI_HOST is set and XAPI_PASSWORD is not.", file=sys.stderr)
            return 2
        print(f"The tasks of the pool at {environ['XAPI_HOST']}", flush=True)
        return play(environ=environ)
    forget_the_network(environ)
    with simulated_pool() as url:
        print(f"A simulated pool at {url}", flush=True)
        return play(f"--extra-vars=demo_simulator={url}", environ=environ)


if __name__ == "__main__":
    sys.exit(main())
