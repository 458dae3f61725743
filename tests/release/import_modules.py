# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compile the plugins and import the modules, in the Python of python_in_node.mjs."""

from __future__ import annotations

import importlib
import sys
import time
import types
import warnings
from pathlib import Path

COLLECTIONS = Path("/collections")
ROOT = COLLECTIONS / "ansible_collections" / "xen" / "xapi"

sys.dont_write_bytecode = True
sys.path[:0] = [str(COLLECTIONS), "/packages"]
# A Python without an operating system lacks these: ansible-core imports the two modules, and
# _progress uses the clock.
for missing in ("grp", "pwd"):
    sys.modules[missing] = types.ModuleType(missing)
time.thread_time = time.process_time
# A new Python warns of syntax that a later one will refuse.
warnings.simplefilter("error", SyntaxWarning)

compiled = sorted([*ROOT.glob("plugins/**/*.py"), *ROOT.glob("extensions/**/*.py")])
for path in compiled:
    compile(path.read_text(encoding="utf-8"), str(path), "exec")
imported = sorted(ROOT.glob("plugins/module*/**/*.py"))
for path in imported:
    name = path.relative_to(COLLECTIONS).with_suffix("").as_posix().replace("/", ".")
    importlib.import_module(name.removesuffix(".__init__"))
assert len(imported) > 100
print(f"Python {sys.version.split()[0]}: {len(compiled)} compiled, {len(imported)} imported")
