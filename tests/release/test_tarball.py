# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as it is handed out: built here, installed into an empty folder and used there."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.release.virtualenvs import environment, pins
from tests.support.collection import ROOT
from tests.support.doc_examples import blocks, play_of
from tests.support.polling import LONG_TIMEOUT

EXPECTED = {
    "CHANGELOG.md",
    "COPYING",
    "README.md",
    "extensions/eda/plugins/event_source/schemas/task_events.json",
    "extensions/eda/plugins/event_source/task_events.py",
    "extensions/eda/rulebooks/failed_migration.yml",
    "meta/execution-environment.yml",
    "meta/extensions.yml",
    "meta/runtime.yml",
    "playbooks/demo.yml",
    "plugins/modules/task_info.py",
    "requirements.txt",
    "tests/simulator/__main__.py",
}
# Written by the build itself.
ADDED = {"FILES.json", "MANIFEST.json"}


def ansible(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-m", "ansible", *arguments]
    env = {**os.environ, **environ}
    done = subprocess.run(
        call, env=env, capture_output=True, text=True, timeout=LONG_TIMEOUT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@contextlib.contextmanager
def simulator_of(installed: Path, python: str, *options: str) -> Iterator[str]:
    """The URL of a pool that the installed collection simulates."""
    home = installed / "ansible_collections" / "xen" / "xapi"
    call = [python, "-m", "tests.simulator", "--port", "0", *options]
    with subprocess.Popen(call, cwd=home, stdout=subprocess.PIPE, text=True) as simulator:
        try:
            assert simulator.stdout
            yield simulator.stdout.readline().strip()
        finally:
            simulator.terminate()


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tarball")
    ansible("galaxy", "collection", "build", "--output-path", str(folder), str(ROOT))
    (built,) = folder.glob("xen-xapi-*.tar.gz")
    return built


@pytest.fixture(scope="module")
def installed(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    ansible(
        "galaxy", "collection", "install", "--offline", "--force", str(tarball), "-p", str(folder)
    )
    return folder


@pytest.fixture(scope="module")
def packed(tarball: Path) -> set[str]:
    with tarfile.open(tarball) as archive:
        return {member.name for member in archive.getmembers() if member.isfile()}


def test_contains_files_users_need(packed: set[str]) -> None:
    assert EXPECTED - packed == set()


def test_contains_only_files_in_repository(packed: set[str], files: list[Path]) -> None:
    assert packed - {file.as_posix() for file in files} - ADDED == set()


def test_contains_no_hidden_files(packed: set[str]) -> None:
    assert [name for name in packed if any(part.startswith(".") for part in Path(name).parts)] == []


def test_installed_modules_are_documented(installed: Path) -> None:
    environ = {"ANSIBLE_COLLECTIONS_PATH": str(installed)}
    for module in sorted((ROOT / "plugins" / "modules").glob("*.py")):
        name = f"xen.xapi.{module.stem}"
        done = ansible("doc", "--type", "module", name, **environ)
        assert name in done.stdout.lower()
        assert str(installed) in done.stdout


def test_introspection_lists_requests_requirement(installed: Path) -> None:
    builder = Path(sys.executable).with_name("ansible-builder")
    call = [str(builder), "introspect", "--sanitize", str(installed)]
    done = subprocess.run(call, capture_output=True, text=True, check=True, timeout=LONG_TIMEOUT)
    assert "requests" in done.stdout


class Bare:
    """The collection next to ansible-core and requests alone, far from the checkout."""

    def __init__(self, tarball: Path, folder: Path) -> None:
        self.python = str(environment("bare", sys.executable, pins(["ansible-core", "requests"])))
        self.folder = folder
        self.installed = folder / "collections"
        self._environ = {
            "ANSIBLE_ASYNC_DIR": str(folder / "async"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.installed),
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "PATH": os.defpath,
        }
        install = ["collection", "install", "--offline", "-p", str(self.installed), str(tarball)]
        done = self.ansible("galaxy", *install)
        assert done.returncode == 0, done.stdout + done.stderr

    def ansible(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.python, "-m", "ansible", *arguments],
            cwd=self.folder,
            env={**self._environ, **environ},
            capture_output=True,
            text=True,
            timeout=LONG_TIMEOUT,
            check=False,
        )


@pytest.fixture
def bare(tarball: Path, tmp_path: Path) -> Bare:
    return Bare(tarball, tmp_path)


def test_demo_needs_only_ansible_core_and_requests(bare: Bare) -> None:
    done = bare.ansible("playbook", "xen.xapi.demo")
    assert "All five scenes went as they should" in done.stdout, done.stdout + done.stderr


# The simulator as a playbook, and a call to its pool.
PLAYS = """
- ansible.builtin.import_playbook: xen.xapi.simulator
  vars: {simulator_options: ["--hosts", "2"]}
- hosts: localhost
  gather_facts: false
  tasks:
    - xen.xapi.call:
        hostname: "{{ simulator_url }}"
        password: xapi-secret
        method: VM.snapshot
        args: [{class: VM, name_label: web-1}, before, []]
      register: snapshot
    - ansible.builtin.assert: {that: snapshot.outcome == 'success'}
- ansible.builtin.import_playbook: xen.xapi.simulator
  vars: {simulator_state: stopped}
"""


def test_simulator_and_call_need_only_ansible_core_and_requests(bare: Bare) -> None:
    playbook = bare.folder / "plays.yml"
    playbook.write_text(PLAYS)
    done = bare.ansible("playbook", str(playbook))
    assert done.returncode == 0, done.stdout + done.stderr


def test_rolling_update_needs_only_ansible_core_and_requests(bare: Bare) -> None:
    tasks = bare.folder / "update.yml"
    tasks.write_text("- ansible.builtin.debug: {msg: updating}\n")
    values = {
        "rolling_update_tasks": str(tasks),
        "rolling_update_quiet_for": "0",
        "rolling_update_skip": "host-2",
    }
    with simulator_of(bare.installed, bare.python, "--hosts", "2") as url:
        done = bare.ansible(
            *("playbook", "xen.xapi.rolling_update", "--check", "-e", json.dumps(values)),
            XAPI_HOST=url,
            XAPI_PASSWORD="xapi-secret",
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"host-1 \(\S+\): done, enabled \(check mode\)", done.stdout)


@pytest.mark.parametrize(("outcome", "exit_code"), [("success", 0), ("failure", 2)])
def test_readme_play_needs_only_ansible_core_and_requests(
    bare: Bare, outcome: str, exit_code: int
) -> None:
    playbook = bare.folder / "first.yml"
    playbook.write_text(play_of(blocks("README.md")[1]))
    with simulator_of(bare.installed, bare.python, "--control") as url:
        task = json.dumps({"label": "import", "life": {"duration": 0.5, "outcome": outcome}})
        with urllib.request.urlopen(f"{url}/simulator/add_task", task.encode()) as answer:
            ref = json.load(answer)["result"]["ref"]
        done = bare.ansible(
            *("playbook", str(playbook), "--extra-vars", f"task_ref={ref}"),
            XAPI_HOST=url,
            XAPI_PASSWORD="xapi-secret",
        )
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert ("Task 'import'" in done.stdout) is (outcome == "failure")


def test_galaxy_importer_reports_no_warnings(tarball: Path, tmp_path: Path) -> None:
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "galaxy_importer.main", str(tarball)],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "PATH": tools},
        capture_output=True,
        text=True,
        timeout=LONG_TIMEOUT,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "Importer processing completed successfully" in output
    assert [line for line in output.splitlines() if "WARNING" in line or "ERROR" in line] == []
