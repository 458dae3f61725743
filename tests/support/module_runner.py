# Copyright: xen.xapi contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in for the edge to Ansible: a module's work in the process of a test."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.xen.xapi.plugins.module_utils._client.session import Session
from ansible_collections.xen.xapi.plugins.modules import task_cancel, task_info, task_wait

MODULES = {"task_info": task_info, "task_wait": task_wait, "task_cancel": task_cancel}
SPECS: dict[str, dict[str, Any]] = {
    name: module.argument_spec() for name, module in MODULES.items()
}
WORK: dict[str, Callable[[Any], dict[str, Any]]] = {
    "task_info": task_info.list_tasks,
    "task_wait": task_wait.wait_for_tasks,
    "task_cancel": task_cancel.cancel_tasks,
}


def params_of(module: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options as Ansible hands them to a module."""
    checked = ArgumentSpecValidator(SPECS[module]).validate(options)
    assert not checked.error_messages
    return dict(checked.validated_parameters)


class ModuleRun:
    """What a module's work is given, and its work on that."""

    def __init__(
        self,
        module: str,
        options: dict[str, Any],
        connect: Callable[[], Session],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.raw_params = {"hostname": "xcp1", "password": "secret", **options}
        self.params = params_of(module, self.raw_params)
        self.connect = connect
        self.clock = clock
        self.sleep = sleep
        self.check_mode = False
        self.warnings: list[str] = []
        self.warn = self.warnings.append
        self.partial_result: Callable[[], dict[str, Any]] = dict
        self._module = module

    def work(self) -> dict[str, Any]:
        return WORK[self._module](self)
