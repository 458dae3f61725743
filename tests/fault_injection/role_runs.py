# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of the role host_maintenance under random faults, each followed by a run without faults."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.xen.xapi.tests.fault_injection.virtual_runs import Outcome
from ansible_collections.xen.xapi.tests.simulator import Life, Simulator
from ansible_collections.xen.xapi.tests.simulator.plan import usual
from ansible_collections.xen.xapi.tests.simulator.vm_work import set_power
from ansible_collections.xen.xapi.tests.support.collection import ROOT
from ansible_collections.xen.xapi.tests.support.fixtures import secrets_of
from ansible_collections.xen.xapi.tests.support.invariants import Checks
from ansible_collections.xen.xapi.tests.support.polling import wait_until

HOSTS = 3
LIMITS = {"quiet_timeout": 10, "timeout": 15, "evacuate_timeout": 10}
LONGEST = 2 * LIMITS["quiet_timeout"] + 3 * LIMITS["timeout"] + LIMITS["evacuate_timeout"]
"""Seconds: two waits for other tasks, disabling, the evacuation, and the two waits of an undo."""
TASKS = 120.0
"""Seconds that Ansible may take for its own work, on a machine that is busy."""
REQUEST = 3
PACE = {"_host_maintenance_delay": 0.3, "_host_maintenance_confirm_seconds": 3}
QUICK = Life(duration=0.3)
ENDLESS = Life(duration=None, cancel_after=None)
STARTUPS = (5.0, 12.0)
"""Seconds; the longer one is longer than the rest of most runs."""
CHANGES = ("disable", "evacuate", "enable", "reboot")
METHODS = {
    "enter": (
        *("host.get_all_records", "host_metrics.get_live", "host.get_enabled", "VM.*"),
        *("host.get_vms_which_prevent_evacuation", "event.from", "host.get_record"),
        *("Async.host.disable", "Async.host.evacuate", "Async.host.enable"),
    ),
    "restart": (
        *("host.get_all_records", "host.get_other_config", "host.get_servertime"),
        *("host.get_record", "Async.host.reboot"),
    ),
    "leave": (
        *("host.get_all_records", "host.get_servertime", "host.get_record", "event.from"),
        *("Async.host.enable", "host.get_enabled"),
    ),
}
MAY_BE_DISABLED = (
    "it may still be disabled, or become so later",
    "it may still become disabled",
)


class RolePlay:
    """One entry point on a pool of its own, drawn from a seed, and then one without faults."""

    module = "host_maintenance"

    def __init__(self, seed: str, *, fault: str | None = None) -> None:
        self.chance = random.Random(f"role {seed}")
        entries = (
            FAULTS[fault].entries if fault else ("enter", "enter", "enter", "restart", "leave")
        )
        self.entry = self.chance.choice(entries)
        self.place = self.chance.randrange(HOSTS)
        self.options: dict[str, Any] = {
            "host": f"host-{self.place + 1}",
            "quiet_for": self.chance.choice(["0", "1"]),
            **LIMITS,
        }
        names = [name for name, fault in FAULTS.items() if self._is_possible(fault)]
        others = self.chance.choices(names, k=self.chance.randint(1, 3))
        self.faults = [fault] if fault else others
        self.starts_enabled = self.entry == "enter" and self.chance.random() < 0.85
        self.checks = Checks()
        self.text = ""
        """The output of both runs, and below that of the last one in one line."""
        self.output = ""

    def _is_possible(self, fault: RoleFault) -> bool:
        # A host that is switched off cannot also become the master.
        is_away = self.entry == "restart" and fault.moves_hosts
        return self.entry in fault.entries and not is_away

    def run(self, folder: Path) -> Outcome:
        """Run it with ansible-playbook, with a folder of its own."""
        folder.mkdir()
        plan = usual(6)
        with Simulator(product="xcp-ng-8.3", supporters=HOSTS - 1, plan=plan) as pool:
            scene = Scene(pool, self.chance, self.place, self.entry)
            scene.prepare(self.starts_enabled)
            for name in self.faults:
                FAULTS[name].happen(scene)
            code = self._play(pool, folder, self.entry)
            scene.end_faults()
            self._judge(scene, code)
            scene.heal()
            second = self.entry
            if self.entry == "restart" and (code == 0 or scene.is_enabled()):
                second = "leave"
            self._judge_second(scene, second, self._play(pool, folder, second), code)
        ending = f"{self.entry} {'ok' if code == 0 else 'failed'}"
        return Outcome(self.faults, ending, self.checks.counts, self.checks.violations)

    def _play(self, pool: Simulator, folder: Path, entry: str) -> int | None:
        """Run one entry point; return the code of ansible-playbook, and None if it did not end."""
        connection = {
            "hostname": [host.url for host in pool.hosts],
            "password": pool.password,
            "request_timeout": str(REQUEST),
        }
        variables = {f"host_maintenance_{name}": value for name, value in self.options.items()}
        role = {"name": "xen.xapi.host_maintenance", "tasks_from": entry}
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/xen.xapi.xapi": connection},
            "tasks": [{"ansible.builtin.include_role": role, "vars": variables}],
        }
        playbook = folder / f"{entry}.yml"
        playbook.write_text(json.dumps([play]))
        inventory = f"--inventory={ROOT / 'tests' / 'integration' / 'inventory.yml'}"
        process = subprocess.Popen(
            ["ansible-playbook", inventory, f"--extra-vars={json.dumps(PACE)}", playbook],
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_PIPELINING": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _errors = process.communicate(timeout=LONGEST + TASKS)
        except subprocess.TimeoutExpired:
            # Its end interrupts the run; the workers of Ansible end with it.
            process.terminate()
            output, _errors = process.communicate()
            process.returncode = None
        self.output = re.sub(r"\s+", " ", output)
        self.text += output
        return process.returncode

    def _judge(self, scene: Scene, code: int | None) -> None:
        """Only the records of the pool decide, and the sentence about a host in doubt."""
        check = self.checks.check
        check("an end by the sum of the limits", code is not None)
        self._judge_output(scene)
        for name, holds in scene.at_calls:
            check(name, holds)
        for name in ("disable", "evacuate", "reboot"):
            check("no second start", scene.started.count(name) <= 1)
        if scene.is_stuck:
            check("no change while virtual machines cannot leave", not scene.started)
        if self.entry == "enter":
            self._judge_enter(scene, code)
        if code == 0 and self.entry == "leave":
            check("no false success of leave", scene.is_enabled())
        if code == 0 and self.entry == "restart":
            check("no false success of restart", scene.has_booted() and scene.is_live())

    def _judge_enter(self, scene: Scene, code: int | None) -> None:
        check = self.checks.check
        if code == 0:
            check("no false success of enter", not scene.is_enabled() and not scene.guests())
        elif self.starts_enabled:
            is_reported = any(words in self.output for words in MAY_BE_DISABLED)
            check("a failed enter enables the host or says so", scene.is_enabled() or is_reported)
        else:
            check("a host that was disabled stays so", "enable" not in scene.started)

    def _judge_output(self, scene: Scene) -> None:
        self.checks.check("no session left", not scene.pool.sessions())
        is_shown = any(secret in self.output for secret in secrets_of(scene.pool))
        self.checks.check("no secret in the output", not is_shown)
        is_broken = re.search(
            "Traceback|is undefined|emplate error|unexpected templating", self.output
        )
        self.checks.check("no error of a template", not is_broken)

    def _judge_second(self, scene: Scene, entry: str, code: int | None, first: int | None) -> None:
        check = self.checks.check
        self._judge_output(scene)
        if entry == "enter":
            is_reached = not scene.is_enabled() and not scene.guests()
        elif entry == "leave":
            is_reached = scene.is_enabled()
        else:
            is_reached = scene.has_booted()
        check("the second run reaches the goal", code == 0 and is_reached)
        if first == 0 and self.entry == entry:
            check("a second run changes nothing", not scene.started)
        for name, holds in scene.at_calls:
            check(name, holds)


class Scene:
    """A pool, the events in it during a run, and the state of its records at each call."""

    def __init__(self, pool: Simulator, chance: random.Random, place: int, entry: str) -> None:
        self.pool = pool
        self.chance = chance
        self.place = place
        self.entry = entry
        self.host = pool.hosts[place].ref
        self.is_stuck = False
        """Whether a virtual machine cannot leave the host until the faults end."""
        self.started: list[str] = []
        """The operations on hosts that the pool began, in order."""
        self.at_calls: list[tuple[str, bool]] = []
        self._booted_at = self._boot_time()
        self._calm_at = 0.0
        self._over = threading.Event()
        self._watching: list[threading.Thread] = []
        self._works: list[tuple[str, str, str]] = []
        self._blocked: list[str] = []

    def prepare(self, enabled: bool) -> None:
        """Bring the host into the state in which the entry point finds it."""
        pool = self.pool
        pool.restarts.configure(leaves_after=0.3, away=1.0, startup=0.3)
        for name in CHANGES:
            pool.operations.lives[f"host.{name}"] = QUICK
        if not enabled:
            pool.inventory.set_enabled(self.host, False)
            pool.inventory.disabled_until_reboot[self.host] = False
        if self.entry == "restart":
            for vm in self.guests():
                set_power(pool.inventory, vm, "Halted")
        pool.database.listeners.append(self._note)

    def _note(self, operation: str, table: str, _ref: str, fields: dict[str, Any]) -> None:
        """Judge each operation on the host at the moment when the pool begins it."""
        label = str(fields.get("name_label", ""))
        if (operation, table) != ("add", "task") or not label.startswith("Async.host."):
            return
        name = label.rpartition(".")[2]
        self.started.append(name)
        if name in ("disable", "evacuate") and self.entry == "enter":
            is_used = any(self._is_at_work(work) for work in self._works)
            self.at_calls.append(("no change while a task works on the host", not is_used))
        if name == "evacuate":
            running = [
                task
                for task in self.pool.database.records("task").values()
                if task["name_label"] == label and task["status"] == "pending"
            ]
            self.at_calls.append(("no second evacuation", len(running) <= 1))

    def _is_at_work(self, work: tuple[str, str, str]) -> bool:
        task, table, ref = work
        return task in self.pool.database.read(table, ref)["current_operations"]

    def guests(self) -> list[str]:
        found = self.pool.database.read("host", self.host)["resident_VMs"]
        return [vm for vm in found if not self.pool.database.read("VM", vm)["is_control_domain"]]

    def is_enabled(self) -> bool:
        return bool(self.pool.database.read("host", self.host)["enabled"])

    def is_live(self) -> bool:
        return self.pool.inventory.is_live(self.host)

    def _boot_time(self) -> str:
        record = self.pool.database.read("host", self.host)
        return str(record["other_config"]["boot_time"])

    def has_booted(self) -> bool:
        return self._boot_time() != self._booted_at

    def method(self) -> str:
        return self.chance.choice(METHODS[self.entry])

    def in_the_run(self, happen: Callable[[], object]) -> None:
        """Let something happen soon after some call of the run has come in."""
        method, seconds = self.method(), self.chance.choice([0.0, self.chance.random()])
        count = self.chance.randint(1, 2)
        self.once(lambda: self.has_called(method, count), happen, seconds)

    def has_called(self, pattern: str, count: int) -> bool:
        return sum(_matches(pattern, call.method) for call in self.pool.log) >= count

    def once(
        self, condition: Callable[[], bool], happen: Callable[[], object], seconds: float = 0.0
    ) -> None:
        """Let something happen some seconds after a condition holds, unless the run is over."""

        def watch() -> None:
            while not condition():
                if self._over.wait(0.01):
                    return
            if not self._over.wait(seconds):
                happen()

        self._watching.append(threading.Thread(target=watch, daemon=True))
        self._watching[-1].start()

    def is_evacuating(self) -> bool:
        """Whether an evacuation is running, so that the run has to read the host after it."""
        tasks = self.pool.database.records("task").values()
        labels = [task["name_label"] for task in tasks if task["status"] == "pending"]
        return "Async.host.evacuate" in labels

    def work_on(self, label: str, table: str, ref: str, entry: str, seconds: float | None) -> None:
        """Let a task of somebody else work on an object from the beginning, maybe for ever."""
        task = self.pool.add_task(label, life=Life(duration=None, cancel_after=None))
        self._works.append((task, table, ref))
        self.pool.database.add_to_map(table, ref, "current_operations", task, entry)
        if seconds is not None:
            self.pool.clock.after(seconds, lambda: self._end_work((task, table, ref)))

    def _end_work(self, work: tuple[str, str, str]) -> None:
        task, table, ref = work
        self.pool.database.remove_from_map(table, ref, "current_operations", task)
        if task in self.pool.database["task"]:
            self.pool.operations.stop(task)
            self.pool.set_task(task, status="success", progress=1.0)

    def block(self, vm: str) -> None:
        self.is_stuck = True
        self._blocked.append(vm)
        self.pool.database.write("VM", vm, "blocked_operations", {"pool_migrate": "of its owner"})

    def start_vm(self) -> None:
        """Start a virtual machine on the host, which takes some only while it is enabled."""
        halted = [
            vm
            for vm, record in self.pool.database.records("VM").items()
            if record["power_state"] == "Halted" and not record["is_a_template"]
        ]
        if self.is_enabled() and halted:
            set_power(self.pool.inventory, self.chance.choice(halted), "Running", self.host)

    def restart_xapi(self, of_the_host: bool) -> None:
        if of_the_host and self.host != self.pool.master_ref:
            self.start_up(self.chance.choice((0.0, *STARTUPS)))
        else:
            self.pool.restart_master()

    def start_up(self, startup: float) -> None:
        """Restart XAPI on the host: it is disabled at once, and enables itself at the end."""
        if self.host != self.pool.master_ref:
            self._calm_at = self.pool.clock.now() + startup + 0.5
            self.pool.restart_supporter(self.place, startup=startup)

    def enable(self) -> None:
        """Enable the host, as another client does, or a XAPI that has forgotten the request."""
        self.pool.inventory.set_enabled(self.host, True)

    def fail_over(self) -> None:
        places = [place for place in range(HOSTS) if self.pool.hosts[place] != self.pool.master]
        self.pool.promote(self.chance.choice(places))

    def log_all_out(self) -> None:
        for session in self.pool.sessions():
            self.pool.logout(session)

    def end_faults(self) -> None:
        """Let nothing more happen, and wait until the start-up of a host is over."""
        self._over.set()
        for thread in self._watching:
            thread.join()
        wait_until(lambda: self.pool.clock.now() > self._calm_at)

    def heal(self) -> None:
        """End all faults and all work; XAPI on the master restarts."""
        pool = self.pool
        pool.heal()
        for work in self._works:
            self._end_work(work)
        for vm in self._blocked:
            pool.database.write("VM", vm, "blocked_operations", {})
        for name in CHANGES:
            pool.operations.lives[f"host.{name}"] = QUICK
        # A host that restarts is away for a second.
        wait_until(lambda: self.is_live() and not pool.hosts[self.place].emergency)
        pool.restart_master()
        self.is_stuck = False
        self.started.clear()
        self.at_calls.clear()
        self._works.clear()


class RoleFault(NamedTuple):
    """One kind of fault, arranged before the run begins."""

    happen: Callable[[Scene], object]
    entries: tuple[str, ...] = ("enter", "restart", "leave")
    moves_hosts: bool = False


def _matches(pattern: str, method: str) -> bool:
    return method == pattern or (pattern.endswith("*") and method.startswith(pattern[:-1]))


def _network(**effect: Any) -> RoleFault:
    """Some of the calls to one method go wrong."""

    def happen(scene: Scene) -> None:
        chance = scene.chance
        nth, count = chance.choice((1, 1, 2)), chance.choice((1, 1, 3))
        scene.pool.fail(scene.method(), nth=nth, count=count, **effect)

    return RoleFault(happen)


def _life(method: str, **changes: Any) -> RoleFault:
    """An operation goes another way."""

    def happen(scene: Scene) -> None:
        scene.pool.operations.lives[method] = Life(**changes)

    entry = {"host.evacuate": "enter", "host.disable": "enter", "host.enable": "leave"}[method]
    return RoleFault(happen, (entry,))


def _work(on_vm: bool) -> RoleFault:
    """A task of somebody else works on the host, or on a virtual machine there."""

    def happen(scene: Scene) -> None:
        seconds = scene.chance.choice([3.0, 6.0, None])
        guests = scene.guests()
        if not on_vm:
            scene.work_on("Async.VM.pool_migrate", "host", scene.host, "vm_migrate", seconds)
        elif guests:
            vm = scene.chance.choice(guests)
            scene.work_on("[XO] Exporting VM", "VM", vm, "export", seconds)

    return RoleFault(happen, ("enter",))


def _block(scene: Scene) -> None:
    guests = scene.guests()
    if guests:
        scene.block(scene.chance.choice(guests))


def _page(status: int, **options: Any) -> RoleFault:
    return _network(http=(status, "<html><h1>Oops</h1></html>"), **options)


_MIGRATION = ("VM_MIGRATE_FAILED", "OpaqueRef:a", "b", "c", "out of memory")
FAULTS: dict[str, RoleFault] = {
    "cut before the call": _network(cut="before"),
    "cut before the answer": _network(cut="after"),
    "cut in the answer": _network(cut="half"),
    "HTML 200": _page(200),
    "HTML 503": _page(503),
    "HTML in place of the answer": _page(502, late=True),
    "slow answer": _network(delay=1.5),
    "late answer": _network(delay=REQUEST + 2.0, late=True),
    "no answer": _network(delay=REQUEST + 2.0, cut="before"),
    "host still booting": _network(error=["HOST_STILL_BOOTING"]),
    "refused login": RoleFault(
        lambda scene: scene.in_the_run(
            lambda: scene.pool.fail(
                "session.login_with_password", error=["SESSION_AUTHENTICATION_FAILED", "root", "x"]
            )
        )
    ),
    "master restart": RoleFault(
        lambda scene: scene.in_the_run(lambda: scene.restart_xapi(False)), moves_hosts=True
    ),
    "host restart": RoleFault(
        lambda scene: scene.in_the_run(lambda: scene.restart_xapi(True)), moves_hosts=True
    ),
    "host in its start-up": RoleFault(
        lambda scene: scene.start_up(scene.chance.choice(STARTUPS)), ("enter", "leave")
    ),
    "host restart before it is disabled": RoleFault(
        lambda scene: scene.once(
            lambda: scene.has_called("host.get_vms_which_prevent_evacuation", 2),
            lambda: scene.start_up(STARTUPS[1]),
        ),
        ("enter",),
    ),
    "enabled during the evacuation": RoleFault(
        lambda scene: scene.once(scene.is_evacuating, scene.enable), ("enter",)
    ),
    "failover": RoleFault(lambda scene: scene.in_the_run(scene.fail_over), moves_hosts=True),
    "sessions lost": RoleFault(lambda scene: scene.in_the_run(scene.log_all_out)),
    "virtual machine starts": RoleFault(
        lambda scene: scene.in_the_run(scene.start_vm), ("enter", "leave")
    ),
    "evacuation fails": _life("host.evacuate", duration=0.5, outcome="failure", error=_MIGRATION),
    "evacuation hangs": _life("host.evacuate", duration=None, cancel_after=None),
    "evacuation is slow": _life("host.evacuate", duration=5.0),
    "disabling fails": _life(
        "host.disable",
        duration=0.2,
        outcome="failure",
        error=("HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN",),
    ),
    "disabling hangs": _life("host.disable", duration=None, cancel_after=None),
    "enabling is slow": _life("host.enable", duration=4.0),
    "task on the host": _work(on_vm=False),
    "task on a virtual machine": _work(on_vm=True),
    "virtual machine that cannot move": RoleFault(_block, ("enter",)),
}
