# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python -m tests.simulator."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.xapi.tests.simulator import __main__, minimum_python
from ansible_collections.xen.xapi.tests.support.collection import ROOT
from ansible_collections.xen.xapi.tests.support.polling import TIMEOUT, wait_until
from ansible_collections.xen.xapi.tests.unit.simulator.client import (
    PASSWORD,
    Client,
    Refused,
)


@contextlib.contextmanager
def simulator(*options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.simulator", *options]
    environment = {name: os.environ[name] for name in os.environ if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # Whoever waits for a line that does not come reads the end of the output instead.
    watchdog = threading.Timer(TIMEOUT, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def control(client: Client, verb: str, **arguments: Any) -> Any:
    return client.post(json.dumps(arguments), f"/simulator/{verb}").json["result"]


def test_start_imports_no_slow_library() -> None:
    slow = {"asyncio", "ssl", "yaml", "http.client", "xmlrpc.client", "ansible", "requests"}
    code = f"import sys, tests.simulator.__main__; print(*{slow} & set(sys.modules))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_sigterm_or_sigint(number: signal.Signals) -> None:
    with simulator() as process:
        url = line(process)
        assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+", url)
        client = Client(url, "root")
        assert client("task.get_all") == []
        client.logout()
        process.send_signal(number)
        out, err = process.communicate(timeout=TIMEOUT)
        assert (process.returncode, out, err) == (0, "", "")


def test_sigterm_stops_server_with_blocked_call() -> None:
    with simulator("--control") as process:
        client = Client(line(process), "root")
        where = urllib.parse.urlsplit(client.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT)
        params = [client.session, ["task"], "", 60.0]
        connection.request(
            "POST", "/jsonrpc", json.dumps({"method": "event.from", "params": params, "id": 1})
        )
        assert wait_until(lambda: control(client, "calls", method="event.from"))
        process.terminate()
        assert process.wait(timeout=TIMEOUT) == 0
        connection.close()


def test_username_password_and_tasks_options_take_effect() -> None:
    with simulator("--username", "admin", "--password", "other", "--tasks", "5") as process:
        client = Client(line(process))
        with pytest.raises(Refused):
            client.call("session.login_with_password", "root", PASSWORD)
        session = client.call("session.login_with_password", "admin", "other")
        assert len(client.call("task.get_all", session)) == 5


def test_host_tls_and_supporters_options_take_effect() -> None:
    options = ["--host", "127.0.0.5", "--tls", "--supporters", "2"]
    with simulator(*options) as process:
        url, certificate, *supporters = (line(process) for _unused in range(4))
        port = url.rpartition(":")[2]
        assert url == f"https://127.0.0.5:{port}"
        found = re.fullmatch(r"certificate (\S+) sha256 [0-9A-F]{64}", certificate)
        assert found is not None
        assert supporters == [f"supporter https://127.0.0.{last}:{port}" for last in (6, 7)]
        context = ssl.create_default_context(cafile=found[1])
        request = urllib.request.Request(f"{url}/", method="OPTIONS")
        with urllib.request.urlopen(request, timeout=TIMEOUT, context=context) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("options", [[], ["--no-gc"]])
def test_speed_and_no_gc_options_take_effect(options: list[str]) -> None:
    with simulator("--control", "--speed", "100000", *options) as process:
        client = Client(line(process))
        ended = {"status": "success", "finished": "19700101T00:00:00Z"}
        old = control(client, "add_task", label="x", **ended)["ref"]
        new = control(client, "add_task", label="x", life={"duration": 300})["ref"]
        assert wait_until(
            lambda: (
                (control(client, "record", ref=new) or {"status": "gone"})["status"] != "pending"
            )
        )
        assert (control(client, "record", ref=old) is not None) is bool(options)


def test_port_and_control_options_take_effect() -> None:
    # An address at which nobody else is given the port between one simulator and the next.
    host = ("--host", "127.0.0.77")
    with simulator(*host) as first:
        port = line(first).rpartition(":")[2]
        with simulator(*host, "--port", port) as second:
            _out, err = second.communicate(timeout=TIMEOUT)
            expected = f"Cannot listen on 127.0.0.77, port {port}: Address already in use\n"
            assert (second.returncode, err) == (1, expected)
    with simulator(*host, "--port", port, "--control") as process:
        url = line(process)
        assert url == f"http://127.0.0.77:{port}"
        client = Client(url)
        added = control(client, "add_task", label="x", life={"duration": 0})
        assert control(client, "record", ref=added["ref"])["status"] == "success"


def test_legacy_ids_option_answers_with_id_0() -> None:
    with simulator("--legacy-ids") as process:
        client = Client(line(process))
        answer = client.document("task.get_all", "x")
        assert answer == {"result": None, "error": ["SESSION_INVALID", "x"], "id": 0}


INVENTORY = {
    "name": "lab",
    "hosts": ["north", "south"],
    "srs": [{"name": "disks", "type": "nfs"}],
    "networks": ["storage"],
    "vms": [
        {"name": "app", "power_state": "Running", "host": 1, "disks": 2, "network": "storage"},
        {"name": "golden", "template": True, "tags": ["base"]},
    ],
    "tasks": [{"label": "Async.VM.copy", "age": 60, "fields": {"progress": 0.5}}],
}


def test_inventory_option_makes_named_objects(tmp_path: Path) -> None:
    path = tmp_path / "lab.json"
    path.write_text(json.dumps(INVENTORY))
    with simulator("--inventory", str(path)) as process:
        client = Client(line(process), "root")
        hosts = client("host.get_all_records")
        assert sorted(host["name_label"] for host in hosts.values()) == ["north", "south"]
        (vm,) = client("VM.get_by_name_label", "app")
        assert hosts[client("VM.get_resident_on", vm)]["name_label"] == "south"
        assert len(client("VM.get_VBDs", vm)) == 3
        (template,) = client("VM.get_by_name_label", "golden")
        assert client("VM.get_tags", template) == ["base"]
        (task,) = client("task.get_all_records").values()
        assert (task["name_label"], task["progress"]) == ("Async.VM.copy", 0.5)
        client.logout()


def test_hosts_vms_and_srs_options_set_size_of_pool() -> None:
    with simulator("--hosts", "3", "--vms", "7", "--srs", "2") as process:
        client = Client(line(process), "root")
        assert len(client("host.get_all")) == 3
        vms = client("VM.get_all_records").values()
        assert sum(not vm["is_a_template"] and not vm["is_control_domain"] for vm in vms) == 7
        srs = client("SR.get_all_records").values()
        assert sum(sr["type"] == "nfs" for sr in srs) == 2
        client.logout()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--product", "xenserver-9"], "invalid choice: 'xenserver-9'"),
        (["--hosts", "0"], "--hosts has to be 1 or more"),
        (["--hosts", "2", "--supporters", "1"], "give one of the two"),
        (["--vms=-1"], "--vms has to be 0 or more"),
        (["--host", "192.0.2.1", "--supporters", "1"], "not on loopback"),
        (["--inventory", "/nonexistent.json"], "cannot read /nonexistent.json"),
        (["--product", "bare", "--inventory", "x.json"], "needs a product other than bare"),
    ],
)
def test_senseless_options_are_explained(options: list[str], words: str) -> None:
    with simulator(*options) as process:
        out, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, out) == (2, "")
    assert words in err.splitlines()[-1]


def test_log_limit_option_turns_log_off() -> None:
    with simulator("--control", "--log-limit", "0") as process:
        client = Client(line(process), "root")
        assert control(client, "calls") == []
        client.logout()


def test_python_that_is_too_old_is_refused_in_one_sentence() -> None:
    check = minimum_python.check
    check((3, 11, 0))
    with pytest.raises(ImportError, match=r"needs Python 3\.11 or later; this is Python 3\.9\."):
        check((3, 9, 18))


def test_unknown_option_exits_with_status_2() -> None:
    with simulator("--nope") as process:
        assert process.wait(timeout=TIMEOUT) == 2


def test_runs_with_standard_library_only(tmp_path: Path) -> None:
    lines = [
        f"import sys; sys.path.insert(0, {str(ROOT)!r})",
        "from tests.simulator import Simulator",
        "with Simulator(tls=True, tasks=5, supporters=1): pass",
    ]
    command = [sys.executable, "-I", "-S", "-c", "\n".join(lines)]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=TIMEOUT)


@pytest.mark.parametrize(
    ("options", "product"),
    [([], "bare"), (["--vms", "5"], "xcp-ng-8.3"), (["--product", "xenserver-8"], "xenserver-8")],
)
def test_pool_is_the_recorded_one_unless_another_is_described(
    options: list[str], product: str
) -> None:
    args = __main__._parser().parse_args(options)
    __main__._plan(args)
    assert args.product == product
