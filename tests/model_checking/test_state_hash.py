# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""That the attributes which a state treats differently exist: a rename must not change states."""

from __future__ import annotations

import ast

import pytest

from ansible_collections.xen.xapi.tests.model_checking.state_hash import (
    GENERATIONS,
    ONLY_REPORTED,
    SESSION_GENERATION,
)
from ansible_collections.xen.xapi.tests.support.collection import ROOT


def attributes():
    """Return the attributes of all classes in module_utils, as Class.attribute."""
    return {
        f"{node.name}.{name}"
        for path in (ROOT / "plugins" / "module_utils").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        for name in assigned(node)
    }


def assigned(node):
    """Yield the fields of a class, and the attributes that its methods assign."""
    for part in ast.walk(node):
        if not isinstance(getattr(part, "ctx", None), ast.Store):
            continue
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


@pytest.mark.parametrize("name", sorted({*ONLY_REPORTED, *GENERATIONS, SESSION_GENERATION}))
def test_named_attribute_exists(name):
    assert name in attributes()
