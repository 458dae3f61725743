# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo makes its environment once, and says why if that is impossible."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import demo_environment


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the environment, where making one only makes its interpreter."""

    def create(path: Path, *, with_pip: bool) -> None:
        assert with_pip
        (path / "bin").mkdir(parents=True)
        (path / "bin" / "python").touch()

    monkeypatch.setattr(demo_environment.venv, "create", create)
    return tmp_path / "demo-venv"


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit codes of the next calls of pip; each call removes one."""
    codes: list[int] = []

    def run(call: list[str], **_options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(call, codes.pop(0), stdout="ERROR: no index")

    monkeypatch.setattr(demo_environment.subprocess, "run", run)
    return codes


def test_environment_is_made_once(
    folder: Path, pip: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    pip.append(0)
    assert demo_environment.prepare(folder) == 0
    assert "Installing ansible-core and requests" in capsys.readouterr().out
    # A second call of pip would find no exit code.
    assert demo_environment.prepare(folder) == 0
    assert capsys.readouterr().out == ""


def test_environment_of_other_requirements_is_made_again(
    folder: Path, pip: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pip += [0, 0]
    assert demo_environment.prepare(folder) == 0
    other = tmp_path / "requirements.txt"
    other.write_text("requests\n")
    monkeypatch.setattr(demo_environment, "REQUIREMENTS", other)
    assert demo_environment.prepare(folder) == 0
    assert pip == []


def test_installation_is_tried_again_with_authorities_of_system(
    folder: Path, pip: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_environment, "BUNDLES", (str(folder), __file__))
    environments = list(demo_environment.environments())
    assert environments[0] == {**os.environ, "PIP_NO_CACHE_DIR": "1", **NO_CHECK}
    assert environments[1] == {**environments[0], "PIP_CERT": __file__}
    pip += [1, 0]
    assert demo_environment.prepare(folder) == 0
    assert pip == []


def test_failed_installation_is_explained_and_repeated_next_time(
    folder: Path, pip: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    pip += [1, 1, 0, 0]
    assert demo_environment.prepare(folder) == 2
    told = capsys.readouterr().err
    assert "ERROR: no index" in told
    assert "The first run needs a package index" in told
    assert demo_environment.prepare(folder) == 0


def test_missing_ensurepip_is_explained(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def create(*_arguments: object, **_options: object) -> None:
        raise subprocess.CalledProcessError(1, [sys.executable])

    monkeypatch.setattr(demo_environment.venv, "create", create)
    assert demo_environment.prepare(folder) == 2
    assert "python3-venv" in capsys.readouterr().err


NO_CHECK = {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
