# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""New modules and files are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.support.collection import ROOT

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[a-z]*.py"))
# Collections of the community package have no others than those of ansible-core.
PLUGIN_FOLDERS = {"action", "doc_fragments", "filter", "module_utils", "modules", "plugin_utils"}
# REUSE-IgnoreStart
IDENTIFIER = "SPDX-License-Identifier: GPL-3.0-or-later"
# REUSE-IgnoreEnd
WITH_HEADER = {".cfg", ".css", ".py", ".rst", ".toml", ".yml"}


def test_action_group_lists_every_module() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    assert sorted(runtime["action_groups"]["xapi"]) == MODULES


def test_plugins_are_in_known_folders(files: list[Path]) -> None:
    in_plugins = [file.parts for file in files if file.parts[0] == "plugins"]
    assert in_plugins
    assert {parts[1] for parts in in_plugins} <= PLUGIN_FOLDERS


def test_no_sanity_test_is_ignored(files: list[Path]) -> None:
    assert [file for file in files if file.name.startswith("ignore-")] == []


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("folder", ["unit", "integration"])
def test_every_module_has_tests(module: str, folder: str) -> None:
    assert list((ROOT / "tests" / folder).rglob(f"test_{module}.py"))


def test_every_file_has_license_identifier(files: list[Path]) -> None:
    def names_it(file: Path) -> bool:
        first = (ROOT / file).read_text(encoding="utf-8").splitlines()[:5]
        return not first or IDENTIFIER in "\n".join(first)

    written = [
        file
        for file in files
        if (file.suffix in WITH_HEADER or file.name in ("Makefile", "run"))
        and "changelogs" not in file.parts
    ]
    assert [str(file) for file in written if not names_it(file)] == []


def test_tests_named_in_reliability_document_exist() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+\.py)`: `(test_\w+)`", text)
    assert len(named) > 30
    for file, test in named:
        texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob(file)]
        assert any(f"def {test}(" in text for text in texts), f"{file}: {test}"


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_to_commits_with_their_version(workflow: Path) -> None:
    uses = re.findall(r"uses: (.+)", workflow.read_text(encoding="utf-8"))
    assert uses
    pinned = re.compile(r"actions/[a-z-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+")
    assert [action for action in uses if not pinned.fullmatch(action)] == []


def test_each_action_has_one_version() -> None:
    text = "\n".join(workflow.read_text(encoding="utf-8") for workflow in WORKFLOWS)
    versions = set(re.findall(r"uses: (.+)", text))
    assert len(versions) == len({action.split("@")[0] for action in versions})
