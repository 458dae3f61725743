# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.collection import ROOT

SCRIPT = ROOT / "scripts" / "check_commit_subject.py"


def check(folder: Path, message: str) -> subprocess.CompletedProcess[str]:
    file = folder / "COMMIT_EDITMSG"
    file.write_text(message, encoding="utf-8")
    call = [sys.executable, str(SCRIPT), str(file)]
    return subprocess.run(call, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "subject",
    [
        "fix: print the result even if a signal arrives",
        "feat(task_wait)!: add the option quiet_for",
        "test: seed the random numbers of the campaign",
        "refactor: process events in batches",
        "fix: address the master by its name",
        "Merge branch 'main' into feature",
        "docs: " + "x" * 33 + " " + "x" * 32,
    ],
)
def test_good_subject_is_accepted(tmp_path: Path, subject: str) -> None:
    done = check(tmp_path, f"{subject}\n\nA longer explanation.\n")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("subject", "problem"),
    [
        ("print the result", "with TYPE one of build, ci, docs"),
        ("fix print the result", "with TYPE one of"),
        ("wip: print the result", "with TYPE one of"),
        ("fix:print the result", "with TYPE one of"),
        ("fix: print", "with TYPE one of"),
        ("fix: a signal does not take the result away", "in the imperative, not 'a'"),
        ("test: what is watched is called a scope by now", "in the imperative, not 'what'"),
        ("fix: printed the result", "in the imperative, not 'printed'"),
        ("fix: printing the result", "in the imperative, not 'printing'"),
        ("fix: Print the result", "a small letter, not 'Print'"),
        ("fix: print the result.", "must not end with a full stop"),
        ("docs: " + "x" * 33 + " " + "x" * 33, "has 73 characters; 72 are allowed"),
        ("", "with TYPE one of"),
    ],
)
def test_bad_subject_is_refused(tmp_path: Path, subject: str, problem: str) -> None:
    done = check(tmp_path, f"{subject}\n")
    assert done.returncode == 1
    assert problem in done.stderr


def test_pre_commit_runs_the_check_on_commit_messages() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = {hook["id"]: hook for repo in config["repos"] for hook in repo["hooks"]}
    hook = hooks["commit-subject"]
    assert hook["stages"] == ["commit-msg"]
    assert (ROOT / hook["entry"].split()[-1]) == SCRIPT
    assert "commit-msg" in config["default_install_hook_types"]
