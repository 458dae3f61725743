# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rulebooks of the collection, run by ansible-rulebook against the simulator.

Skipped where ansible-rulebook or a Java runtime is not installed. RULEBOOK_PROGRAM can name the
program, such as that of a virtual environment of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.collection import ROOT
from ansible_collections.xen.xapi.tests.support.fixtures import pool, secrets_of, start_pool
from ansible_collections.xen.xapi.tests.support.polling import LONG_TIMEOUT, TIMEOUT, wait_until

__all__ = ["pool", "start_pool"]

RULEBOOKS = sorted((ROOT / "extensions" / "eda" / "rulebooks").glob("*.yml"))
PROGRAM = os.environ.get("RULEBOOK_PROGRAM") or shutil.which("ansible-rulebook")
IS_MISSING = [
    name
    for name, there in (("ansible-rulebook", PROGRAM), ("a Java runtime", shutil.which("java")))
    if not there
]

pytestmark = pytest.mark.skipif(
    bool(IS_MISSING), reason=f"rulebooks, since {' and '.join(IS_MISSING)} cannot be found here"
)


@pytest.fixture
def start_rulebooks(tmp_path, pool):
    """Starts ansible-rulebook with all rulebooks, and returns the process and its output file."""
    started = []

    def start(**variables):
        folder = Path(PROGRAM).parent
        rulesets = [
            ruleset
            for path in RULEBOOKS
            for ruleset in yaml.safe_load(path.read_text(encoding="utf-8"))
        ]
        rulebook, values, inventory = (
            tmp_path / name for name in ("rulebook.yml", "vars.yml", "inventory.yml")
        )
        rulebook.write_text(yaml.safe_dump(rulesets))
        values.write_text(yaml.safe_dump(variables))
        local = {"ansible_connection": "local"}
        inventory.write_text(yaml.safe_dump({"all": {"hosts": {"localhost": local}}}))
        output = tmp_path / "output"
        environ = {
            **os.environ,
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "ANSIBLE_HOME": str(tmp_path / "home"),
            "ANSIBLE_NOCOLOR": "1",
            "XAPI_HOST": pool.url,
            "XAPI_PASSWORD": pool.password,
        }
        call = [PROGRAM, f"--rulebook={rulebook}", f"--inventory={inventory}", f"--vars={values}"]
        with output.open("w") as stream:
            running = subprocess.Popen(
                [*call, "--verbose"], env=environ, stdout=stream, stderr=subprocess.STDOUT
            )
        started.append(running)
        return running, output

    yield start
    for one in started:
        one.kill()
        one.wait()


@pytest.fixture
def receiver():
    """A server for notifications: its URL, and the bodies that were posted to it."""
    posted = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", posted
    server.shutdown()
    thread.join()
    server.server_close()


def are_listed(pool):
    """Wait until each of the four sources has listed the tasks, and waits for changes."""
    return wait_until(lambda: len(pool.log.of("event.from")) >= 8, within=LONG_TIMEOUT)


def write_update(folder, marker):
    """Write a file of tasks that stands for an update and makes a marker; return its path."""
    path = folder / "update.yml"
    touch = {"ansible.builtin.copy": {"content": "done", "dest": str(marker), "mode": "0600"}}
    path.write_text(yaml.safe_dump([{"name": "Update", **touch}]))
    return path


def test_rulebooks_run_their_playbooks_and_log_out(start_rulebooks, pool, receiver, tmp_path):
    url, posted = receiver
    marker, harm = tmp_path / "updated", tmp_path / "harm"
    update = write_update(tmp_path, marker)
    running, output = start_rulebooks(
        stalled_after="4s",
        long_running_after="4s",
        quiet_for="2s",
        update_tasks=str(update),
        notify_url=url,
    )

    def shows(*texts):
        return wait_until(
            lambda: all(text in output.read_text() for text in texts), within=LONG_TIMEOUT
        )

    assert are_listed(pool)
    hostile = "{{ lookup('pipe', 'touch " + str(harm) + "') }}"
    failed = Life(duration=1, outcome="failure", error=("A_CODE", hostile))
    migration = pool.add_task("Async.VM.migrate_send", life=failed)
    backup = pool.add_task("Async.VM.snapshot", life=Life(duration=None))
    assert shows("has failed: A_CODE", "has made no progress for 4 s", "has been running for 4 s")
    assert pool.record(migration)["uuid"] in output.read_text()
    assert wait_until(lambda: len(posted) >= 3, within=LONG_TIMEOUT), output.read_text()
    (failure,) = [body for body in posted if "has failed: A_CODE" in body["text"]]
    assert [task["uuid"] for task in failure["details"]] == [pool.record(migration)["uuid"]]
    assert not marker.exists()
    pool.set_task(backup, status="cancelled")
    assert wait_until(marker.exists, within=LONG_TIMEOUT), output.read_text()
    running.terminate()
    running.wait(TIMEOUT)
    assert pool.sessions() == []
    assert not harm.exists()
    text = output.read_text()
    assert not [secret for secret in secrets_of(pool) if secret in text]
    assert "Traceback" not in text


def test_update_starts_when_client_deletes_the_record_of_the_last_task(
    start_rulebooks, pool, tmp_path
):
    backup = pool.add_task("Async.VM.snapshot", life=Life(duration=None))
    marker = tmp_path / "updated"
    update = write_update(tmp_path, marker)
    running, output = start_rulebooks(quiet_for="1s", update_tasks=str(update))
    assert are_listed(pool)
    pool.destroy_task(backup)
    assert wait_until(marker.exists, within=LONG_TIMEOUT), output.read_text()
    running.terminate()
    running.wait(TIMEOUT)


def test_wrong_option_ends_ansible_rulebook_with_the_message(start_rulebooks):
    running, output = start_rulebooks(stalled_after="soon", update_tasks="/no/file")
    assert running.wait(LONG_TIMEOUT) == 1
    text = json.dumps(output.read_text())
    assert "argument 'stalled_after': 'soon' is not a valid duration" in text
