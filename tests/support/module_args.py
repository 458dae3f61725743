# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options for a module that runs in the process of a test."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from ansible.module_utils import basic
from ansible.module_utils.ansible_release import __version__

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:
    # ansible-core 2.18 has nothing of its own for this.
    @contextlib.contextmanager
    def patch_module_args(module_args: dict[str, Any]) -> Iterator[None]:
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": module_args}).encode()
        try:
            yield
        finally:
            basic._ANSIBLE_ARGS = None


__all__ = ["by_core", "patch_module_args"]
CORE = tuple(int(part) for part in __version__.split(".")[:2])


def by_core(words: str, *, of_2_18: str) -> str:
    """What is said of a null: ansible-core 2.18 refuses it before a module can."""
    return words if CORE > (2, 18) else of_2_18
