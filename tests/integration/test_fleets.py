# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/fleets.md, as printed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import yaml

from ansible_collections.xen.xapi.tests.simulator.lifecycle import Life
from ansible_collections.xen.xapi.tests.support.doc_examples import blocks

INVENTORY, PLAY, IMAGE, CREDENTIAL = blocks("docs/fleets.md")


def test_only_quiet_pools_of_fleet_are_patched(start_pool, play_file, tmp_path):
    pools = [start_pool() for _number in range(4)]
    pools[2].add_task("Async.VM.copy", life=Life(duration=None))
    inventory = yaml.safe_load(INVENTORY)
    del inventory["pools"]["vars"]["task_gate_ca_path"]
    inventory["pools"]["hosts"] = {
        f"pool-{number}": {"task_gate_hostname": pool.url} for number, pool in enumerate(pools)
    }
    (tmp_path / "pools.yml").write_text(json.dumps(inventory))
    playbook = tmp_path / "patch.yml"
    playbook.write_text(
        PLAY.replace("hosts: pools", "hosts: pools:!localhost")
        .replace("quiet_for: 1m", "quiet_for: 1")
        .replace("timeout: 2h", "timeout: 25")
    )
    tries = [
        "--forks=4",
        f"--inventory={tmp_path / 'pools.yml'}",
    ]
    try:
        output = play_file(playbook, *tries, pool_password=pools[0].password)
    except AssertionError as failed:
        output = str(failed)
    patched = [name for name in inventory["pools"]["hosts"] if f"{name} has been quiet" in output]
    assert patched == ["pool-0", "pool-1", "pool-3"]


def ansible_builder(*arguments, cwd):
    done = subprocess.run(
        ["ansible-builder", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_execution_environment_context_names_core_and_collection(tmp_path):
    (tmp_path / "execution-environment.yml").write_text(IMAGE)
    names = ["-f", "execution-environment.yml", "--output-filename", "Containerfile"]
    ansible_builder("create", *names, cwd=tmp_path)
    recipe = (tmp_path / "context" / "Containerfile").read_text()
    assert "ansible-core>=2.18" in recipe
    wanted = yaml.safe_load((tmp_path / "context" / "_build" / "requirements.yml").read_text())
    assert wanted["collections"][0]["name"].endswith("xen.xapi.git")


def test_execution_environment_requirements_include_requests(tmp_path):
    collections = Path(os.environ["ANSIBLE_COLLECTIONS_PATH"])
    said = ansible_builder("introspect", "--sanitize", str(collections), cwd=tmp_path)
    assert "requests>=2.25.1" in said


def test_credential_type_sets_username_and_password_variables():
    credential = yaml.safe_load(CREDENTIAL)
    fields = {field["id"] for field in credential["inputs"]["fields"]}
    assert set(credential["inputs"]["required"]) == fields
    assert set(credential["injectors"]["env"]) == {"XAPI_USERNAME", "XAPI_PASSWORD"}
