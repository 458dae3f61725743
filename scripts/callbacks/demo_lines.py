# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print the messages of a play and no headings, for `make demo`."""

from __future__ import annotations

import os
import re
import textwrap
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
---
name: demo_lines
type: stdout
short_description: Print the messages of a play and no headings
description:
  - Prints the messages of C(ansible.builtin.debug), and the failure that ends a play.
"""

WIDTH = 79
INDENT = "   "
SCENE = re.compile(r"\d\. |All ")
UUID = re.compile(r"\b([0-9a-f]{8})(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
# The head of a column of uuids, as wide as they are.
UUID_HEAD = re.compile(r"\buuid {32}")


def format_lines(message: str | list[str]) -> list[str]:
    """Return the lines of a message: scenes at the margin, all else indented and wrapped.

    Uuids are cut to their beginning, so that the rows of tables fit into a line.
    """
    lines: list[str] = []
    for whole in [message] if isinstance(message, str) else message:
        line = UUID_HEAD.sub(f"{'uuid':10}", UUID.sub(r"\1-…", whole))
        if SCENE.match(line):
            lines += ["", line]
        elif len(INDENT + line) <= WIDTH:
            lines.append(INDENT + line)
        else:
            lines += textwrap.wrap(
                line, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False
            )
    return lines


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "demo_lines"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._failure = ""
        self._is_real_pool = "XAPI_HOST" in os.environ

    def v2_runner_on_ok(self, result: Any) -> None:
        # On the simulated pool, each module would warn of the unencrypted connection.
        for warning in (result._result.get("warnings") or ()) if self._is_real_pool else ():
            self._print(f"Warning: {warning}")
        if result._task.action in ("debug", "ansible.builtin.debug"):
            self._print(result._result["msg"])

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._failure = str(result._result.get("msg", "The task failed."))

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self.v2_runner_on_failed(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        if stats.failures or stats.dark:
            self._print(f"Failed: {self._failure}")

    def _print(self, message: str | list[str]) -> None:
        for line in format_lines(message):
            self._display.display(line)
