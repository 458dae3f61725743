# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that the picture of the imports shows the code, and that no upward import is drawn."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ansible_collections.xen.xapi.tests.support.collection import ROOT
from docs.site import import_graph

# A relative import as text, so that this test reads the code by another way than the script.
_IMPORT = re.compile(r"^\s*from (\.+)([\w.]*) import (\([^)]*\)|[^\n]*)", re.MULTILINE)


def box_of(file: Path) -> str:
    """Return the box that a file of the checkout belongs to, by the rule of the documentation."""
    if file.parts[1] != "module_utils":
        return f"plugins/{file.parts[1]}"
    if len(file.parts) > 3:
        return file.parts[2]
    return file.stem if file.stem in ("_module", "_masking", "_progress") else import_graph.SHARED


def imports_in(root: Path) -> set[tuple[Path, Path]]:
    """Return the pairs of files of which the first imports the second."""
    pairs = set()
    for path in (root / "plugins").rglob("*.py"):
        file = path.relative_to(root)
        for dots, module, names in _IMPORT.findall(path.read_text(encoding="utf-8")):
            base = file.parents[len(dots) - 1]
            words = [word.strip(" ()\n").split(" as ")[0] for word in names.split(",")]
            modules = [module, *(f"{module}.{word}".strip(".") for word in words)]
            for name in filter(None, modules):
                found = base.joinpath(*name.split(".")).with_suffix(".py")
                if (root / found).is_file():
                    pairs.add((file, found))
    return pairs


def nodes(picture: str, kind: str) -> list[dict[str, str]]:
    """Return the attributes of the boxes ("node") or arrows ("edge") of a picture."""
    tree = ElementTree.fromstring(picture)
    return [dict(node.attrib) for node in tree.iter() if node.get("class") == kind]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the code and of the scripts that build the site."""
    for folder in ("plugins", "docs"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path


def test_arrows_are_the_imports_between_folders() -> None:
    expected: dict[tuple[str, str], int] = {}
    for file, other in imports_in(ROOT):
        arrow = (box_of(file), box_of(other))
        if arrow[0] != arrow[1]:
            expected[arrow] = expected.get(arrow, 0) + 1
    arrows = nodes(import_graph.draw(ROOT), "edge")
    drawn = {(one["data-from"], one["data-to"]): int(one["data-imports"]) for one in arrows}
    assert len(drawn) == len(arrows)
    assert drawn == expected


def test_boxes_are_the_folders_with_imports_and_count_their_files() -> None:
    expected: dict[str, set[Path]] = {}
    for pair in imports_in(ROOT):
        for file in pair:
            expected.setdefault(box_of(file), set()).add(file)
    boxes = {
        one["data-name"]: int(one["data-files"]) for one in nodes(import_graph.draw(ROOT), "node")
    }
    assert boxes == {name: len(files) for name, files in expected.items()}


def test_every_arrow_points_downward() -> None:
    picture = import_graph.draw(ROOT)
    order = [one["data-name"] for one in nodes(picture, "node")]
    for arrow in nodes(picture, "edge"):
        assert order.index(arrow["data-from"]) < order.index(arrow["data-to"])


def test_committed_picture_has_the_boxes_and_arrows_of_the_code() -> None:
    committed = (ROOT / import_graph.PICTURE).read_text(encoding="utf-8")
    fresh = import_graph.draw(ROOT)

    def shape(picture: str) -> tuple[list[str], set[tuple[str, str]]]:
        arrows = {(one["data-from"], one["data-to"]) for one in nodes(picture, "edge")}
        return [one["data-name"] for one in nodes(picture, "node")], arrows

    assert shape(committed) == shape(fresh), "run: make graph"


def test_picture_does_not_depend_on_hash_order(copy: Path) -> None:
    script = [sys.executable, str(copy / "docs" / "site" / "import_graph.py")]
    pictures = set()
    for seed in ("1", "2"):
        subprocess.run(script, env={"PYTHONHASHSEED": seed}, check=True)
        pictures.add((copy / import_graph.PICTURE).read_text(encoding="utf-8"))
    assert pictures == {import_graph.draw(ROOT)}


def test_new_package_appears_between_its_users_and_its_imports(copy: Path) -> None:
    package = copy / "plugins" / "module_utils" / "_new"
    package.mkdir()
    (package / "work.py").write_text("from .._tasks import model\n")
    with (copy / "plugins" / "modules" / "task_info.py").open("a") as module:
        module.write("from ..module_utils._new.work import model\n")
    picture = import_graph.draw(copy)
    order = [one["data-name"] for one in nodes(picture, "node")]
    assert order.index("plugins/modules") < order.index("_new") < order.index("_tasks")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("_client/schema.py", "from .._tasks import model"),
        ("_tasks/model.py", "from .._wait.task_set import Decision"),
        ("_tasks/model.py", "def f():\n    from .._cancel.targets import x"),
        ("_errors.py", "from ._client.endpoint import Endpoint"),
    ],
)
def test_upward_import_fails_the_build_and_is_named(copy: Path, file: str, line: str) -> None:
    with (copy / "plugins" / "module_utils" / file).open("a") as changed:
        changed.write(f"{line}\n")
    build = [sys.executable, str(copy / "docs" / "site" / "build.py")]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"plugins/module_utils/{file} imports plugins/module_utils/" in done.stderr
    assert not (copy / ".cache").exists()
